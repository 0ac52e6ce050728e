# SPDX-License-Identifier: Apache-2.0
"""The annotated listing of the hot paths: each instruction that ran, how often, and its modelled cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.latency.report import charts
from understudy.latency.report.data import PHASES, Instruction
from understudy.latency.report.svg import render
from understudy.page.figure import Cell, Figure, Row, Table, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.latency.report.data import Results

_SHOWN = (("vm_switch_tick", "off"), ("vm_switch_tick", "undo"), ("task_switch", "off"), ("task_switch", "undo"))
_HEAD = ("#", "address", "opcode", "instruction", "symbol", "source", "count", "cycles")


def listings(results: Results) -> list[Figure]:
    """Return the listing of each hot path and mode; those of the file that aren't expected come last."""
    there = [(path, mode) for path, modes in results.listing.items() for mode in modes]
    return [
        _listing(path, mode, results.listing.get(path, {}).get(mode, ()))
        for path, mode in dict.fromkeys([*_SHOWN, *there])
    ]


def _listing(path: str, mode: str, lines: Sequence[Instruction]) -> Figure:
    name = f"listing-{path}-{mode}".replace("_", "-")
    title = f"Listing: {path}, {mode}"
    if not lines:
        return Figure(name, title, "", missing=(f"listing.{path}.{mode}",))
    executed = sum(line.count for line in lines)
    cycles = sum(line.cycles for line in lines)
    steps = [(line.phase or "whole", line.cycles, f"{line.address:#010x} {line.text}: {line.cycles}") for line in lines]
    unphased = (
        () if any(line.phase for line in lines) else (f"listing.{path}.{mode}: symbols trace_saved*, trace_restore*",)
    )
    return Figure(
        name,
        title,
        f"{executed:,} instructions at {len(lines):,} addresses, in their order; {cycles:,} modelled ARM920T cycles "
        f"({cycles / 0.4:,.0f} ns at 400 MHz). Each bar of the picture is one line of the listing.",
        (render(charts.profile(steps, "line of the listing", "modelled cycles"), name, title),),
        (_phases(lines), _lines(path, mode, lines)),
        unphased,
        open=True,
    )


def _phases(lines: Sequence[Instruction]) -> Table:
    rows: list[list[str | float]] = [
        [phase, sum(line.count for line in part), sum(line.cycles for line in part)]
        for phase in [*PHASES, ""]
        if (part := [line for line in lines if line.phase == phase])
    ]
    return table("By phase", ("phase", "instructions", "modelled cycles"), rows)


def _lines(path: str, mode: str, lines: Sequence[Instruction]) -> Table:
    rows = []
    symbol = ""
    for number, line in enumerate(lines, 1):
        cells = (
            Cell(str(number), "number soft"),
            Cell(f"{line.address:08x}", "code"),
            Cell(f"{line.opcode:08x}", "code soft"),
            Cell(line.text, "code"),
            Cell(line.symbol, "code" if line.symbol != symbol else "code soft"),
            Cell(line.source, "code soft"),
            Cell(str(line.count), "number"),
            Cell(str(line.cycles), "number"),
        )
        rows.append(Row(cells, line.phase))
        symbol = line.symbol
    return Table(f"{path}, {mode}: every instruction", _HEAD, tuple(rows))
