# SPDX-License-Identifier: Apache-2.0
"""From when on the golden run does not use a piece of RAM any more: not read, written, executed or walked as table."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from attrs import define

from understudy.config.model import PAGE
from understudy.errors import TargetError
from understudy.injection.areas import Map
from understudy.injection.experiment import Fault
from understudy.injection.golden_view import Numbers
from understudy.latency.arm920t.decode import THUMB

_WORD = 4
_FIXED = 0x10000000  # first address that is not translated by the tables of a VM


@define(slots=False)
class Dormancy:
    """The last use of each word of RAM."""

    map: Map

    def after(self, ram: tuple[int, int] | None, faults: tuple[Fault, ...]) -> int | None:
        """Return when a piece of RAM that these faults hit is used for the last time.

        Args:
            ram: address and size; None: what they hit is not in RAM.
            faults: those that hit it.

        Returns:
            A virtual time; 0: never; None: it is used for ever, or that is not known.
        """
        if ram is None or self._is_table_of_vmm(ram[0]) or any(fault.duration for fault in faults):
            return None
        address, size = ram
        words = np.arange(address // _WORD, (address + size - 1) // _WORD + 1)
        known, last = self._last_uses
        index = np.searchsorted(known, words)
        steps = [int(last[at]) for at, word in zip(index, words, strict=True) if at < len(known) and known[at] == word]
        if not steps:
            return 0
        golden = self.map.steps.golden
        return int(golden.trace.time[max(steps)]) + golden.instruction_ns

    def _is_table_of_vmm(self, address: int) -> bool:
        known = self.map.steps.golden.manifest["symbols"]
        return bool(known.get("__page_tables_start", 0) <= address < known.get("__page_tables_end", 0))

    @cached_property
    def _last_uses(self) -> tuple[Numbers, Numbers]:
        """Numbers of the words that are used, ascending, and the step of the last use of each."""
        parts = list(self._uses())
        words = np.concatenate([part[0] for part in parts])
        steps = np.concatenate([part[1] for part in parts])
        order = np.lexsort((steps, words))
        words, steps = words[order], steps[order]
        last = np.concatenate((words[1:] != words[:-1], [True])) if len(words) else np.zeros(0, dtype=bool)
        return words[last], steps[last]

    def _uses(self) -> Iterator[tuple[Numbers, Numbers]]:
        accesses = self.map.steps.trace.accesses
        yield accesses.address // _WORD, accesses.step
        # An access reaches over a border of words if it is not aligned, or has 8 bytes.
        yield (accesses.address + accesses.size - 1) // _WORD, accesses.step
        yield fetches(self.map)
        yield self._walks()

    def _walks(self) -> tuple[Numbers, Numbers]:
        """Entries of the VMs' page tables that translate what is executed or accessed."""
        steps, accesses = self.map.steps, self.map.steps.trace.accesses
        words: list[int] = []
        last: list[int] = []
        every = np.arange(len(steps.trace.pc))
        for address, step in ((steps.trace.pc, every), (accesses.virtual, accesses.step)):
            for (vm, page), used in _pages(self.map, address, step).items():
                for entry in self.map.tables.entries(steps.vms[vm], page * PAGE):
                    words.append(entry // _WORD)
                    last.append(int(step[used[-1]]))
        return np.array(words, dtype=np.int64), np.array(last, dtype=np.int64)


def fetches(memory: Map) -> tuple[Numbers, Numbers]:
    """Return the numbers of the words that are executed, and the steps; a Thumb instruction may lie in two words."""
    steps = memory.steps
    pc = steps.trace.pc.copy()
    for (vm, page), used in _pages(memory, pc, np.arange(len(pc))).items():
        try:
            physical = steps.memory.translate(steps.vms[vm], page * PAGE)
        except TargetError:
            continue
        pc[used] = physical + pc[used] % PAGE
    two = np.flatnonzero((steps.trace.cpsr & THUMB != 0) & (pc % _WORD != 0))
    return np.concatenate((pc // _WORD, pc[two] // _WORD + 1)), np.concatenate((np.arange(len(pc)), two))


def _pages(memory: Map, address: Numbers, step: Numbers) -> dict[tuple[int, int], Numbers]:
    """Return which elements are in which page of which VM, in the order of the steps."""
    vm = memory.steps.vm[step]
    chosen = np.flatnonzero((address < _FIXED) & (vm >= 0))
    keys = vm[chosen] << 20 | address[chosen] // PAGE
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)
    groups = np.split(chosen[order], starts[1:])
    return {(int(key) >> 20, int(key) & 0xFFFFF): group for key, group in zip(found, groups, strict=False)}
