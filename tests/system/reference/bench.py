# SPDX-License-Identifier: Apache-2.0
"""The machine that executes programs: one QEMU for thousands of them.

Its management VM executes a program, too, and waits for a character before each one. While it waits nobody runs, so the
harness can write programs into the info pages and look at everything; RAM is shared with QEMU.
"""

import contextlib
import struct
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from understudy.errors import TargetTimeout
from understudy.image import Image
from understudy.target import Target
from understudy.target.ram import SharedRam

from .. import machine, systems
from ..tables import MIB, PAGE, TASK_WINDOW
from .operations import CAPACITY, NEVER, PROGRAM, Op, Program
from .vm import KERNEL, OUT_PAGE, Layout

SECONDS = 20  # of real time, the last guard
TICK_US = 100_000  # much longer than a program: ticks come only where programs wait for them
UNDO = {"stack": "undo", "data": "undo"}
EAGER = {"stack": "eager", "data": "undo"}
POLICIES: dict[str, dict[str, Any]] = {
    "default": {"policy": EAGER, "uart": 1, "output": "immediate"},
    "undo": {"policy": UNDO, "uart": 2, "slice_ticks": 2, "output": "immediate"},
    "eager": {"policy": {"stack": "eager", "data": "eager"}, "uart": 3},
    "full": {"policy": {"stack": "full", "data": "full"}},
    "seldom": {"policy": {**UNDO, "task_period": 3}, "slice_ticks": 3},
    "asked": {"policy": {**UNDO, "vm_period": 0xFFFF}},  # a checkpoint of the VM only when the manager wants one
}
MANAGER = "manager"
TASKS = ("alpha", "beta", "gamma")
APPS = "tests/system/apps"
_ALL = "store load registers sp tick call stay fault_store fault_load fault_jump fault_undefined fault_unaligned"
_CODES = {
    "kernel": f"{_ALL} take end",
    MANAGER: f"{_ALL} take end idle",
    **dict.fromkeys(TASKS, f"{_ALL} vfp vfp_read thread_id thread_id_read guest_call"),
}


def description() -> systems.Data:
    """One VM for each way to save memory; none of them starts by itself."""
    task = {"entry": "interpreter_task", "sources": [f"{APPS}/interpreter_task.S"], "priority": 20}
    guest = {
        "kernel": "none",
        "sources": [f"{APPS}/interpreter_guest.S"],
        "shared": [f"{APPS}/interpreter_shared.S"],
        "tasks": [{**task, "name": name, "stack": 8192 if name == "alpha" else 4096} for name in TASKS],
        "pure_calls": [0, 1],
    }
    common = {"guest": "interpreter", "priority": 10, "recovery": systems.GENEROUS}
    manager = {"guest": MANAGER, "management": True, "priority": 10, "uart": 0, "autostart": True}
    return {
        "system": {"name": "test-reference", "board": "vexpress-a9", "tick_us": TICK_US, "housekeeping_ms": 0},
        "guest": {
            MANAGER: {"kernel": "none", "sources": [f"{APPS}/interpreter_manager.S"]},
            "interpreter": guest,
        },
        "vm": {MANAGER: manager, **{name: {**common, **settings} for name, settings in POLICIES.items()}},
        "channel": [{"between": ["default", "undo"]}],
    }


