# SPDX-License-Identifier: Apache-2.0
"""Independence of the number of VMs and tasks, and of the size of a region; all sweeps that no other figure shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.latency.report import charts
from understudy.latency.report.charts import Series
from understudy.latency.report.paper import sweep_table
from understudy.latency.report.svg import render
from understudy.page.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.latency.report.data import Results, Sweep

_FLAT = ("number of VMs", "number of tasks")
_SHOWN_ELSEWHERE = {("dirty pages", path) for path in ("saving", "checkpoint_commit", "task_rollback", "vm_rollback")}


def independence(results: Results) -> Figure:
    """Return the sweeps over the number of VMs and of tasks: they are to be flat."""
    title = "Independence of the number of VMs and tasks"
    by_x = {x: found for x in _FLAT if (found := results.sweeps_of(x))}
    spread = max((_spread(sweep) for found in by_x.values() for sweep in found), default=0)
    said = f" The largest change of a median along a line is {spread:,} instructions." if by_x else ""
    return _figure(
        "independence",
        title,
        f"Flat lines: no path searches, counts or sorts.{said}",
        by_x,
        results,
        [f'sweeps with x = "{x}"' for x in _FLAT if x not in by_x],
    )


def region_size(results: Results) -> Figure:
    """Return the sweeps over the pages of a region."""
    by_x = {"region pages": found} if (found := results.sweeps_of("region pages")) else {}
    missing = [] if by_x else ['sweeps with x = "region pages"']
    text = "What depends on the size of a region (copies) and what doesn't (undo log, rollback)."
    return _figure("region-size", "Against the size of a region", text, by_x, results, missing)


def others(results: Results) -> Figure | None:
    """Return the sweeps that no other figure shows, or None if there are none."""
    by_x: dict[str, list[Sweep]] = {}
    for sweep in results.sweeps:
        known = {*_FLAT, "region pages", "backup period"}
        if sweep.x not in known and (sweep.x, sweep.path) not in _SHOWN_ELSEWHERE:
            by_x.setdefault(sweep.x, []).append(sweep)
    text = "Instructions; medians, with bands from minimum to maximum."
    return _figure("other-sweeps", "Other sweeps", text, by_x, results, []) if by_x else None


def _figure(
    name: str, title: str, text: str, by_x: dict[str, list[Sweep]], results: Results, missing: Sequence[str]
) -> Figure:
    panels = [charts.lines(_series(found), x, "instructions") for x, found in by_x.items()]
    return Figure(
        name,
        title,
        text,
        (render(charts.column(panels), name, title),) if panels else (),
        tuple(sweep_table(results, x, *{sweep.path for sweep in found}) for x, found in by_x.items()),
        tuple(missing),
    )


def _series(sweeps: Sequence[Sweep]) -> list[Series]:
    """Return the lines; the second path in a chart is told from the first by the shape of its points."""
    return [Series(f"{sweep.title} ({sweep.mode})", sweep.mode, sweep.points) for sweep in sweeps]


def _spread(sweep: Sweep) -> int:
    medians = [median for _, _, median, _ in sweep.points]
    return max(medians) - min(medians)
