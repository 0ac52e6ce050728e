# SPDX-License-Identifier: Apache-2.0
"""One experiment: a fault injected into the VMM itself, and what becomes of the system (R31).

From its seed alone follows where and what is injected: from its reset on GDB stops the machine at the same places, so
each fault can be repeated. The stops shift virtual time, so the outcome may be another one.
"""

import random
import time
from enum import StrEnum
from typing import Any

from attrs import frozen

from understudy.demo import first_act, stage
from understudy.errors import UnderstudyError
from understudy.image import Image
from understudy.target import Gdb, Target
from understudy.vmm_faults.output import difference

GUESTS = ("guest1", "guest2", "guest3")
AGAIN = 24
"""Lines of a stream that a recovery may repeat: all since the checkpoint, with the time that stops of GDB add."""
MORE_LINES = 30  # that each guest must print after the injection
MS, SECONDS = 4_000.0, 40.0  # for that, in virtual and, as last guard, in real time
GOLDEN_LINES = 1_500
PLACES = (
    "switch_to_vm",
    "switch_to_task",
    "switch_from_vm",
    "sched_resume",
    "tick_handle",
    "vmi_dispatch",
    "console_write",
    "recovery_first_write",
    "guest_read",
    "switch_to_idle",
    "virq_enter",
    "fault_data",
)
"""Where the VMM is stopped before it goes on for a few instructions: what it does most of the time."""
_SVC, _MODE = 0x13, 0x1F


class Kind(StrEnum):
    """What is flipped, one bit each; `pc` makes the VMM jump to a wrong address."""

    REGISTER = "register"
    PC = "pc"
    DATA = "data"
    BSS = "bss"
    VM = "struct vm"
    TABLES = "page tables"
    STACK = "stack"


class Outcome(StrEnum):
    """From best to worst."""

    MASKED = "masked"
    RECOVERED = "recovered"
    DEGRADED = "degraded"
    STOPPED = "stopped"
    FAILED = "failed"


@frozen
class Experiment:
    """What was done, and what became of it."""

    seed: int
    kind: Kind
    what: str
    outcome: Outcome
    why: str


def system() -> dict[str, Any]:
    """Return the demonstration without its fault, with all guests from the start and a VMM that starts anew."""
    data = stage.golden_variant(first_act.SYSTEM)
    data["system"] |= {"name": "micro-reboot", "vmm_fault": "restart"}
    for name in GUESTS:
        data["vm"][name]["autostart"] = True
    return data


def golden_lines(image: Image) -> dict[str, list[str]]:
    """Return what each guest prints without a fault."""
    with Target(image) as target:
        while any(len(target.uart(vm).lines) < GOLDEN_LINES for vm in GUESTS):
            target.run_for(100)
        return {vm: target.uart(vm).lines for vm in GUESTS}


