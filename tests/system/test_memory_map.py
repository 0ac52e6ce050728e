# SPDX-License-Identifier: Apache-2.0
"""The address space, by walking the translation tables in the memory of a running system."""

from collections.abc import Iterator

import pytest
from understudy.pytest_plugin import Build
from understudy.target import Target

from . import machine, systems
from .tables import (
    INFO_WINDOW,
    MIB,
    PAGE,
    TASK_WINDOW,
    VCPU_PAGE,
    Mapping,
    fixed_table,
    frames_each,
    pages,
    tasks_of,
    walk,
    words,
)
from .tables import windows as windows_of

GUESTS = ("healthy1", "healthy2", "peaceful")
STACKS = ("svc", "abt", "und", "irq")


@pytest.fixture(scope="module")
def target(vmm_build: Build) -> Iterator[Target]:
    """The golden system after a while, stopped after a checkpoint of each guest; the tests only look at it."""
    with Target(vmm_build(systems.golden())) as running:
        machine.until(running, lambda: machine.printed(running, *GUESTS, lines=30))
        for vm in GUESTS:
            running.vm0(f"pause {vm}")
            running.vm0(f"checkpoint {vm}")
        machine.settle(running)
        yield running


def fixed(target: Target) -> list[Mapping]:
    return list(walk(target, fixed_table(target), 4096))


def dynamic(target: Target, vm: str) -> list[Mapping]:
    return list(walk(target, target.memory.vm(vm)["active_pt"], 256))


