# SPDX-License-Identifier: Apache-2.0
"""Damage to backups (D7): a bit flips in a frame that a rollback would bring back, right before the rollback."""

import pytest
from understudy.image import Image
from understudy.pytest_plugin import Build
from understudy.target import Fault, Gdb, Target

from . import machine, oracle, systems
from .tables import MIB, PAGE, Page, pages, words
from .test_rollback import KERNEL_CALL, TASK, break_at_work, call_of_print, go_astray

OLDER, PRISTINE, UNCHECKED = "older", "pristine", "unchecked"
GENERATION_MS = 100
OS_TICK_MS = 10
LINES = 20
UNDO = {"stack": "undo", "data": "undo"}
VMS = {
    OLDER: {**UNDO, "checksum": True, "generations": 1, "generation_ms": GENERATION_MS},
    PRISTINE: {**UNDO, "checksum": True, "generations": 0},
    UNCHECKED: {**UNDO, "generations": 1, "generation_ms": GENERATION_MS},
}
DONE = {OLDER: "older generation", PRISTINE: "cold restart"}
WORKER_WINDOW = (3 + TASK) * MIB


def image(vmm_build: Build, vm: str) -> Image:
    """A healthy guest in a VM with one of the policies: the faults come from GDB."""
    guest = systems.faulty_kernel_guest("none", times=systems.NEVER)
    used = systems.vm("guest", policy=VMS[vm], autostart=False, slice_ticks=60, uart=3)
    return vmm_build(systems.system(f"test-checksums-{vm}", {"guest": guest}, {**systems.healthy_vms(), vm: used}))


def is_of_worker(page: Page) -> bool:
    return WORKER_WINDOW <= page.va < WORKER_WINDOW + MIB


def usable(target: Target, vm: str, *, alone: bool) -> list[Page]:
    """Pages that the rollback would bring back; if there are older generations, those that have their own of it."""
    found = []
    for page in pages(target, vm):
        backup = page.task_backup if alone else page.backup
        if backup != page.active and (is_of_worker(page) or not alone) and (vm == PRISTINE or page.held):
            found.append(page)
    return found


def at_work(target: Target, gdb: Gdb, vm: str, *, alone: bool) -> Page:
    """Run until the task, or the VM, has changed a page since its checkpoint."""
    for _ in range(100):
        break_at_work(target, gdb, vm, call_of_print(target, vm) if alone else KERNEL_CALL, TASK if alone else None)
        if found := usable(target, vm, alone=alone):
            return found[0]
        gdb.step()
    raise AssertionError("no page is saved where the test needs it")


def flip(target: Target, gdb: Gdb, frame: int, offset: int) -> None:
    before, after = gdb.write_physical(frame + offset, bytes([target.read_physical(frame + offset, 1)[0] ^ 0x20]))
    assert before != after


def damage(target: Target, vm: str, *, alone: bool, offset: int = PAGE - 1, older: bool = False) -> int:
    """Flip a bit of the backup, `older`: of the generation's frame as well, and let the task or the kernel fail."""
    with target.debugger() as gdb:
        page = at_work(target, gdb, vm, alone=alone)
        backup = page.task_backup if alone else page.backup
        assert backup is not None
        flip(target, gdb, backup, offset)
        if older:
            (held,) = page.held
            flip(target, gdb, held, offset)
        go_astray(gdb)
    return page.va


def faults_of(target: Target, vm: str) -> list[Fault]:
    assert {fault.vm for fault in target.faults()} <= {vm}
    return target.faults()


