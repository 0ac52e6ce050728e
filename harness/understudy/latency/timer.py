# SPDX-License-Identifier: Apache-2.0
"""The second measurement: times that the VMM itself noted at its trace points, turned into instructions.

An image with `trace_points = true` reads the board's timer at each of them. Under `-icount` the timer advances by a
fixed time with each instruction, so the time between two points is a number of instructions. It must be the one that
the plugin counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from struct import Struct

from understudy.errors import UnderstudyError
from understudy.image import Image
from understudy.latency.plugin import instruction_ns
from understudy.latency.visits import MARK_END, Visit, Visits, mark_symbols
from understudy.target import Target

RING = "trace_ring"
_HEADER = Struct("<II")  # next, capacity
_RECORD = Struct("<II")  # point, time
_NS = 1_000_000_000
_WRAP = 1 << 32


@dataclass(frozen=True)
class Ring:
    """The VMM's own record.

    Attributes:
        passed: trace points that the VMM passed since reset.
        records: (symbol, low word of the timer) of the last ones of them, the oldest first.
        ticks: of the timer, for each instruction.
    """

    passed: int
    records: tuple[tuple[str, int], ...]
    ticks: Fraction


@dataclass(frozen=True, slots=True)
class Interval:
    """The way between two trace points of a visit.

    Attributes:
        start: of the visit.
        first: symbol of the first point.
        second: symbol of the next one.
        instructions: on the way, without those of the first trace point itself; timer and plugin agree on them.
    """

    start: int
    first: str
    second: str
    instructions: int


def read_ring(target: Target) -> Ring:
    """Return what the VMM noted; the machine stands still.

    Raises:
        UnderstudyError: the image has no trace points, or the memory holds something else.
    """
    image, memory = target.image, target.memory
    if RING not in image.manifest["symbols"]:
        raise UnderstudyError(f"{image.name}: the VMM notes no times: set `trace_points = true` in [system]")
    base = memory.address(RING)
    passed, capacity = _HEADER.unpack(memory.read_physical(base, _HEADER.size))
    data = memory.read_physical(base + _HEADER.size, capacity * _RECORD.size) if capacity else b""
    return parse_ring(passed, data, mark_symbols(image), ticks_per_instruction(image))


def parse_ring(passed: int, data: bytes, symbols: dict[int, str], ticks: Fraction) -> Ring:
    """Put the records of a ring in order.

    Args:
        passed: number of records that were ever written.
        data: all records of the ring.
        symbols: names of the trace points.
        ticks: of the timer, for each instruction.

    Raises:
        UnderstudyError: a record is not of a trace point.
    """
    slots = list(_RECORD.iter_unpack(data))
    oldest = max(0, passed - len(slots))
    found = [slots[number % len(slots)] for number in range(oldest, passed)]
    for point, _ in found:
        if point not in symbols:
            raise UnderstudyError(f"{RING}: {point:#010x} is no trace point: do VMM and harness mean the same layout?")
    return Ring(passed, tuple((symbols[point], time) for point, time in found), ticks)


def ticks_per_instruction(image: Image) -> Fraction:
    """Return by how much the board's timer advances with each instruction."""
    return Fraction(instruction_ns(image) * int(image.manifest["board"]["timer_hz"]), _NS)


def calibrate(found: Visits) -> dict[str, int]:
    """Return the instructions that each trace point itself takes, as the plugin counted them.

    Raises:
        UnderstudyError: they are not always the same.
    """
    costs: dict[str, int] = {}
    for (name, start), (behind, end) in pairwise(found.points):
        if behind == name + MARK_END and costs.setdefault(name, end - start) != end - start:
            raise UnderstudyError(
                f"{name} takes {costs[name]} and {end - start} instructions: it must be straight code"
            )
    return costs


def compare(found: Visits, ring: Ring) -> list[Interval]:
    """Compare the two measurements of one run at each pair of trace points that follow each other in a visit.

    Visits that the ring has forgotten are left out: the caller sees from the number of intervals how many there are.

    Args:
        found: visits of a run; its `inspect` read the ring.
        ring: what was read.

    Raises:
        UnderstudyError: they differ; it says where, and by how much.
    """
    times = _times(found, ring)
    costs = calibrate(found)
    intervals: list[Interval] = []
    for visit in found:
        for (first, begin), (second, end) in pairwise(visit.marks):
            if visit.start + begin in times:
                ticks = (times[visit.start + end] - times[visit.start + begin]) % _WRAP
                counted = _agreed(visit, (first, second), end - begin, ticks, ring.ticks)
                intervals.append(Interval(visit.start, first, second, counted - _cost(costs, first)))
    return intervals


def _cost(costs: dict[str, int], name: str) -> int:
    if name not in costs:
        raise UnderstudyError(f"{name}: the plugin never saw the end of its code: is there a symbol {name}{MARK_END}?")
    return costs[name]


def _times(found: Visits, ring: Ring) -> dict[int, int]:
    """Return the noted times by the number of the instruction at which the plugin saw the point."""
    points = [point for point in found.points if not point[0].endswith(MARK_END)]
    # The machine may have been stopped in the code of a trace point.
    if not 0 <= len(points) - ring.passed <= 1:
        raise UnderstudyError(f"the VMM passed {ring.passed} trace points, the plugin counted {len(points)}")
    oldest = ring.passed - len(ring.records)
    return dict(_paired(points[oldest : ring.passed], ring))


def _paired(points: list[tuple[str, int]], ring: Ring) -> Iterator[tuple[int, int]]:
    for (name, count), (noted, time) in zip(points, ring.records, strict=True):
        if name != noted:
            raise UnderstudyError(f"after {count} instructions the plugin saw {name}, but the VMM noted {noted}")
        yield count, time


def _agreed(visit: Visit, names: tuple[str, str], counted: int, ticks: int, rate: Fraction) -> int:
    """Return the number of instructions on which both agree; the timer is read at the same place of each point."""
    measured = round(ticks / rate)
    if measured != counted or abs(ticks - counted * rate) >= 1:
        raise UnderstudyError(
            f"visit {visit.start}: {names[0]} to {names[1]}: the plugin counted {counted} instructions, the timer says "
            f"{measured} ({ticks} ticks of {float(rate):g} an instruction): a difference of {measured - counted}"
        )
    return counted
