# SPDX-License-Identifier: Apache-2.0
"""The paper's figures 7, 8 and 9, redrawn beside ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.latency.report import charts
from understudy.latency.report.charts import Bar, Series
from understudy.latency.report.data import MODES, Results, Split, Stats, Sweep
from understudy.latency.report.svg import render
from understudy.page.figure import Figure, Table, exact, table

if TYPE_CHECKING:
    from collections.abc import Sequence

_CYCLES_PER_NS = 0.4  # 400 MHz, the paper's assumption (R42)
_FAULT_TOLERANCE = {"off": "without", "on": "with"}
_MODE_TEXT = {
    "off": "fault tolerance off",
    "undo": "undo log",
    "eager": "eager copy",
    "full": "full copy",
}


_RTOS = "task_switch_rtos_pend"  # OSSemPend to the other task, as on the bare board


def vm_switch(results: Results) -> Figure:
    """Return figure 7: the VM switch, in nanoseconds beside the paper and in instructions as measured."""
    return _switch(
        results,
        name="vm-switch",
        title="VM switch (the paper's figure 7)",
        key="vm_switch",
        path="vm_switch_tick",
        bare="",
    )


def task_switch(results: Results) -> Figure:
    """Return figure 8: the task switch, with the same RTOS on the bare board as the third bar."""
    return _switch(
        results,
        name="task-switch",
        title="Task switch (the paper's figure 8)",
        key="task_switch",
        path="task_switch",
        bare="task_switch",
    )


def _switch(results: Results, *, name: str, title: str, key: str, path: str, bare: str) -> Figure:
    modelled = _nanoseconds(results, key)
    measured = _instructions(results, path, bare)
    missing = [] if results.paper.get(key) else [f"paper.{key}"]
    missing += [
        f"modelled_arm920t_ns.{key}.{mode}" for mode in ("off", "undo") if mode not in results.modelled_ns.get(key, {})
    ]
    missing += [f"paths.{path}"] if not results.paths.get(path) else []
    missing += [f"bare.{bare}"] if bare and bare not in results.bare else []
    return Figure(
        name=name,
        title=title,
        text=(
            "Save / select + switch / restore. The upper bars are nanoseconds of the paper's processor: its own, read "
            "from a hardware timer, and ours, computed by a model of the ARM920T from the executed trace. The lower "
            "bars are what was measured here, from the first instruction of the exception vector to the first "
            "instruction of the guest; last, on a logarithmic scale, beside the policies that copy."
        ),
        pictures=_pictures(name, title, modelled, measured),
        tables=tuple(_numbers(kind, rows) for kind, rows in (("ns", modelled), ("instructions", measured)) if rows),
        missing=tuple(missing),
    )


def _pictures(name: str, title: str, modelled: Sequence[Bar], measured: Sequence[Bar]) -> tuple[str, ...]:
    """Return the paper's figure beside ours, and a second one where there are policies that copy."""
    copies = tuple(_MODE_TEXT[mode] for mode in ("eager", "full"))
    lean = [bar for bar in measured if not bar.label.endswith(copies)]
    panels = []
    if modelled:
        panels.append(
            charts.bars(modelled, "nanoseconds at 400 MHz", "ARM920T: the paper's bars, and ours modelled", digits=1)
        )
    if lean:
        panels.append(charts.bars(lean, "instructions (median)", "Measured: instructions under QEMU -icount"))
    drawn = [render(charts.column(panels), name, title)] if panels else []
    if len(lean) < len(measured):
        whole = [Bar(bar.label, (("whole", bar.total),)) for bar in measured]
        domain = (10.0, max(bar.total for bar in whole) * 2)
        chart = charts.log_bars(whole, "instructions (median)", "Measured, with the policies that copy", domain)
        drawn.append(render(chart, f"{name}-copies", f"{title}: policies that copy"))
    return tuple(drawn)


def _nanoseconds(results: Results, key: str) -> list[Bar]:
    bars = [
        Bar(f"paper, {_FAULT_TOLERANCE.get(mode, mode)} fault tolerance", tuple(split.parts()))
        for mode, split in results.paper.get(key, {}).items()
    ]
    for mode in ("off", "undo", "bare"):
        total = _modelled(results, key, mode)
        if total is None:
            continue
        label = {"off": "without fault tolerance", "undo": "with (undo log)", "bare": "same RTOS, bare board"}[mode]
        split = results.modelled_split_cycles.get(key, {}).get(mode)
        bars.append(Bar(f"modelled, {label}", _scaled(split, total)))
    return bars


