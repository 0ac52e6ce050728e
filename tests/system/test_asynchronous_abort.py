# SPDX-License-Identifier: Apache-2.0
"""Asynchronous aborts, which QEMU never raises: GDB makes the CPU enter the data abort vector with the state of one.

DFSR and SPSR are written by two instructions placed into unused bytes of the VMM's last page of text; all else is
as the architecture says for an abort that is taken between two instructions (ARM ARM B1.8.3, B1.9.8).
"""

import pytest
from understudy.pytest_plugin import Boot
from understudy.target import Gdb, Target

from . import machine, systems

VM = "peaceful"
USR, IRQ, SVC, ABT = 0x10, 0x12, 0x13, 0x17
MASKED = 0x1C0  # A, I, F
CPSR_A = 0x100
STATUS = {"external": 0x406, "parity": 0x408}  # FS 0b10110 and 0b11000
WRITE = (0xEE050F10).to_bytes(4, "little") + (0xE16FF001).to_bytes(4, "little")  # MCR DFSR, r0; MSR SPSR_fsxc, r1


def enter_abort(target: Target, gdb: Gdb, *, status: int, spsr: int, lr: int) -> None:
    """Put the CPU at the data abort vector, in ABT mode; r0 to r12 stay as they are."""
    stub = target.memory.address("__text_used_end")
    assert stub + len(WRITE) <= target.memory.address("__text_end"), "no unused bytes in the last page"
    unused, _ = gdb.write_physical(stub, WRITE)
    before = gdb.registers()
    for name, value in {"cpsr": ABT | MASKED, "r0": status, "r1": spsr, "pc": stub}.items():
        gdb.write_register(name, value)
    gdb.step(2)
    gdb.write_physical(stub, unused)  # before the scrubber sees it
    for name, value in {"r0": before["r0"], "r1": before["r1"], "lr": lr}.items():
        gdb.write_register(name, value)
    gdb.write_register("pc", target.memory.address("vectors") + 0x10)


def golden_machine(boot: Boot) -> Target:
    target = boot(systems.golden())
    machine.until(target, lambda: machine.printed(target, VM, *systems.HEALTHY, lines=20))
    return target


@pytest.mark.parametrize("kind", STATUS)
def test_taken_from_a_guest(vmm_boot: Boot, kind: str) -> None:
    """# D1 # R32 Taken while a guest runs: the VM is blamed, not the instruction that was interrupted, nor its task."""
    target = golden_machine(vmm_boot)
    with target.debugger() as gdb:
        gdb.break_at(target.memory.address("vectors") + 0x18, once=True)  # a tick, taken from the guest
        gdb.resume()
        registers = gdb.registers()
        assert registers["cpsr"] & 0x1F == IRQ
        vm = target.memory.current_vm()
        enter_abort(target, gdb, status=STATUS[kind], spsr=USR, lr=registers["lr"] - 4 + 8)
    (fault,) = target.wait_for_fault()
    assert (fault.vm, fault.task, fault.kind, fault.fault_class) == (vm, "kernel", "async", "async")
    assert (fault.pc, fault.address, fault.write) == (0, 0, False)
    assert fault.status & 0x40F == STATUS[kind]
    target.console.expect(rf"asynchronous abort in {vm}/kernel, asynchronous {kind}")


@pytest.mark.parametrize("kind", STATUS)
def test_taken_in_the_vmm(vmm_boot: Boot, kind: str) -> None:
    """# R31 # D2 SVC leaves A unmasked: no fault of the VMM, which goes on; the VM that called is blamed."""
    target = golden_machine(vmm_boot)
    inside = target.memory.address("console_write")
    with target.debugger() as gdb:
        gdb.break_at(inside, once=True)
        gdb.resume()
        before = gdb.registers()
        assert before["cpsr"] & (0x1F | CPSR_A) == SVC, "a call leaves A as the guest had it"
        vm = target.memory.current_vm()
        enter_abort(target, gdb, status=STATUS[kind], spsr=before["cpsr"], lr=before["pc"] + 8)
        gdb.break_at(inside, once=True)
        gdb.resume()
        after = gdb.registers()
        assert after == {**before, "cpsr": before["cpsr"] | CPSR_A}, "all as before, and no second one in this entry"
    (fault,) = target.wait_for_fault()
    assert (fault.vm, fault.task, fault.kind, fault.fault_class) == (vm, "kernel", "async", "async")
    assert (fault.action, fault.status & 0x40F) == ("vm rollback", STATUS[kind])
    machine.until(target, lambda: machine.printed(target, *systems.HEALTHY, lines=40))
    assert "VMM FAULT" not in target.console.text


def test_synchronous_abort_of_the_vmm_still_stops_the_system(vmm_boot: Boot) -> None:
    """# R31 # D2 The same entry with another status is a fault of the VMM."""
    target = golden_machine(vmm_boot)
    with target.debugger() as gdb:
        gdb.break_at(target.memory.address("console_write"), once=True)
        gdb.resume()
        before = gdb.registers()
        enter_abort(target, gdb, status=0x008, spsr=before["cpsr"], lr=before["pc"] + 8)
    target.console.expect("VMM FAULT: data abort", ms=1_000, seconds=20)
