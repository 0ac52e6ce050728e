# SPDX-License-Identifier: Apache-2.0
"""What checkpoints and rollbacks cost: the crossover of eager copy and undo log, recovery by dirty pages, lost work."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from understudy.latency.report import charts
from understudy.latency.report.charts import Series
from understudy.latency.report.paper import sweep_table
from understudy.latency.report.svg import render
from understudy.page.figure import Figure, exact, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.latency.report.data import Results, Sweep

# path: (instructions of a rollback with nothing dirty, and for each dirty page): what it may cost
BUDGETS = {"task_rollback": (300, 10), "vm_rollback": (400, 10)}

_TITLES = {"task_rollback": "Task rollback", "vm_rollback": "VM rollback"}
_MODE_TEXT = {"off": "fault tolerance off", "undo": "undo log", "eager": "eager copy", "full": "full copy"}
_EACH_MODE = {"undo": "undo log: first writes + commit", "eager": "eager copy: commit", "full": "full copy: commit"}


def crossover(results: Results) -> Figure:
    """Return the cost of a checkpoint interval against its dirty pages: undo log against eager copy."""
    measured = results.sweeps_of("dirty pages", "saving")
    series, missing = _measured(measured) if measured else _computed(results)
    title = "Crossover of eager copy and undo log"
    source = measured[0].title if measured else "Commit as measured, and the first write for each page"
    text = (
        "Instructions of fault tolerance in one checkpoint interval, against the pages that the guest wrote in it. "
        "The undo log pays for each page at its first write (a fault and a copy of 4 KiB) and little at the commit; "
        f"the eager copy pays at the commit. {source}. {_crossing(series)}"
    )
    rows: list[list[str | float]] = [[one.label, x, middle] for one in series for x, _, middle, _ in one.points]
    return Figure(
        "crossover",
        title,
        text,
        (render(charts.lines(series, "dirty pages", "instructions per interval"), "crossover", title),)
        if series
        else (),
        (table("Instructions per interval", ("policy", "dirty pages", "instructions"), rows),) if rows else (),
        tuple(missing),
    )


def _measured(sweeps: Sequence[Sweep]) -> tuple[list[Series], list[str]]:
    """Return the lines of whole intervals as measured."""
    return [Series(_MODE_TEXT.get(sweep.mode, sweep.mode), sweep.mode, sweep.points) for sweep in sweeps], []


def _computed(results: Results) -> tuple[list[Series], list[str]]:
    """Return the lines put together from commits and first writes, and the keys that are missing for it."""
    first_write = results.stats("first_write", "undo")
    sweeps = {
        sweep.mode: sweep
        for sweep in results.sweeps_of("dirty pages", "checkpoint_commit")
        if sweep.mode in _EACH_MODE and (sweep.mode != "undo" or first_write)
    }
    page_cost = first_write.median if first_write else 0
    series = [
        Series(_EACH_MODE[mode], mode, _interval(sweep, page_cost if mode == "undo" else 0))
        for mode, sweep in sweeps.items()
    ]
    missing = [
        f'sweeps: checkpoint_commit, {mode}, x = "dirty pages"' for mode in ("undo", "eager") if mode not in sweeps
    ]
    return series, missing + ([] if first_write else ["paths.first_write.undo"])


def _interval(sweep: Sweep, page_cost: int) -> tuple[tuple[float, float, float, float], ...]:
    return tuple(
        (x, low + page_cost * x, middle + page_cost * x, high + page_cost * x) for x, low, middle, high in sweep.points
    )


def _crossing(series: list[Series]) -> str:
    """Say where the medians of undo log and eager copy cross, by straight lines between the points of both."""
    named = {one.colour: {x: middle for x, _, middle, _ in one.points} for one in series}
    if not {"undo", "eager"} <= named.keys():
        return ""
    shared = sorted(named["undo"].keys() & named["eager"].keys())
    gaps = [(x, named["undo"][x] - named["eager"][x]) for x in shared]
    for (x, gap), (next_x, next_gap) in pairwise(gaps):
        if gap <= 0 < next_gap:
            at = x + (next_x - x) * -gap / (next_gap - gap)
            return f"The undo log is the cheaper one up to {at:.1f} dirty pages."
    if not gaps:
        return ""
    cheaper = "undo log" if gaps[-1][1] <= 0 else "eager copy"
    return f"In the whole range measured the {cheaper} is the cheaper one." if _one_sided(gaps) else ""


def _one_sided(gaps: list[tuple[float, float]]) -> bool:
    return all(gap <= 0 for _, gap in gaps) or all(gap > 0 for _, gap in gaps)


def recovery_cost(results: Results) -> Figure:
    """Return the cost of a rollback against dirty pages, of a task and of a VM, with what each may cost."""
    panels = []
    missing = []
    for path, (fixed, per_page) in BUDGETS.items():
        sweeps = results.sweeps_of("dirty pages", path)
        if not sweeps:
            missing.append(f'sweeps: {path}, x = "dirty pages"')
            continue
        series = [Series(f"{sweep.title} ({sweep.mode})", sweep.mode, sweep.points) for sweep in sweeps]
        pages = sorted({x for sweep in sweeps for x, *_ in sweep.points})
        series.append(_budget(fixed, per_page, pages[0], pages[-1]))
        panels.append(charts.lines(series, "dirty pages", "instructions", _TITLES[path]))
    title = "Recovery against dirty pages"
    return Figure(
        "recovery",
        title,
        "From the first instruction of the exception vector of the fault to the first instruction of the guest after "
        "it was rolled back. Nothing is copied: the page-table entries of the dirty pages are exchanged.",
        (render(charts.column(panels), "recovery", title),) if panels else (),
        (sweep_table(results, "dirty pages", *BUDGETS),) if panels else (),
        tuple(missing),
    )


def _budget(fixed: int, per_page: int, first: float, last: float) -> Series:
    limits = [(x, float(fixed + per_page * x)) for x in (first, last)]
    points = tuple((x, limit, limit, limit) for x, limit in limits)
    return Series(f"budget: {fixed} + {per_page} per page", "budget", points, dashed=True)


def lost_work(results: Results) -> Figure:
    """Return what is lost in a fault against the period of checkpoints."""
    title = "Work lost in a fault"
    text = "What the guest had done since its last checkpoint and has to do again, against the period of checkpoints."
    curves = {name: rows for name, rows in results.lost_work.items() if rows}
    if not curves:
        return Figure("lost-work", title, text, missing=("lost_work",))
    colours = ("undo", "bare", "eager", "full")
    series = [
        Series(
            f"{name.replace('_', ' ')} (median)",
            colours[number % len(colours)],
            tuple((row[0], min(row[1:]), median(row[1:]), max(row[1:])) for row in rows),
        )
        for number, (name, rows) in enumerate(curves.items())
    ]
    cells: list[list[str | float]] = [
        [name, row[0], "; ".join(exact(value) for value in row[1:])] for name, rows in curves.items() for row in rows
    ]
    return Figure(
        "lost-work",
        title,
        text,
        (render(charts.lines(series, "checkpoint period", "guest instructions to do again"), "lost-work", title),),
        (table("Lost work of each run", ("", "period", "lost"), cells),),
    )
