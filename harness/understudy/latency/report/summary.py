# SPDX-License-Identifier: Apache-2.0
"""The table at the top: what a path may cost, what it costs in each mode, and what the rivals need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from understudy.latency.report.cost import OVERHEAD_BUDGETS, PUBLISHED
from understudy.latency.report.data import MODES
from understudy.latency.report.recovery import BUDGETS
from understudy.latency.report.rivals import GROUPS, group_of
from understudy.page.figure import Cell, Row, Table, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.latency.report.data import Results, Stats


@attrs.frozen
class Goal:
    """What one path may cost. `off` and `undo` limit the maximum; `extra` limits undo over off, in per cent."""

    path: str
    title: str
    text: str = ""
    off: int | None = None
    undo: int | None = None
    extra: int | None = None
    group: str = ""


GOALS = (
    Goal(
        "vm_switch_tick", "VM switch by tick", "off 110 (aim below 80); on: +10 %", off=110, extra=10, group="vm_switch"
    ),
    Goal("vm_switch_yield", "VM switch by yield", group="vm_switch_yield"),
    Goal("task_switch", "Task switch", "off 120 (aim below 90); on: +10 %", off=120, extra=10, group="task_switch"),
    Goal("vmi_null_call", "VMI null call, round trip", "40 in each mode", off=40, undo=40, group="null_call"),
    Goal("irq_delivery", "Virtual interrupt delivery"),
    Goal("first_write", "First write to an armed page", "620 (a bare 4 KiB copy is 517)", undo=620),
    Goal("checkpoint_commit", "Checkpoint commit"),
    Goal("task_rollback", "Task rollback", "300 + 10 per dirty page", group="recovery"),
    Goal("vm_rollback", "VM rollback", "400 + 10 per dirty page, any size", group="recovery"),
    Goal("cold_restart", "Cold restart"),
)
_NANOSECONDS = {"vm_switch": ("VM switch", 240, 290), "task_switch": ("Task switch", 180, 210)}
_HEAD = ("path", "budget", "off", "undo", "eager", "full", "verdict", "rivals on the same QEMU")
_NONE = Cell("\N{EN DASH}", "number soft")


def summary(results: Results) -> Table:
    """Return the table; paths of the file that have no goal come last."""
    known = {goal.path for goal in GOALS}
    extra = [Goal(path, path.replace("_", " ").capitalize()) for path in results.paths if path not in known]
    rows = [_path(results, goal) for goal in (*GOALS, *extra)]
    rows[3:3] = [_nanoseconds(results, key) for key in _NANOSECONDS]
    rows.append(_overhead(results))
    return Table("Instructions (median; minimum to maximum where they differ)", _HEAD, tuple(rows))


def _path(results: Results, goal: Goal) -> Row:
    modes = [_stats(results.stats(goal.path, mode)) for mode in MODES]
    over = _over_rollback(results, goal.path) if goal.path in BUDGETS else _over(results, goal)
    return Row((Cell(goal.title), Cell(goal.text), *modes, _verdict(over), Cell(_rivals(results, goal), "soft")))


def _stats(stats: Stats | None) -> Cell:
    if stats is None:
        return _NONE
    note = "" if stats.min == stats.max else f"{stats.min:,} to {stats.max:,}"
    return Cell(f"{stats.median:,}", "number", note)


def _over(results: Results, goal: Goal) -> list[str] | None:
    """Return what is over its limit, or None where there is nothing to judge; the maximum counts."""
    off, undo = results.stats(goal.path, "off"), results.stats(goal.path, "undo")
    judged: list[tuple[str, float, float]] = []
    if off and goal.off is not None:
        judged.append(("off", off.max, goal.off))
    if undo and goal.undo is not None:
        judged.append(("undo", undo.max, goal.undo))
    if off and undo and goal.extra is not None:
        judged.append(("undo", undo.max, off.max * (1 + goal.extra / 100)))
    return _exceeded(judged)


def _exceeded(judged: Sequence[tuple[str, float, float]]) -> list[str] | None:
    if not judged:
        return None
    return [f"{name}: {value - limit:,.4g} over" for name, value, limit in judged if value > limit]


def _not_below(judged: Sequence[tuple[str, float, float]]) -> list[str] | None:
    if not judged:
        return None
    return [f"{name}: not below {limit:,.0f}" for name, value, limit in judged if value >= limit]


def _over_rollback(results: Results, path: str) -> list[str] | None:
    fixed, per_page = BUDGETS[path]
    points = [
        (x, high - fixed - per_page * x)
        for sweep in results.sweeps_of("dirty pages", path)
        if sweep.mode == "undo"  # the policies that copy have more dirty pages than the task has written
        for x, _, _, high in sweep.points
    ]
    if not points:
        return None
    pages, worst = max(points, key=lambda point: point[1])
    return [f"{worst:,.0f} over at {pages:,.0f} pages"] if worst > 0 else []


def _verdict(over: list[str] | None) -> Cell:
    if over is None:
        return Cell("")
    return Cell("; ".join(over), "bad") if over else Cell("within", "good")


def _rivals(results: Results, goal: Goal) -> str:
    """Return the rivals on this very path; where there is none, those of its group."""
    mates = [rival for rival in results.rivals if goal.group in GROUPS and group_of(rival.path) == goal.group]
    found = [rival for rival in mates if rival.path == goal.path] or mates
    return "; ".join(
        f"{rival.system} {rival.instructions:,}" for rival in sorted(found, key=lambda rival: rival.instructions)
    )


def _nanoseconds(results: Results, key: str) -> Row:
    title, off, on = _NANOSECONDS[key]
    found = results.modelled_ns.get(key, {})
    judged = [(mode, found[mode], limit) for mode, limit in (("off", off), ("undo", on)) if mode in found]
    cells = [Cell(shown(found[mode], 1), "number") if mode in found else _NONE for mode in MODES]
    return Row(
        (
            Cell(f"{title}, modelled ARM920T, ns"),
            Cell(f"below {off} off, {on} on"),
            *cells,
            _verdict(_not_below(judged)),
            Cell(f"the paper {off} / {on}", "soft"),
        )
    )


def _overhead(results: Results) -> Row:
    found = results.overhead_percent
    said = " / ".join(shown(value, 2) for value in found.values())
    ticks = " / ".join(tick.removesuffix("ms") for tick in found)
    judged = [(tick, found[tick], limit) for tick, limit in OVERHEAD_BUDGETS.items() if tick in found]
    tick, percent, system = PUBLISHED
    return Row(
        (
            Cell("Overhead on the demo system"),
            Cell("1 % at 10 ms, 5 % at 1 ms"),
            _NONE,
            Cell(f"{said} %", "number", f"at {ticks} ms") if said else _NONE,
            _NONE,
            _NONE,
            _verdict(_exceeded(judged)),
            Cell(f"{system} {percent} % at {tick.removesuffix('ms')} ms", "soft"),
        )
    )
