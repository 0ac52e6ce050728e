# SPDX-License-Identifier: Apache-2.0
"""Classes of faults that must have the same effect, because the value is not used in between (def/use pruning).

A flipped bit shows at the first use of the value after it. So all faults in the same bit between two uses are one
class, and one experiment, its pilot, stands for all of them. Where the next use overwrites the value, the faults have
no effect at all; where there is none, they stay until the end. Each of these two kinds is one class of its own.
"""

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Protocol

import numpy as np
from attrs import define, frozen

from understudy.config.model import PAGE
from understudy.errors import UnderstudyError
from understudy.injection import registers
from understudy.injection.areas import Area, Map
from understudy.injection.golden_view import Numbers
from understudy.injection.memory_use import MemoryUse
from understudy.injection.moments import Moments
from understudy.injection.register_use import READ, WRITE, RegisterUse
from understudy.injection.steps import Steps

OVERWRITTEN, UNUSED = ("overwritten",), ("unused",)
_BYTE = 8

Key = tuple[str | int, ...]


@frozen
class Cell:
    """A place that classes are told apart by: a register, or a byte of an area, with the bits that count."""

    register: str = ""
    area: Area | None = None
    address: int = 0
    bits: tuple[int, ...] = ()


@frozen
class Point:
    """A pilot: what is hit, just before which step."""

    cell: Cell
    bit: int
    step: int


@frozen
class FaultClass:
    """A class of equivalent faults; `size` counts them, weighted as the moments are."""

    key: Key
    size: int
    pilot: Point


class Classes(Protocol):
    """The classes that a fault space consists of."""

    def key(self, cell: Cell, bit: int, step: int) -> Key | None:
        """Return the class of a fault; None: there is no such place at that step."""

    def all(self) -> Iterator[FaultClass]:
        """Yield all classes, those of values that are not used at the end."""

    def total(self) -> int:
        """Return the number of faults of the space, weighted as the moments are."""


@define
class _Rest:
    """Collects the faults that have no effect before the end."""

    sizes: dict[Key, int]
    pilots: dict[Key, Point]

    def add(self, kind: int, size: int, pilot: Point) -> None:
        """Add faults whose next use overwrites them, or (0) that have none."""
        key: Key = OVERWRITTEN if kind == WRITE else UNUSED
        self.sizes[key] = self.sizes.get(key, 0) + size
        self.pilots.setdefault(key, pilot)

    def classes(self) -> Iterator[FaultClass]:
        """Yield what was collected."""
        for key, size in self.sizes.items():
            yield FaultClass(key, size, self.pilots[key])


@define(slots=False)
class RegisterClasses:
    """Classes of faults in registers of the core, by their names in the present mode."""

    steps: Steps
    moments: Moments
    names: tuple[str, ...]
    bits: tuple[int, ...]

    @cached_property
    def _use(self) -> RegisterUse:
        return RegisterUse(self.steps, int(self.moments.steps[0]), int(self.moments.steps[-1]))

    def key(self, cell: Cell, bit: int, step: int) -> Key | None:
        """See `Classes`."""
        register = registers.physical(cell.register, int(self.steps.trace.cpsr[step]))
        index, kind = self._use.next_use(register, step)
        return (register, index, bit) if kind == READ else OVERWRITTEN if kind == WRITE else UNUSED

    def total(self) -> int:
        """See `Classes`."""
        return self.moments.total * len(self.names) * len(self.bits)

    def all(self) -> Iterator[FaultClass]:
        """See `Classes`."""
        rest = _Rest({}, {})
        modes = self.steps.trace.cpsr[self.moments.steps] & registers.MODE_MASK
        for name in self.names:
            cell = Cell(register=name, bits=self.bits)
            for mode in np.unique(modes).tolist():
                chosen = modes == mode
                yield from self._of(cell, mode, Moments(self.moments.steps[chosen], self.moments.weights[chosen]), rest)
        yield from rest.classes()

    def _of(self, cell: Cell, mode: int, here: Moments, rest: _Rest) -> Iterator[FaultClass]:
        register = registers.physical(cell.register, mode)
        empty = np.zeros(0, dtype=np.int64)
        steps, kinds = self._use.events.get(register, (empty, empty))
        yield from _split(_Cut(cell, register, here, steps, kinds), rest)


