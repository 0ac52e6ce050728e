# SPDX-License-Identifier: Apache-2.0
"""All that a checkpoint covers of a VM, taken from a machine that stands still, to be compared byte by byte."""

from collections.abc import Callable
from typing import Any

from attrs import frozen
from understudy.target import Gdb, Target
from understudy.target.memory import Memory

from . import machine
from .tables import INFO_WINDOW, MIB, PAGE, TASK_WINDOW, pages, tasks_of, words

KERNEL = 13  # number of the guest kernel's thread
_UNTRACKED_VCPU = ("irq_pending",)  # what was raised after the checkpoint stays raised


@frozen
class Snapshot:
    """Memory by page address; registers by thread; virtual devices by member."""

    memory: dict[int, bytes]
    registers: dict[int, dict[str, Any]]
    vfp: dict[int, bytes]
    vcpu: dict[str, Any]
    pending: int
    frames: dict[int, set[int]]  # that the tables name for each page: one only, if all of them agree
    devices: dict[str, Any]

    def pages_of(self, window: int) -> dict[int, bytes]:
        """The pages of one window."""
        return {va: data for va, data in self.memory.items() if va // MIB == window}

    def live(self, stacks: dict[int, range]) -> dict[int, bytes]:
        """Memory without what lies below the stack pointers of `stacks` (dead by AAPCS 6.2.1.1)."""
        kept = dict(self.memory)
        for thread, stack in stacks.items():
            runs = thread != KERNEL or self.devices["thread"] == KERNEL
            # Copied in units of 32 bytes. The kernel's stack is empty while a task runs.
            pointer = self.registers[thread]["r"][13] & ~31 if runs else stack.stop
            for va in stack:
                dead = min(max(pointer - va, 0), PAGE)
                kept[va] = kept[va][dead:]
        return kept


def take(target: Target, vm: str, *, saved: bool = False) -> Snapshot:
    """Look at a VM, or at its checkpoint: in two reads only, as every stop of GDB lets the machine's clock run on."""
    memory = target.memory
    at, size = memory.vm_address(vm), memory.size_of("vm")
    partition = target.image.manifest["vms"][vm]["memory"]["base"]
    whole = {at: target.read_physical(at, size)}
    state = memory.structure("vm", whole[at])
    whole[partition] = target.read_physical(partition, state["memory_next"] - partition)

    def read(address: int, count: int) -> bytes:
        base = at if at <= address < at + size else partition
        return whole[base][address - base :][:count]

    frozen_target = Frozen(target, read)
    threads = [*range(len(tasks_of(target, vm))), KERNEL]
    tracked = list(pages(frozen_target, vm))
    now = memory.structure("vm_saved", state["saved"]) if saved else state
    data = now["vcpu"] if saved else read(state["vcpu"], memory.size_of("vmi_vcpu"))
    vcpu = memory.structure("vmi_vcpu", data)
    return Snapshot(
        memory={page.va: read(page.backup if saved else page.active, PAGE) for page in tracked},
        registers={thread: machine.frame(frozen_target, vm, thread, saved=saved) for thread in threads},
        vfp={thread: _vfp(frozen_target, vm, thread, saved=saved) for thread in threads},
        vcpu={name: value for name, value in vcpu.items() if name not in _UNTRACKED_VCPU},
        pending=vcpu["irq_pending"],
        frames={page.va: {page.active, page.backup, page.task_backup} - {None} for page in tracked},
        devices={
            "state": memory.structure("vm_state", now["state"]),
            "ready": now["tasks"],
            "thread": machine.thread_number(memory, vm, now["thread"]),
            "owner": machine.thread_number(memory, vm, now["owner"]),
        },
    )


class Frozen:
    """What `machine` and `tables` need of a target, from memory that was read before."""

    def __init__(self, target: Target, read: Callable[[int, int], bytes]) -> None:
        self.image = target.image
        self.read_physical = read
        self.memory = Memory(target.image.manifest, read)


def _vfp(target: machine.Readable, vm: str, thread: int, *, saved: bool) -> bytes:
    memory = target.memory
    size = memory.size_of("vfp_context")
    slot = machine.thread(target, vm, thread)["vfp_vm_saved" if saved else "vfp_active"]
    at = memory.vm_address(vm) + memory.offset_of("vm", "vfp") + (thread * 3 + slot) * size
    return target.read_physical(at, size)


def partitions(target: Target, *vms: str) -> dict[str, bytes]:
    """The whole used memory of VMs, tables included, and what the VMM knows of them."""
    found = {}
    for vm in vms:
        base = target.image.manifest["vms"][vm]["memory"]["base"]
        end = target.memory.vm(vm)["memory_next"]  # 0: never created
        found[vm] = target.read_physical(base, end - base) if end else b""
        found[f"struct {vm}"] = target.read_physical(target.memory.vm_address(vm), target.memory.size_of("vm"))
    return found


@frozen
class Tables:
    """First- and second-level tables of a VM, and the pointers that say which are in use."""

    active_pt: int
    backup_pt: int
    active: list[int]
    backup: list[int]
    task_backup_pt: list[int]
    asid: int
    second: dict[int, list[int]]  # by the window's number: the second-level table in use
    task_second: dict[int, list[int]]  # by the task's number: that of its backup


def tables(target: Target, vm: str) -> Tables:
    """Read them."""
    state = target.memory.vm(vm)
    active = words(target, state["active_pt"], 17)
    windows = [1, 2, *range(TASK_WINDOW, TASK_WINDOW + len(tasks_of(target, vm))), INFO_WINDOW]
    return Tables(
        active_pt=state["active_pt"],
        backup_pt=state["backup_pt"],
        active=active,
        backup=words(target, state["backup_pt"], 17),
        task_backup_pt=list(state["task_backup_pt"]),
        asid=state["asid"],
        task_second={
            task: words(target, descriptor & 0xFFFFFC00, 256)
            for task, descriptor in enumerate(state["task_backup_pt"])
            if descriptor
        },
        second={window: words(target, active[window] & 0xFFFFFC00, 256) for window in windows},
    )


def break_for(gdb: Gdb, target: Target, function: str, vm: str, task: int | None = None) -> int:
    """A breakpoint at the start of a function of the VMM, for one VM (and task) only; returns its number."""
    condition = f"$r0 == {target.memory.vm_address(vm):#x}" + (f" && $r1 == {task}" if task is not None else "")
    number = gdb.break_at(target.memory.address(function))
    gdb.command(f'-break-condition {number} "{condition}"')
    return number


def finish(gdb: Gdb) -> None:
    """From the first instruction of a function to its return."""
    gdb.break_at(gdb.registers()["lr"], once=True)
    gdb.resume()
