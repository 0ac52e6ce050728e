# SPDX-License-Identifier: Apache-2.0
"""The outcomes by what was hit: for each stratum, model, VM, task and phase a bar, and what was not caught."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

from understudy.injection.experiment import UNCAUGHT
from understudy.injection.report.data import Case, CaseCounts, grouped
from understudy.injection.report.interval import axis, whisker
from understudy.injection.report.svg import NUMBER, bar, percent, query, told
from understudy.page.figure import Figure

_ROWS = 24
_DIMENSIONS: Mapping[str, tuple[str, Callable[[Case], str]]] = {
    "stratum": ("Stratum", lambda case: case.experiment.stratum),
    "kind": ("What was hit", lambda case: case.place.kind),
    "name": ("Where", lambda case: case.place.name),
    "model": ("Kind of fault", lambda case: case.place.model),
    "phase": ("What ran at the time", lambda case: case.place.phase),
    "vm": ("VM", lambda case: case.place.vm),
    "task": ("Task", lambda case: case.place.task),
}
_TEXT = (
    "The bar is divided as the outcomes of the faults are. Right of it the share that was not caught (silent data "
    "corruption, propagated, hang) with its 95 % interval, on a logarithmic axis; an arrow: none so far, and the share "
    "is below its right end."
)


def breakdowns(cases: Sequence[Case]) -> list[Figure]:
    """Return a figure for each dimension that divides the experiments, and differs from those before it."""
    seen: set[frozenset[frozenset[int]]] = set()
    figures: list[Figure] = []
    for key, (title, of) in _DIMENSIONS.items():
        groups = grouped(cases, of)
        partition = frozenset(frozenset(case.number for case in tally.cases) for tally in groups.values())
        if not groups or partition in seen or (len(groups) < 2 and figures):
            continue
        seen.add(partition)
        ordered = groups if key == "stratum" else dict(sorted(groups.items(), key=_worst))
        text = _TEXT if not figures else ""
        figures.append(Figure(f"by-{key}", title, text, pictures=(_rows(key, ordered),)))
    return figures


def _worst(item: tuple[str, CaseCounts]) -> tuple[float, float, int]:
    _, tally = item
    return -tally.share(UNCAUGHT), -tally.interval(UNCAUGHT)[0], -tally.total


def _rows(key: str, groups: Mapping[str, CaseCounts]) -> str:
    lowest = min(-2, -1 - len(str(max(len(tally.applied) for tally in groups.values()) // 4 or 1)))
    rows = [_row(key, name, tally, lowest) for name, tally in groups.items()]
    head = (
        '<li class="head" aria-hidden="true"><span></span><span>outcomes</span><span>not caught</span>'
        f"<span>{axis(lowest)}</span></li>"
    )
    shown = f'<ul class="bars">{head}{"".join(rows[:_ROWS])}</ul>'
    if len(rows) <= _ROWS:
        return shown
    rest = "".join(rows[_ROWS:])
    return f'{shown}<details><summary>{len(rows) - _ROWS} more</summary><ul class="bars">{rest}</ul></details>'


def _row(key: str, name: str, tally: CaseCounts, lowest: int) -> str:
    low, high = tally.interval(UNCAUGHT)
    share = tally.share(UNCAUGHT)
    address = escape(query(**{key: name}))
    said = escape(f"{name or 'none'}: {told(tally)}")
    caught = f'<b class="{"bad" if tally.escaped else "good"}">{NUMBER(tally.escaped)}</b>'
    size = f"<small>of {NUMBER(len(tally.applied))}{': ' + percent(share) if share else ''}</small>"
    return (
        f'<li><a href="{address}" data-n="{tally.total}" title="{said}">{escape(name) or "(none)"}</a>'
        f"<span>{bar(tally, height=18)}</span><span>{caught} {size}</span>"
        f"<span>{whisker(share, low, high, lowest)}</span></li>"
    )
