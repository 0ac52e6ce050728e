# SPDX-License-Identifier: Apache-2.0
"""What a linked guest or VMM must fulfil. A violation names the file, what is wrong, and what to change."""

import struct
from collections.abc import Iterator
from itertools import pairwise

from understudy.config.model import KERNEL_BASE, PAGE, STACK_GUARD, WINDOW, Board, System
from understudy.errors import ImageError
from understudy.image.elf import Elf, LoadSegment
from understudy.image.plan import GuestPlan
from understudy.image.segments import GuestImage

_HEADER = struct.Struct("<4I")
_HEADER_OFFSET = 0x20
_HEADER_MAGIC = 0x31494D56
_ABI_VERSION = 1
_LINKER_SYMBOLS = ("__kernel_", "__task")

VMM_SYMBOLS = (
    *("_start", "__text_start", "__text_end", "__rodata_start", "__rodata_end", "__data_start", "__data_end"),
    *(
        "__bss_start",
        "__bss_end",
        "__vmm_end",
        "__partitions_start",
        "__guest_images_start",
        "__guest_images_end",
        "__checksums_start",
    ),
    *("config_vms", "config_guests", "config_build_id"),
)


def raise_if(problems: Iterator[str]) -> None:
    """Raise one `ImageError` with all problems, if there are any."""
    found = list(problems)
    if found:
        raise ImageError("\n".join(found))


def check_segments(elf: Elf) -> Iterator[str]:
    """Yield violations of W^X, page alignment and overlap; they hold for every image."""
    for segment in elf.segments:
        place = f"{elf.path}: segment at {segment.address:#010x}"
        if segment.writable and segment.executable:
            yield f"{place} is writable and executable: W^X allows one of them"
        if segment.address % PAGE:
            yield f"{place} does not start on a page: align its output section to {PAGE:#x}"
    for first, second in pairwise(sorted(elf.segments, key=lambda s: s.address)):
        if _page_up(first.address + first.mem_size) > second.address:
            yield (
                f"{elf.path}: segments at {first.address:#010x} (+{first.mem_size:#x}) and "
                f"{second.address:#010x} overlap or share a page"
            )


def check_guest(plan: GuestPlan, elf: Elf, kernel: Elf, content: bytes) -> Iterator[str]:
    """Yield the violations of one guest; `kernel` is its partly linked kernel, `content` the ELF file."""
    yield from check_segments(elf)
    yield from _check_windows(plan, elf)
    known = elf.addresses()
    yield from _check_guards(plan, elf, known)
    if elf.entry != KERNEL_BASE:
        yield f"{elf.path}: entry is {elf.entry:#010x}, must be the vectors at {KERNEL_BASE:#010x} (R38)"
    yield from _check_header(elf, known, content)
    for name in sorted(kernel.undefined):
        if not name.startswith(_LINKER_SYMBOLS):
            yield f"{kernel.path}: the kernel refers to {name!r}, which only the tasks' side defines"
    for side in plan.sides:
        if side.is_task:
            entry = known.get(f"__{side.id}_entry", 0)
            if not _executable(elf, entry):
                yield f"{elf.path}: entry {side.entry!r} of {side.title} ({entry:#010x}) is no code of the guest"


def _check_guards(plan: GuestPlan, elf: Elf, known: dict[str, int]) -> Iterator[str]:
    for side in plan.sides:
        base = known.get(f"__{side.id}_stack_base")
        if base is None:
            continue
        guard = range(base - STACK_GUARD, base)
        for segment in elf.segments:
            if segment.address < guard.stop and segment.address + segment.mem_size > guard.start:
                yield f"{elf.path}: segment at {segment.address:#010x} lies in the guard of the stack of {side.title}"


def _check_windows(plan: GuestPlan, elf: Elf) -> Iterator[str]:
    for segment in elf.segments:
        end = segment.address + segment.mem_size
        side = next((s for s in plan.sides if s.base <= segment.address < s.base + WINDOW), None)
        if side is None:
            yield f"{elf.path}: segment at {segment.address:#010x} lies in no window of the guest"
        elif end > side.limit:
            yield f"{elf.path}: {side.title} ends at {end:#010x}, its window at {side.limit:#010x}: make it smaller"


def _check_header(elf: Elf, known: dict[str, int], content: bytes) -> Iterator[str]:
    text = next((s for s in elf.segments if s.address == KERNEL_BASE), None)
    if text is None or text.file_size < _HEADER_OFFSET + _HEADER.size:
        yield f"{elf.path}: no code at {KERNEL_BASE:#010x}: the kernel needs sections .vectors and .header"
        return
    magic, version, stack_top, _ = _HEADER.unpack_from(content, text.offset + _HEADER_OFFSET)
    if magic != _HEADER_MAGIC:
        yield f"{elf.path}: no image header at +{_HEADER_OFFSET:#x} (found {magic:#010x}): define section .header"
        return
    if version != _ABI_VERSION:
        yield f"{elf.path}: header says VMI version {version}, the VMM has {_ABI_VERSION}"
    if stack_top != known.get("__kernel_stack_top"):
        yield f"{elf.path}: stack_top of the header is {stack_top:#010x}, must be __kernel_stack_top"


def check_partitions(system: System, images: dict[str, GuestImage]) -> Iterator[str]:
    """Yield the VMs whose guest does not fit into their memory."""
    for name, vm in system.vm.items():
        need = images[vm.guest].memory_needed(
            fault_tolerant=system.is_fault_tolerant(vm),
            generations=system.generations(vm),
            holds_output=system.holds_output(vm),
            checksum=system.has_checksums(vm),
        )
        if need > vm.memory:
            yield f"vm.{name}.memory: guest {vm.guest!r} needs {need} bytes, the VM has {vm.memory}: enlarge it"


def check_vmm(elf: Elf, board: Board, system: System) -> Iterator[str]:
    """Yield the violations of the linked VMM."""
    yield from check_segments(elf)
    known = elf.addresses()
    missing = [name for name in VMM_SYMBOLS if name not in known]
    if missing:
        yield f"{elf.path}: missing symbols: {', '.join(missing)}"
        return
    if elf.entry != known["_start"]:
        yield f"{elf.path}: entry is {elf.entry:#010x}, must be _start ({known['_start']:#010x})"
    for segment in elf.segments:
        if not board.memory.ram_base <= segment.address <= board.memory.ram_end - segment.mem_size:
            yield f"{elf.path}: segment at {segment.address:#010x} lies outside the RAM of {board.name}"
    end = known["__partitions_start"] + sum(vm.memory for vm in system.vm.values())
    if end > board.memory.black_box:
        yield (
            f"{elf.path}: the VMs' memory would end at {end:#010x}, the RAM for it ends at "
            f"{board.memory.black_box:#010x}: give the VMs less memory"
        )


def _page_up(address: int) -> int:
    return (address + PAGE - 1) // PAGE * PAGE


def _executable(elf: Elf, address: int) -> bool:
    return any(_holds(segment, address) for segment in elf.segments if segment.executable)


def _holds(segment: LoadSegment, address: int) -> bool:
    return segment.address <= address < segment.address + segment.mem_size
