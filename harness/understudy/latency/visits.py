# SPDX-License-Identifier: Apache-2.0
"""Visits: the machine's stays in the VMM, counted in instructions by a QEMU plugin that disturbs nothing."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import overload

from understudy.errors import TargetError, TargetTimeout
from understudy.image import Image
from understudy.image.elf import read_elf
from understudy.latency.gate import Gate
from understudy.latency.plugin import NOWHERE, Kind, Record, instruction_ns, plugin_arguments, read_records
from understudy.target import Target

VECTORS = {0x04: "undefined", 0x08: "call", 0x0C: "prefetch", 0x10: "data", 0x14: "unused", 0x18: "irq"}
MARK_PREFIXES = ("trace_saved", "trace_restore")
MARK_END = "_end"  # after the name of a mark: the symbol behind its code

__all__ = ["NOWHERE", "Visit", "Visits", "assemble", "mark_symbols", "matching", "visits"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay in the VMM, from the first instruction of an exception vector to the first guest instruction after it.

    All counts are instructions as QEMU's `-icount` counts them: one that ends in a data abort is not executed.

    Attributes:
        start: number of the vector's first instruction; the first one after reset has number 0.
        vector: "undefined", "call", "prefetch", "data" or "irq".
        length: instructions of the VMM; the first one of the vector and the one that returns to the guest included.
        came_from: address of the last guest instruction before it: the SVC, or the instruction that faulted, or the
            last one before an interrupt. `NOWHERE`: none since the visit before, the exception was pending already.
        went_to: address of the first guest instruction after it; `NOWHERE` if the next exception came first.
        marks: (symbol, instructions executed before it since the start) for each trace point that was passed.
        guest: instructions that guests executed between the visit before and this one.
        idle_ns: virtual time that the processor slept from reset to the end of this visit.
        slept_ns: how much of it after the visit before: in the guest that was interrupted, or in the VMM.
    """

    start: int
    vector: str
    length: int
    came_from: int
    went_to: int
    marks: tuple[tuple[str, int], ...]
    guest: int = 0
    idle_ns: int = 0
    slept_ns: int = 0

    @property
    def end(self) -> int:
        """Number of the first guest instruction after it."""
        return self.start + self.length


@dataclass(frozen=True)
class Visits(Sequence[Visit]):
    """All visits of a run in their order, and where the time went.

    Attributes:
        visits: without the way from reset to the first guest instruction.
        boot: instructions from reset until a guest could run first.
        instruction_ns: virtual time of one instruction.
        points: every (symbol, count) of the run in order, those of the boot and after the last visit included, and
            those behind the code of a mark, which are not among the marks of a visit.
        console: what UART 0 showed.
    """

    visits: tuple[Visit, ...]
    boot: int
    instruction_ns: int
    points: tuple[tuple[str, int], ...] = ()
    console: str = ""

    def __len__(self) -> int:
        return len(self.visits)

    @overload
    def __getitem__(self, index: int) -> Visit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Visit, ...]: ...
    def __getitem__(self, index: int | slice) -> Visit | tuple[Visit, ...]:
        return self.visits[index]

    @property
    def total(self) -> int:
        """Instructions from reset to the end of the last visit."""
        return self.visits[-1].end if self.visits else self.boot

    @property
    def vmm(self) -> int:
        """Those of the VMM, without the boot."""
        return sum(visit.length for visit in self.visits)

    @property
    def guest(self) -> int:
        """Those of guests."""
        return sum(visit.guest for visit in self.visits)

    @property
    def idle_ns(self) -> int:
        """Virtual time that the processor slept."""
        return self.visits[-1].idle_ns if self.visits else 0

    @property
    def elapsed_ns(self) -> int:
        """Virtual time from reset to the end of the last visit."""
        return self.total * self.instruction_ns + self.idle_ns

    def time_ns(self, visit: Visit) -> int:
        """Return the virtual time at the end of a visit."""
        return visit.end * self.instruction_ns + visit.idle_ns