class Bench:
    """A context manager around one machine. `code` and `labels`: addresses of the interpreter, by side and name."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.layouts = {vm: _layout(image, vm) for vm in image.manifest["vms"]}
        self.names = list(self.layouts)
        self._exits = contextlib.ExitStack()
        self.created: list[str] = []
        self.lives = 0

    def __enter__(self) -> Self:
        with self._exits:
            self.ram = self._exits.enter_context(SharedRam(self.image.manifest))
            self.target = self._exits.enter_context(_SharedTarget(self.image, self.ram))
            self._exits = self._exits.pop_all()
        memory = self.target.memory
        self._until(lambda: memory.vm(MANAGER)["switches"] > 0)  # it waits
        self.code = {
            (side, name): self.symbol(side, f"do_{name}") for side, names in _CODES.items() for name in names.split()
        }
        self.done = memory.translate(MANAGER, memory.symbol(MANAGER, "interpreter_pages").address)
        self._done_at = memory.symbol(MANAGER, "interpreter_pages").address
        self.uses = 0
        self.created = []
        self._wait(0)
        self.halt_ticks = self._measure_halt()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def restart(self) -> None:
        """A new machine: the last one may be spoilt."""
        self.__exit__(None, None, None)
        self._exits = contextlib.ExitStack()
        self.__enter__()

    def _measure_halt(self) -> int:
        """How many ticks pass while the CPU is halted until the next one: under QEMU 7.2 two, always."""
        vm, halts = "seldom", POLICIES["seldom"]["slice_ticks"]
        program, manager = Program(), Program(end="idle")
        timer = Op("call", (TICK_US,), "timer_set")
        program.script("measure", "kernel").ops += [timer, *[Op("tick")] * halts]
        self.prepare({vm: b""})
        start = Op("call", (self.names.index(vm),), "vm_start")
        manager.script("measure", MANAGER).ops += [start, Op("call", (), "yield"), *self.finish()]
        self.execute({vm: program, MANAGER: manager}, {})
        saved = machine.structure(self.target, "vm_saved", self.target.memory.vm(vm)["saved"])
        ticks, rest = divmod(self.target.memory.structure("vmi_vcpu", saved["vcpu"])["ticks"], halts)
        assert not rest, "the time of a halt is not constant"
        return int(ticks)

    def symbol(self, side: str, name: str) -> int:
        """The address of a label of the interpreter, for the side of a guest that executes it."""
        window = TASK_WINDOW + TASKS.index(side) if side in TASKS else 1
        elf = self.target.memory.elf(MANAGER if side == MANAGER else "interpreter")
        found = elf.find(name, window * MIB, (window + 1) * MIB)
        assert found, f"no {name} for {side}"
        return found.address

    # Programs

    def prepare(self, inputs: dict[str, bytes]) -> None:
        """Create these VMs anew, and give them their console input; nobody runs yet."""
        program = Program(end="idle")
        script = program.script("prepare", MANAGER)
        for call, names in (("vm_destroy", self.created), ("vm_create", list(inputs))):
            script.ops += [
                Op("call", (self.names.index(vm), *([0xFFFFFFFF] if call == "vm_create" else [])), call) for vm in names
            ]
        self.created = list(inputs)
        self._manage(program)
        self.faults_before = self._word(self.target.memory.address("fault_log"))
        for vm, data in inputs.items():
            if data:
                self._type(vm, data)

    def execute(self, programs: dict[str, Program], stops: dict[str, int]) -> None:
        """Run the manager's program to its end."""
        for vm, program in programs.items():
            if vm != MANAGER:
                self._load(vm, program, stops.get(vm, NEVER))
        self._manage(programs[MANAGER])

    def finish(self) -> list[Op]:
        """The manager's last operations: all VMs stand still, and the harness is told."""
        pauses = [Op("call", (self.names.index(vm),), "vm_pause") for vm in self.created]
        return [*pauses, Op("take"), Op("store", (self._done_at, self.uses + 1)), Op("idle")]

    def _manage(self, program: Program) -> None:
        script = program.scripts[0]
        if not script.ops or script.ops[-1].code != "idle":
            script.ops += [Op("take"), Op("store", (self._done_at, self.uses + 1)), Op("idle")]
        self.uses += 1
        self._load(MANAGER, program, NEVER)
        self.target.consoles[0].send("x")
        self._wait(self.uses)

    def _load(self, vm: str, program: Program, stop: int) -> None:
        assert sum(len(script.ops) + 1 for script in program.scripts) <= CAPACITY
        at = self.target.memory.vm(vm)["info"] + PROGRAM % PAGE
        text = program.encode(stop, self.uses, self.code)
        self.ram.write(at + 16, text[16:])
        self.ram.write(at, text[:16])  # with the number: a manager that is woken too early does not begin before

    def _type(self, vm: str, data: bytes) -> None:
        at = machine.input_member(self.target, vm, "written")
        before = self._word(at)
        self.target.uart(vm).send(data.decode("ascii"))
        self._until(lambda: self._word(at) - before == len(data))

    def _wait(self, uses: int) -> None:
        running = self.target.memory.address("scheduler")  # its first member
        self._until(lambda: self._word(self.done) == uses and self._word(running) == 0)

    def _until(self, condition: Callable[[], bool]) -> None:
        guard = time.monotonic() + SECONDS
        while not condition():
            if (
                time.monotonic() > guard
                or not self.target.process.alive
                or "SYSTEM STOPPED" in self.target.console.text
            ):
                raise TargetTimeout(f"the machine does not come to an end\n{self.target.console.text[-1500:]}")
            time.sleep(0.0001)

    def _word(self, address: int) -> int:
        return struct.unpack("<I", self.ram.read(address, 4))[0]


class _SharedTarget(Target):
    """Reads RAM where it is."""

    def __init__(self, image: Image, ram: SharedRam) -> None:
        super().__init__(image, extra=ram.arguments)
        self._ram = ram

    def read_physical(self, address: int, size: int) -> bytes:
        if self._ram.holds(address, size):
            return self._ram.read(address, size)
        return super().read_physical(address, size)


def _layout(image: Image, vm: str) -> Layout:
    manifest = image.manifest
    described = manifest["vms"][vm]
    guest = manifest["guests"][described["guest"]]
    writable = [s for s in guest["segments"] if s["writable"]]
    pages = [va for s in writable for va in range(s["va"], s["va"] + s["mem_size"], PAGE)]
    stacks = {n: range(task["stack_base"], task["stack_top"]) for n, task in enumerate(guest["tasks"])}
    kernel = next(s for s in writable if s["stack"] and s["window"] == 1)
    stacks[KERNEL] = range(kernel["va"], kernel["va"] + kernel["mem_size"])
    peers = [set(pair) - {vm} for pair in manifest["channels"] if vm in pair]
    policy = described["policy"]
    return Layout(
        name=vm,
        index=described["index"],
        pages=(*pages, OUT_PAGE) if peers else tuple(pages),
        stacks=stacks,
        entries={n: task["entry"] for n, task in enumerate(guest["tasks"])},
        eager=frozenset(part for part in ("stack", "data") if policy[part] == "eager"),
        vm_period=policy["vm_period"] or 1,
        task_period=policy["task_period"] or 1,
        slice_ticks=POLICIES.get(vm, {}).get("slice_ticks", 1),
        tracked=described["fault_tolerant"],
        commit=described["fault_tolerant"] and POLICIES.get(vm, {}).get("output") != "immediate",
        peer=manifest["vms"][peers[0].pop()]["index"] if peers else None,
    )
