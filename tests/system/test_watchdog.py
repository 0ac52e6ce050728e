# SPDX-License-Identifier: Apache-2.0
"""Hangs of tasks, guest kernels and VMs are found, within bounds of virtual time, and blamed on who hangs (D5).

The time of a first detection depends on when the guest begins to hang; a guest that hangs again after each recovery
shows how long a detection takes. Where that matters, a VM that hangs is more urgent than all others, so that its own
time is that of the machine.
"""

from itertools import pairwise

import pytest
from understudy.pytest_plugin import Boot
from understudy.target import Fault, Target

from . import machine, oracle, systems

VM = "hanging"
LOOK_MS = 10  # system.housekeeping_ms
OS_TICK_MS = 10
TIMER_PER_MS = 100_000
ALONE = {"priority": 0, "slice_ticks": 255, "uart": 3}  # no checkpoint while it hangs: nobody preempts it
COLD = systems.budgets(0, 0, 100)


def description(name: str, guest: systems.Data, **settings: object) -> systems.Data:
    vms = {**systems.healthy_vms(), VM: systems.vm(VM, **{"recovery": systems.GENEROUS, **settings})}
    return systems.system(f"test-watchdog-{name}", {VM: guest}, vms)


def hangs(target: Target) -> list[Fault]:
    """The faults so far: all of them by watchdogs, and about the VM."""
    faults = target.faults()
    assert {(fault.vm, fault.kind, fault.fault_class) for fault in faults} <= {(VM, "watchdog", "hang")}
    return faults


def run_until(target: Target, count: int) -> list[Fault]:
    """Let the machine run until there were so many hangs, and the guests have printed since."""
    machine.until(target, lambda: len(target.faults()) >= count)
    lines = len(machine.lines_of(target, VM))
    machine.until(target, lambda: machine.printed(target, VM, lines=lines + 20))
    return hangs(target)


def check_times(faults: list[Fault], limit_ms: float, slack_ms: float) -> None:
    """Each hang was found later than the limit and within two looks after it; `slack_ms`: until it hangs again."""
    assert len(faults) >= 3
    for earlier, later in pairwise(faults):
        took = (later.time - earlier.time) / TIMER_PER_MS
        assert limit_ms < took <= limit_ms + 2 * LOOK_MS + slack_ms


def test_task_that_loops(vmm_boot: Boot) -> None:  # D1 D5 R30
    """Blamed on the task, which is rolled back alone; its neighbour goes on."""
    limit = 30
    looping = {**systems.faulty(0, "loop", times=4), "watchdog_ms": limit}
    target = vmm_boot(description("task", systems.faulty_guest(looping, systems.worker()), **ALONE))
    faults = run_until(target, 4)
    assert [(fault.task, fault.detail, fault.action) for fault in faults] == [("f0", "task", "task rollback")] * 4
    check_times(faults, limit, 1)
    assert oracle.unbroken(target.uart(VM).lines).keys() == {"ft 0", "tb"}


def test_kernel_that_loops_with_interrupts_masked(vmm_boot: Boot) -> None:  # D5 R29
    """Blamed on the kernel."""
    limit = 30
    guest = systems.faulty_kernel_guest("loop", at=20, times=4)
    target = vmm_boot(description("masked", guest, **ALONE, watchdog={"masked_ms": limit}))
    faults = run_until(target, 4)
    assert [(fault.task, fault.detail, fault.action) for fault in faults] == [("kernel", "masked", "vm rollback")] * 4
    check_times(faults, limit, OS_TICK_MS)
    oracle.unbroken(target.uart(VM).lines, repeats=5)


def test_kernel_that_takes_no_ticks(vmm_boot: Boot) -> None:  # D5
    """Its timer is deaf: all tasks sleep for ever, and the VM waits. The time that it waits counts."""
    periods = 4
    guest = systems.faulty_kernel_guest("deaf", at=20, times=3)
    watchdog = {"ticks_max": periods, "masked_ms": 0}
    target = vmm_boot(description("ticks", guest, uart=3, recovery=COLD, watchdog=watchdog))
    faults = run_until(target, 3)
    assert [(fault.task, fault.detail, fault.action) for fault in faults] == [("kernel", "ticks", "cold restart")] * 3
    check_times(faults, (20 + periods) * OS_TICK_MS, 2 * OS_TICK_MS)