def goes_on(target: Target, vm: str, *, starts: int) -> None:
    """Every value of the VM is right, no other VM has noticed, and nothing else happens."""
    before = len(target.uart(vm).lines)
    faults = len(target.faults())
    machine.until(target, lambda: machine.printed(target, vm, lines=before + LINES), ms=3_000)
    machine.until(target, lambda: machine.printed(target, *systems.HEALTHY, lines=LINES))
    assert len(target.faults()) == faults
    recording = machine.keep(target)
    oracle.unbroken(recording.lines[vm], repeats=2 * GENERATION_MS // OS_TICK_MS, starts=starts)
    assert recording.vms[vm]["starts"] == starts
    for healthy in systems.HEALTHY:  # each stop of GDB moves the ticks: so not line by line as in the golden run
        assert min(oracle.unbroken(recording.lines[healthy]).values()) > 1
        assert recording.counters[healthy]["faults"] == 0


def boot(target: Target, vm: str) -> None:
    target.wait_for_prompt()
    machine.ask(target, f"boot {vm}")
    machine.until(target, lambda: machine.printed(target, vm, lines=LINES))


@pytest.mark.parametrize("vm", DONE)
@pytest.mark.parametrize("alone", [True, False], ids=["task", "vm"])
@pytest.mark.parametrize("offset", [0, PAGE - 1])
def test_damaged_backup_is_not_used(vmm_build: Build, vm: str, *, alone: bool, offset: int) -> None:
    """# D5 # D7 The fault is told, then the damage with its page; the VM goes on from what is left."""
    with Target(image(vmm_build, vm)) as target:
        boot(target, vm)
        va = damage(target, vm, alone=alone, offset=offset)
        machine.until(target, lambda: len(faults_of(target, vm)) == 2, ms=1_000)
        first, second = faults_of(target, vm)
        who = "worker" if alone else "kernel"
        assert (first.task, first.kind, first.action, first.reason) == (who, "prefetch", "log", "unavailable")
        assert (second.task, second.kind, second.fault_class) == (who, "check", "backup")
        assert (second.address, second.status) == (va, 0 if alone else 1)
        assert second.action == DONE[vm]
        assert second.reason == ("policy" if vm == OLDER else "unavailable")
        told = machine.ask(target, "faults last 1")
        assert "checkpoint damaged" in told
        assert f"address 0x{va:08x}" in told
        goes_on(target, vm, starts=1 + (vm == PRISTINE))


def test_damaged_generation_is_not_used(vmm_build: Build) -> None:
    """# D5 # D7 The frame of the older generation is damaged as well: the pristine image is left."""
    with Target(image(vmm_build, OLDER)) as target:
        boot(target, OLDER)
        damage(target, OLDER, alone=False, older=True)
        machine.until(target, lambda: len(faults_of(target, OLDER)) == 2, ms=1_000)
        assert [fault.action for fault in faults_of(target, OLDER)] == ["log", "cold restart"]
        goes_on(target, OLDER, starts=2)


@pytest.mark.parametrize("alone", [True, False], ids=["task", "vm"])
def test_without_checksums_nobody_notices(vmm_build: Build, *, alone: bool) -> None:
    """# D7 The same damage without `checksum`: the rollback is done."""
    with Target(image(vmm_build, UNCHECKED)) as target:
        boot(target, UNCHECKED)
        damage(target, UNCHECKED, alone=alone)
        machine.until(target, lambda: faults_of(target, UNCHECKED), ms=1_000)
        (fault,) = faults_of(target, UNCHECKED)
        assert fault.action == ("task rollback" if alone else "vm rollback")
        assert target.memory.vm(UNCHECKED)["sums"] == 0


def checksum(content: bytes) -> int:
    """As vmm-c/lib/string.h describes it."""
    found = 0
    for at in range(0, len(content), 4):
        found = (int.from_bytes(content[at : at + 4], "little") + (found >> 1 | found << 31)) & 0xFFFFFFFF
    return found


def test_every_backup_has_its_checksum(vmm_build: Build) -> None:
    """# D7 Backups of task and VM, and frames of older generations, in the table of the VM."""
    with Target(image(vmm_build, OLDER)) as target:
        boot(target, OLDER)
        with target.debugger() as gdb:
            at_work(target, gdb, OLDER, alone=False)
            fields = target.memory.vm(OLDER)
            looked = 0
            for page in pages(target, OLDER):
                for frame in ({page.backup, page.task_backup} - {page.active, None}) | page.held:
                    found, begin = words(target, fields["sums"] + (frame - fields["frames"]) // PAGE * 8, 2)
                    assert found == checksum(target.read_physical(frame + begin, PAGE - begin)), hex(page.va)
                    looked += 1
    assert looked > 5
