# SPDX-License-Identifier: Apache-2.0
"""Page tables and frames of the VMs: where they are, and which frame a guest's page has at a step.

A page of a VM with checkpoints has several frames that take turns (vmm-c/recovery/pages.h). The trace shows which one a
guest uses whenever it accesses the page; between two accesses that differ, what matters is when the VMM changed the
entry.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from attrs import define, field

from understudy.config.model import PAGE, WINDOW
from understudy.errors import TargetError
from understudy.injection.golden_view import Numbers
from understudy.injection.steps import Steps

WINDOWS = 17  # WINDOW_COUNT of vmm-c/core/vm.h
TABLE = 1024  # bytes of a second-level table
_TABLE_MASK, _PAGE_MASK = 0xFFFFFC00, 0xFFFFF000
_HELD_SHIFT = 5  # PAGE_HELD_SHIFT of vmm-c/core/vm_memory.h
_ENTRIES = 256


@define(slots=False)
class Tables:
    """Page tables of all VMs at the start of the window, and what the trace says of them later."""

    steps: Steps
    _pages: dict[tuple[str, int], tuple[Numbers, Numbers]] = field(factory=dict)

    def spaces(self, vm: str) -> list[int]:
        """Return the addresses of the first-level tables of a VM: the one in use, and that of its checkpoint."""
        memory = self.steps.memory
        base = memory.vm_address(vm)
        found = (memory.word(base + memory.offset_of("vm", name)) for name in ("active_pt", "backup_pt"))
        return [address for address in found if address]

    def ranges(self, vm: str) -> list[tuple[int, int]]:
        """Return address and size of each page table of a VM."""
        memory = self.steps.memory
        first = [(space, WINDOWS * 4) for space in self.spaces(vm)]
        second: dict[int, None] = {}
        for entry in self._first_level(vm):
            if entry & 3 == 1:
                second[entry & _TABLE_MASK] = None
        base = memory.vm_address(vm) + memory.offset_of("vm", "task_backup_pt")
        for task in range(len(self.steps.tasks(vm))):
            entry = memory.word(base + 4 * task)
            if entry:
                second[entry & _TABLE_MASK] = None
        return [*first, *((table, TABLE) for table in second)]

    def _first_level(self, vm: str) -> Iterator[int]:
        for space in self.spaces(vm):
            for window in range(WINDOWS):
                yield self.steps.memory.word(space + 4 * window)

    def entries(self, vm: str, address: int) -> list[int]:
        """Return the physical addresses of all entries that may translate a guest address: of both levels."""
        found = []
        for space in self.spaces(vm):
            first = space + address // WINDOW * 4
            found.append(first)
            entry = self.steps.memory.word(first) if address // WINDOW < WINDOWS else 0
            if entry & 3 == 1:
                found.append((entry & _TABLE_MASK) + address % WINDOW // PAGE * 4)
        return found

    def checkpoint_frames(self, vm: str) -> list[int]:
        """Return the frames that hold checkpoints at the start of the window, and not what the guest uses."""
        active: set[int] = set()
        kept: dict[int, None] = {}
        tables = [base for base, size in self.ranges(vm) if size == TABLE]
        used = {w & _TABLE_MASK for w in self._active_first_level(vm) if w & 3 == 1}
        for table in tables:
            for entry in self._words(table):
                if entry & 2 and table in used:
                    active.add(entry & _PAGE_MASK)
                elif entry & 2:
                    kept[entry & _PAGE_MASK] = None
        for record in self._records(vm):
            held = (record & ~_PAGE_MASK) >> _HELD_SHIFT
            for number in range(held.bit_length()):
                if held >> number & 1:
                    kept[(record & _PAGE_MASK) + number * PAGE] = None
        return sorted(frame for frame in kept if frame not in active)

    def _active_first_level(self, vm: str) -> list[int]:
        memory = self.steps.memory
        space = memory.word(memory.vm_address(vm) + memory.offset_of("vm", "active_pt"))
        return [memory.word(space + 4 * window) for window in range(WINDOWS)] if space else []

    def _records(self, vm: str) -> Iterator[int]:
        memory = self.steps.memory
        base = memory.vm_address(vm) + memory.offset_of("vm", "pages")
        for window in range(WINDOWS):
            records = memory.word(base + 4 * window)
            if records:
                yield from self._words(records)

    def _words(self, table: int) -> list[int]:
        data = self.steps.golden.read_physical(table, TABLE)
        return [int.from_bytes(data[at : at + 4], "little") for at in range(0, TABLE, 4)]

    @cached_property
    def _guest_accesses(self) -> tuple[Numbers, Numbers, Numbers]:
        """Key of VM and page, step, and frame of each access of a guest, ordered by key and step."""
        accesses = self.steps.trace.accesses
        inside = self.steps.in_guest[accesses.step]
        step = accesses.step[inside]
        key = self.steps.vm[step] << 20 | accesses.virtual[inside] // PAGE
        order = np.lexsort((step, key))
        return key[order], step[order], (accesses.address[inside] // PAGE * PAGE)[order]

    def uses(self, vm: str, page: int) -> tuple[Numbers, Numbers]:
        """Return the steps at which a guest accesses a page, and the frame that it finds."""
        known = self._pages.get((vm, page))
        if known is None:
            keys, steps, frames = self._guest_accesses
            key = self.steps.vms.index(vm) << 20 | page // PAGE
            low, high = np.searchsorted(keys, [key, key + 1])
            known = self._pages[vm, page] = steps[low:high], frames[low:high]
        return known

    def pieces(self, vm: str, page: int) -> list[tuple[int, int]]:
        """Return which frame a page has: pairs of the first step and the frame, in the order of the steps."""
        steps, frames = self.uses(vm, page)
        if not len(steps):
            try:
                return [(0, self.steps.memory.translate(vm, page))]
            except TargetError:
                return []
        found = [(0, int(frames[0]))]
        for index in np.flatnonzero(frames[1:] != frames[:-1]):
            changed = self._change(vm, page, int(steps[index]), int(steps[index + 1]))
            found.append((changed, int(frames[index + 1])))
        return found

    def _change(self, vm: str, page: int, before: int, after: int) -> int:
        """Return the first step with the new frame: behind the last write of an entry, or the last step of the VMM."""
        low, high = np.searchsorted(self._entry_steps, [before, after])
        addresses = self._entry_addresses[low:high]
        written = np.flatnonzero(np.isin(addresses, self.entries(vm, page)))
        if len(written):
            return int(self._entry_steps[low + written[-1]]) + 1
        vmm = np.flatnonzero(~self.steps.in_guest[before:after])
        return before + int(vmm[-1]) + 1 if len(vmm) else after

    @cached_property
    def _vmm_writes(self) -> tuple[Numbers, Numbers]:
        accesses = self.steps.trace.accesses
        chosen = accesses.write & ~self.steps.in_guest[accesses.step]
        return accesses.step[chosen], accesses.address[chosen]

    @property
    def _entry_steps(self) -> Numbers:
        return self._vmm_writes[0]

    @property
    def _entry_addresses(self) -> Numbers:
        return self._vmm_writes[1]

    def frame(self, vm: str, page: int, step: int) -> int | None:
        """Return the frame that a guest's page has just before a step; None: nothing is mapped there."""
        found = None
        for first, frame in self.pieces(vm, page):
            if first <= step or found is None:
                found = frame
        return found
