# SPDX-License-Identifier: Apache-2.0
"""The micro-reboot: after a fault of its own the VMM starts anew, and the VMs go on from their last checkpoints."""

from collections.abc import Callable

import pytest
from understudy.pytest_plugin import Boot
from understudy.target import Fault, Gdb, Target

from . import machine, oracle, systems
from .test_vmm_fault import FAULTS, WILD, jump_wild, undefined_instruction, wild_pointer

VMS = (*systems.HEALTHY, "peaceful")
BEFORE, AFTER = 20, 40  # lines of each healthy guest
AGAIN = (
    10  # lines that a VM may print again: all since its last checkpoint, with the time that a stop of GDB jumps over
)
RECOVERABLE = [fault for fault in FAULTS if fault is not undefined_instruction]  # that one stays in the text


def description(**settings: object) -> systems.Data:
    data = systems.golden()
    name = "-".join(["test-micro-reboot", *(str(value).lower() for value in settings.values())])
    data["system"] |= {"name": name, "vmm_fault": "restart", **settings}
    return data


@pytest.fixture
def running(vmm_boot: Boot) -> Target:
    target = vmm_boot(description())
    target.wait_for_prompt()
    machine.until(target, lambda: machine.printed(target, *systems.HEALTHY, lines=BEFORE))
    return target


def fail(target: Target, fault: Callable[[Target, Gdb], None], *, function: str = "switch_to_task") -> dict[str, int]:
    """Make a fault of the VMM in a function of it; return the registers it then has."""
    with target.debugger() as gdb:
        gdb.break_at(target.memory.address(function), once=True)
        gdb.resume()
        fault(target, gdb)
        return gdb.registers()


def go_on(target: Target, lines: int = AFTER) -> None:
    """Let the healthy guests print more, and check all that they printed."""
    before = {vm: len(target.uart(vm).lines) for vm in systems.HEALTHY}
    machine.until(
        target, lambda: all(len(target.uart(vm).lines) >= before[vm] + lines for vm in systems.HEALTHY), ms=5_000
    )


def actions(faults: list[Fault]) -> dict[str, str]:
    """What was done about each VM; the first record is that of the VMM."""
    assert (faults[0].action, faults[0].fault_class) == ("vmm restart", "vmm")
    assert all(fault.fault_class == "vmm" for fault in faults)
    return {fault.vm: fault.action for fault in faults[1:]}


@pytest.mark.parametrize("fault", RECOVERABLE, ids=lambda fault: fault.__name__)
def test_vms_go_on_after_a_fault_of_the_vmm(running: Target, fault: Callable[[Target, Gdb], None]) -> None:
    """# R31 # D4 # Invariant 3 Each VM from its checkpoint, with right output; VM0 anew; registers are kept."""
    injected = fail(running, fault)
    go_on(running)
    assert actions(running.faults()) == {**dict.fromkeys(VMS, "vm rollback"), "vm0": "cold restart"}
    for vm in systems.HEALTHY:
        oracle.unbroken(running.uart(vm).lines, repeats=AGAIN)
        assert machine.state(running, vm) == "running"
    said = running.console.text
    assert said.count(f"[vmm] VMM FAULT: {FAULTS[fault]} in the VMM itself") == 1
    assert "the VMM starts anew" in said
    words = running.black_box().words[-1]
    if fault is jump_wild:
        kept = [f"r{number}" for number in range(13)] + ["sp", "lr", "pc"]
        assert {name: words.registers[name] for name in kept} == {name: injected[name] for name in kept}
    if fault is wild_pointer:
        assert words.dfar - WILD in range(0x10000)
    assert words.sequence == 1
    assert "running" in machine.ask(running, "list")
    assert "1 micro-reboots of the VMM in it" in machine.ask(running, "blackbox")


def test_state_of_a_vm_is_that_of_its_checkpoint(running: Target) -> None:
    """# R31 # D10 # Invariant 1 Time goes on, counters go on, and the guests learn that they were recovered."""
    now = running.memory.variable("sched_now")
    switches = machine.counters(running, "healthy1")["switches"]
    fail(running, jump_wild)
    go_on(running)
    assert running.memory.variable("sched_now") >= now
    seen = machine.counters(running, "healthy1")
    assert seen["switches"] >= switches
    assert (seen["vm_rollbacks"], seen["cold_restarts"], seen["faults"]) == (1, 0, 0)
    assert running.memory.vm("healthy1")["recoveries"] == 1


