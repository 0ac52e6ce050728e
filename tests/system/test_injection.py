# SPDX-License-Identifier: Apache-2.0
"""Faults that nobody built in: injected through GDB into a running task, with proof that they were applied."""

from collections.abc import Callable

import pytest
from understudy.pytest_plugin import Boot
from understudy.target import Fault, Gdb, Target

from . import machine, oracle, systems

VM, TASK = "walker", "walker"
VISIT = "walker_visit"
NODE_SIZE = 12
OTHER_TASK = 0x00400000
VMM = 0x60000000
IRQ_DISABLED = 0x80  # CPSR.I
LINES = 12


def description(**recovery: int) -> systems.Data:
    task = {"name": TASK, "entry": "walker_task", "sources": ["tests/system/apps/walker.c"], "priority": 14}
    vms = {**systems.healthy_vms(), VM: systems.vm(VM, uart=3, recovery=recovery or systems.GENEROUS)}
    name = "test-walker-small" if recovery else "test-walker"
    return systems.system(name, {VM: systems.faulty_guest(task, systems.worker())}, vms)


def stop_on_its_way(target: Target, gdb: Gdb) -> None:
    """Stop the walker in the middle of its list, with some of its pages written since its checkpoint.

    The tick that QEMU's clock jumps to at each stop must not come between the injection and the fault, or a checkpoint
    would hold the fault (D7): the task gets no interrupt until then. What is restored has its own CPSR.
    """
    target.stop_in(gdb, VM, target.memory.symbol(VM, VISIT, TASK).address, hit=5, seconds=30)
    gdb.write_register("cpsr", gdb.registers()["cpsr"] | IRQ_DISABLED)


def only_fault(target: Target, count: int = 1) -> Fault:
    faults = target.wait_for_fault(count=count, ms=2_000)
    assert len(faults) == count
    return faults[-1]


def goes_on(target: Target, undisturbed: Callable[..., int], *, starts: int = 1) -> machine.Recording:
    """Check that the walker and its neighbour continue, and that the healthy guests noticed nothing."""
    before = len(target.uart(VM).lines)
    machine.until(target, lambda: machine.printed(target, VM, lines=before + 2 * LINES), ms=3_000)
    recording = machine.keep(target)
    lengths = oracle.unbroken(recording.lines[VM], starts=starts)
    assert lengths.keys() == {"lw", "tb"}
    assert min(lengths.values()) >= LINES
    assert undisturbed(recording, least=20) >= 40
    return recording


@pytest.fixture
def running(vmm_boot: Boot) -> Target:
    target = vmm_boot(description())
    machine.until(target, lambda: machine.printed(target, VM, *systems.HEALTHY, lines=LINES))
    return target


@pytest.mark.parametrize("bit", [22, 24, 27, 30, 31])
def test_flipped_bit_in_a_pointer(running: Target, undisturbed: Callable[..., int], bit: int) -> None:
    """# R27 # R30 # D1 # Invariant 1 A pointer in memory: a data abort there, and the pointer is right again."""
    nodes = running.memory.symbol(VM, "walker_nodes", TASK).address
    pointer = nodes + 8 * NODE_SIZE  # of a node that this walk has not reached
    right = running.memory.read(VM, pointer, 4)
    wrong = int.from_bytes(right, "little") ^ 1 << bit
    with running.debugger() as gdb:
        stop_on_its_way(running, gdb)
        before, after = running.inject_memory(gdb, VM, pointer, wrong.to_bytes(4, "little"))
        assert before == right
        assert int.from_bytes(after, "little") ^ int.from_bytes(before, "little") == 1 << bit
    fault = only_fault(running)
    assert (fault.vm, fault.task, fault.kind, fault.action) == (VM, TASK, "data", "task rollback")
    assert fault.fault_class in ("translation", "domain")
    assert fault.address - wrong in range(NODE_SIZE)
    assert running.memory.read(VM, pointer, 4) == right, "the pointer was not taken back"
    goes_on(running, undisturbed)


@pytest.mark.parametrize("where", [0, 0x0BADC0D0, 0x00100000, OTHER_TASK, 0x60000000, 0x10009000, 0xFFFFFFF0, "data"])
def test_wild_pc(running: Target, undisturbed: Callable[..., int], where: int | str) -> None:
    """# R27 # R30 # R33 # D2 The PC of a task in nowhere, its kernel, another task, the VMM, a device, its own data."""
    data = running.memory.symbol(VM, "walker_nodes", TASK).address
    wild = data if isinstance(where, str) else where
    with running.debugger() as gdb:
        stop_on_its_way(running, gdb)
        before, after = running.inject_register(gdb, "pc", wild)
        assert before != after == wild
    fault = only_fault(running)
    assert (fault.vm, fault.task, fault.kind, fault.action) == (VM, TASK, "prefetch", "task rollback")
    assert fault.pc == fault.address == wild
    goes_on(running, undisturbed)


