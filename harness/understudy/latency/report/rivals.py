# SPDX-License-Identifier: Apache-2.0
"""The rivals on the same QEMU, on a logarithmic scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from understudy.latency.report import charts
from understudy.latency.report.charts import Bar
from understudy.latency.report.svg import render
from understudy.page.figure import Figure, table

if TYPE_CHECKING:
    from understudy.latency.report.data import Results

# group: (title, our paths, names that a rival's path may have)
GROUPS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "vm_switch": ("VM switch", ("vm_switch_tick",), ("vm_switch", "vm_switch_tick", "tick_switch")),
    "vm_switch_yield": ("VM switch by yield", ("vm_switch_yield",), ("vm_switch_yield",)),
    "task_switch": ("Task switch", ("task_switch",), ("task_switch",)),
    "null_call": ("Null call, round trip", ("vmi_null_call",), ("null_call", "vmi_null_call")),
    "recovery": (
        "Fault to running again",
        ("task_rollback", "vm_rollback", "cold_restart"),
        ("recovery", "task_rollback", "vm_rollback", "cold_restart", "task_recovery", "vm_recovery"),
    ),
}


def group_of(path: str) -> str:
    """Return the group in which a rival's path is compared; its own name if it is none of ours."""
    return next((group for group, (_, _, names) in GROUPS.items() if path in names), path)


def rivals(results: Results) -> Figure:
    """Return the bars of all groups that have a rival."""
    groups = list(dict.fromkeys([*GROUPS, *(group_of(rival.path) for rival in results.rivals)]))
    found = {group: _bars(results, group) for group in groups}
    found = {group: bars for group, bars in found.items() if any(bar.parts[0][0] == "rival" for bar in bars)}
    values = [bar.total for bars in found.values() for bar in bars if bar.total > 0]
    title = "Beside the rivals on the same QEMU"
    missing = () if results.rivals else ("rivals",)
    text = (
        "Instructions of each system under the same emulator; a logarithmic scale. FreeRTOS and uC/OS-II run on the "
        "bare board and protect nothing; what the others do after a fault loses the state of what failed."
    )
    if not values:
        return Figure("rivals", title, text, missing=missing)
    domain = (10.0 ** math.floor(math.log10(min(values))), max(values) * 2.2)
    panels = [charts.log_bars(bars, "instructions", _title(group), domain) for group, bars in found.items()]
    rows: list[list[str | float]] = [[_title(group), bar.label, bar.total] for group in found for bar in found[group]]
    return Figure(
        "rivals",
        title,
        text,
        (render(charts.column(panels), "rivals", title),),
        (table("Instructions", ("path", "system", "instructions"), rows),),
        missing,
    )


def _title(group: str) -> str:
    return GROUPS[group][0] if group in GROUPS else group


def _bars(results: Results, group: str) -> list[Bar]:
    ours = GROUPS[group][1] if group in GROUPS else (group,)
    bars = [
        Bar(f"understudy, {f'{path}, '.replace('_', ' ') if len(ours) > 1 else ''}{mode}", ((mode, found.median),))
        for path in ours
        for mode in ("off", "undo")
        if (found := results.stats(path, mode)) is not None
    ]
    mates = [rival for rival in results.rivals if group_of(rival.path) == group]
    systems = [rival.system for rival in mates]
    bars += [
        Bar(
            rival.system if systems.count(rival.system) == 1 else f"{rival.system} ({rival.path.replace('_', ' ')})",
            (("rival", float(rival.instructions)),),
        )
        for rival in sorted(mates, key=lambda rival: rival.instructions)
    ]
    return bars
