# SPDX-License-Identifier: Apache-2.0
"""What a rollback does to tables, memory, registers and devices, seen through GDB at its first and last instruction."""

import pytest
from attrs import frozen
from understudy.image import Image
from understudy.pytest_plugin import Boot, Build
from understudy.target import Gdb, Target

from . import machine, snapshots, systems
from .tables import PAGE, TASK_WINDOW

POLICIES = {
    "undo": {"stack": "undo", "data": "undo"},
    "eager": {"stack": "eager", "data": "undo"},
    "eager2": {"stack": "eager", "data": "eager"},
    "full": {"stack": "full", "data": "full"},
    "timed": {"stack": "undo", "data": "undo", "vm_period_ms": 25, "task_period_ms": 15},
    "rare": {"stack": "undo", "data": "undo", "vm_period": 3, "task_period": 2},
}
TASK = 2  # slot of the task that fails alone: the worker
OTHER = "other"
WILD = 0x0BADC0D0
KERNEL_CALL = 0x00100008  # where a call of a task enters its kernel
IRQ_DISABLED = 0x80  # CPSR.I


@pytest.fixture(scope="module")
def image(vmm_build: Build) -> Image:
    """VMs of the same healthy guest, each with another policy: the faults come from GDB, the right moment known."""
    guest = systems.faulty_kernel_guest("none", times=systems.NEVER)
    loop = systems.guest("control_loop")  # its task has values in VFP registers all the time
    guest["shared"] += loop["shared"]
    guest["tasks"] += loop["tasks"]
    settings = {"recovery": systems.GENEROUS, "autostart": False, "slice_ticks": 60}
    vms = {name: systems.vm("guest", policy=policy, **settings) for name, policy in POLICIES.items()}
    guests = {"guest": guest, OTHER: systems.faulty_guest(systems.spinner())}
    return vmm_build(systems.system("test-rollback", guests, {**vms, OTHER: systems.vm(OTHER)}))


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
    next_vm: str | None


def at_rollback(target: Target, gdb: Gdb, vm: str, function: str, checkpoint: snapshots.Snapshot) -> Seen:
    """Let the fault happen that was just injected, and look at both ends of the rollback."""
    others = [name for name in target.image.manifest["vms"] if name != vm]
    entry = snapshots.break_for(gdb, target, function, vm)
    gdb.resume()
    gdb.delete(entry)
    before = snapshots.take(target, vm), snapshots.tables(target, vm), snapshots.partitions(target, *others)
    snapshots.finish(gdb)
    after = snapshots.take(target, vm), snapshots.tables(target, vm), snapshots.partitions(target, *others)
    gdb.break_at(target.memory.address("resume"), once=True)
    gdb.resume()
    gdb.step(8)
    return Seen(
        checkpoint, before[0], after[0], before[1], after[1], before[2], after[2], next_vm=target.memory.current_vm()
    )


def break_at_work(target: Target, gdb: Gdb, vm: str, work: int, task: int | None) -> snapshots.Snapshot:
    """Run until `vm` comes to the instruction at `work` with memory changed since its last checkpoint, or the task's.

    Every stop of GDB makes QEMU's clock jump to the next tick, so there may be only few of them.
    """
    taken: snapshots.Snapshot | None = None
    at_checkpoint = [snapshots.break_for(gdb, target, "checkpoint_vm", vm)]  # it is that of its tasks as well
    if task is not None:
        at_checkpoint.append(snapshots.break_for(gdb, target, "checkpoint_task", vm, task))
    at_work = gdb.break_at(work)
    while True:
        if gdb.resume().breakpoint in at_checkpoint:
            snapshots.finish(gdb)
            taken = snapshots.take(target, vm)
        elif taken and works(target, vm) and is_changed(target, vm, taken, task):
            for number in (*at_checkpoint, at_work):
                gdb.delete(number)
            return taken


def works(target: Target, vm: str) -> bool:
    """Tell whether the VM runs, and its worker ran last."""
    owner = machine.thread_number(target.memory, vm, target.memory.vm(vm)["owner"])
    return target.memory.current_vm() == vm and owner == TASK


def is_changed(target: Target, vm: str, checkpoint: snapshots.Snapshot, task: int | None) -> bool:
    """Tell whether all that is checked differs from the checkpoint, and the task can be rolled back alone (D6)."""
    now = snapshots.take(target, vm)
    if task is not None:
        alone = not machine.thread(target, vm, task)["impure"]
        return alone and now.memory != checkpoint.memory
    if now.devices["ready"] == checkpoint.devices["ready"]:
        return False
    return all(getattr(now, part) != getattr(checkpoint, part) for part in ("memory", "registers", "vfp"))


