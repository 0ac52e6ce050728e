# SPDX-License-Identifier: Apache-2.0
"""Times from the VMM's trace points against counts of the plugin."""

import struct
from fractions import Fraction
from itertools import pairwise

import pytest
from understudy.errors import UnderstudyError
from understudy.latency.timer import Interval, Ring, calibrate, compare, parse_ring
from understudy.latency.visits import Visit, Visits

RATE = Fraction(16, 5)  # 32 ns an instruction, 10 ns a tick
SAVED, RESTORE = "trace_saved_irq", "trace_restore_switch"
COST = 11


def time_of(count: int, offset: int = 7) -> int:
    """The timer's value when it is read in the code of a trace point that `count` instructions were executed before."""
    return (count + offset) * 32 // 10 % (1 << 32)


def run(starts: list[int], lengths: list[int]) -> Visits:
    """Visits with two marks and what is behind them, 5 instructions from the start and `length` apart."""
    visits = tuple(
        Visit(start, "irq", length + 40, 0, 0, ((SAVED, 5), (RESTORE, 5 + length)), guest=10)
        for start, length in zip(starts, lengths, strict=True)
    )
    points = []
    for visit in visits:
        for name, after in visit.marks:
            points += [(name, visit.start + after), (f"{name}_end", visit.start + after + COST)]
    return Visits(visits, 0, 32, tuple(points))


def ring(found: Visits, *, kept: int = 1000) -> Ring:
    records = [(name, time_of(count)) for name, count in found.points if not name.endswith("_end")]
    return Ring(len(records), tuple(records[-kept:]), RATE)


FOUND = run(list(range(1000, 101_000, 1009)), [60 + n % 7 for n in range(len(range(1000, 101_000, 1009)))])


def test_agreement() -> None:
    intervals = compare(FOUND, ring(FOUND))
    assert len(intervals) == len(FOUND)
    assert intervals[3] == Interval(FOUND[3].start, SAVED, RESTORE, 63 - COST)


def test_timer_wraps() -> None:
    wrap = (1 << 32) * 10 // 32
    found = run([wrap - 30], [60])
    times = [time for _, time in ring(found).records]
    assert times[1] < times[0]
    assert compare(found, ring(found))[0].instructions == 60 - COST


@pytest.mark.parametrize(("change", "difference"), [(3, 1), (-4, -1), (32, 10)])
def test_difference(change: int, difference: int) -> None:
    good = ring(FOUND)
    records = list(good.records)
    records[9] = (records[9][0], records[9][1] + change)
    with pytest.raises(UnderstudyError, match=rf"^visit {FOUND[4].start}: .*a difference of {difference}$"):
        compare(FOUND, Ring(good.passed, tuple(records), RATE))


def test_time_that_is_no_instruction() -> None:
    """64 instructions are 204.8 ticks, so the timer may advance by 204 or 205, though 206 is nearest to 64, too."""
    good = ring(FOUND)
    for ticks, right in ((204, True), (205, True), (206, False)):
        records = list(good.records)
        records[9] = (RESTORE, records[8][1] + ticks)
        changed = Ring(good.passed, tuple(records), RATE)
        if right:
            assert compare(FOUND, changed)[4].instructions == 64 - COST
        else:
            with pytest.raises(UnderstudyError, match=f"visit {FOUND[4].start}.*a difference of 0"):
                compare(FOUND, changed)


def test_ring_that_forgot_the_first_visits() -> None:
    intervals = compare(FOUND, ring(FOUND, kept=21))
    assert [interval.start for interval in intervals] == [visit.start for visit in FOUND[-10:]]


def test_stopped_within_a_trace_point() -> None:
    last = (*FOUND.points, (SAVED, 200_000))
    found = Visits(FOUND.visits, 0, 32, last)
    assert len(compare(found, ring(FOUND))) == len(FOUND)


def test_points_that_do_not_match() -> None:
    good = ring(FOUND)
    with pytest.raises(UnderstudyError, match="the VMM passed 203 trace points, the plugin counted 200"):
        compare(FOUND, Ring(good.passed + 3, good.records, RATE))
    swapped = tuple((second[0], first[1]) for first, second in pairwise((*good.records, good.records[0])))
    with pytest.raises(UnderstudyError, match=f"the plugin saw {SAVED}, but the VMM noted {RESTORE}"):
        compare(FOUND, Ring(good.passed, swapped, RATE))


def test_calibration() -> None:
    assert calibrate(FOUND) == {SAVED: COST, RESTORE: COST}
    uneven = Visits(FOUND.visits, 0, 32, (*FOUND.points, (SAVED, 200_000), (f"{SAVED}_end", 200_012)))
    with pytest.raises(UnderstudyError, match=f"{SAVED} takes 11 and 12 instructions"):
        calibrate(uneven)


def test_point_without_an_end() -> None:
    found = Visits(FOUND.visits, 0, 32, tuple(point for point in FOUND.points if point[0] != f"{SAVED}_end"))
    with pytest.raises(UnderstudyError, match=f"is there a symbol {SAVED}_end"):
        compare(found, ring(FOUND))


def test_ring_in_memory() -> None:
    names = {0x100: SAVED, 0x200: RESTORE}
    slots = [(0x200, 50), (0x100, 60), (0x200, 30), (0x100, 40)]
    data = b"".join(struct.pack("<II", *slot) for slot in slots)
    wrapped = parse_ring(6, data, names, RATE)
    assert wrapped.records == ((RESTORE, 30), (SAVED, 40), (RESTORE, 50), (SAVED, 60))
    assert parse_ring(1, data, names, RATE).records == ((RESTORE, 50),)
    assert parse_ring(0, data, names, RATE).records == ()
    with pytest.raises(UnderstudyError, match="0x00000200 is no trace point"):
        parse_ring(6, data, {0x100: SAVED}, RATE)
