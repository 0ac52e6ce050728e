# SPDX-License-Identifier: Apache-2.0
"""Overhead of fault tolerance on the demo system, and the slow-down of compute work inside a VM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.latency.report import charts
from understudy.latency.report.charts import Bar
from understudy.latency.report.svg import render
from understudy.page.figure import Figure, shown, table

if TYPE_CHECKING:
    from understudy.latency.report.data import Results

OVERHEAD_BUDGETS = {"1ms": 5.0, "10ms": 1.0}  # per cent of all instructions, at most
PUBLISHED = ("50ms", 6.3, "VM-uCheckpoint (IEEE TDSC 2015)")
_TICKS = ("1ms", "10ms", "50ms")


def overhead(results: Results) -> Figure:
    """Return the share of fault tolerance in the demo system's instructions, against the tick."""
    measured = results.overhead_percent
    bars: list[Bar] = []
    rows: list[list[str | float]] = []
    for tick in [*_TICKS, *(key for key in measured if key not in _TICKS)]:
        limit, value = OVERHEAD_BUDGETS.get(tick), measured.get(tick)
        if value is not None:
            bars.append(Bar(f"tick of {_spaced(tick)}, undo log", (("undo", value),)))
        if limit is not None and value is not None:
            bars.append(Bar(f"tick of {_spaced(tick)}, budget", (("limit", limit),)))
        if tick == PUBLISHED[0] and value is not None:
            bars.append(Bar(f"{PUBLISHED[2]}, {_spaced(tick)}", (("rival", PUBLISHED[1]),)))
        rows.append(
            [_spaced(tick), shown(value, 3), shown(limit, 1), shown(PUBLISHED[1], 1) if tick == PUBLISHED[0] else ""]
        )
    title = "Overhead of fault tolerance against the tick"
    return Figure(
        "overhead",
        title,
        "The demo system's instructions with the undo log over those without it, for the same work of its guests.",
        (render(charts.bars(bars, "per cent", digits=2), "overhead", title),) if bars else (),
        (table("Per cent", ("tick", "measured", "budget", PUBLISHED[2]), rows),) if bars else (),
        tuple(f"overhead_percent.{tick}" for tick in _TICKS if tick not in measured),
    )


def _spaced(tick: str) -> str:
    return f"{tick.removesuffix('ms')} ms" if tick.endswith("ms") else tick


def slowdown(results: Results) -> Figure:
    """Return how much slower compute work is inside a VM than on the bare board."""
    bars = [
        Bar(f"{work}, {mode}", ((mode if mode in {"off", "undo", "eager", "full"} else "whole", max(percent, 0.0)),))
        for work, compute in results.compute.items()
        for mode, percent in compute.slowdown.items()
    ]
    rows: list[list[str | float]] = [
        [work, mode, count, shown(compute.slowdown.get(mode), 3)]
        for work, compute in results.compute.items()
        for mode, count in compute.instructions.items()
    ]
    title = "Slow-down of compute work inside a VM"
    return Figure(
        "slowdown",
        title,
        "Instructions for one loop of the work inside a VM, with everything that the VMM executes meanwhile, over "
        "those on the bare board.",
        (render(charts.bars(bars, "per cent more instructions than on the bare board", digits=3), "slowdown", title),)
        if bars
        else (),
        (table("Instructions per loop", ("work", "mode", "instructions", "slow-down, per cent"), rows),)
        if rows
        else (),
        () if bars else ("compute",),
    )