def _modelled(results: Results, key: str, mode: str) -> float | None:
    """Return the modelled nanoseconds, from the split's cycles where the total is absent."""
    split = results.modelled_split_cycles.get(key, {}).get(mode)
    return results.modelled_ns.get(key, {}).get(mode, split.total() / _CYCLES_PER_NS if split else None)


def _scaled(split: Split | None, total: float) -> tuple[tuple[str, float], ...]:
    """Return the parts in nanoseconds; as one where the split is absent or doesn't add up to the total."""
    if split is None or abs(split.total() / _CYCLES_PER_NS - total) > 1:
        return (("whole", total),)
    return tuple((phase, cycles / _CYCLES_PER_NS) for phase, cycles in split.parts())


def _instructions(results: Results, path: str, bare: str) -> list[Bar]:
    found = [(f"understudy, {_MODE_TEXT[mode]}", results.stats(path, mode)) for mode in MODES]
    if bare:
        found += [(f"RTOS in a VM, {_MODE_TEXT[mode]}", results.stats(_RTOS, mode)) for mode in ("off", "undo")]
        found.append(("same RTOS, bare board, no protection", results.bare.get(bare)))
    return [Bar(label, _median(stats)) for label, stats in found if stats is not None]


def _median(stats: Stats) -> tuple[tuple[str, float], ...]:
    """Return the split of the median; as one where there is none or it belongs to another visit than the median."""
    if stats.split is None or round(stats.split.total()) != stats.median:
        return (("whole", stats.median),)
    return tuple(stats.split.parts())


def _numbers(unit: str, bars: Sequence[Bar]) -> Table:
    rows: list[list[str | float]] = []
    for bar in bars:
        parts = dict(bar.parts)
        split = [exact(parts[phase]) if phase in parts else "\N{EN DASH}" for phase in ("save", "switch", "restore")]
        rows.append([bar.label, *split, bar.total])
    return table(f"In {unit}", ("", "save", "select + switch", "restore", "total"), rows)


def backup_period(results: Results) -> Figure:
    """Return figure 9: the latency of the task switch as a function of the backup period (R44)."""
    sweeps = results.sweeps_of("backup period")
    panels = [_periods(results, path, sweeps) for path in dict.fromkeys(sweep.path for sweep in sweeps)]
    title = "Latency against the backup period (the paper's figure 9, R44)"
    return Figure(
        name="backup-period",
        title=title,
        text=(
            "How often a checkpoint is taken, against what a switch costs. The line is the median, the band goes from "
            "minimum to maximum: a switch that also commits a checkpoint is longer than one that doesn't."
        ),
        pictures=(render(charts.column(panels), "backup-period", title),) if panels else (),
        tables=(sweep_table(results, "backup period"),) if sweeps else (),
        missing=() if sweeps else ('sweeps with x = "backup period"',),
    )


def _periods(results: Results, path: str, sweeps: Sequence[Sweep]) -> charts.Chart:
    """Return the curves of one path, with the line of the same path without fault tolerance."""
    mine = [sweep for sweep in sweeps if sweep.path == path]
    series = [Series(f"{sweep.title} ({sweep.mode})", sweep.mode, sweep.points) for sweep in mine]
    off = results.stats(path, "off")
    if off and all(sweep.mode != "off" for sweep in mine):
        ends = sorted({point[0] for sweep in mine for point in sweep.points})
        flat = tuple((x, off.median, off.median, off.median) for x in (ends[0], ends[-1]))
        series.append(Series(f"{path.replace('_', ' ')}, fault tolerance off", "off", flat, dashed=True))
    title = path.replace("_", " ").capitalize().replace("Vm ", "VM ")
    return charts.lines(series, "backup period", "instructions", title, log=_wide(mine))


def _wide(sweeps: Sequence[Sweep]) -> bool:
    """Whether the periods reach so far that a logarithmic axis shows them better."""
    periods = [point[0] for sweep in sweeps for point in sweep.points]
    return bool(periods) and min(periods) > 0 and max(periods) >= 20 * min(periods)


def sweep_table(results: Results, x: str, *paths: str) -> Table:
    """Return the numbers of the sweeps over `x`."""
    rows: list[list[str | float]] = [
        [sweep.title, sweep.mode, *point] for sweep in results.sweeps_of(x, *paths) for point in sweep.points
    ]
    return table("Instructions", ("sweep", "mode", x, "minimum", "median", "maximum"), rows)