@define(slots=False)
class MemoryClasses:
    """Classes of faults in memory; a guest's page may have one frame after the other."""

    map: Map
    moments: Moments
    areas: tuple[Area, ...]
    among: tuple[int, ...]  # of each word; empty: all bits

    @cached_property
    def _use(self) -> MemoryUse:
        return MemoryUse(self.map)

    def bits(self, address: int) -> tuple[int, ...]:
        """Return the bits of a byte that count."""
        offset = _BYTE * (address % 4)
        return tuple(bit for bit in range(_BYTE) if not self.among or bit + offset in self.among)

    def key(self, cell: Cell, bit: int, step: int) -> Key | None:
        """See `Classes`."""
        assert cell.area is not None  # noqa: S101 - it is a cell of memory
        physical = self.map.physical(cell.area, cell.address, step)
        if physical is None:
            return None
        index, kind = self._use.next_use(physical, step)
        return (physical, index, bit) if kind == READ else OVERWRITTEN if kind == WRITE else UNUSED

    def total(self) -> int:
        """See `Classes`."""
        found = 0
        for area in self.areas:
            for page, low, high in _pages(area):
                bits = sum(len(self.bits(address)) for address in range(low, high))
                found += bits * sum(here.total for here, _ in self._frames(area, page))
        return found

    def all(self) -> Iterator[FaultClass]:
        """See `Classes`."""
        rest = _Rest({}, {})
        for area in self.areas:
            for page, low, high in _pages(area):
                for here, frame in self._frames(area, page):
                    yield from self._of(area, (page, low, high), here, frame, rest)
        yield from rest.classes()

    def _of(
        self, area: Area, where: tuple[int, int, int], here: Moments, frame: int, rest: _Rest
    ) -> Iterator[FaultClass]:
        page, low, high = where
        uses = self._use.page(frame)
        empty = np.zeros(0, dtype=np.int64)
        for address in range(low, high):
            cell = Cell(area=area, address=address, bits=self.bits(address))
            if cell.bits:
                steps, kinds = uses.get(frame + address - page, (empty, empty))
                yield from _split(_Cut(cell, frame + address - page, here, steps, kinds), rest)

    def _frames(self, area: Area, page: int) -> Iterator[tuple[Moments, int]]:
        """Yield the moments at which a page of an area has one frame, and that frame."""
        if not area.is_virtual:
            yield self.moments, page
            return
        pieces = self.map.tables.pieces(area.vm, page)
        # Before the first piece the page has its frame already.
        borders = [0, *(first for first, _ in pieces[1:]), len(self.map.steps.trace.pc)]
        for number, (_, frame) in enumerate(pieces):
            low, high = np.searchsorted(self.moments.steps, borders[number : number + 2])
            if low < high:
                yield Moments(self.moments.steps[low:high], self.moments.weights[low:high]), frame


@frozen(eq=False)
class _Cut:
    """A cell at some moments, with the uses of what it is made of."""

    cell: Cell
    what: str | int  # the physical register or byte
    here: Moments
    steps: Numbers
    kinds: Numbers


def _split(cut: _Cut, rest: _Rest) -> Iterator[FaultClass]:
    """Yield the classes of a cell: the moments are cut at each use."""
    index = np.searchsorted(cut.steps, cut.here.steps)  # of the next use of each moment
    found, starts = np.unique(index, return_index=True)
    ends = np.append(starts[1:], len(index))
    for number, low, high in zip(found.tolist(), starts.tolist(), ends.tolist(), strict=True):
        size = int(cut.here.weights[low:high].sum())
        step = int(cut.here.steps[high - 1])  # the last one: whatever comes, comes soon
        kind = int(cut.kinds[number]) if number < len(cut.kinds) else 0
        if kind != READ:
            rest.add(kind, size * len(cut.cell.bits), Point(cut.cell, cut.cell.bits[0], step))
            continue
        for bit in cut.cell.bits:
            yield FaultClass((cut.what, number, bit), size, Point(cut.cell, bit, step))


def _pages(area: Area) -> Iterator[tuple[int, int, int]]:
    """Yield each page of an area, and the part of it that belongs to the area."""
    for page in range(area.base // PAGE * PAGE, area.end, PAGE):
        yield page, max(area.base, page), min(area.end, page + PAGE)


def checked(classes: Classes, most: int) -> list[FaultClass]:
    """Return all classes, after a check that they tile the fault space; none if there are more than `most`.

    Raises:
        UnderstudyError: they don't: a class occurs twice, a pilot is in another class, or faults are missing.
    """
    found = list(islice(classes.all(), most + 1))
    if len(found) > most:
        return []
    merged: dict[Key, FaultClass] = {}
    for one in found:
        if classes.key(one.pilot.cell, one.pilot.bit, one.pilot.step) != one.key:
            raise UnderstudyError(f"def/use pruning: the pilot of {one.key} is in another class; please report this")
        known = merged.get(one.key)
        # A page that gets an earlier frame back, and a register named in two modes, are met twice.
        merged[one.key] = one if known is None else FaultClass(one.key, known.size + one.size, known.pilot)
    total = sum(one.size for one in merged.values())
    if total != classes.total():
        raise UnderstudyError(f"def/use pruning: classes of {total} faults for {classes.total()}; please report this")
    return list(merged.values())