def call_of_print(target: Target, vm: str) -> int:
    """The address of the worker's call of `print`: it has a new value then."""
    work = target.memory.symbol(vm, "worker_task", "worker")
    wanted = target.memory.symbol(vm, "print").address
    for address in range(work.address, work.address + work.size, 4):
        word = int.from_bytes(target.memory.read(vm, address, 4), "little")
        offset = (word & 0xFFFFFF) - (0x1000000 if word & 0x800000 else 0)
        if word >> 24 == 0xEB and address + 8 + 4 * offset == wanted:  # BL
            return address
    raise AssertionError("the worker does not call print")


def go_astray(gdb: Gdb) -> None:
    """Send the guest to nowhere at once: the tick that waits since GDB stopped the machine must not come first."""
    gdb.write_register("cpsr", gdb.registers()["cpsr"] | IRQ_DISABLED)
    gdb.write_register("pc", WILD)


def break_task(target: Target, gdb: Gdb, vm: str) -> Seen:
    """Send the worker astray when it is going to print."""
    taken = break_at_work(target, gdb, vm, call_of_print(target, vm), TASK)
    go_astray(gdb)
    return at_rollback(target, gdb, vm, "recovery_rollback_task", taken)


def break_kernel(target: Target, gdb: Gdb, vm: str) -> Seen:
    """Send the kernel astray at a call of the worker, who comes last: then the others have run, too."""
    taken = break_at_work(target, gdb, vm, KERNEL_CALL, None)
    go_astray(gdb)
    return at_rollback(target, gdb, vm, "recovery_rollback_vm", taken)


@pytest.fixture(scope="module")
def rollbacks(image: Image) -> dict[str, tuple[Seen, Seen]]:
    """For each VM a rollback of its worker, then one of all of it; the VM runs beside one other only."""
    seen = {}
    with Target(image) as target:
        target.wait_for_prompt()
        for vm in POLICIES:
            target.vm0(f"boot {vm}")
            machine.until(target, lambda vm=vm: machine.printed(target, vm, lines=12))
            with target.debugger() as gdb:
                seen[vm] = break_task(target, gdb, vm), break_kernel(target, gdb, vm)
            target.vm0(f"pause {vm}")
        assert [fault.action for fault in target.faults()] == ["task rollback", "vm rollback"] * len(POLICIES)
    return seen


@pytest.fixture
def task_rollback(rollbacks: dict[str, tuple[Seen, Seen]], vm: str) -> Seen:
    return rollbacks[vm][0]


@pytest.fixture
def vm_rollback(rollbacks: dict[str, tuple[Seen, Seen]], vm: str) -> Seen:
    return rollbacks[vm][1]


def stacks(image: Image, vm: str) -> dict[int, range]:
    """The pages of the stacks whose dead part is not saved under the policy of a VM."""
    if POLICIES[vm]["stack"] != "eager":
        return {}
    guest = image.manifest["guests"]["guest"]
    found = {number: range(task["stack_base"], task["stack_top"], PAGE) for number, task in enumerate(guest["tasks"])}
    kernel = next(s for s in guest["segments"] if s["stack"] and s["window"] == 1)
    return {**found, snapshots.KERNEL: range(kernel["va"], kernel["va"] + kernel["mem_size"], PAGE)}


@pytest.mark.parametrize("vm", POLICIES)
def test_vm_rollback_exchanges_the_tables(vm_rollback: Seen, vm: str) -> None:
    """# R14 # R15 # R28 # R29 active_pt and backup_pt change places, with the ASID; no first-level entry does."""
    before, after = vm_rollback.tables_before, vm_rollback.tables_after
    assert (after.active_pt, after.backup_pt) == (before.backup_pt, before.active_pt)
    assert (after.active, after.backup) == (before.backup, before.active)
    assert after.task_backup_pt == before.task_backup_pt
    assert after.asid == before.asid ^ 1


@pytest.mark.parametrize("vm", POLICIES)
def test_vm_rollback_restores_every_byte(image: Image, vm_rollback: Seen, vm: str) -> None:
    """# R29 # R21 # D3 # Invariant 1 Kernel, shared memory and all tasks are what they were at the checkpoint."""
    seen, dead = vm_rollback, stacks(image, vm)
    assert seen.after.live(dead) == seen.checkpoint.live(dead)
    assert seen.before.memory != seen.checkpoint.memory, "nothing had changed: nothing is shown"