@pytest.mark.parametrize("kicks", [False, True])
def test_vm_that_is_never_idle(vmm_boot: Boot, kicks: bool) -> None:  # D5
    """With vm_ms a VM must be idle now and then, or kick."""
    limit = 60
    sources = {"sources": ["tests/system/apps/kicker.c"]} if kicks else {}
    guest = {**systems.faulty_guest(systems.spinner()), **sources}
    name = f"idle-{'kick' if kicks else 'none'}"
    target = vmm_boot(description(name, guest, **ALONE, watchdog={"vm_ms": limit}))
    if kicks:
        target.run_for(10 * limit)
        assert hangs(target) == []
        return
    machine.until(target, lambda: len(target.faults()) >= 4)
    faults = hangs(target)
    assert {(fault.task, fault.detail) for fault in faults} == {("kernel", "loop")}
    check_times(faults, limit, 1)


def test_hang_that_every_checkpoint_holds(vmm_boot: Boot) -> None:  # D5 D7
    """With short slices checkpoints are taken while it hangs: the pristine image ends it, by the budgets."""
    budgets = systems.budgets(1, 1, 2, window_ms=10_000)
    looping = {**systems.faulty(0, "loop", times=3), "watchdog_ms": 30}
    target = vmm_boot(description("held", systems.faulty_guest(looping, systems.worker()), uart=3, recovery=budgets))
    faults = run_until(target, 3)
    assert [fault.action for fault in faults] == ["task rollback", "vm rollback", "cold restart"]
    assert {(fault.task, fault.detail) for fault in faults} == {("f0", "task")}
    assert machine.state(target, VM) == "running"


def busy_guests() -> systems.Data:
    """Guests that never rest, or never get the CPU, and are healthy all the same."""
    spinning = systems.faulty_guest(systems.spinner())
    calling = {"name": "caller", "entry": "caller_task", "sources": ["tests/system/apps/polling.c"], "priority": 20}
    two = systems.faulty_guest(systems.spinner(), {**systems.worker(30), "name": "starved"})
    guests = {"spinning": spinning, "calling": systems.faulty_guest(calling), "two": two}
    vms = {
        **systems.healthy_vms(),
        "spin1": systems.vm("spinning", priority=20),
        "spin2": systems.vm("spinning", priority=20, slice_ticks=5),
        "calls": systems.vm("calling", priority=20),
        "two": systems.vm("two", priority=20),
        "never": systems.vm("spinning", priority=30),
    }
    return systems.system("test-watchdog-busy", guests, vms)


def test_busy_and_starved_vms_are_healthy(vmm_boot: Boot) -> None:  # D5
    """Without configuration nobody barks at a VM that computes, calls, or never gets the CPU."""
    target = vmm_boot(busy_guests())
    target.run_for(3_000)
    assert target.faults() == []
    assert machine.counters(target, "never")["switches"] == 0, "it should be starved"


def test_who_starves_others_is_at_fault(vmm_boot: Boot) -> None:  # D5
    """With run_ms the VM that keeps less urgent ones from running is blamed, not they."""
    limit = 50
    guests = {VM: systems.faulty_guest(systems.spinner())}
    vms = {
        **systems.healthy_vms(),
        VM: systems.vm(VM, priority=5, recovery=systems.GENEROUS, watchdog={"run_ms": limit}),
    }
    target = vmm_boot(systems.system("test-watchdog-run", guests, vms))
    machine.until(target, lambda: len(target.faults()) >= 4)
    faults = hangs(target)
    assert {(fault.task, fault.detail) for fault in faults} == {("kernel", "monopoly")}
    check_times(faults, limit - LOOK_MS, LOOK_MS)


def test_paused_vm_is_not_watched(vmm_boot: Boot) -> None:  # D5
    """The watchdog stands still with the VM, and goes on with it."""
    guest = systems.faulty_kernel_guest("loop", at=20, times=systems.FOR_EVER)
    target = vmm_boot(description("paused", guest, uart=3, recovery=systems.GENEROUS, watchdog={"masked_ms": 300}))
    machine.until(target, lambda: machine.counters(target, VM)["faults"] >= 1)
    target.vm0(f"pause {VM}")
    before = machine.counters(target, VM)["faults"]
    target.run_for(1_500)
    assert machine.counters(target, VM)["faults"] == before
    target.vm0(f"resume {VM}")
    machine.until(target, lambda: machine.counters(target, VM)["faults"] > before, ms=2_000)


def test_management_vm_may_be_busy(vmm_boot: Boot) -> None:  # R3
    """VM0 is watched only if its table says so."""
    target = vmm_boot(description("vm0", systems.faulty_guest(systems.worker())))
    target.wait_for_prompt()
    for _ in range(5):
        target.vm0("help")
    assert target.faults() == []
