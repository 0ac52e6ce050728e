# SPDX-License-Identifier: Apache-2.0
"""When checkpoints are taken, and of what (R24): by time, on request of the guest, without some region."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from understudy.pytest_plugin import Build
from understudy.target import Target

from . import machine, oracle, systems

AT = 66  # OS ticks, of 10 ms: when the kernel fails, half-way between two checkpoints by time
VM_MS, TASK_MS = 400, 70
BETWEEN_MS = 2000
POLICIES = {
    "asked": {"vm_period": "request", "generations": 0},
    "timed": {"vm_period_ms": VM_MS, "task_period_ms": TASK_MS, "generations": 0},
    "one": {"vm_period_ms": VM_MS, "tasks": {"worker": {"period": "request"}}, "generations": 0},
    "kept": {"vm_period_ms": VM_MS, "regions": {"worker": {"data": "none"}}, "generations": 0},
}


def description() -> systems.Data:
    others = {"asked": systems.declarer(), "quiet": systems.faulty(0, "null_write", times=systems.NEVER)}
    kernel = systems.faulty_kernel_guest("null_write", at=AT)
    guests = {name: {**kernel, "tasks": [task, systems.worker()]} for name, task in others.items()}
    vms = {
        # Lines that come again tell how far a rollback went, and output takes no checkpoints of its own.
        name: systems.vm(
            "asked" if name == "asked" else "quiet", policy=policy, recovery=systems.GENEROUS, output="immediate"
        )
        for name, policy in POLICIES.items()
    }
    return systems.system("test-schedules", guests, {**systems.healthy_vms(), **vms})


@pytest.fixture(scope="module")
def recorded(vmm_build: Build) -> machine.Recording:
    """`looked`: virtual time, counters, and the lines, of which the VMM keeps the last ones, twice after the faults."""

    def done(target: Target) -> bool:
        return len(target.faults()) >= len(POLICIES) and machine.printed(target, *POLICIES, lines=150)

    looks: list[tuple[float, dict[str, Any], dict[str, list[str]]]] = []

    def look(target: Target) -> bool:
        machine.settle(target)
        counters = {vm: machine.counters(target, vm) for vm in POLICIES}
        looks.append((target.virtual_ms(), counters, {vm: machine.log_lines(target, vm) for vm in POLICIES}))
        return True

    with Target(vmm_build(description())) as target:
        machine.until(target, lambda: done(target) and look(target))  # at once, while the lines are still there
        target.run_for(BETWEEN_MS)
        look(target)
        target.resume()
        target.run_for(BETWEEN_MS)
        return machine.keep(target, lambda _: looks)


def steps_back(recording: machine.Recording, vm: str, stream: str) -> list[tuple[int, int]]:
    """Where a stream does not go on with the next number: the last one before, and the first one after."""
    numbers = oracle.streams(recording.looked[0][2][vm])[stream]
    return [(before, after) for before, after in pairwise(numbers) if after != before + 1]


@pytest.mark.parametrize("vm", POLICIES)
def test_each_fault_is_recovered(recorded: machine.Recording, vm: str) -> None:
    """# R24 # R29 One rollback of the VM, and all values are right."""
    (fault,) = (fault for fault in recorded.faults if fault.vm == vm)
    assert fault.action == "vm rollback"
    oracle.unbroken(recorded.looked[0][2][vm], repeats=AT)
    oracle.unbroken(recorded.lines[vm])


def test_safe_point_is_where_the_guest_declared_it(recorded: machine.Recording) -> None:
    """# R24 Saved only on request, the VM goes back behind its last request, however long ago it was."""
    ((before, after),) = steps_back(recorded, "asked", "sp")
    assert after == before // 10 * 10
    assert before - after >= 3, "made so that several ticks, thus switches, lie in between"
    ((other_before, other_after),) = steps_back(recorded, "asked", "tb")
    assert abs((other_before - other_after) - (before - after)) <= 1, "the other task came along"


def test_only_requests_are_checkpoints(recorded: machine.Recording) -> None:
    """# R24 No switch of the VM is one, also none by the fast path; its tasks are saved at each switch as usual."""
    (_, first, lines), (_, second, _) = recorded.looked
    requests = [number for number in oracle.streams(lines["asked"])["sp"] if number % 10 == 0]
    forgotten = requests[0] // 10  # by the VMM's log, if the host was slow to look
    assert abs(first["asked"]["checkpoints"] - forgotten - len(requests)) <= 1
    assert second["asked"]["switches"] - first["asked"]["switches"] > 100
    assert second["asked"]["task_checkpoints"] - first["asked"]["task_checkpoints"] > 60


@pytest.mark.parametrize(("what", "ms"), [("checkpoints", VM_MS), ("task_checkpoints", TASK_MS / 2)])
def test_interval_says_how_often(recorded: machine.Recording, what: str, ms: float) -> None:
    """# R24 By time: at the first switch after the interval, however many there are (two tasks, each its own)."""
    (begin, first, _), (end, second, _) = recorded.looked
    taken = second["timed"][what] - first["timed"][what]
    assert 0.7 * (end - begin) / ms - 1 <= taken <= (end - begin) / ms + 2
    assert second["timed"]["switches"] - first["timed"]["switches"] > 2 * taken


def test_rollback_goes_back_by_no_more_than_the_interval(recorded: machine.Recording) -> None:
    """# R24 The work of at most one interval, and the wait for the next switch, is repeated."""
    ((before, after),) = steps_back(recorded, "timed", "ft 0")
    assert 5 <= before - after <= VM_MS // 10 + 2


def test_each_task_has_its_own_schedule(recorded: machine.Recording) -> None:
    """# R24 One task only with the VM, the other one at every switch."""
    (_, first, _), (_, second, _) = recorded.looked
    taken = {vm: second[vm]["task_checkpoints"] - first[vm]["task_checkpoints"] for vm in POLICIES}
    assert taken["kept"] > 100, "both tasks"
    assert 0.4 * taken["kept"] <= taken["one"] <= 0.6 * taken["kept"]


def test_region_that_is_not_saved_keeps_its_content(recorded: machine.Recording) -> None:
    """# R24 # R21 The worker's data are not in the checkpoint: its numbers go on, while those of the other go back."""
    ((before, after),) = steps_back(recorded, "kept", "ft 0")
    assert before - after >= 5
    assert steps_back(recorded, "kept", "tb") == []


def test_healthy_guests_notice_nothing(recorded: machine.Recording, undisturbed: Callable[..., int]) -> None:
    """# R1 # R24 Value by value the same as in the golden run."""
    assert undisturbed(recorded) >= 120