def between(target: Target, start: str, end: str) -> range:
    """The pages between two symbols of the VMM."""
    first, last = target.memory.address(start), target.memory.address(end)
    return range(first // PAGE * PAGE, (last + PAGE - 1) // PAGE * PAGE, PAGE)


def test_fixed_class_is_mapped_to_itself_for_the_vmm_only(target: Target) -> None:
    """# R5 FIXED: VA = PA, for flash, devices, page tables and the VMM. # R39 Devices are the VMM's alone."""
    mappings = fixed(target)
    assert mappings
    for mapping in mappings:
        assert mapping.va == mapping.pa
        assert mapping.user == "", f"user mode reaches {mapping.va:#x}"
        assert mapping.domain == 0
        assert mapping.is_global
    reached = {mapping.va // MIB for mapping in mappings}
    manifest = target.image.manifest
    timer, uart = manifest["board"]["timer"] // MIB, 0x10009000 // MIB
    assert {timer, uart, fixed_table(target) // MIB} <= reached


def test_nothing_is_writable_and_executable(target: Target) -> None:
    """# R5 W^X for every mapping, of the VMM and of the guests, in active and backup tables."""
    spaces = [fixed(target)]
    for vm in ("vm0", *GUESTS):
        state = target.memory.vm(vm)
        spaces += [list(walk(target, state[table], 256)) for table in ("active_pt", "backup_pt") if state[table]]
    assert len(spaces) == 1 + 1 + 2 * len(GUESTS)
    for mapping in (mapping for space in spaces for mapping in space):
        writable = "w" in mapping.vmm + mapping.user
        assert not (mapping.executable and writable), f"{mapping.va:#x} is writable and executable"


def test_only_the_text_of_the_vmm_is_executable_in_the_fixed_class(target: Target) -> None:
    """# R5 The VMM's text, and nothing else there, is executable; constants are read-only, data is not executable."""
    found = {mapping.va: mapping for mapping in fixed(target) if mapping.size == PAGE}
    text = set(between(target, "__text_start", "__text_end"))
    assert {mapping.va for mapping in fixed(target) if mapping.executable} == text
    for name in ("rodata", "guest_images"):
        assert {found[va].vmm for va in between(target, f"__{name}_start", f"__{name}_end")} == {"r"}
    for name in ("data", "bss", "page_tables"):
        pages_there = between(target, f"__{name}_start", f"__{name}_end")
        assert {found[va].vmm for va in pages_there if va in found} == {"rw"}


@pytest.mark.parametrize("stack", STACKS)
def test_guard_page_below_each_stack_of_the_vmm(target: Target, stack: str) -> None:
    """# R31 A stack of the VMM that overflows meets an unmapped page; the stack itself is mapped."""
    found = {mapping.va: mapping for mapping in fixed(target)}
    guard = between(target, f"__stack_{stack}_guard", f"__stack_{stack}_base")
    base = between(target, f"__stack_{stack}_base", f"__stack_{stack}_top")
    assert len(guard) >= 1
    assert len(base) >= 1
    assert not found.keys() & set(guard)
    assert all(found[va].vmm == "rw" and not found[va].executable for va in base)


def test_everything_else_is_an_error(target: Target) -> None:
    """# R5 ERROR: no table maps anything but RAM, devices and the windows of the guest."""
    manifest = target.image.manifest
    ram = range(manifest["ram"]["base"], manifest["ram"]["base"] + manifest["ram"]["size"])
    for mapping in fixed(target):
        assert mapping.va in ram or mapping.va // MIB in (0x100, 0x1E0), f"{mapping.va:#x} is mapped"
        assert mapping.va >= 16 * 16 * MIB, "TTBR0 translates the first 256 MiB"
    for vm in GUESTS:
        allowed = set(windows_of(target, vm))
        assert {mapping.va // MIB for mapping in dynamic(target, vm)} == allowed
        assert 0 not in allowed, "a null pointer is an error"


@pytest.mark.parametrize("vm", GUESTS)
def test_windows_of_a_guest_have_their_own_domains(target: Target, vm: str) -> None:
    """# R9 Kernel and tasks differ in their domains, so that one write to DACR hides all others from a task."""
    domains = {mapping.va // MIB: mapping.domain for mapping in dynamic(target, vm)}
    tasks = range(TASK_WINDOW, TASK_WINDOW + len(tasks_of(target, vm)))
    assert {window: domains[window] for window in (1, 2, *tasks)} == {window: window for window in (1, 2, *tasks)}
    assert domains[INFO_WINDOW] == 2, "info page and channels are shared by the tasks"
    assert all(not mapping.is_global for mapping in dynamic(target, vm))


@pytest.mark.parametrize("vm", GUESTS)
def test_guest_maps_only_its_own_partition(target: Target, vm: str) -> None:
    """# R1 # R36 No guest maps a device, the VMM, or memory of another VM."""
    partition = target.image.manifest["vms"][vm]["memory"]
    own = range(partition["base"], partition["base"] + partition["size"])
    state = target.memory.vm(vm)
    for table in ("active_pt", "backup_pt"):
        assert state[table] in own
        for mapping in walk(target, state[table], 256):
            assert mapping.pa in own, f"{mapping.va:#x} lies outside the VM's memory"


@pytest.mark.parametrize("vm", GUESTS)
def test_two_levels_of_tables_for_kernel_tasks_and_backups(target: Target, vm: str) -> None:
    """# R6 # R14 # R15 # R16 # R17 Each window has a second-level table, and another one for each of its backups."""
    state = target.memory.vm(vm)
    count = len(tasks_of(target, vm))
    assert state["active_pt"]
    assert state["backup_pt"]
    assert state["active_pt"] != state["backup_pt"]
    active, backup = words(target, state["active_pt"], 17), words(target, state["backup_pt"], 17)
    used = windows_of(target, vm)
    second = [entry & 0xFFFFFC00 for entry in (*active, *backup) if entry]
    own = [entry & 0xFFFFFC00 for entry in state["task_backup_pt"] if entry]
    assert len(own) == count
    assert len(second) == 2 * len(used)
    assert len({*second, *own}) == len(second) + len(own), "a table serves twice"


def test_management_vm_has_no_backup(target: Target) -> None:
    """# R12 # R13 Ordinary VMs have an active and a backup region; VM0 (and the VMM) have none."""
    assert target.memory.vm("vm0")["backup_pt"] == 0
    assert not any(target.memory.vm("vm0")["task_backup_pt"])
    assert not any(target.memory.vm("vm0")["pages"])
    for vm in GUESTS:
        found = list(pages(target, vm))
        assert len({frame for page in found for frame in page.frames}) == frames_each(target, vm) * len(found)


@pytest.mark.parametrize("vm", GUESTS)
def test_what_can_change_is_backed_up_and_text_is_not(target: Target, vm: str) -> None:
    """# R21 BSS, data, stack and heap have backup frames; text and constants have not."""
    guest = target.image.manifest["guests"][target.image.manifest["vms"][vm]["guest"]]
    writable, constant = set(), set()
    for segment in guest["segments"]:
        span = range(segment["va"], segment["va"] + segment["mem_size"], PAGE)
        (writable if segment["writable"] else constant).update(span)
    tracked = {page.va for page in pages(target, vm) if page.va // MIB != INFO_WINDOW}
    assert writable <= tracked
    assert not constant & tracked
    assert tracked == writable


@pytest.mark.parametrize("vm", GUESTS)
def test_armed_pages_have_equal_frames(target: Target, vm: str) -> None:
    """# D3 Equal frames mean equal content: what is not saved anywhere else cannot be written."""
    seen = list(pages(target, vm))
    for page in seen:
        if not page.armed:
            backups = {page.backup, page.task_backup} - {None}
            assert page.active not in backups, f"{page.va:#x} is writable and is its own backup"
    assert any(page.armed for page in seen)


def test_vcpu_page_belongs_to_the_guest_kernel(target: Target) -> None:
    """# R35 The registers of the virtual interrupt controller are memory in the kernel's window."""
    for vm in GUESTS:
        page = next(mapping for mapping in dynamic(target, vm) if mapping.va == VCPU_PAGE)
        assert (page.user, page.domain) == ("rw", 1)