def visits(
    image: Image,
    *,
    ms: float,
    after: Callable[[Target], None] | None = None,
    inspect: Callable[[Target], None] | None = None,
    seconds: float = 120,
) -> Visits:
    """Run an image and return its visits: the same in each run, if nothing is typed.

    Args:
        image: what to run.
        ms: virtual time from reset; visits that end later are left out. The machine may end itself before.
        after: called when the machine has booted, for example to type at a console (the time when characters
            arrive is not the same in each run).
        inspect: called when the time is over and the machine stands still, unless it has ended itself. It may read
            memory; it must not let the machine run, nor use GDB.
        seconds: last guard, in real time.

    Raises:
        TargetError: the machine can't be run, or no exception was taken.
        TargetTimeout: the time did not pass.
    """
    marks = mark_symbols(image)
    until_ns = int(ms * 1_000_000)
    with tempfile.TemporaryDirectory(prefix="us-") as name:
        output, gate = Path(name, "records"), Gate(Path(name, "gate"))
        extra = plugin_arguments(image, output, gate.path, until_ns=until_ns, points=marks)
        with Target(image, extra=extra) as target:
            if after:
                after(target)
            _run(target, gate, seconds, inspect)
        # Only now all that the machine sent has arrived.
        return assemble(read_records(output), marks, instruction_ns(image), until_ns, target.console.text)


def matching(
    found: Iterable[Visit],
    *,
    vector: str | None = None,
    came_from: range | None = None,
    went_to: range | None = None,
    passing: str | None = None,
    limit: int | None = None,
) -> list[Visit]:
    """Return the visits of one kind.

    Args:
        found: visits to choose from.
        vector: name of the exception.
        came_from: addresses of the last guest instruction before.
        went_to: addresses of the first guest instruction after.
        passing: a mark that was passed.
        limit: at most so many, the first ones.
    """
    chosen = (
        visit
        for visit in found
        if (vector is None or visit.vector == vector)
        and (came_from is None or visit.came_from in came_from)
        and (went_to is None or visit.went_to in went_to)
        and (passing is None or any(name == passing for name, _ in visit.marks))
    )
    return list(islice(chosen, limit))


def mark_symbols(image: Image) -> dict[int, str]:
    """Return the trace points of the VMM, and what is behind the code of each, by address; empty when it has none."""
    found = [symbol for symbol in read_elf(image.elf).symbols if symbol.name.startswith(MARK_PREFIXES)]
    # Without that code both have the same address: then the mark counts.
    found.sort(key=lambda symbol: not symbol.name.endswith(MARK_END))
    return {symbol.address: symbol.name for symbol in found}


def _run(target: Target, gate: Gate, seconds: float, inspect: Callable[[Target], None] | None) -> None:
    """Let the time pass, or the machine end; then everything is recorded.

    No command is given to QEMU before: one that it gets while it ends makes it hang at times.
    """
    try:
        gate.wait(target, seconds)
    except TargetTimeout as error:
        raise TargetTimeout(f"the virtual time did not pass: {error}") from None
    except TargetError:
        if target.wait_for_end() != 0:
            raise
        return
    if inspect:
        inspect(target)


def assemble(records: Iterable[Record], marks: dict[int, str], ns: int, until_ns: int, console: str) -> Visits:
    """Put the records together; leave out visits that end after `until_ns`."""
    reader = _Reader(marks)
    for record in records:
        reader.take(record)
    if reader.boot is None:
        raise TargetError("no exception was taken")
    whole = Visits(tuple(reader.visits), reader.boot, ns, tuple(reader.points), console)
    kept = [visit for visit in whole.visits if whole.time_ns(visit) <= until_ns]
    return Visits(tuple(kept), reader.boot, ns, whole.points, console)


class _Reader:
    """Turns records into visits."""

    def __init__(self, marks: dict[int, str]) -> None:
        self._marks = marks
        self._enter: Record | None = None
        self._passed: list[tuple[str, int]] = []
        self._left = 0
        self._idle_ns = 0
        self.boot: int | None = None
        self.visits: list[Visit] = []
        self.points: list[tuple[str, int]] = []

    def take(self, record: Record) -> None:
        """Take the next record."""
        if record.kind == Kind.POINT:
            name = self._marks[record.address]
            self.points.append((name, record.executed))
            if self._enter and not name.endswith(MARK_END):
                self._passed.append((name, record.executed - self._enter.executed))
        elif record.kind == Kind.LEAVE:
            self._leave(record, record.address)
        elif record.kind == Kind.ENTER:
            if self._enter or self.boot is None:
                self._leave(record, NOWHERE)
            self._enter, self._passed = record, []

    def _leave(self, record: Record, went_to: int) -> None:
        enter = self._enter
        if enter is None:
            self.boot = record.executed
        else:
            self.visits.append(
                Visit(
                    start=enter.executed,
                    vector=VECTORS[enter.address & 0x1F],
                    length=record.executed - enter.executed,
                    came_from=enter.came_from,
                    went_to=went_to,
                    marks=tuple(self._passed),
                    guest=enter.executed - self._left,
                    idle_ns=record.idle_ns,
                    slept_ns=record.idle_ns - self._idle_ns,
                )
            )
        self._enter, self._left, self._idle_ns = None, record.executed, record.idle_ns
