# SPDX-License-Identifier: Apache-2.0
"""Walks the VMM's translation tables in the machine's memory (short descriptors, ARM ARM B3.5)."""

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Protocol

from attrs import frozen
from understudy.image import Image
from understudy.image.elf import Elf, read_elf
from understudy.target.memory import Memory

PAGE = 0x1000
MIB = 0x100000
TASK_WINDOW = 3  # window of task 0
WINDOWS = 17
VCPU_PAGE = 0x001FF000
INFO_WINDOW = 16
_L1_MASK, _PAGE_MASK = 0xFFFFFC00, 0xFFFFF000
# Access permissions AP[2:0] with SCTLR.AFE = 0 (ARM ARM B3.7.1): what privileged and user mode may do.
_HELD_SHIFT = 5  # PAGE_HELD_SHIFT of vmm-c/core/vm_memory.h
_AP = {1: ("rw", ""), 2: ("rw", "r"), 3: ("rw", "rw"), 5: ("r", ""), 6: ("r", "r"), 7: ("r", "r")}


class Readable(Protocol):
    """What is needed of a machine to look into its memory: a `Target`, or one that was read before."""

    image: Image
    memory: Memory

    def read_physical(self, address: int, size: int) -> bytes:
        """Return physical memory."""


@frozen
class Mapping:
    """One page or section that a table maps."""

    va: int
    pa: int
    size: int
    vmm: str  # what the VMM may do: "", "r" or "rw"
    user: str  # what USR mode may do
    executable: bool
    domain: int
    is_global: bool


def words(target: Readable, address: int, count: int) -> list[int]:
    """`count` words of physical memory."""
    return list(struct.unpack(f"<{count}I", target.read_physical(address, 4 * count)))


@cache
def _vmm(elf: Path, build_id: str) -> Elf:
    del build_id  # the file of another build has other addresses
    return read_elf(elf)


def static(target: Readable, name: str) -> int:
    """Address of a variable or function of the VMM, also of one that is local to its file."""
    symbol = _vmm(target.image.elf, target.image.build_id).find(name)
    assert symbol, f"the VMM has no symbol {name}"
    return symbol.address


def fixed_table(target: Readable) -> int:
    """The first-level table behind TTBR1."""
    return static(target, "fixed_l1")


def _mapping(va: int, pa: int, size: int, ap: int, domain: int, *, never: bool, is_global: bool) -> Mapping:
    vmm, user = _AP[ap]
    return Mapping(va, pa, size, vmm, user, not never, domain, is_global)


def _pages(target: Readable, base: int, first: int) -> Iterator[Mapping]:
    domain = first >> 5 & 15
    for number, entry in enumerate(words(target, first & _L1_MASK, 256)):
        if entry & 2:
            ap = entry >> 7 & 4 | entry >> 4 & 3
            never, is_global = bool(entry & 1), not entry & 0x800
            yield _mapping(base + number * PAGE, entry & _PAGE_MASK, PAGE, ap, domain, never=never, is_global=is_global)
        else:
            assert entry == 0, f"large page or rubbish {entry:#x} for {base + number * PAGE:#x}"


def walk(target: Readable, table: int, entries: int) -> Iterator[Mapping]:
    """All mappings of a first-level table of `entries` entries."""
    for number, entry in enumerate(words(target, table, entries)):
        base = number * MIB
        if entry & 3 == 1:
            yield from _pages(target, base, entry)
        elif entry & 3 == 2:
            ap = entry >> 13 & 4 | entry >> 10 & 3
            never, is_global = bool(entry & 0x10), not entry & 0x20000
            yield _mapping(base, entry & 0xFFF00000, MIB, ap, entry >> 5 & 15, never=never, is_global=is_global)
        else:
            assert entry == 0, f"rubbish {entry:#x} for {base:#x}"


@frozen
class Page:
    """One page that a guest may write: its frames, which of them each table names, and which older generations hold."""

    va: int
    frames: tuple[int, ...]
    active: int
    backup: int
    task_backup: int | None
    armed: bool
    held: frozenset[int]


def tasks_of(target: Readable, vm: str) -> list[dict[str, int]]:
    """The manifest's entries of the tasks of a VM."""
    manifest = target.image.manifest
    return list(manifest["guests"][manifest["vms"][vm]["guest"]]["tasks"])


def windows(target: Readable, vm: str) -> list[int]:
    """The windows that a VM has: kernel, shared, its tasks, info page and channels."""
    return [1, 2, *range(TASK_WINDOW, TASK_WINDOW + len(tasks_of(target, vm))), INFO_WINDOW]


def pages(target: Readable, vm: str) -> Iterator[Page]:
    """The pages of a VM that its checkpoints cover."""
    state = target.memory.vm(vm)
    count = frames_each(target, vm)
    active, backup = words(target, state["active_pt"], WINDOWS), words(target, state["backup_pt"], WINDOWS)
    for window in windows(target, vm):
        records = words(target, state["pages"][window], 256)
        task = window - TASK_WINDOW if TASK_WINDOW <= window < INFO_WINDOW else None
        now = words(target, active[window] & _L1_MASK, 256)
        saved = words(target, backup[window] & _L1_MASK, 256)
        own = words(target, state["task_backup_pt"][task] & _L1_MASK, 256) if task is not None else None
        for number, record in enumerate(records):
            if record:
                frames = tuple(range(record & _PAGE_MASK, (record & _PAGE_MASK) + count * PAGE, PAGE))
                yield Page(
                    va=window * MIB + number * PAGE,
                    frames=frames,
                    active=now[number] & _PAGE_MASK,
                    backup=saved[number] & _PAGE_MASK,
                    task_backup=own[number] & _PAGE_MASK if own else None,
                    armed=now[number] >> 4 & 0x23 == 2,
                    held=frozenset(frame for n, frame in enumerate(frames) if record >> _HELD_SHIFT + n & 1),
                )


def frames_each(target: Readable, vm: str) -> int:
    """Frames of a page: three, and one for each older generation that the VM may keep (D7)."""
    fields = target.memory.structure("generations", target.memory.vm(vm)["generations"])
    return 3 + sum(address != 0 for address in fields["slot"])


def check_frames(target: Readable, vm: str) -> frozenset[int]:
    """Check that no page of a VM left its own frames; return all frames that the tables of the VM may reach."""
    reachable: set[int] = set()
    for page in pages(target, vm):
        used = {page.active, page.backup} | ({page.task_backup} if page.task_backup is not None else set())
        assert not used & page.held, f"{vm}: page {page.va:#x} maps {used}, older generations hold {page.held}"
        assert used <= set(page.frames), f"{vm}: page {page.va:#x} maps {used}, its frames are {page.frames}"
        assert not reachable & set(page.frames), f"{vm}: page {page.va:#x} shares a frame"
        reachable |= set(page.frames)
    return frozenset(reachable)
