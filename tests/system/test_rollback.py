# SPDX-License-Identifier: Apache-2.0
"""What a rollback does to tables, memory, registers and devices, seen through GDB at its first and last instruction."""

from collections.abc import Iterator

import pytest
from attrs import frozen

from understudy.image import Image
from understudy.pytest_plugin import Boot, Build
from understudy.target import Gdb, Target

from . import machine, snapshots, systems
from .tables import PAGE, TASK_WINDOW, tasks_of

POLICIES = {
    "undo": {"stack": "undo", "data": "undo"},
    "eager": {"stack": "eager", "data": "undo"},
    "eager2": {"stack": "eager", "data": "eager"},
    "full": {"stack": "full", "data": "full"},
    "rare": {"stack": "undo", "data": "undo", "vm_period": 3, "task_period": 2},
}
AT = 20  # OS tick of the fault
TASK = 1  # slot of the task that fails alone


@pytest.fixture(scope="module")
def image(vmm_build: Build) -> Image:
    """VMs of the same guest, each with another policy; first a task fails in each of them, then the kernel."""
    guest = systems.faulty_kernel_guest("null_write", at=AT, skip=1, held=True)
    guest["tasks"][2] = {**systems.worker(20)}
    guest["tasks"].insert(TASK, systems.faulty(0, "null_write", after=AT - 6))
    settings = {"recovery": systems.GENEROUS, "slice_ticks": systems.LONG_SLICE}
    vms = {name: systems.vm("guest", policy=policy, **settings) for name, policy in POLICIES.items()}
    return vmm_build(systems.system("test-rollback", {"guest": guest}, vms))


@frozen
class Seen:
    """Before and after one rollback, and what the checkpoint that it goes back to was like."""

    checkpoint: snapshots.Snapshot
    before: snapshots.Snapshot
    after: snapshots.Snapshot
    tables_before: snapshots.Tables
    tables_after: snapshots.Tables
    others_before: dict[str, bytes]
    others_after: dict[str, bytes]


def follow(target: Target, gdb: Gdb, vm: str, checkpoint: str, rollback: str, task: int | None) -> Seen:
    """Take a snapshot at the end of each checkpoint, until the rollback comes."""
    others = [name for name in POLICIES if name != vm]
    points = {
        snapshots.break_for(gdb, target, checkpoint, vm, task): checkpoint,
        snapshots.break_for(gdb, target, rollback, vm, task): rollback,
    }
    last = None
    while points[gdb.resume().breakpoint or 0] == checkpoint:
        snapshots.finish(gdb)
        last = snapshots.take(target, vm)
    assert last, "a rollback without a checkpoint"
    before = snapshots.take(target, vm), snapshots.tables(target, vm), snapshots.partitions(target, *others)
    snapshots.finish(gdb)
    after = snapshots.take(target, vm), snapshots.tables(target, vm), snapshots.partitions(target, *others)
    for number in points:
        gdb.delete(number)
    return Seen(last, before[0], after[0], before[1], after[1], before[2], after[2])


def seen_task(target: Target, vm: str) -> Seen:
    target.run_for(10 * (AT - 8))
    with target.debugger() as gdb:
        return follow(target, gdb, vm, "checkpoint_task", "recovery_rollback_task", TASK)


def seen_vm(target: Target, vm: str) -> Seen:
    machine.until(target, lambda: machine.counters(target, vm)["task_rollbacks"] == 1)
    with target.debugger() as gdb:
        return follow(target, gdb, vm, "checkpoint_vm", "recovery_rollback_vm", None)


@pytest.fixture(scope="module")
def task_rollbacks(image: Image) -> Iterator[dict[str, Seen]]:
    seen = {}
    for vm in POLICIES:
        with Target(image) as target:
            seen[vm] = seen_task(target, vm)
    yield seen


@pytest.fixture(scope="module")
def vm_rollbacks(image: Image) -> Iterator[dict[str, Seen]]:
    seen = {}
    for vm in POLICIES:
        with Target(image) as target:
            seen[vm] = seen_vm(target, vm)
    yield seen


def stacks(image: Image, vm: str) -> dict[int, range]:
    """The pages of the stacks whose dead part is not saved under the policy of a VM."""
    if POLICIES[vm]["stack"] != "eager":
        return {}
    guest = image.manifest["guests"]["guest"]
    found = {number: range(task["stack_base"], task["stack_top"], PAGE) for number, task in enumerate(guest["tasks"])}
    kernel = next(s for s in guest["segments"] if s["stack"] and s["window"] == 1)
    return {**found, snapshots.KERNEL: range(kernel["va"], kernel["va"] + kernel["mem_size"], PAGE)}


@pytest.mark.parametrize("vm", POLICIES)
def test_vm_rollback_exchanges_the_tables(vm_rollbacks: dict[str, Seen], vm: str) -> None:
    """# R14 # R15 # R28 # R29 active_pt and backup_pt change places, with the ASID; no first-level entry is rewritten."""
    before, after = vm_rollbacks[vm].tables_before, vm_rollbacks[vm].tables_after
    assert (after.active_pt, after.backup_pt) == (before.backup_pt, before.active_pt)
    assert (after.active, after.backup) == (before.backup, before.active)
    assert after.task_backup_pt == before.task_backup_pt
    assert after.asid == before.asid ^ 1


