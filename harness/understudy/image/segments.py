# SPDX-License-Identifier: Apache-2.0
"""The segments of a linked guest, as the tables of the VMM describe them."""

import zlib
from pathlib import Path

from attrs import frozen

from understudy.config.model import CHANNEL_MAX, PAGE, PERSISTENT_OFFSET, TASK_MAX, WINDOW, Guest
from understudy.image.elf import Elf, LoadSegment

_FRAMES = 3  # of each writable page of a fault-tolerant VM: the active one and those of two checkpoints
_GENERATION = 0x1800  # at least struct generation of vmm-c/core/vm.h
_TABLE = 1024
_SUM = 8  # of each frame

Layout = tuple[tuple[int, int, str], ...]  # of persistent memory: address, size and name of each variable


@frozen
class GuestSegment:
    """One page-aligned piece of a guest; mirrors `struct segment_config`.

    `crc` is that of its bytes in the file, `sums` those of its pages in the image (D8); `persistent` is 0, or the
    layout hash of persistent memory.
    """

    symbol: str
    va: int
    mem_size: int
    file_size: int
    offset: int
    writable: bool
    executable: bool
    stack: bool
    crc: int
    persistent: int
    sums: list[int]

    @property
    def window(self) -> int:
        """Number of the window it lies in."""
        return self.va // WINDOW


@frozen
class GuestImage:
    """A linked guest."""

    name: str
    guest: Guest
    elf: Path
    segments: tuple[GuestSegment, ...]

    def memory_needed(self, *, fault_tolerant: bool, generations: int, holds_output: bool, checksum: bool) -> int:
        """Return the bytes that a VM needs for this guest: frames, tables and lists (vmm-c/core/vm_memory.c)."""
        frames = _FRAMES + generations if fault_tolerant else 1
        pages = {kind: sum(s.mem_size // PAGE for s in self.segments if s.writable == kind) for kind in (True, False)}
        writable = pages[True] + CHANNEL_MAX
        windows = 3 + len(self.guest.tasks)
        tables = (1 + windows) * 4 * _TABLE
        lists = (2 * writable + 512) * 4 + (TASK_MAX + 1) * 64 + windows * 512
        lists += generations * (_GENERATION + writable * 4)
        held = writable * frames + 2 + (CHANNEL_MAX if holds_output else 0) + pages[False]
        sums = held * _SUM + 64 if checksum else 0
        return ((tables + lists + sums + PAGE - 1) // PAGE + held) * PAGE


def persistent_layout(elf: Elf, segment: LoadSegment) -> Layout:
    """Return the variables of a segment of persistent memory; none for any other segment."""
    if segment.address % WINDOW != PERSISTENT_OFFSET:
        return ()
    end = segment.address + segment.mem_size
    found = (s for s in elf.symbols if s.kind == "object" and segment.address <= s.address < end)
    # A variable inside a function is called name.N, with a number that any change of the source may change.
    return tuple(sorted((s.address, s.size, s.name.split(".")[0]) for s in found))


def layout_hash(layout: Layout) -> int:
    """Return a number that two builds share if each finds its variables in what the other one has left; 0: none."""
    return zlib.crc32(repr(layout).encode()) or 1 if layout else 0


def page_sums(content: bytes) -> list[int]:
    """Return the CRC-32 of each page of a content that zeros fill up to whole pages."""
    pages = (content[at : at + PAGE].ljust(PAGE, b"\0") for at in range(0, len(content), PAGE))
    return [zlib.crc32(page) for page in pages]


def guest_image(name: str, guest: Guest, path: Path, elf: Elf) -> GuestImage:
    """Describe the segments of a guest; `path` is its ELF file as the assembler finds it."""
    content = elf.path.read_bytes()
    bottoms = {address for symbol, address in elf.addresses().items() if symbol.endswith("_stack_base")}
    segments = tuple(
        GuestSegment(
            symbol=f"image_{name.replace('-', '_')}_{number}",
            va=segment.address,
            mem_size=(segment.mem_size + PAGE - 1) // PAGE * PAGE,
            file_size=segment.file_size,
            offset=segment.offset,
            writable=segment.writable,
            executable=segment.executable,
            stack=segment.address in bottoms,
            crc=zlib.crc32(content[segment.offset : segment.offset + segment.file_size]),
            persistent=layout_hash(persistent_layout(elf, segment)),
            sums=page_sums(content[segment.offset : segment.offset + segment.file_size]),
        )
        for number, segment in enumerate(sorted(elf.segments, key=lambda s: s.address))
    )
    return GuestImage(name, guest, path, segments)
