# SPDX-License-Identifier: Apache-2.0
"""Faults of tasks that others may have seen the effects of, and faults right after a recovery."""

from collections.abc import Callable

import pytest
from understudy.pytest_plugin import Build
from understudy.target import Fault, Target

from . import machine, oracle, systems

TELLER = "tests/system/apps/teller.c.j2"
TICK = 1_000_000 // 10  # one VMM tick in units of the global timer (10 ns)
OS_TICK = 10 * TICK


def teller(how: str) -> systems.Data:
    task = {"name": "f0", "entry": "teller_task", "sources": [TELLER], "priority": 14, "parameters": {"how": how}}
    shared = ["tests/system/apps/teller_shared.c"]
    return {**systems.faulty_guest(task, systems.worker()), "shared": shared}


def kernel_breaker(fault: str, *tasks: systems.Data, **parameters: object) -> systems.Data:
    guest = systems.faulty_kernel_guest(fault, **parameters)
    return {**guest, "tasks": [*tasks, systems.worker()]}


GUESTS = {
    "mutex": systems.faulty_guest(systems.faulty(0, "null_write", mutex=True, times=3, burst=1), systems.worker()),
    "query": systems.faulty_guest(systems.faulty(0, "null_write", query=True), systems.worker()),
    "shared": teller("shared"),
    "post": teller("post"),
    "none": teller("none"),
    "call": kernel_breaker("null_write", systems.faulty(0, "kernel_call"), trigger="call", at=0),
    "again": systems.faulty_guest(systems.faulty(0, "null_write", times=2), systems.worker()),
    "next": systems.faulty_guest(
        systems.faulty(0, "null_write"), systems.faulty(1, "jump_null", skip=1), systems.worker()
    ),
    "kernel2": kernel_breaker("null_write", systems.faulty(0, "none", times=0), at=20, times=2),
    "both": kernel_breaker("undefined", systems.faulty(0, "null_write"), at=5, skip=1),
}
WANTED = {  # who, action, reason of each fault, in order
    "mutex": [("f0", "vm rollback", "shared state")] * 3,  # D6
    "query": [("f0", "task rollback", "policy")],  # only looked
    "shared": [("f0", "vm rollback", "shared state")],
    "post": [("f0", "vm rollback", "shared state")],
    "none": [("f0", "task rollback", "policy")],  # the same task, had it told nobody
    "call": [("kernel", "vm rollback", "kernel fault")],
    "again": [("f0", "task rollback", "policy")] * 2,
    "next": [("f0", "task rollback", "policy"), ("f1", "task rollback", "policy")],
    "kernel2": [("kernel", "vm rollback", "kernel fault")] * 2,
    "both": [("f0", "task rollback", "policy"), ("kernel", "vm rollback", "kernel fault")],
}


@pytest.fixture(scope="module")
def recorded(vmm_build: Build) -> machine.Recording:
    vms = {name: systems.vm(name, recovery=systems.GENEROUS, slice_ticks=systems.LONG_SLICE) for name in GUESTS}
    data = systems.system("test-shared", GUESTS, {**systems.healthy_vms(), **vms})
    count = sum(len(faults) for faults in WANTED.values())

    def done(target: Target) -> bool:
        return len(target.faults()) >= count and machine.printed(target, *GUESTS, *systems.HEALTHY, lines=60)

    return machine.record(vmm_build(data), done)


def faults_of(recording: machine.Recording, vm: str) -> list[Fault]:
    return [fault for fault in recording.faults if fault.vm == vm]


@pytest.mark.parametrize("vm", GUESTS)
def test_level_of_the_recovery(recorded: machine.Recording, vm: str) -> None:
    """# D6 # R30 # R29 A task whose changes others can see takes its VM along; one that only looked does not."""
    assert [(fault.task, fault.action, fault.reason) for fault in faults_of(recorded, vm)] == WANTED[vm]


@pytest.mark.parametrize("vm", GUESTS)
def test_every_task_goes_on(recorded: machine.Recording, vm: str) -> None:
    """# D6 # Invariant 1 All sequences continue: no lost value, nothing blocked on a mutex that nobody holds."""
    lengths = oracle.unbroken(recorded.lines[vm])
    assert "tb" in lengths
    assert "ft 0" in lengths
    assert min(lengths.values()) >= 15


@pytest.mark.parametrize(
    ("vm", "distance"), [("again", TICK), ("next", TICK), ("kernel2", 2 * OS_TICK), ("both", 2 * OS_TICK)]
)
def test_second_fault_right_after_a_recovery(recorded: machine.Recording, vm: str, distance: int) -> None:
    """# R27 # D5 The stand-in is ready again at once: by the same task, by another one, by the kernel."""
    first, second = faults_of(recorded, vm)
    assert 0 < second.time - first.time <= distance
    seen = recorded.counters[vm]
    assert seen["faults"] == seen["task_rollbacks"] + seen["vm_rollbacks"] == 2


def test_healthy_guests_notice_nothing(recorded: machine.Recording, undisturbed: Callable[..., int]) -> None:
    """# R1 # D6 Value by value the same as in the golden run."""
    assert undisturbed(recorded) >= 120
