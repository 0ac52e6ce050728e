# SPDX-License-Identifier: Apache-2.0
"""The outcomes over the moment of the injection: by instructions of the golden run, with what ran at the time."""

from collections.abc import Sequence

from understudy.injection.experiment import UNCAUGHT, Outcome
from understudy.injection.report.data import Case, CaseCounts, grouped
from understudy.injection.report.outcomes import EFFECTIVE, WORST_FIRST
from understudy.injection.report.svg import Drawing, filled, percent, query, rect, shape, to_cases
from understudy.page.figure import Figure

_LABEL, _WIDTH, _BINS, _HIGH, _LANE, _BAND = 150, 860, 100, 140, 24, 16
_TICKS = 8


def timeline(cases: Sequence[Case]) -> list[Figure]:
    """Return the figure; nothing, if no case has an instruction of the golden run or a time."""
    stepped = [case for case in cases if case.place.step is not None]
    if len(stepped) > len(cases) / 2:
        key, unit, used = "step", "instructions of the golden run", stepped
    else:
        key, unit, used = "time", "virtual time, µs since reset", [case for case in cases if case.experiment.faults]
    if len({_moment(case, key) for case in used}) < 2:
        return []
    text = (
        "At the top the share of the faults of each moment that were not masked, by outcome. Below: a shape for each "
        "rare or uncaught outcome where it occurred, larger where it occurred more than once; and what ran."
    )
    return [Figure("time", "Over time", text, pictures=(_picture(used, key, unit),))]


def _moment(case: Case, key: str) -> int:
    return case.experiment.faults[0].time if key == "time" else case.place.step or 0


def _picture(cases: Sequence[Case], key: str, unit: str) -> str:
    moments = [_moment(case, key) for case in cases]
    low, high = min(moments), max(moments) + 1
    size = max(1, -(-(high - low) // _BINS))
    bins = grouped(sorted(cases, key=lambda one: _moment(one, key)), lambda one: str((_moment(one, key) - low) // size))
    lanes = _lanes(CaseCounts(list(cases)))
    phases = [phase for phase in grouped(cases, lambda case: case.place.phase) if phase]
    bottom = _HIGH + 30 + _LANE * len(lanes) + _BAND * len(phases)
    drawing = Drawing(_LABEL + _WIDTH + 20, bottom + 44, "Outcomes over time")
    _shares(drawing, bins, (key, low, size))
    y = _HIGH + 24
    for outcome in lanes:
        _lane(drawing, y, outcome, bins, (key, low, size))
        y += _LANE
    for phase in sorted(phases):
        _band(drawing, y + 4, phase, bins)
        y += _BAND
    _axis(drawing, y + 6, (low, size), unit, scale=1 if key == "step" else 1000)
    return drawing.svg()


def _lanes(tally: CaseCounts) -> list[Outcome]:
    """Return the outcomes that are rare enough for single marks, worst first."""
    rare = max(100, tally.total // 100)
    return [
        outcome
        for outcome in WORST_FIRST
        if tally.counts[outcome] and (outcome in UNCAUGHT or tally.counts[outcome] <= rare)
    ]


def _shares(drawing: Drawing, bins: dict[str, CaseCounts], at: tuple[str, int, int]) -> None:
    most = max(tally.share(EFFECTIVE) for tally in bins.values()) or 1.0
    top = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.4, 0.5, 0.75, 1.0) if step >= min(most, 1.0))
    for part in (0.0, 0.5, 1.0):
        y = 8 + _HIGH * (1 - part)
        drawing.line((_LABEL, y, _LABEL + _WIDTH, y), "grid")
        drawing.text(_LABEL - 8, y + 4, percent(top * part), "tick end")
    drawing.text(0, 14, "not masked", "note")
    for number, tally in bins.items():
        y = 8.0 + _HIGH
        for outcome in EFFECTIVE:
            height = _HIGH * tally.share((outcome,)) / top
            if not height:
                continue
            y -= height
            members = [case for case in tally.cases if case.outcome is outcome]
            inside = filled((_x(number), y, _WIDTH / _BINS - 0.8, height), outcome)
            said = f"{_range(number, at)}: {len(members):,} of {tally.total:,} {outcome}"
            drawing.put(to_cases(members, _address(number, at, outcome), said, inside))


def _lane(drawing: Drawing, y: float, outcome: Outcome, bins: dict[str, CaseCounts], at: tuple[str, int, int]) -> None:
    drawing.line((_LABEL, y + _LANE / 2, _LABEL + _WIDTH, y + _LANE / 2), "grid")
    drawing.text(_LABEL - 8, y + _LANE / 2 + 4, outcome, "label end")
    for number, tally in bins.items():
        members = [case for case in tally.cases if case.outcome is outcome]
        if members:
            size = min(20.0, 10 + 3 * (len(members) - 1) ** 0.5)
            inside = shape(_x(number) + _WIDTH / _BINS / 2, y + _LANE / 2, outcome, size)
            said = f"{_range(number, at)}: {len(members):,} {outcome}"
            drawing.put(to_cases(members, _address(number, at, outcome), said, inside))


def _band(drawing: Drawing, y: float, phase: str, bins: dict[str, CaseCounts]) -> None:
    """Draw where the program was in a phase; the height is the phase's share in the faults of the moment."""
    drawing.text(_LABEL - 8, y + _BAND - 4, phase, "note end")
    for number, tally in bins.items():
        share = sum(case.place.phase == phase for case in tally.cases) / tally.total
        if share:
            height = max(1.5, (_BAND - 3) * share)
            drawing.put(rect(_x(number), y + _BAND - 2 - height, _WIDTH / _BINS, height, "phase"))
    drawing.line((_LABEL, y + _BAND - 1.5, _LABEL + _WIDTH, y + _BAND - 1.5), "grid")


def _axis(drawing: Drawing, y: float, at: tuple[int, int], unit: str, scale: int) -> None:
    low, size = at
    drawing.line((_LABEL, y, _LABEL + _WIDTH, y), "axis")
    for tick in range(_TICKS + 1):
        x = _LABEL + _WIDTH * tick / _TICKS
        drawing.line((x, y, x, y + 4), "axis")
        drawing.text(x, y + 17, f"{(low + size * _BINS * tick // _TICKS) // scale:,}", "tick")
    drawing.text(_LABEL + _WIDTH / 2, y + 34, unit, "note middle")


def _x(number: str) -> float:
    return _LABEL + int(number) * _WIDTH / _BINS


def _range(number: str, at: tuple[str, int, int]) -> str:
    key, low, size = at
    first = low + int(number) * size
    return f"{key} {first:,} to {first + size - 1:,}"


def _address(number: str, at: tuple[str, int, int], outcome: Outcome) -> str:
    key, low, size = at
    first = low + int(number) * size
    return query(outcome=outcome, **{key: f"{first}..{first + size - 1}"})