@pytest.mark.parametrize("vm", POLICIES)
def test_vm_rollback_restores_every_byte(image: Image, vm_rollbacks: dict[str, Seen], vm: str) -> None:
    """# R29 # R21 # D3 # Invariant 1 Kernel, shared memory and all tasks are what they were at the checkpoint."""
    seen, dead = vm_rollbacks[vm], stacks(image, vm)
    assert seen.after.live(dead) == seen.checkpoint.live(dead)
    assert seen.before.memory != seen.checkpoint.memory, "nothing had changed: nothing is shown"


@pytest.mark.parametrize("vm", POLICIES)
def test_vm_rollback_restores_registers_and_devices(vm_rollbacks: dict[str, Seen], vm: str) -> None:
    """# D4 # R29 # Invariant 1 All threads' registers, VFP included; vCPU page, timer, ready table, who runs."""
    seen = vm_rollbacks[vm]
    assert seen.after.registers == seen.checkpoint.registers
    assert seen.after.vfp == seen.checkpoint.vfp
    assert seen.after.vcpu == seen.checkpoint.vcpu
    assert seen.after.devices == seen.checkpoint.devices
    assert seen.after.pending & seen.before.pending == seen.before.pending, "an interrupt was lost"


@pytest.mark.parametrize("vm", POLICIES)
def test_task_rollback_exchanges_one_entry(
    vm_rollbacks: dict[str, Seen], task_rollbacks: dict[str, Seen], vm: str
) -> None:
    """# R16 # R17 # R28 # R30 The first-level entry of the task and its backup change places, and no other entry."""
    del vm_rollbacks
    before, after = task_rollbacks[vm].tables_before, task_rollbacks[vm].tables_after
    window = TASK_WINDOW + TASK
    assert after.active[window] == before.task_backup_pt[TASK]
    assert after.task_backup_pt[TASK] == before.active[window] != after.active[window]
    for name in ("active_pt", "backup_pt", "backup", "asid"):
        assert getattr(after, name) == getattr(before, name)
    others = [number for number in range(17) if number != window]
    assert [after.active[number] for number in others] == [before.active[number] for number in others]
    assert all(after.second[number] == before.second[number] for number in after.second if number != window)
    others = [number for number in range(13) if number != TASK]
    assert [after.task_backup_pt[n] for n in others] == [before.task_backup_pt[n] for n in others]


@pytest.mark.parametrize("vm", POLICIES)
def test_task_rollback_restores_every_byte_of_the_task(image: Image, task_rollbacks: dict[str, Seen], vm: str) -> None:
    """# R30 # R21 # D3 # D4 # Invariant 1 Memory and registers of the task are those of its checkpoint."""
    seen, window = task_rollbacks[vm], TASK_WINDOW + TASK
    dead = {thread: stack for thread, stack in stacks(image, vm).items() if thread == TASK}
    after, checkpoint = (
        {va: data for va, data in taken.live(dead).items() if va >> 20 == window}
        for taken in (seen.after, seen.checkpoint)
    )
    assert after == checkpoint
    assert seen.before.pages_of(window) != seen.checkpoint.pages_of(window), "nothing had changed: nothing is shown"
    assert seen.after.registers[TASK] == seen.checkpoint.registers[TASK]
    assert seen.after.vfp[TASK] == seen.checkpoint.vfp[TASK]


@pytest.mark.parametrize("vm", POLICIES)
def test_task_rollback_touches_nothing_else(image: Image, task_rollbacks: dict[str, Seen], vm: str) -> None:
    """# R9 # R30 # Invariant 1 Kernel, shared memory, other tasks, their registers and the devices stay as they are."""
    seen, window = task_rollbacks[vm], TASK_WINDOW + TASK
    for va, data in seen.before.memory.items():
        assert va >> 20 == window or seen.after.memory[va] == data, f"{va:#x} changed"
    for thread in {*range(len(image.manifest["guests"]["guest"]["tasks"])), snapshots.KERNEL} - {TASK}:
        assert seen.after.registers[thread] == seen.before.registers[thread]
    assert seen.after.vcpu == seen.before.vcpu
    assert seen.after.devices == seen.before.devices


@pytest.mark.parametrize("vm", POLICIES)
def test_other_vms_are_untouched(vm_rollbacks: dict[str, Seen], task_rollbacks: dict[str, Seen], vm: str) -> None:
    """# R1 # R46 # Invariant 1 No byte of another VM's memory, tables or state changes in either kind of rollback."""
    for seen in (vm_rollbacks[vm], task_rollbacks[vm]):
        assert seen.others_after.keys() == seen.others_before.keys()
        for name, data in seen.others_before.items():
            assert seen.others_after[name] == data, name


def test_switch_to_the_next_guest_completes_the_recovery(vmm_boot: Boot, image: Image) -> None:
    """# R29 After a rollback of a VM with others ready, another VM runs first."""
    target = vmm_boot(image)
    vm = "undo"
    machine.until(target, lambda: machine.counters(target, vm)["task_rollbacks"] == 1)
    with target.debugger() as gdb:
        rollback = snapshots.break_for(gdb, target, "recovery_rollback_vm", vm)
        gdb.resume()
        gdb.delete(rollback)
        gdb.break_at(target.memory.address("fault_data"))
        gdb.break_at(target.memory.address("vmi_dispatch"))
        gdb.break_at(target.memory.address("interrupt_handle"))
        gdb.resume()
        assert target.memory.current_vm() != vm
    assert len(tasks_of(target, vm)) == 4