def test_fault_while_an_interrupt_is_active(running: Target) -> None:
    """# R31 # R39 # D9 The interrupt that the VMM was serving keeps out no other; input is not lost."""
    with running.debugger() as gdb:
        gdb.break_at(running.memory.address("console_interrupt"), once=True)
        running.console.send("l")
        gdb.resume()
        jump_wild(running, gdb)
    go_on(running)
    assert set(actions(running.faults()).values()) == {"vm rollback", "cold restart"}
    running.console.send_line("ist")  # what was typed before is not lost
    running.console.expect("healthy1 +running")


DAMAGES = {  # a member of struct vm, and what is done to it
    "active_pt": lambda vm: vm["active_pt"] ^ 0x40000,
    "guest": lambda vm: vm["guest"] ^ 4,
    "kernel": lambda vm: vm["kernel"] ^ 0x100,
    "vcpu": lambda vm: vm["vcpu"] ^ 0x1000,
    "run_state": lambda vm: 0x42,
    "memory_next": lambda vm: vm["memory_next"] + 0x1000,
}


def damage(target: Target, address: int, value: int, size: int = 4) -> None:
    """Change the VMM's memory and make it fail before it can use it."""

    def both(at: Target, gdb: Gdb) -> None:
        gdb.write_physical(address, value.to_bytes(size, "little"))
        jump_wild(at, gdb)

    fail(target, both, function="tick_handle")


def check_only_peaceful_restarted(target: Target) -> None:
    go_on(target)
    assert actions(target.faults()) == {
        **dict.fromkeys(systems.HEALTHY, "vm rollback"),
        **dict.fromkeys(("peaceful", "vm0"), "cold restart"),
    }
    assert next(fault.reason for fault in target.faults() if fault.vm == "peaceful") == "unavailable"
    for vm in systems.HEALTHY:
        oracle.unbroken(target.uart(vm).lines, repeats=AGAIN)
    assert machine.state(target, "peaceful") == "running"
    oracle.unbroken(target.uart("peaceful").lines, starts=2)


@pytest.mark.parametrize("member", DAMAGES)
def test_damaged_record_costs_only_its_vm(running: Target, member: str) -> None:
    """# R31 # D7 A record of a VM that can't be right: that VM starts from its pristine image, the others go on."""
    memory = running.memory
    offset, size, _ = memory.manifest["structures"]["vm"]["members"][member]
    damage(running, memory.vm_address("peaceful") + offset, DAMAGES[member](memory.vm("peaceful")), size)
    check_only_peaceful_restarted(running)


ENTRY_FLIPS = {"frame": 1 << 14, "foreign": 1 << 22, "access": 1 << 9, "execute": 1 << 0, "global": 1 << 11}


@pytest.mark.parametrize("flip", ENTRY_FLIPS)
def test_damaged_page_table_costs_only_its_vm(running: Target, flip: str) -> None:
    """# R31 # R17 # D7 One bit of an entry of a backup table: a frame of another page, or a right too many."""
    memory = running.memory
    first = memory.word(memory.vm("peaceful")["backup_pt"] + 4 * 3)  # the window of task 0
    table = first & 0xFFFFFC00
    number = next(n for n in range(256) if memory.word(table + 4 * n) & 0x30 == 0x20)
    entry = memory.word(table + 4 * number)
    damage(running, table + 4 * number, entry ^ ENTRY_FLIPS[flip])
    check_only_peaceful_restarted(running)


def test_saved_mode_of_a_guest_is_checked(running: Target) -> None:
    """# R9 # R31 A flipped bit in saved flags must not bring a guest back in a privileged mode."""
    memory = running.memory
    base, size = memory.offset_of("thread", "frames"), memory.size_of("context")
    at = memory.vm_address("peaceful") + memory.offset_of("vm", "threads") + base + memory.offset_of("context", "cpsr")

    def all_frames(target: Target, gdb: Gdb) -> None:
        for frame in range(3):
            gdb.write_physical(at + frame * size, (0x13).to_bytes(4, "little"))
        jump_wild(target, gdb)

    fail(running, all_frames, function="tick_handle")
    check_only_peaceful_restarted(running)


