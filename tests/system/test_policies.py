# SPDX-License-Identifier: Apache-2.0
"""The ways of saving memory and how often: the same outputs, and costs as they are promised."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from understudy.pytest_plugin import Build
from understudy.target import Target

from . import machine, oracle, systems, tables

POLICIES = {
    "eager_undo": {"stack": "eager", "data": "undo"},
    "undo_undo": {"stack": "undo", "data": "undo"},
    "eager_eager": {"stack": "eager", "data": "eager"},
    "undo_eager": {"stack": "undo", "data": "eager"},
    "full_full": {"stack": "full", "data": "full"},
    "vm_period4": {"stack": "eager", "data": "undo", "vm_period": 4},
    "task_period3": {"stack": "eager", "data": "undo", "task_period": 3},
    "both_periods": {"stack": "undo", "data": "eager", "vm_period": 5, "task_period": 2},
}
AFTER = 12
BETWEEN_MS = 150  # virtual time from one look to the next


def description() -> systems.Data:
    guest = systems.faulty_guest(systems.faulty(0, "null_write", after=AFTER), systems.worker())
    # No other checkpoints than those of the switches: output waits for them.
    settings = {"recovery": systems.GENEROUS, "slice_ticks": systems.LONG_SLICE, "output_ms": 0}
    vms = {name: systems.vm("guest", policy=policy, **settings) for name, policy in POLICIES.items()}
    return systems.system("test-policies", {"guest": guest}, {**systems.healthy_vms(), **vms})


def saved(target: Target) -> dict[str, dict[str, int]]:
    return {vm: machine.counters(target, vm) for vm in POLICIES}


@pytest.fixture(scope="module")
def recorded(vmm_build: Build) -> machine.Recording:
    """`looked`: counters and numbers of pages early, in the middle and at the end."""
    with Target(vmm_build(description())) as target:
        looks = []
        machine.until(target, lambda: machine.printed(target, *POLICIES, *systems.HEALTHY, lines=60))
        for _ in range(3):
            machine.settle(target)
            looks.append(saved(target))
            target.resume()
            target.run_for(BETWEEN_MS)
        machine.settle(target)
        sizes = {vm: [page.va // tables.MIB for page in tables.pages(target, vm)] for vm in POLICIES}
        return machine.keep(target, lambda _: (looks, sizes, target.virtual_ms()))


@pytest.mark.parametrize("vm", POLICIES)
def test_outputs_do_not_depend_on_the_policy(recorded: machine.Recording, vm: str) -> None:
    """# R19 # R20 # R21 # R24 Undo log, eager and full copies, each period: all values right, the fault recovered."""
    (fault,) = (fault for fault in recorded.faults if fault.vm == vm)
    assert fault.task == "f0"
    assert fault.action in ("task rollback", "vm rollback")
    assert fault.action == "task rollback" or POLICIES[vm].get("task_period", 1) > 1
    lengths = oracle.unbroken(recorded.lines[vm])
    assert min(lengths.values()) > AFTER + 8


@pytest.mark.parametrize("vm", POLICIES)
def test_period_says_at_every_how_many_switches(recorded: machine.Recording, vm: str) -> None:
    """# R19 # R20 # R24 Checkpoints per switch away from the VM, and from its tasks, as configured."""
    vm_period = POLICIES[vm].get("vm_period", 1)
    task_period = POLICIES[vm].get("task_period", 1)
    seen = recorded.counters[vm]
    slices_ended = recorded.looked[2] / systems.LONG_SLICE  # with nobody else ready: they count like switches
    assert seen["switches"] // vm_period <= seen["checkpoints"] <= (seen["switches"] + slices_ended) / vm_period
    created = 2
    assert abs((seen["task_switches"] - 1) / task_period - (seen["task_checkpoints"] - created)) <= 3
    assert seen["switches"] > 20
    assert seen["task_switches"] > 40


def test_full_copy_always_costs_the_same(recorded: machine.Recording) -> None:
    """# R22 # R23 With the paper's literal scheme each backup copies every page, changed or not: a constant."""
    looks, sizes, _ = recorded.looked
    vm = "full_full"
    task_pages = {window: sizes[vm].count(window) for window in (3, 4)}
    assert task_pages[3] == task_pages[4], "made so that one number serves both tasks"
    whole = sum(window != tables.INFO_WINDOW for window in sizes[vm])
    for before, after in pairwise(looks):
        change = {name: after[vm][name] - before[vm][name] for name in after[vm]}
        assert change["checkpoints"] > 3
        wanted = change["checkpoints"] * whole + change["task_checkpoints"] * task_pages[3]
        assert change["saved_pages"] == wanted


def test_undo_log_saves_only_what_is_written(recorded: machine.Recording) -> None:
    """# R22 # D3 The same work costs fewer copied pages than the full scheme, and never more than eager copies."""
    pages = {vm: recorded.counters[vm]["saved_pages"] for vm in POLICIES}
    assert pages["undo_undo"] < pages["full_full"]
    assert pages["eager_undo"] < pages["full_full"]
    assert pages["vm_period4"] <= pages["eager_undo"]


def test_healthy_guests_notice_nothing(recorded: machine.Recording, undisturbed: Callable[..., int]) -> None:
    """# R1 # R24 Value by value the same as in the golden run."""
    assert undisturbed(recorded) >= 120
