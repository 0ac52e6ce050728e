# SPDX-License-Identifier: Apache-2.0
"""A VM fails for good, and its standby goes on in its place; the others notice nothing (Son 2022)."""

from collections.abc import Callable

import pytest
from understudy.image import Image
from understudy.pytest_plugin import Build
from understudy.target import Fault, Target

from . import machine, oracle, systems

EVERY_MS = 60
OS_TICK_MS = 10
# Lines that a stream may say again: those of one period, and of the time that a duplication takes.
REPEATS = (EVERY_MS + 3 * OS_TICK_MS) // OS_TICK_MS
BUDGET = systems.budgets(2, 3, 0)
AFTER = 60  # lines after the take-over


def spare(guest: str, primary: str, **settings: object) -> systems.Data:
    return systems.vm(guest, standby_for=primary, every_ms=EVERY_MS, **settings)


@pytest.fixture(scope="module")
def image(vmm_build: Build) -> Image:
    """A guest whose kernel fails once more than its VM has rollbacks, and one whose task does."""
    guests = {
        "kernel": systems.faulty_kernel_guest("undefined", at=40, times=4),
        "task": systems.faulty_guest(systems.faulty(0, "null_write", times=6, after=30), systems.worker()),
    }
    vms = {
        **systems.healthy_vms(),
        "kernel": systems.vm("kernel", recovery=BUDGET, slice_ticks=systems.LONG_SLICE),
        "task": systems.vm("task", recovery=BUDGET, slice_ticks=systems.LONG_SLICE),
        "spare_k": spare("kernel", "kernel"),
        "spare_t": spare("task", "task"),
    }
    return vmm_build(systems.system("test-standby", guests, vms))


@pytest.fixture(scope="module")
def recorded(image: Image) -> machine.Recording:
    def done(target: Target) -> bool:
        enough = machine.printed(target, "kernel", "task", lines=150)
        return enough and machine.printed(target, *systems.HEALTHY, lines=80)

    return machine.record(image, done)


def of(recording: machine.Recording, vm: str) -> list[Fault]:
    return [fault for fault in recording.faults if fault.vm == vm]


@pytest.mark.parametrize(
    ("vm", "spare_vm", "actions"),
    [
        ("kernel", "spare_k", ["vm rollback"] * 3 + ["standby"]),
        ("task", "spare_t", ["task rollback"] * 2 + ["vm rollback"] * 3 + ["standby"]),
    ],
)
def test_standby_takes_over_when_the_budget_is_used_up(
    recorded: machine.Recording, vm: str, spare_vm: str, actions: list[str]
) -> None:
    """# D5 # R46 Instead of being stopped the VM goes on, in the memory of its standby, with one recovery more."""
    assert [fault.action for fault in of(recorded, vm)] == actions
    assert of(recorded, vm)[-1].reason == "budget"
    assert (recorded.states[vm], recorded.states[spare_vm]) == ("running", "stopped")
    assert recorded.vms[vm]["recoveries"] == len(actions)
    assert recorded.vms[vm]["starts"] == 1


@pytest.mark.parametrize("vm", ["kernel", "task"])
def test_values_continue_without_a_gap(recorded: machine.Recording, vm: str) -> None:
    """# R18 # D9 Every value has the right content, none is missing; what was not duplicated is said again."""
    lengths = oracle.unbroken(recorded.lines[vm], repeats=REPEATS)
    assert min(lengths.values()) >= 20


@pytest.mark.parametrize(("vm", "rollbacks"), [("kernel", 3), ("task", 3)])
def test_counters_go_with_the_name(recorded: machine.Recording, vm: str, rollbacks: int) -> None:
    """# R3 What people see of a VM is what happened to it, in whatever memory."""
    counters = recorded.counters[vm]
    assert counters["faults"] == len(of(recorded, vm))
    assert counters["vm_rollbacks"] == rollbacks
    assert counters["cold_restarts"] == 0
    assert counters["switches"] > 50


def test_healthy_guests_notice_nothing(recorded: machine.Recording, undisturbed: Callable[..., int]) -> None:
    """# R1 # R46 Neither the duplications nor the take-overs change a value of another VM."""
    assert undisturbed(recorded) >= 160