def experiment(image: Image, golden: dict[str, list[str]], seed: int) -> Experiment:
    """Run one experiment; all of it follows from `seed`."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    kind = chance.choice(list(Kind))
    done: list[str] = []

    def prepare(target: Target) -> None:
        with target.debugger() as gdb:
            _stop_somewhere(target, gdb, chance)
            done.append(_inject(target, gdb, kind, chance))

    with Target(image, prepare=prepare) as target:
        outcome, why = _watch(target, golden)
    return Experiment(seed, kind, done[0], outcome, why)


def _stop_somewhere(target: Target, gdb: Gdb, chance: random.Random) -> None:
    """Stop in the VMM: after some housekeeping, at one of the places, and then a few instructions further on."""
    _stop_at(target, gdb, "housekeeping", chance.randrange(8, 24))
    place, hits, steps = chance.choice(PLACES), chance.randrange(1, 6), chance.randrange(40)
    _stop_at(target, gdb, place, hits)
    for _ in range(steps):
        gdb.step()
        if gdb.registers()["cpsr"] & _MODE != _SVC:
            _stop_at(target, gdb, place, 1)
            return


def _stop_at(target: Target, gdb: Gdb, function: str, hits: int) -> None:
    number = gdb.break_at(target.memory.address(function))
    for _ in range(hits):
        gdb.resume()
    gdb.delete(number)


def _inject(target: Target, gdb: Gdb, kind: Kind, chance: random.Random) -> str:
    pc = f"at pc {gdb.registers()['pc']:#010x}"
    if kind in (Kind.REGISTER, Kind.PC):
        name = "pc" if kind is Kind.PC else chance.choice([*(f"r{number}" for number in range(13)), "sp", "lr"])
        bit = chance.randrange(2 if kind is Kind.PC else 0, 32)
        before, after = target.inject_register(gdb, name, gdb.registers()[name] ^ 1 << bit)
        return f"{pc}: {name} {before:#010x} -> {after:#010x}"
    address, bit = _place(target, gdb, kind, chance), chance.randrange(8)
    value = target.read_physical(address, 1)[0] ^ 1 << bit
    gdb.write_physical(address, bytes([value]))
    return f"{pc}: byte at {address:#010x} bit {bit} -> {value:#04x}"


def _place(target: Target, gdb: Gdb, kind: Kind, chance: random.Random) -> int:
    memory = target.memory
    if kind is Kind.VM:
        return memory.vm_address(chance.choice(GUESTS)) + chance.randrange(memory.size_of("vm"))
    if kind is Kind.TABLES and chance.randrange(2):  # of a guest: two first-level tables, then the pages of its windows
        vm = chance.choice(GUESTS)
        tasks = len(memory.manifest["guests"][memory.manifest["vms"][vm]["guest"]]["tasks"])
        return int(memory.manifest["vms"][vm]["memory"]["base"]) + chance.randrange(0x1000 * (1 + 3 + tasks))
    if kind is Kind.STACK:
        low, high = gdb.registers()["sp"], memory.address("__stack_svc_top")
        if not memory.address("__stack_svc_base") <= low < high:
            low = high - 256
        return chance.randrange(low, high)
    section = {Kind.DATA: "data", Kind.BSS: "bss", Kind.TABLES: "page_tables"}[kind]
    return chance.randrange(memory.address(f"__{section}_start"), memory.address(f"__{section}_end"))


def _watch(target: Target, golden: dict[str, list[str]]) -> tuple[Outcome, str]:
    try:
        stopped, printed = _run_on(target)
        for vm in GUESTS:
            wrong = difference(target.uart(vm).lines, golden[vm], again=AGAIN, fragments=1)
            if wrong:
                return Outcome.FAILED, f"{vm}: {wrong}"
        if stopped:
            return Outcome.STOPPED, "the VMM stopped the system"
        if not printed:
            return Outcome.FAILED, "a guest prints no more"
        target.console.send_line("list")
        target.console.expect("guest3 .*running", ms=MS, seconds=SECONDS)
    except UnderstudyError as error:
        return Outcome.FAILED, str(error).splitlines()[0]
    return _judge(target)


def _run_on(target: Target) -> tuple[bool, bool]:
    """Return whether the VMM has stopped the system, and whether all guests have printed more."""
    wanted = {vm: len(target.uart(vm).lines) + MORE_LINES for vm in GUESTS}
    end, guard = target.virtual_ms() + MS, time.monotonic() + SECONDS
    while True:
        late = target.virtual_ms() > end or time.monotonic() > guard  # before the look, which then is the last one
        if "SYSTEM STOPPED" in target.console.text:
            return True, False
        if all(len(target.uart(vm).lines) >= count for vm, count in wanted.items()):
            return False, True
        if late:
            return False, False
        time.sleep(0.01)


def _judge(target: Target) -> tuple[Outcome, str]:
    faults = target.faults()
    lost = [fault.vm for fault in faults if fault.action == "cold restart" and fault.vm in GUESTS]
    if lost:
        return Outcome.DEGRADED, f"restarted: {', '.join(lost)}"
    if faults:
        return Outcome.RECOVERED, f"{len(faults)} records"
    return Outcome.MASKED, "no fault was noticed"
