# SPDX-License-Identifier: Apache-2.0
"""A fault that comes back after each recovery: task, VM, cold restart, stop, with the budgets of the TOML (D5).

Without older generations, which test_generations.py is about.
"""

from collections.abc import Callable
from itertools import pairwise

import pytest
from understudy.pytest_plugin import Boot, Build
from understudy.target import Fault, Target

from . import machine, oracle, systems

TASK, VM, COLD, STOP = "task rollback", "vm rollback", "cold restart", "vm stop"
POLICY, KERNEL, SHARED, BUDGET = "policy", "kernel fault", "shared state", "budget"
LONG, SHORT = 100_000, 20  # windows, in milliseconds; an OS tick is 10
PERIOD = 5  # OS ticks between two faults of the guests that fail once per iteration
SINGLE_FAULTS = 8


def for_ever(**parameters: object) -> systems.Data:
    return systems.faulty_guest(
        systems.faulty(0, "null_write", times=systems.FOR_EVER, after=4, **parameters), systems.worker()
    )


GUESTS = {
    "task": for_ever(),
    "holder": for_ever(mutex=True),
    "once": for_ever(burst=1, period=PERIOD),
    "kernel": systems.faulty_kernel_guest("undefined", at=10, times=systems.FOR_EVER),
}
VMS = {
    "task221": ("task", systems.budgets(2, 2, 1, window_ms=LONG)),
    "task102": ("task", systems.budgets(1, 0, 2, window_ms=LONG)),
    "holder321": ("holder", systems.budgets(3, 2, 1, window_ms=LONG)),
    "kernel921": ("kernel", systems.budgets(9, 2, 1, window_ms=LONG)),
    "window": ("once", systems.budgets(1, 1, 1, window_ms=SHORT)),
    "no_window": ("once", systems.budgets(1, 1, 1, window_ms=LONG)),
}
WANTED = {  # R24 D5
    "task221": [(TASK, POLICY)] * 2 + [(VM, BUDGET)] * 2 + [(COLD, BUDGET), (STOP, BUDGET)],
    "task102": [(TASK, POLICY), (COLD, BUDGET), (COLD, BUDGET), (STOP, BUDGET)],
    "holder321": [(VM, SHARED)] * 2 + [(COLD, BUDGET), (STOP, BUDGET)],
    "kernel921": [(VM, KERNEL)] * 2 + [(COLD, BUDGET), (STOP, BUDGET)],
    "no_window": [(TASK, POLICY), (VM, BUDGET), (COLD, BUDGET), (STOP, BUDGET)],
}
STOPPED = list(WANTED)


def description(*names: str) -> systems.Data:
    vms = {
        name: systems.vm(guest, recovery=recovery, policy={"generations": 0}, slice_ticks=systems.LONG_SLICE)
        for name, (guest, recovery) in VMS.items()
        if name in names
    }
    guests = {guest: GUESTS[guest] for guest, _ in (VMS[name] for name in names)}
    return systems.system(f"test-escalation-{len(names)}", guests, {**systems.healthy_vms(), **vms})


def are_stopped(target: Target, *vms: str) -> bool:
    return all(machine.state(target, vm) == "stopped" for vm in vms)


@pytest.fixture(scope="module")
def recorded(vmm_build: Build) -> machine.Recording:
    def done(target: Target) -> bool:
        enough = machine.counters(target, "window")["faults"] >= SINGLE_FAULTS
        return enough and are_stopped(target, *STOPPED) and machine.printed(target, *systems.HEALTHY, lines=80)

    return machine.record(vmm_build(description(*VMS)), done)


def faults_of(recording: machine.Recording, vm: str) -> list[Fault]:
    return [fault for fault in recording.faults if fault.vm == vm]


@pytest.mark.parametrize("vm", STOPPED)
def test_levels_follow_each_other_by_the_budgets(recorded: machine.Recording, vm: str) -> None:
    """# D5 Each step is in the log, with its reason; the last one stops the VM."""
    assert [(fault.action, fault.reason) for fault in faults_of(recorded, vm)] == WANTED[vm]
    assert recorded.states[vm] == "stopped"


@pytest.mark.parametrize("vm", STOPPED)
def test_counters_agree_with_the_log(recorded: machine.Recording, vm: str) -> None:
    """# D5 What `stats` shows is what was done."""
    actions = [fault.action for fault in faults_of(recorded, vm)]
    seen = recorded.counters[vm]
    assert seen["faults"] == len(actions)
    wanted = [actions.count(action) for action in (TASK, VM, COLD)]
    assert [seen["task_rollbacks"], seen["vm_rollbacks"], seen["cold_restarts"]] == wanted


def test_window_that_ended_renews_the_budget(recorded: machine.Recording) -> None:
    """# D5 # R24 With a window shorter than the time between two faults each of them is only a task rollback."""
    faults = faults_of(recorded, "window")
    assert len(faults) >= SINGLE_FAULTS
    assert {(fault.action, fault.reason) for fault in faults} == {(TASK, POLICY)}
    times = [fault.time for fault in faults]
    window = SHORT * 100_000  # in units of the global timer, 10 ns
    assert all(later - earlier > window for earlier, later in pairwise(times))
    assert recorded.states["window"] == "running"
    oracle.unbroken(recorded.lines["window"])


@pytest.mark.parametrize("vm", STOPPED)
def test_cold_restart_is_the_pristine_image(recorded: machine.Recording, vm: str) -> None:
    """# D5 # D7 After a cold restart every sequence begins again, with the right values, on untouched data."""
    restarts = WANTED[vm].count((COLD, BUDGET))
    assert recorded.vms[vm]["starts"] == 1 + restarts
    numbers = oracle.streams(recorded.lines[vm])
    for stream in numbers.keys() - {"wt"}:  # the waiter may not have got its mutex yet
        assert numbers[stream].count(0) == 1 + restarts, stream
    oracle.unbroken(recorded.lines[vm], starts=1 + restarts)


def test_healthy_guests_notice_nothing(recorded: machine.Recording, undisturbed: Callable[..., int]) -> None:
    """# R1 # R46 # D5 Five of eight VMs failed for good; the healthy ones print what they print in the golden run."""
    assert undisturbed(recorded) >= 160


def test_stopped_vm_can_be_started_again(vmm_boot: Boot) -> None:
    """# R3 # D5 A person starts it anew; the budgets are fresh, so the whole sequence repeats."""
    vm, wanted = "task221", WANTED["task221"]
    target = vmm_boot(description(vm))
    machine.until(target, lambda: are_stopped(target, vm))
    assert "stopped" in target.vm0(f"stats {vm}")
    assert machine.ask(target, f"start {vm}") == f"{vm}: running"
    machine.until(target, lambda: machine.counters(target, vm)["faults"] == 2 * len(wanted))
    assert [(fault.action, fault.reason) for fault in target.faults()] == 2 * wanted
    assert are_stopped(target, vm)
