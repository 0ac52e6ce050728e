# SPDX-License-Identifier: Apache-2.0
"""Every kind of fault, by a task: what the log says about it, and that nobody but the task is touched.

Two images hold all of them: in a VM of up to 13 tasks each task makes one fault of its own kind, one after the other.
"""

from collections.abc import Callable

import pytest
from attrs import frozen
from understudy.config.model import TASK_BASE, WINDOW
from understudy.image import Image
from understudy.image.elf import Elf, read_elf
from understudy.paths import root
from understudy.pytest_plugin import Build
from understudy.target import Fault, Target

from . import machine, oracle, systems

VM, GUEST = "broken", "broken"
AFTER = 4  # iterations of each task that go well
NO_WINDOW = 0xFF
UDF, MCR_SCTLR = 0xE7F000F0, 0xEE010F10  # Rt is left out of the second
STATUS = {"alignment": {0x1}, "translation": {0x5, 0x7}, "domain": {0x9, 0xB}, "permission": {0xD, 0xF}}
STATUS |= {"stack": {0x7}, "execute": {0xF}}  # what more than the status says
VICTIM = 1  # task slot

Address = int | str | Callable[[Elf, int], range]


@frozen
class Expected:
    """What the log must say. `window` None: the task's own."""

    kind: str
    fault_class: str
    address: Address
    write: bool = False
    window: int | None = NO_WINDOW


def own_window(elf: Elf, task: int) -> range:
    del elf
    return range(TASK_BASE + task * WINDOW, TASK_BASE + (task + 1) * WINDOW)


def own_stack(elf: Elf, task: int) -> range:
    known = elf.addresses()
    return range(known[f"__task{task}_stack_base"], known[f"__task{task}_stack_top"])


def guard_page(elf: Elf, task: int) -> range:
    base = elf.addresses()[f"__task{task}_stack_base"]
    return range(base - 0x1000, base)


KINDS = {  # R25 R26 R32 R33
    "write_ostime": Expected("data", "domain", "OSTime", write=True, window=1),
    "null_read": Expected("data", "translation", 0, window=0),
    "null_write": Expected("data", "translation", 0, write=True, window=0),
    "wild_read": Expected("data", "translation", 0x0BADC0D0),
    "wild_write": Expected("data", "translation", 0x0BADC0D0, write=True),
    "read_task": Expected("data", "domain", TASK_BASE + VICTIM * WINDOW, window=3 + VICTIM),
    "write_task": Expected("data", "domain", TASK_BASE + VICTIM * WINDOW, write=True, window=3 + VICTIM),
    "read_kernel": Expected("data", "domain", 0x00100000, window=1),
    "write_kernel": Expected("data", "domain", 0x00100000, write=True, window=1),
    "read_vcpu": Expected("data", "domain", 0x001FF000, window=1),
    "write_info": Expected("data", "permission", 0x01000000, write=True, window=16),
    "read_vmm": Expected("data", "permission", 0x60000000),
    "write_device": Expected("data", "permission", 0x10009000, write=True),
    "write_text": Expected("data", "permission", "fault_none", write=True, window=None),
    "write_const": Expected("data", "permission", own_window, write=True, window=None),
    "unaligned": Expected("data", "alignment", own_stack, window=None),
    "stack_overflow": Expected("data", "stack", guard_page, write=True, window=None),
    "jump_null": Expected("prefetch", "translation", 0, window=0),
    "jump_wild": Expected("prefetch", "translation", 0x0BADC0D0),
    "jump_kernel": Expected("prefetch", "domain", 0x00100000, window=1),
    "jump_data": Expected("prefetch", "execute", own_window, window=None),
    "jump_stack": Expected("prefetch", "execute", own_stack, window=None),
    "return": Expected("prefetch", "translation", 0, window=0),  # of the task's function: LR is 0
    "undefined": Expected("undefined", "instruction", own_window, window=None),
    "privileged": Expected("undefined", "instruction", own_window, window=None),
}
NAMES = list(KINDS)
GROUPS = (NAMES[:13], NAMES[13:])


def group_system(number: int) -> systems.Data:
    tasks = [
        systems.faulty(index, fault, after=AFTER, skip=index, victim=VICTIM if index != VICTIM else 0)
        for index, fault in enumerate(GROUPS[number])
    ]
    if len(tasks) < 13:
        tasks.append(systems.worker())
    broken = systems.vm(GUEST, uart=3, memory="4M", slice_ticks=systems.LONG_SLICE, recovery=systems.GENEROUS)
    vms = {**systems.healthy_vms(), VM: broken}
    return systems.system(f"test-faults-{number}", {GUEST: systems.faulty_guest(*tasks)}, vms)


@pytest.fixture(scope="module")
def recorded(vmm_build: Build) -> Callable[[int], machine.Recording]:
    @machine.once
    def run(number: int) -> machine.Recording:
        count = len(GROUPS[number])

        def done(target: Target) -> bool:
            if len(target.faults()) < count or not machine.printed(target, *systems.HEALTHY, lines=60):
                return False
            return machine.printed(target, VM, lines=13 * (AFTER + 12))

        return machine.record(vmm_build(group_system(number)), done)

    return run


def place(name: str) -> tuple[int, int]:
    """Group and task slot of a kind of fault."""
    number = next(number for number, group in enumerate(GROUPS) if name in group)
    return number, GROUPS[number].index(name)


def guest_elf(image: Image) -> Elf:
    return read_elf(root() / image.manifest["guests"][GUEST]["elf"])


