# SPDX-License-Identifier: Apache-2.0
"""Invariant 3 in the code that runs: at every instruction of a checkpoint, a rollback or a first write memory holds one
whole checkpoint of the VM, the old or the new one, and says which (docs/recovery.md).

What is done with it then is proven by tests/c/test_interrupted.c, and with real aborts by test_aborts.py.
"""

from collections.abc import Callable

import pytest
from understudy.image import Image
from understudy.pytest_plugin import Boot, Build
from understudy.target import Gdb, Target

from . import machine, snapshots, systems
from .snapshots import Snapshot
from .test_rollback import KERNEL_CALL, OTHER, TASK, break_at_work, call_of_print, go_astray

VM = "undo"
LONGEST = 5_000  # instructions of a function, with all that it calls


@pytest.fixture(scope="module")
def image(vmm_build: Build) -> Image:
    """One VM whose pages are all saved by the undo log: nothing of them is dead, so everything can be compared."""
    guest = systems.faulty_kernel_guest("none", times=systems.NEVER)
    loop = systems.guest("control_loop")
    guest["shared"] += loop["shared"]
    guest["tasks"] += loop["tasks"]
    policy = {"stack": "undo", "data": "undo"}
    vms = {VM: systems.vm("guest", policy=policy, recovery=systems.GENEROUS, autostart=False, slice_ticks=60)}
    guests = {"guest": guest, OTHER: systems.faulty_guest(systems.spinner())}
    return vmm_build(systems.system("test-interrupted", guests, {**vms, OTHER: systems.vm(OTHER)}))


def may_store(word: int) -> bool:
    """Tell whether an ARM instruction can write to memory (ARM ARM A5.1); true for some that don't."""
    group, load = word >> 25 & 7, word >> 20 & 1
    if word >> 28 == 0xF:
        return True
    if group == 0:  # halfwords, doublewords, exclusives: bits 7 and 4 are set
        return word & 0x90 == 0x90 and not load
    return group in (2, 3, 4, 6) and not load


def whole(target: Target) -> tuple[object, ...]:
    """The checkpoint of the VM as memory says it now: all that a rollback brings back."""
    state = target.memory.vm(VM)
    assert not state["loading"], "there is no checkpoint"
    seen = snapshots.take(target, VM, saved=not state["committing"])
    return contents(seen)


def contents(seen: Snapshot) -> tuple[object, ...]:
    """What is compared. Interrupts that are raised meanwhile may be among those that a rollback brings."""
    return seen.memory, seen.registers, seen.vfp, seen.vcpu, seen.devices


def follow(target: Target, gdb: Gdb, function: str, *, renews: bool) -> int:
    """Step through a function for the VM, from its next call to its return; return the number of looks at memory."""
    number = snapshots.break_for(gdb, target, function, VM)
    gdb.resume()
    gdb.delete(number)
    symbols = target.image.manifest["symbols"]
    base = symbols["__text_start"]
    text = target.read_physical(base, symbols["__text_end"] - base)
    old, new = whole(target), contents(snapshots.take(target, VM))
    assert old != new, "nothing could be mixed up"
    registers = gdb.registers()
    pc, end = registers["pc"], registers["lr"]
    looks, renewed = 0, False
    for _ in range(LONGEST):
        word = int.from_bytes(text[pc - base :][:4], "little")
        before, pc = pc, gdb.step().pc
        if may_store(word):
            found = whole(target)
            looks += 1
            renewed = renewed or (renews and found == new)
            assert found == (new if renewed else old), f"a mixture after the instruction at {before:#x} of {function}"
        if pc == end:
            assert renewed == renews
            return looks
    raise AssertionError(f"{function} does not end")


def at_commit(target: Target, gdb: Gdb) -> tuple[str, bool]:
    """A VM with changed pages, registers and ready table is left."""
    break_at_work(target, gdb, VM, KERNEL_CALL, None)
    return "checkpoint_vm", True


def at_rollback(target: Target, gdb: Gdb) -> tuple[str, bool]:
    """Its kernel fails, with all of that changed."""
    break_at_work(target, gdb, VM, KERNEL_CALL, None)
    go_astray(gdb)
    return "recovery_rollback_vm", False


def at_task_rollback(target: Target, gdb: Gdb) -> tuple[str, bool]:
    """The task fails alone."""
    break_at_work(target, gdb, VM, call_of_print(target, VM), TASK)
    go_astray(gdb)
    return "recovery_rollback_task", False


def at_task_commit(target: Target, gdb: Gdb) -> tuple[str, bool]:
    """The task is left, with pages that it has written."""
    break_at_work(target, gdb, VM, call_of_print(target, VM), TASK)
    return "checkpoint_task", False


def at_first_write(target: Target, gdb: Gdb) -> tuple[str, bool]:
    """Somebody writes a page that is still armed."""
    break_at_work(target, gdb, VM, call_of_print(target, VM), TASK)
    return "recovery_first_write", False


Way = Callable[[Target, Gdb], tuple[str, bool]]


@pytest.mark.parametrize("way", [at_commit, at_rollback, at_task_rollback, at_task_commit, at_first_write])
def test_one_whole_checkpoint_at_every_instruction(image: Image, vmm_boot: Boot, way: Way) -> None:
    """# Invariant 3 # R19 # R20 # R29 # R30"""
    target = vmm_boot(image)
    target.wait_for_prompt()
    target.vm0(f"boot {VM}")
    machine.until(target, lambda: machine.printed(target, VM, lines=12))
    with target.debugger() as gdb:
        function, renews = way(target, gdb)
        assert follow(target, gdb, function, renews=renews) > 10