@pytest.mark.parametrize("vm", POLICIES)
def test_new_backup_is_made(vm_rollback: Seen, task_rollback: Seen, vm: str) -> None:
    """# R28 # R29 # R30 # Invariant 3 After the exchange all tables name the restored frames."""
    assert {va: len(frames) for va, frames in vm_rollback.after.frames.items() if len(frames) > 1} == {}
    after = task_rollback.tables_after
    restored = after.second[TASK_WINDOW + TASK]
    assert [entry & ~0xFFF for entry in restored] == [entry & ~0xFFF for entry in after.task_second[TASK]]


@pytest.mark.parametrize("vm", POLICIES)
def test_vm_rollback_restores_registers_and_devices(vm_rollback: Seen, vm: str) -> None:
    """# D4 # R29 # Invariant 1 All threads' registers, VFP included; vCPU page, timer, ready table, who runs."""
    seen = vm_rollback
    assert seen.after.registers == seen.checkpoint.registers
    assert seen.after.vfp == seen.checkpoint.vfp
    assert seen.before.vfp != seen.checkpoint.vfp, "nothing had changed: nothing is shown"
    assert seen.before.registers != seen.checkpoint.registers
    assert seen.after.vcpu == seen.checkpoint.vcpu
    assert seen.after.devices == seen.checkpoint.devices
    assert seen.after.pending & seen.before.pending == seen.before.pending, "an interrupt was lost"


@pytest.mark.parametrize("vm", POLICIES)
def test_task_rollback_exchanges_one_entry(task_rollback: Seen, vm_rollback: Seen, vm: str) -> None:
    """# R16 # R17 # R28 # R30 The first-level entry of the task and its backup change places, and no other entry."""
    before, after = task_rollback.tables_before, task_rollback.tables_after
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
def test_task_rollback_restores_every_byte_of_the_task(image: Image, task_rollback: Seen, vm: str) -> None:
    """# R30 # R21 # D3 # D4 # Invariant 1 Memory and registers of the task are those of its checkpoint."""
    seen, window = task_rollback, TASK_WINDOW + TASK
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
def test_task_rollback_touches_nothing_else(image: Image, task_rollback: Seen, vm: str) -> None:
    """# R9 # R30 # Invariant 1 Kernel, shared memory, other tasks, their registers and the devices stay as they are."""
    seen, window = task_rollback, TASK_WINDOW + TASK
    for va, data in seen.before.memory.items():
        assert va >> 20 == window or seen.after.memory[va] == data, f"{va:#x} changed"
    for thread in {*range(len(image.manifest["guests"]["guest"]["tasks"])), snapshots.KERNEL} - {TASK}:
        assert seen.after.registers[thread] == seen.before.registers[thread]
    assert seen.after.vcpu == seen.before.vcpu
    assert seen.after.devices == seen.before.devices


@pytest.mark.parametrize("vm", POLICIES)
def test_other_vms_are_untouched(task_rollback: Seen, vm_rollback: Seen, vm: str) -> None:
    """# R1 # R46 # Invariant 1 # Invariant 2 No byte of another VM's memory, tables or state changes."""
    for seen in (vm_rollback, task_rollback):
        assert seen.others_after.keys() == seen.others_before.keys()
        for name, data in seen.others_before.items():
            assert seen.others_after[name] == data, name


def test_switch_to_the_next_guest_completes_the_recovery(vmm_boot: Boot) -> None:
    """# R29 # R8 A VM that never sleeps is rolled back in the middle of its long slice: another one comes next."""
    vms = {name: systems.vm("busy", slice_ticks=200, recovery=systems.GENEROUS) for name in ("one", OTHER)}
    data = systems.system("test-next", {"busy": systems.faulty_guest(systems.spinner())}, vms)
    target = vmm_boot(data)
    machine.until(target, lambda: machine.printed(target, *vms, lines=20))
    with target.debugger() as gdb:
        target.stop_in(gdb, "one", target.memory.symbol("one", "OSTimeTickHook").address, seconds=30)
        go_astray(gdb)
        snapshots.break_for(gdb, target, "recovery_rollback_vm", "one")
        gdb.resume()
        gdb.break_at(target.memory.address("resume"), once=True)
        gdb.resume()
        assert target.memory.current_vm() == OTHER
    assert target.faults()[0].action == "vm rollback"


@pytest.mark.parametrize("vm", POLICIES)
def test_rolled_back_task_goes_on_at_once(task_rollback: Seen, vm: str) -> None:
    """# R30 The VM does not lose its slice for a fault of a task."""
    assert task_rollback.next_vm == vm