def word_at(elf: Elf, address: int) -> int:
    segment = next(s for s in elf.segments if s.address <= address < s.address + s.file_size)
    at = segment.offset + address - segment.address
    return int.from_bytes(elf.path.read_bytes()[at : at + 4], "little")


def addresses(elf: Elf, wanted: Address, task: int) -> range:
    """The addresses that may be in the log."""
    if isinstance(wanted, str):
        low = 0 if wanted == "OSTime" else TASK_BASE + task * WINDOW
        symbol = elf.find(wanted, low, low + WINDOW if low else 1 << 32)
        assert symbol
        return range(symbol.address, symbol.address + 1)
    return range(wanted, wanted + 1) if isinstance(wanted, int) else wanted(elf, task)


def check_pc(elf: Elf, name: str, fault: Fault, task: int) -> None:
    """The PC is that of the access (ARM ARM B1.8.3), or where the jump led to."""
    if fault.kind == "prefetch":
        assert fault.pc == fault.address
        return
    assert fault.pc in own_window(elf, task)
    word = word_at(elf, fault.pc)
    if name == "undefined":
        assert word == UDF
    elif name == "privileged":
        assert word & ~0xF000 == MCR_SCTLR & ~0xF000
    else:
        single = word >> 26 & 3 == 1
        multiple = word >> 25 & 7 == 4
        assert single or multiple, f"{word:#010x} at {fault.pc:#x} accesses no memory"
        is_load = bool(word >> 20 & 1)
        assert is_load != fault.write


@pytest.mark.parametrize("name", NAMES)
def test_log_says_who_and_what(recorded: Callable[[int], machine.Recording], name: str) -> None:
    """# R25 # R26 # R32 # R33 # D1 # D2 The task that executed is at fault; the address is a second fact beside it."""
    number, task = place(name)
    recording, wanted = recorded(number), KINDS[name]
    elf = guest_elf(recording.image)
    fault = recording.faults[task]
    assert (fault.vm, fault.task) == (VM, f"f{task}")
    assert (fault.kind, fault.fault_class) == (wanted.kind, wanted.fault_class)
    assert fault.address in addresses(elf, wanted.address, task), f"{fault.address:#x}"
    assert fault.write == wanted.write
    assert fault.owner_window == (3 + task if wanted.window is None else wanted.window)
    if wanted.kind != "undefined":
        assert fault.status & 0x40F in STATUS[wanted.fault_class]
        assert bool(fault.status & 0x800) == wanted.write
    check_pc(elf, name, fault, task)


@pytest.mark.parametrize("name", NAMES)
def test_task_alone_is_rolled_back_by_its_tables(recorded: Callable[[int], machine.Recording], name: str) -> None:
    """# R27 # R28 # R30 The action is a rollback of the task: the descriptors of its window are exchanged."""
    number, task = place(name)
    fault = recorded(number).faults[task]
    assert (fault.action, fault.reason) == ("task rollback", "policy")
    assert fault.old_table != fault.new_table
    for descriptor in (fault.old_table, fault.new_table):
        assert descriptor & 3 == 1
        assert descriptor >> 5 & 15 == 3 + task
    assert 0 < fault.pages < 16
    assert fault.cost > 0


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_all_tasks_continue_their_sequences(recorded: Callable[[int], machine.Recording], number: int) -> None:
    """# R18 # R30 # R32 # R33 # Invariant 1 No value is lost, repeated or wrong, in any task (over ten fail)."""
    recording = recorded(number)
    lengths = oracle.unbroken(recording.lines[VM])
    wanted = {f"ft {index}" for index in range(len(GROUPS[number]))} | ({"tb"} if number else set())
    assert lengths.keys() == wanted
    assert min(lengths.values()) > AFTER + 3, "a task stopped after its recovery"


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_each_fault_is_recovered_once(recorded: Callable[[int], machine.Recording], number: int) -> None:
    """# R27 # R30 One rollback per fault, and nothing higher; each in another task, many right after one another."""
    recording = recorded(number)
    count = len(GROUPS[number])
    assert [fault.task for fault in recording.faults] == [f"f{index}" for index in range(count)]
    assert [fault.sequence for fault in recording.faults] == list(range(1, count + 1))
    seen = recording.counters[VM]
    assert (seen["faults"], seen["task_rollbacks"], seen["vm_rollbacks"], seen["cold_restarts"]) == (count, count, 0, 0)
    times = [fault.time for fault in recording.faults]
    assert times == sorted(times)


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_healthy_guests_notice_nothing(
    recorded: Callable[[int], machine.Recording], undisturbed: Callable[..., int], number: int
) -> None:
    """# R1 # R9 # R30 # Invariant 2 Value by value the same as in the golden run."""
    assert undisturbed(recorded(number)) >= 120


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_vmm_tells_each_fault_in_one_line(recorded: Callable[[int], machine.Recording], number: int) -> None:
    """# R31 # D2 A guest's failure is told in words that do not sound like the VMM's own."""
    recording = recorded(number)
    told = [line for line in recording.console if line.startswith("[vmm] fault ")]
    assert len(told) == len(recording.faults)
    for line, fault in zip(told, recording.faults, strict=True):
        assert line.startswith(f"[vmm] fault {fault.sequence}: ")
        assert f" in {VM}/{fault.task}, " in line
        assert f"pc {fault.pc:08x}, address {fault.address:08x}: task rolled back" in line
    assert not any("VMM FAULT" in line or "STOPPED" in line for line in recording.console)