def test_second_fault_within_the_window_stops(vmm_boot: Boot) -> None:
    """# R31 # D5 A VMM that fails again soon is not restarted for ever."""
    running = vmm_boot(description(vmm_window_ms=36_000_000))
    machine.until(running, lambda: machine.printed(running, *systems.HEALTHY, lines=BEFORE))
    fail(running, jump_wild)
    running.console.expect("VMM starts anew")
    fail(running, jump_wild)
    running.console.expect("SYSTEM STOPPED", ms=1_000, seconds=20)
    newest = running.faults()[-1]
    assert (newest.action, newest.reason) == ("system halt", "budget")
    assert [words.number for words in running.black_box().words] == [1, 2]


def test_later_fault_is_recovered_again(vmm_boot: Boot) -> None:
    """# R31 # D5 After the window a fault is the first one again."""
    target = vmm_boot(description(vmm_window_ms=50))
    machine.until(target, lambda: machine.printed(target, *systems.HEALTHY, lines=BEFORE))
    for _ in range(3):
        fail(target, jump_wild)
        target.console.expect("VMM starts anew")
        go_on(target)
    assert [f.action for f in target.faults()].count("vmm restart") == 3
    for vm in systems.HEALTHY:
        oracle.unbroken(target.uart(vm).lines, repeats=AGAIN)


def test_fault_during_the_micro_reboot_stops(vmm_boot: Boot) -> None:
    """# R31 # D5 The second fault comes while the VMs are taken over: the system stops, though the window is over."""
    running = vmm_boot(description(vmm_window_ms=1))
    machine.until(running, lambda: machine.printed(running, *systems.HEALTHY, lines=BEFORE))
    with running.debugger() as gdb:
        gdb.break_at(running.memory.address("switch_to_task"), once=True)
        gdb.resume()
        gdb.write_register("pc", WILD)
        gdb.break_at(running.memory.address("recovery_complete"), once=True)
        gdb.resume()
        gdb.break_at(running.memory.address("recovery_rollback_vm"), once=True)
        gdb.resume()
        gdb.write_register("pc", WILD)
    running.console.expect("SYSTEM STOPPED", ms=1_000, seconds=20)
    assert [words.number for words in running.black_box().words] == [1, 2]


def test_paused_and_stopped_vms_stay_so(running: Target) -> None:
    """# R3 # R31 The state that the console gave a VM is kept; input that was typed is not needed again."""
    machine.ask(running, "pause peaceful")
    machine.ask(running, "stop healthy2")
    fail(running, jump_wild)
    machine.until(running, lambda: len(running.faults()) >= 5)
    machine.until(running, lambda: machine.printed(running, "healthy1", lines=BEFORE + AFTER))
    assert [machine.state(running, vm) for vm in VMS] == ["running", "stopped", "paused"]
    lines = len(running.uart("peaceful").lines)
    running.wait_for_prompt()
    machine.ask(running, "resume peaceful")
    machine.until(running, lambda: machine.printed(running, "peaceful", lines=lines + 10))
    oracle.unbroken(running.uart("peaceful").lines, repeats=AGAIN)


def test_without_fault_tolerance_all_vms_start_anew(vmm_boot: Boot) -> None:
    """# R31 # Invariant 6 There are no checkpoints: a micro-reboot restarts each VM from its pristine image."""
    target = vmm_boot(description(fault_tolerance=False))
    machine.until(target, lambda: machine.printed(target, *systems.HEALTHY, lines=BEFORE))
    fail(target, jump_wild)
    go_on(target)
    assert actions(target.faults()) == dict.fromkeys((*VMS, "vm0"), "cold restart")
    for vm in systems.HEALTHY:
        oracle.unbroken(target.uart(vm).lines, starts=2)


def test_last_words_survive_a_reset(vmm_boot: Boot) -> None:
    """# R31 The system has stopped; after the reset of the board the cause is known."""
    target = vmm_boot(systems.golden())
    machine.until(target, lambda: machine.printed(target, *systems.HEALTHY, lines=BEFORE))
    injected = fail(target, jump_wild)
    target.console.expect("SYSTEM STOPPED", ms=1_000, seconds=20)
    target.reset()
    target.wait_for_prompt()
    words = target.black_box().words[-1]
    assert (words.life, words.registers["pc"], words.registers["r4"]) == (1, WILD, injected["r4"])
    shown = machine.ask(target, "blackbox")
    assert f"VMM fault, record #{words.sequence}, life 1: prefetch abort" in shown
    assert f"pc {WILD:08x}" in shown
