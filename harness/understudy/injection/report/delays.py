# SPDX-License-Identifier: Apache-2.0
"""How long it took until a fault was noticed, what the recovery cost, and the work it made: as distributions."""

from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from statistics import median_low, quantiles

from attrs import frozen

from understudy.injection.report.data import Case, grouped
from understudy.injection.report.svg import Drawing, query, rect, to_cases
from understudy.page.figure import Figure, exact, table

_LABEL, _WIDTH, _ROW, _RIGHT = 150, 700, 62, 150
_BINS = 8  # of a decade


@frozen
class Measure:
    """One of the numbers of a verdict; `key` is also the name that a list is filtered by."""

    key: str
    title: str
    unit: str
    text: str
    of: Callable[[Case], int | None]


_MEASURES = (
    Measure(
        "latency",
        "Until it was noticed",
        "instructions",
        "From the fault to the first record of the fault log, for each action that was taken at last. The line is the "
        "median. The heights of each row are of its own scale.",
        lambda case: case.verdict.latency,
    ),
    Measure(
        "cost",
        "What the recovery cost",
        "instructions",
        "From the exception to the return to a guest, as the fault log says.",
        lambda case: case.verdict.cost,
    ),
    Measure(
        "lost",
        "Additional work",
        "instructions",
        "Executed more than in the golden run: the recovery, and what was done again.",
        lambda case: case.verdict.lost,
    ),
)


def delays(cases: Sequence[Case]) -> list[Figure]:
    """Return a figure for each measure that some case has."""
    found = []
    for measure in _MEASURES:
        rows = {
            action or "(no action)": [case for case in tally.cases if measure.of(case) is not None]
            for action, tally in grouped(cases, lambda case: case.verdict.action).items()
        }
        rows = {action: members for action, members in rows.items() if members}
        if rows:
            ordered = dict(sorted(rows.items(), key=lambda item: (-len(item[1]), item[0])))
            found.append(_figure(measure, ordered))
    return found


def _figure(measure: Measure, rows: dict[str, list[Case]]) -> Figure:
    numbers: list[list[str | float]] = []
    for action, members in rows.items():
        values = sorted(_values(measure, members))
        late = quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
        numbers.append([action, len(values), values[0], median_low(values), round(late), values[-1]])
    head = ("action", "experiments", "least", "median", "95 % below", "most")
    return Figure(
        measure.key,
        measure.title,
        measure.text,
        pictures=(_picture(measure, rows),),
        tables=(table(f"{measure.title}, {measure.unit}", head, numbers),),
    )


def _values(measure: Measure, members: Sequence[Case]) -> list[int]:
    return [value for case in members if (value := measure.of(case)) is not None]


def _picture(measure: Measure, rows: dict[str, list[Case]]) -> str:
    everything = [max(1, value) for members in rows.values() for value in _values(measure, members)]
    low, high = floor(log10(min(everything))), max(ceil(log10(max(everything) + 1)), floor(log10(min(everything))) + 1)
    drawing = Drawing(_LABEL + _WIDTH + _RIGHT, _ROW * len(rows) + 52, measure.title)
    bottom = _ROW * len(rows) + 8
    for power in range(low, high + 1):
        x = _LABEL + _WIDTH * (power - low) / (high - low)
        drawing.line((x, 8, x, bottom + 4), "grid")
        drawing.text(x, bottom + 18, f"{10**power:,}", "tick")
    drawing.text(_LABEL + _WIDTH / 2, bottom + 38, f"{measure.unit}, logarithmic", "note middle")
    for line, (action, members) in enumerate(rows.items()):
        _row(drawing, measure, (action, members), (low, high), 8 + line * _ROW)
    return drawing.svg()


def _row(drawing: Drawing, measure: Measure, row: tuple[str, list[Case]], span: tuple[int, int], y: float) -> None:
    action, members = row
    bins = grouped(members, lambda case: str(floor(log10(max(1, measure.of(case) or 0)) * _BINS)))
    most = max(tally.total for tally in bins.values())
    bottom = y + _ROW - 8
    scale = _WIDTH / (span[1] - span[0]) / _BINS
    for number, tally in bins.items():
        first, last = _edges(int(number))
        x = _LABEL + (int(number) - span[0] * _BINS) * scale
        height = max(2.0, (_ROW - 18) * tally.total / most)
        said = f"{action}, {first:,} to {last:,} {measure.unit}: {tally.total:,}"
        address = query(action="" if action == "(no action)" else action, **{measure.key: f"{first}..{last}"})
        drawing.put(to_cases(tally.cases, address, said, rect(x, bottom - height, scale - 1, height, "histogram")))
    drawing.line((_LABEL, bottom, _LABEL + _WIDTH, bottom), "axis")
    middle = median_low(_values(measure, members))
    x = _LABEL + _WIDTH * (log10(max(1, middle)) - span[0]) / (span[1] - span[0])
    drawing.line((x, y, x, bottom), "median")
    drawing.text(_LABEL - 10, bottom - 14, action, "label end")
    drawing.text(_LABEL - 10, bottom, f"{len(members):,}", "note end")
    drawing.text(_LABEL + _WIDTH + 12, bottom - 6, f"median {exact(middle)}", "value")


def _edges(number: int) -> tuple[int, int]:
    """Return the first and the last whole number of a bin; that of 1 has 0 as well."""
    first = ceil(10 ** (number / _BINS) - 1e-9)
    return (0 if number == 0 else first), ceil(10 ** ((number + 1) / _BINS) - 1e-9) - 1
