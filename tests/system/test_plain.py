# SPDX-License-Identifier: Apache-2.0
"""Fault tolerance off: none of it is in the image, and a fault restarts the VM from its pristine image."""

from collections.abc import Callable
from pathlib import Path

import pytest
from understudy import paths
from understudy.image import Image
from understudy.image.elf import read_elf
from understudy.pytest_plugin import Boot, Build
from understudy.target import Target

from . import machine, oracle, systems
from .trace import Trace, folders, units

VM = "broken"
TRACED_MS = 40


def description(*, fault_tolerance: bool) -> systems.Data:
    guest = systems.faulty_guest(systems.faulty(0, "null_write", times=2, after=6), systems.worker())
    vms = {**systems.healthy_vms(), VM: systems.vm(VM, uart=3, recovery=systems.budgets())}
    name = "test-protected" if fault_tolerance else "test-plain"
    return systems.system(name, {VM: guest}, vms, fault_tolerance=fault_tolerance)


@pytest.fixture(scope="module")
def plain(vmm_build: Build) -> Image:
    return vmm_build(description(fault_tolerance=False))


@pytest.fixture(scope="module")
def protected(vmm_build: Build) -> Image:
    return vmm_build(description(fault_tolerance=True))


@pytest.fixture(scope="module")
def recorded(plain: Image) -> machine.Recording:
    def done(target: Target) -> bool:
        return len(target.faults()) >= 2 and machine.printed(target, VM, *systems.HEALTHY, lines=60)

    return machine.record(plain, done)


def test_no_code_of_the_recovery_engine_is_linked(plain: Image, protected: Image) -> None:
    """# Invariant 6 No source of vmm-c/recovery is in the image; with fault tolerance there are several."""
    with_it, without = (set(units(image.elf, image.build_id).values()) for image in (protected, plain))
    assert any(Path(name).parent.name == "plain" for name in without)
    assert sum(Path(name).parent.name == "recovery" for name in with_it) >= 5
    assert not any(Path(name).parent.name == "recovery" for name in without)
    functions = {symbol.name for symbol in read_elf(plain.elf).symbols if symbol.kind == "func"}
    assert not {name for name in functions if name.startswith(("checkpoint_", "thread_commit", "thread_rollback"))}
    assert plain.manifest["text_bytes"] < protected.manifest["text_bytes"]


def switches(image: Image, folder: Path) -> list[list[int]]:
    """The paths from an exception to a guest, on which another VM was activated."""
    trace = Trace(image, folder / "trace")
    with Target(image, extra=trace.extra) as target:
        machine.until(target, lambda: machine.printed(target, *systems.HEALTHY, lines=20))
        executed = trace.run(target, TRACED_MS)
    switch = image.manifest["symbols"]["switch_to_vm"]
    return [path for path in trace.entries(executed) if switch in path]


def test_switch_path_contains_nothing_of_it(plain: Image, protected: Image, tmp_path: Path) -> None:
    """# Invariant 6 # R8 Traced instruction by instruction: no switch between VMs executes code of recovery/."""
    without = switches(plain, tmp_path)
    assert len(without) >= 10
    for path in without:
        assert "recovery" not in folders(plain, path)
        assert "plain" in folders(plain, path)
    (tmp_path / "trace").unlink()
    with_it = switches(protected, tmp_path)
    assert any("recovery" in folders(protected, path) for path in with_it), "the trace would not show it"


def test_guests_are_the_same_files(plain: Image, protected: Image) -> None:
    """# R18 Guests know nothing of fault tolerance: the very same bytes run with it and without it."""
    for name, guest in plain.manifest["guests"].items():
        other = protected.manifest["guests"][name]
        for segment in ("segments", "tasks"):
            assert guest[segment] == other[segment]
        mine, its = (read_elf(paths.root() / described["elf"]) for described in (guest, other))
        for one, two in zip(mine.segments, its.segments, strict=True):
            first, second = (
                elf.path.read_bytes()[part.offset : part.offset + part.file_size]
                for elf, part in ((mine, one), (its, two))
            )
            assert first == second


def test_image_works(recorded: machine.Recording, undisturbed: Callable[..., int]) -> None:
    """# Invariant 6 # R1 Healthy guests print what they print in the golden run while another one is restarted."""
    assert undisturbed(recorded, least=60) >= 120


def test_fault_leads_to_a_cold_restart(recorded: machine.Recording) -> None:
    """# D5 # R31 Without a checkpoint the pristine image is all there is: every sequence begins again."""
    assert [(f.vm, f.task, f.action, f.reason) for f in recorded.faults] == [
        (VM, "f0", "cold restart", "unprotected")
    ] * 2
    assert recorded.counters[VM]["cold_restarts"] == 2
    numbers = oracle.streams(recorded.lines[VM])
    assert numbers["ft 0"].count(0) == 3
    oracle.unbroken(recorded.lines[VM], starts=3)


def test_nothing_is_backed_up(recorded: machine.Recording) -> None:
    """# Invariant 6 # R12 No backup table, no tracked page, no checkpoint, no saved page."""
    for vm in (VM, *systems.HEALTHY):
        assert recorded.vms[vm]["backup_pt"] == 0
        assert not any(recorded.vms[vm]["task_backup_pt"])
        assert not any(recorded.vms[vm]["pages"])
        for name in ("checkpoints", "task_checkpoints", "saved_pages", "task_rollbacks", "vm_rollbacks"):
            assert recorded.counters[vm][name] == 0
        assert recorded.counters[vm]["switches"] > 10


def test_console_refuses_what_is_not_there(vmm_boot: Boot, plain: Image) -> None:
    """# R3 # Invariant 6 The banner says so; checkpoint and rollback are refused in one line."""
    target = vmm_boot(plain)
    target.wait_for_prompt()
    assert target.console.lines[1].endswith("fault tolerance off")
    for command in ("checkpoint", "rollback"):
        assert target.vm0(f"{command} healthy1").startswith(f"{command}: not possible for VM")
    assert "not fault tolerant" in target.vm0("stats healthy1")
