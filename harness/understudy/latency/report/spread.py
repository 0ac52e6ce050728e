# SPDX-License-Identifier: Apache-2.0
"""Histograms: how often each count of instructions occurred, for each path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.latency.report import charts
from understudy.latency.report.data import MODES, Stats
from understudy.latency.report.svg import render
from understudy.page.figure import Figure, Table, table

if TYPE_CHECKING:
    from understudy.latency.report.data import Results


def histograms(results: Results) -> Figure:
    """Return one small chart for each path, with a row for each mode."""
    found = {
        path: {mode: modes[mode] for mode in sorted(modes, key=_rank) if modes[mode].histogram}
        for path, modes in results.paths.items()
    }
    drawn = {path: modes for path, modes in found.items() if modes}
    pictures = tuple(
        render(
            charts.histogram({mode: stats.histogram for mode, stats in modes.items()}, "instructions", path),
            f"histogram-{path.replace('_', '-')}",
            f"Histogram of {path}",
        )
        for path, modes in drawn.items()
    )
    return Figure(
        "histograms",
        "Histograms of all paths",
        "How often each count of instructions occurred; the scale of the counts keeps single occurrences visible. "
        "A path with one line is the same in every repetition.",
        pictures,
        (_statistics(results), *(_values(path, modes) for path, modes in drawn.items())),
        tuple(f"paths.{path}.*.histogram" for path, modes in found.items() if not modes),
        many=True,
    )


def _rank(mode: str) -> int:
    return MODES.index(mode) if mode in MODES else len(MODES)


def _statistics(results: Results) -> Table:
    rows: list[list[str | float]] = [
        [path, mode, stats.min, stats.median, stats.max, stats.count, *_timer(stats)]
        for path, modes in results.paths.items()
        for mode, stats in modes.items()
    ]
    head = ("path", "mode", "minimum", "median", "maximum", "repetitions", "save to restore, by timer", "timer agrees")
    return table("Instructions of every path and mode", head, rows)


def _timer(stats: Stats) -> list[str | float]:
    if stats.timer is None:
        return ["\N{EN DASH}", "\N{EN DASH}"]
    return [stats.timer, {True: "yes", False: "no", None: "not said"}[stats.agrees]]


def _values(path: str, modes: dict[str, Stats]) -> Table:
    rows: list[list[str | float]] = [
        [mode, value, count] for mode, stats in modes.items() for value, count in stats.histogram
    ]
    return table(path, ("mode", "instructions", "times"), rows)
