# SPDX-License-Identifier: Apache-2.0
"""The memory map: each section in cells, coloured by the worst outcome of the faults in it."""

from collections.abc import Sequence
from html import escape

from understudy.injection.experiment import Outcome
from understudy.injection.report.data import Case, Tally, grouped
from understudy.injection.report.outcomes import EFFECTIVE, SEVERITY, STYLES
from understudy.injection.report.svg import Drawing, percent, query, rect, to_cases, told
from understudy.page.figure import Figure

_COLUMNS, _CELL, _ROW, _LABEL, _MOST = 64, 12.5, 26, 210, 128
_SHARES = 5  # height of the strip that shows how the outcomes of a cell are divided


def area(case: Case) -> str:
    """Return the name of the part of the memory that a fault hit; '' if it hit none."""
    place = case.place
    if place.address is None or place.kind in {"register", "interrupt", "timer", "device"}:
        return ""
    return f"{place.vm or 'VMM'} · {place.name or place.kind}"


def memory(cases: Sequence[Case]) -> list[Figure]:
    """Return the map; nothing, if no memory was hit."""
    areas = {name: tally.cases for name, tally in grouped(cases, area).items() if name}
    if not areas:
        return []
    ordered = dict(sorted(areas.items(), key=lambda item: (not item[0].startswith("VMM"), *_first(item))))
    text = (
        "Each row of cells is a part of the memory, from its lowest to its highest address that was hit. The cell has "
        "the colour and pattern of its worst outcome; the strip under it is divided as its outcomes are. "
        "No cell: nothing was hit there."
    )
    return [Figure("memory", "Memory map", text, pictures=(_map(ordered),))]


def _first(item: tuple[str, Sequence[Case]]) -> tuple[str, int]:
    name, members = item
    return name.split(" · ")[0], min(map(_address, members))


def _address(case: Case) -> int:
    return case.place.address or 0


def _map(areas: dict[str, list[Case]]) -> str:
    sizes = {name: _layout(members) for name, members in areas.items()}
    lines = sum((count + _COLUMNS - 1) // _COLUMNS for _, _, count in sizes.values())
    drawing = Drawing(_LABEL + _COLUMNS * _CELL + 4, lines * _ROW + len(areas) * 12 + 4, "Memory map")
    y = 2.0
    for name, members in areas.items():
        base, size, count = sizes[name]
        _label(drawing, y, name, Tally(members), base, size)
        cells = _cells(members, base, size)
        for number in range(count):
            x, top = _LABEL + number % _COLUMNS * _CELL, y + number // _COLUMNS * _ROW
            tally = cells.get(number)
            if tally is None:
                drawing.put(rect(x + 0.5, top + 0.5, _CELL - 1, _ROW - 4 - _SHARES - 1, "empty"))
            else:
                drawing.put(_cell(name, base + number * size, size, tally, x, top))
        y += (count + _COLUMNS - 1) // _COLUMNS * _ROW + 12
    return drawing.svg()


def _cells(members: Sequence[Case], base: int, size: int) -> dict[int, Tally]:
    return {int(n): tally for n, tally in grouped(members, lambda case: str((_address(case) - base) // size)).items()}


def _label(drawing: Drawing, y: float, name: str, tally: Tally, base: int, size: int) -> None:
    drawing.put(
        f'<a href="{escape(query(area=name))}" data-n="{tally.total}"><text x="{_LABEL - 10}" y="{y + 11:g}" '
        f'class="label end">{escape(name)}</text></a>'
    )
    unit = f"{size // 1024} KiB" if size >= 1024 else f"{size} B"
    note = f"{base:#x}, {unit} a cell; {percent(tally.share(EFFECTIVE))} had an effect"
    drawing.text(_LABEL - 10, y + 24, note, "note end")


def _layout(members: Sequence[Case]) -> tuple[int, int, int]:
    """Return the first address, the bytes of a cell (a power of two), and the number of cells."""
    low, high = min(map(_address, members)), max(map(_address, members))
    size = 4
    while high // size - low // size >= _MOST:
        size *= 2
    base = low // size * size
    return base, size, (high - base) // size + 1


def _cell(name: str, address: int, size: int, tally: Tally, x: float, y: float) -> str:
    worst = max(tally.counts, key=lambda outcome: SEVERITY[outcome])
    height = _ROW - 4 - _SHARES
    inside = rect(x + 0.5, y + 0.5, _CELL - 1, height - 1, f"f-{STYLES[worst].key}")
    at = x + 0.5
    for outcome, style in STYLES.items():
        width = (_CELL - 1) * tally.counts[outcome] / tally.total
        if width and outcome is not Outcome.NOT_APPLIED:
            inside += rect(at, y + height, width, _SHARES - 1, f"c-{style.key}")
            at += width
    said = f"{name}, {address:#x} to {address + size - 1:#x}: {told(tally)}"
    return to_cases(tally.cases, query(area=name, address=f"{address}..{address + size - 1}"), said, inside)