@pytest.mark.parametrize(("register", "value"), [("sp", 0x00000100), ("r0", 0x00100000), ("lr", 0x00000000)])
def test_wrong_register(running: Target, undisturbed: Callable[..., int], register: str, value: int) -> None:
    """# R27 # R30 # D1 A stack pointer, an argument, a return address: whichever access fails first is recovered."""
    with running.debugger() as gdb:
        stop_on_its_way(running, gdb)
        before, after = running.inject_register(gdb, register, value)
        assert before != after == value
    fault = only_fault(running)
    assert (fault.vm, fault.task, fault.action) == (VM, TASK, "task rollback")
    goes_on(running, undisturbed)


def test_fault_before_the_first_instruction_after_a_recovery(running: Target, undisturbed: Callable[..., int]) -> None:
    """# R27 # R30 # D5 The task fails again before it executed anything: the new backup is as good as the old one."""
    with running.debugger() as gdb:
        stop_on_its_way(running, gdb)
        running.inject_register(gdb, "pc", 0x0BADC0D0)
        for address in (running.memory.address("recovery_rollback_task"), running.memory.address("resume")):
            gdb.break_at(address, once=True)
            gdb.resume()
        while gdb.registers()["pc"] >= VMM:
            gdb.step(1)
        gdb.write_register("cpsr", gdb.registers()["cpsr"] | IRQ_DISABLED)
        running.inject_register(gdb, "pc", 0x0BADC0D4)
    fault = only_fault(running, 2)
    assert [f.pc for f in running.faults()] == [0x0BADC0D0, 0x0BADC0D4]
    assert fault.action == "task rollback"
    goes_on(running, undisturbed)


def test_flipped_bit_that_is_in_every_checkpoint(vmm_boot: Boot, undisturbed: Callable[..., int]) -> None:
    """# D5 # D7 A page that is never written is its own backup; only the pristine image has the right pointer."""
    target = vmm_boot(description(**systems.budgets(2, 1, 1)))
    machine.until(target, lambda: machine.printed(target, VM, *systems.HEALTHY, lines=LINES))
    pointer = target.memory.symbol(VM, "walker_first", TASK).address
    right = target.memory.read(VM, pointer, 4)
    wrong = int.from_bytes(right, "little") ^ 1 << 27
    with target.debugger() as gdb:
        target.stop_in(gdb, VM, target.memory.symbol(VM, VISIT, TASK).address, hit=5, seconds=30)
        target.inject_memory(gdb, VM, pointer, wrong.to_bytes(4, "little"))
    only_fault(target, 4)
    assert [fault.action for fault in target.faults()] == ["task rollback"] * 2 + ["vm rollback", "cold restart"]
    assert {fault.address for fault in target.faults()} <= set(range(wrong, wrong + NODE_SIZE))
    goes_on(target, undisturbed, starts=2)
    assert target.memory.read(VM, pointer, 4) == right


def test_wild_pc_of_a_guest_kernel(running: Target) -> None:
    """# R29 # R33 # D1 The kernel's PC in nowhere: the whole VM is rolled back, and goes on."""
    with running.debugger() as gdb:
        running.stop_in(gdb, VM, running.memory.symbol(VM, "OSTimeTickHook").address, seconds=30)
        gdb.write_register("cpsr", gdb.registers()["cpsr"] | IRQ_DISABLED)
        before, after = running.inject_register(gdb, "pc", 0x0BADC0D0)
        assert before != after
    fault = only_fault(running)
    assert (fault.task, fault.kind, fault.action) == ("kernel", "prefetch", "vm rollback")
    before = len(running.uart(VM).lines)
    machine.until(running, lambda: machine.printed(running, VM, lines=before + 2 * LINES), ms=3_000)
    oracle.unbroken(running.uart(VM).lines)


def test_step_over_a_call_of_the_vmi(running: Target) -> None:
    """# R4 # R7 One step from an SVC is the VMM's first instruction; the task goes on behind it with its registers."""
    thread = next(n for n, task in enumerate(running.memory.manifest["guests"][VM]["tasks"]) if task["name"] == TASK)
    site = machine.call_site(running, VM, thread)
    with running.debugger() as gdb:
        machine.stop_in_task(running, gdb, VM, thread, site)
        before = gdb.registers()
        inside = gdb.step()
        assert inside.pc == running.memory.address("vectors") + 8
        assert gdb.registers()["cpsr"] & 0x1F == 0x13
        machine.stop_in_task(running, gdb, VM, thread, site + 4)
        after = gdb.registers()
    kept = [f"r{number}" for number in range(2, 13)] + ["sp", "lr"]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
