# SPDX-License-Identifier: Apache-2.0
"""More than a thousand rollbacks of tasks and VMs in a row: no frame is lost, no page leaves its own frames."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from attrs import frozen
from understudy.pytest_plugin import Boot, Build
from understudy.target import Target

from . import machine, oracle, systems, tables

EACH = 520  # rollbacks of either kind
POLICIES = {
    "eager": {"stack": "eager", "data": "undo"},
    "full": {"stack": "full", "data": "full"},
}
FAILING = tuple(f"{what}_{policy}" for what in ("task", "vm") for policy in POLICIES)


def description() -> systems.Data:
    def failing(**parameters: object) -> systems.Data:
        task = systems.faulty(0, "null_write", times=systems.FOR_EVER, burst=2, **parameters)
        return systems.faulty_guest(task, systems.worker())

    guests = {"task": failing(), "vm": failing(mutex=True)}
    # Nobody preempts them, not even VM0 when it is told of a fault: a checkpoint of the VM between the lock of the
    # mutex and the fault would make the task recoverable alone, rightly (D6).
    settings = {"recovery": systems.GENEROUS, "slice_ticks": systems.LONG_SLICE, "priority": 0}
    vms = {
        f"{guest}_{name}": systems.vm(guest, policy=policy, **settings)
        for guest in guests
        for name, policy in POLICIES.items()
    }
    return systems.system("test-thousand", guests, {**systems.healthy_vms(), **vms})


@frozen
class Look:
    """What must be the same before and after."""

    frames: dict[str, frozenset[int]]
    memory_next: dict[str, int]
    lists: dict[str, dict[str, int]]


def look(target: Target) -> Look:
    state = {vm: target.memory.vm(vm) for vm in FAILING}
    return Look(
        frames={vm: tables.check_frames(target, vm) for vm in FAILING},
        memory_next={vm: state[vm]["memory_next"] for vm in FAILING},
        lists={
            vm: {"pages": len(list(tables.pages(target, vm))), "each": tables.frames_each(target, vm)} for vm in FAILING
        },
    )


def rollbacks(target: Target, vm: str) -> int:
    counters = machine.counters(target, vm)
    return counters["task_rollbacks"] + counters["vm_rollbacks"]


@frozen
class Run:
    """The machine early, and after all of it."""

    early: Look
    late: Look
    recording: machine.Recording


@pytest.fixture(scope="module")
def run(vmm_build: Build) -> Run:
    with Target(vmm_build(description())) as target:
        machine.until(target, lambda: all(rollbacks(target, vm) >= 2 for vm in FAILING))
        machine.settle(target)
        early = look(target)
        target.resume()
        machine.until(target, lambda: all(rollbacks(target, vm) >= EACH // 2 for vm in FAILING))
        recording = machine.keep(target)
        return Run(early, look(target), recording)


def test_more_than_a_thousand_were_made(run: Run) -> None:
    """# R28 # R29 # R30 # D6 Each of the two kinds under two policies, and nothing but these: no escalation."""
    done = {vm: run.recording.counters[vm] for vm in FAILING}
    assert sum(done[vm]["task_rollbacks"] + done[vm]["vm_rollbacks"] for vm in FAILING) >= 1000
    under_way = 0
    for vm in FAILING:
        wanted, other = (
            ("task_rollbacks", "vm_rollbacks") if vm.startswith("task") else ("vm_rollbacks", "task_rollbacks")
        )
        assert done[vm][wanted] >= EACH // 2
        assert done[vm][other] == done[vm]["cold_restarts"] == 0
        under_way += done[vm]["faults"] - done[vm][wanted]
    assert under_way in (0, 1), "the machine may have been stopped in the middle of one recovery, not of more"


@pytest.mark.parametrize("vm", FAILING)
def test_no_frame_is_lost(run: Run, vm: str) -> None:
    """# R28 # R30 The frames that the tables can reach are the same; every entry stays within its page's own."""
    assert run.late.frames[vm] == run.early.frames[vm]
    assert run.late.memory_next[vm] == run.early.memory_next[vm]
    assert run.late.lists[vm] == run.early.lists[vm]
    assert len(run.late.frames[vm]) == run.late.lists[vm]["each"] * run.late.lists[vm]["pages"]


@pytest.mark.parametrize("vm", FAILING)
def test_sequences_survive_all_of_them(run: Run, vm: str) -> None:
    """# R30 # R29 # Invariant 1 The values that the VMM still keeps of the VM's output are right and without gaps."""
    lines = run.recording.lines[vm]
    lengths = {stream: max(numbers) for stream, numbers in oracle.streams(lines).items()}
    assert lengths.keys() == {"ft 0", "tb"}
    assert min(lengths.values()) >= EACH // 4
    for stream, numbers in oracle.streams(lines).items():
        assert {later - earlier for earlier, later in pairwise(numbers)} == {1}, stream


def test_healthy_guests_notice_nothing(run: Run, undisturbed: Callable[..., int]) -> None:
    """# R1 # R46 Value by value the same as in the golden run."""
    assert undisturbed(run.recording, least=100) >= 300


def test_rollbacks_asked_for_from_the_console(vmm_boot: Boot) -> None:
    """# R3 # R28 # R29 # R30 A hundred requests in a row, for the VM and for each of its tasks in turn."""
    target = vmm_boot(systems.golden())
    target.wait_for_prompt()
    vm = "healthy1"
    machine.until(target, lambda: machine.printed(target, vm, lines=20))
    machine.settle(target)
    before = tables.check_frames(target, vm), target.memory.vm(vm)["memory_next"]
    target.resume()
    for number in range(100):
        target.vm0(f"rollback {vm} {('', 'producer', 'consumer')[number % 3]}".rstrip())
    machine.settle(target)
    counters = machine.counters(target, vm)
    assert counters["task_rollbacks"] + counters["vm_rollbacks"] == 100
    assert (tables.check_frames(target, vm), target.memory.vm(vm)["memory_next"]) == before
    lines = len(target.uart(vm).lines)
    target.resume()
    machine.until(target, lambda: machine.printed(target, vm, lines=lines + 40))
    oracle.unbroken(target.uart(vm).lines)
