# SPDX-License-Identifier: Apache-2.0
"""Damage to what rollbacks rely on (D7): page tables and the VMM's records of a VM, found before it is used."""

from collections.abc import Callable

import pytest
from understudy.pytest_plugin import Boot
from understudy.target import Target

from . import machine, systems
from .tables import VCPU_PAGE

VM = "peaceful"
LINES = 20
L1_MASK = 0xFFFFFC00
FRAME_BIT, OTHER_FRAME_BIT = 1 << 20, 1 << 12


@pytest.fixture
def running(vmm_boot: Boot) -> Target:
    target = vmm_boot(systems.golden())
    machine.until(target, lambda: machine.printed(target, VM, *systems.HEALTHY, lines=LINES))
    return target


def entry(target: Target, table: str, page: int) -> int:
    """Address of a page's second-level entry in a table of `VM`; a task's own backup has no first level."""
    memory, vm = target.memory, target.memory.vm(VM)
    window = page >> 20
    first = vm["task_backup_pt"][window - 3] if table == "task_backup_pt" else memory.word(vm[table] + window * 4)
    return int((first & L1_MASK) + (page >> 12 & 0xFF) * 4)


def text(target: Target) -> int:
    """A page of the worker that never becomes dirty."""
    return target.memory.symbol(VM, "worker_task", "worker").address


def backup_entry(target: Target) -> tuple[int, int]:
    """A rollback would give the worker another frame for its code."""
    return entry(target, "backup_pt", text(target)), OTHER_FRAME_BIT


def task_backup_entry(target: Target) -> tuple[int, int]:
    """A rollback of the task would give it a frame of somebody else."""
    return entry(target, "task_backup_pt", text(target)), FRAME_BIT


def executable_data(target: Target) -> tuple[int, int]:
    """A page that is written becomes executable in its backup (XN); no checkpoint writes this entry anew."""
    return entry(target, "backup_pt", VCPU_PAGE), 1


def first_level(target: Target) -> tuple[int, int]:
    """The backup of a window that the guest does not have."""
    return target.memory.vm(VM)["backup_pt"] + 15 * 4, 1 << 5


def image_of_registers(target: Target) -> tuple[int, int]:
    """Where the registers of a task go that does not exist."""
    memory = target.memory
    thread = memory.vm_address(VM) + memory.offset_of("vm", "threads") + 12 * memory.size_of("thread")
    return thread + memory.offset_of("thread", "park"), 1 << 8


DAMAGE = [backup_entry, task_backup_entry, executable_data, first_level, image_of_registers]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_damage_is_found_and_the_vm_built_anew(
    running: Target, undisturbed: Callable[..., int], damage: Callable[[Target], tuple[int, int]]
) -> None:
    """# D7 # D5 The VM gets new tables from its pristine image; no other VM notices, and nothing is found any more."""
    address, bit = damage(running)
    with running.debugger() as gdb:
        wrong = running.memory.word(address) ^ bit
        before, after = gdb.write_physical(address, wrong.to_bytes(4, "little"))
        assert before != after
    machine.until(running, lambda: running.faults() and running.faults()[-1].action == "cold restart", ms=8_000)
    faults = running.faults()
    assert {(f.vm, f.task, f.kind, f.fault_class) for f in faults} == {(VM, "kernel", "check", "table")}
    before_lines = len(running.uart(VM).lines)
    machine.until(running, lambda: machine.printed(running, VM, lines=before_lines + LINES), ms=3_000)
    running.run_for(3_000)
    assert len(running.faults()) == len(faults)
    assert undisturbed(machine.keep(running)) >= 40


def test_no_false_alarm(vmm_boot: Boot) -> None:
    """# D7 Rollbacks, restarts, another guest in the VM, with housekeeping at every tick: nothing is found."""
    description = systems.golden()
    description["system"] = {
        **description["system"],
        "name": "test-validation-soak",
        "housekeeping_ms": 1,
        "scrub_kib_per_s": 256,
    }
    target = vmm_boot(description)
    target.wait_for_prompt()
    for guest in ("peaceful", "control_loop", "peaceful"):
        for command in (
            "rollback VM",
            "rollback VM 0",
            "checkpoint VM",
            "pause VM",
            "resume VM",
            "stop VM",
            "start VM",
        ):
            machine.ask(target, command.replace("VM", VM))
            target.run_for(300)
        for command in ("stop VM", "destroy VM", f"create VM {guest}", "start VM"):
            machine.ask(target, command.replace("VM", VM))
    assert {fault.fault_class for fault in target.faults()} == {"request"}
