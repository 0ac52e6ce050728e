# SPDX-License-Identifier: Apache-2.0
"""Faults of the VMM itself, made through GDB: the system stops, and says so in words of its own (R31, D2)."""

import re

import pytest
from understudy.pytest_plugin import Boot
from understudy.target import Gdb, Target

from . import machine, systems

WILD = 0x0BADC0D0
SVC = 0x13
UNDEFINED = 0xE7F000F0
REGISTERS = [f"r{number}" for number in range(13)] + ["sp", "lr", "pc"]


def jump_wild(target: Target, gdb: Gdb) -> None:
    """Sets the PC of the VMM to where nothing is mapped."""
    del target
    gdb.write_register("pc", WILD)


def jump_data(target: Target, gdb: Gdb) -> None:
    """Sets the PC of the VMM into its data."""
    gdb.write_register("pc", target.memory.address("vms"))


def wild_pointer(target: Target, gdb: Gdb) -> None:
    """Breaks the pointer to the VM that the VMM works on, at the start of a function that dereferences it."""
    del target
    gdb.write_register("r0", WILD)


def overflow_stack(target: Target, gdb: Gdb) -> None:
    """Moves the stack pointer to the lowest word: the next push meets the guard page."""
    gdb.write_register("sp", target.memory.address("__stack_svc_base"))


def undefined_instruction(target: Target, gdb: Gdb) -> None:
    """Overwrites the VMM's next instruction."""
    del target
    gdb.write_physical(gdb.registers()["pc"], UNDEFINED.to_bytes(4, "little"))


FAULTS = {  # the words that name it
    jump_wild: "prefetch abort",
    jump_data: "prefetch abort",
    wild_pointer: "data abort",
    overflow_stack: "data abort",
    undefined_instruction: "undefined instruction",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_fault_of_the_vmm_stops_the_system(vmm_boot: Boot, fault: object) -> None:
    """# R31 # D2 An abort taken in the VMM's own mode: cause and registers are printed, and nothing runs any more."""
    target = vmm_boot(systems.golden())
    machine.until(target, lambda: machine.printed(target, *systems.HEALTHY, lines=10))
    with target.debugger() as gdb:
        gdb.break_at(target.memory.address("switch_to_task"), once=True)
        gdb.resume()
        assert gdb.registers()["cpsr"] & 0x1F == SVC
        fault(target, gdb)
        injected = gdb.registers()
    target.console.expect("SYSTEM STOPPED", ms=1_000, seconds=20)
    text = target.console.text
    overflow = ", stack overflow" if fault is overflow_stack else ""
    assert f"[vmm] VMM FAULT: {FAULTS[fault]} in the VMM itself{overflow}; the system stops\n" in text
    told = {
        name: int(value, 16)
        for name, value in re.findall(r"\b([a-z]+\d*) ([0-9a-f]{8})\b", text.partition("VMM FAULT")[2])
    }
    assert told.keys() >= {*REGISTERS, "cpsr", "dfsr", "dfar", "ifsr", "ifar"}
    assert told["cpsr"] & 0x1F == SVC
    if fault in (jump_wild, jump_data):
        assert told["pc"] == told["ifar"] == injected["pc"]
        assert [told[name] for name in REGISTERS[:13]] == [injected[name] for name in REGISTERS[:13]]
    if fault is overflow_stack:
        guard = range(target.memory.address("__stack_svc_guard"), target.memory.address("__stack_svc_base"))
        assert told["dfar"] in guard
    if fault is wild_pointer:
        assert told["dfar"] - WILD in range(0x10000)
    if fault is undefined_instruction:
        assert told["pc"] == injected["pc"]
    check_stands_still(target)


def check_stands_still(target: Target) -> None:
    """No tick, no output, no answer, and nothing but this fault in the log."""
    before = target.memory.variable("sched_now"), [len(console.text) for console in target.consoles]
    target.console.send_line("list")
    machine.let_real_time_pass(0.3)
    assert (target.memory.variable("sched_now"), [len(console.text) for console in target.consoles]) == before
    assert [fault.action for fault in target.faults()] == ["system halt"]


def test_null_pointer_of_a_task_is_no_fault_of_the_vmm(vmm_boot: Boot) -> None:
    """# D2 # R31 What stops the system in the VMM's own mode costs a task one rollback; the words differ, too."""
    guest = systems.faulty_guest(systems.faulty(0, "null_write"), systems.worker())
    target = vmm_boot(systems.system("test-null", {"guest": guest}, {"guest": systems.vm("guest", uart=1)}))
    machine.until(target, lambda: target.faults() and machine.printed(target, "guest", lines=60))
    assert [fault.action for fault in target.faults()] == ["task rollback"]
    assert "VMM FAULT" not in target.console.text
    assert "STOPPED" not in target.console.text
    assert re.search(
        r"\[vmm\] fault 1: data abort in guest/f0, translation fault, first level, .*: task rolled back",
        target.console.text,
    )
