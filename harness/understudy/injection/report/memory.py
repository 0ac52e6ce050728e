# SPDX-License-Identifier: Apache-2.0
"""The memory map: each section in cells, coloured by the worst outcome of the faults in it."""

from collections.abc import Sequence
from html import escape

from understudy.injection.experiment import UNCAUGHT, Outcome
from understudy.injection.report.data import Case, CaseCounts, area, grouped
from understudy.injection.report.outcomes import EFFECTIVE, SEVERITY, STYLES
from understudy.injection.report.svg import Drawing, filled, percent, query, rect, shape, to_cases, told
from understudy.page.figure import Figure

_COLUMNS, _CELL, _ROW, _LABEL, _RIGHT, _MOST = 64, 12, 26, 190, 80, 128
_FAR = 0x4000  # bytes
_SHARES = 5  # height of the strip that shows how the outcomes of a cell are divided


def memory(cases: Sequence[Case]) -> list[Figure]:
    """Return the map; nothing, if no memory was hit."""
    areas = {name: tally.cases for name, tally in grouped(cases, lambda case: area(case.place)).items() if name}
    if not areas:
        return []
    ordered = dict(sorted(areas.items(), key=lambda item: (not item[0].startswith("VMM"), *_first(item))))
    text = (
        "Each row of cells is a part of the memory, from its lowest to its highest address that was hit. The cell has "
        "the colour and pattern of its worst outcome, or its shape if it was not caught; the strip under it is divided "
        "as the outcomes are. "
        "No cell: nothing was hit there. Parts that lie far apart have rows of their own."
    )
    return [Figure("memory", "Memory map", text, pictures=(_map(ordered),))]


def _first(item: tuple[str, Sequence[Case]]) -> tuple[str, int]:
    name, members = item
    return name.split(" · ")[0], min(map(_address, members))


def _address(case: Case) -> int:
    return case.place.address or 0


def _map(areas: dict[str, list[Case]]) -> str:
    runs = [(name, run) for name, members in areas.items() for run in _runs(members)]
    sizes = [_layout(members) for _, members in runs]
    lines = sum((count + _COLUMNS - 1) // _COLUMNS for _, _, count in sizes)
    drawing = Drawing(_LABEL + _COLUMNS * _CELL + _RIGHT, 18 + lines * _ROW + len(runs) * 12, "Memory map")
    drawing.text(_LABEL + _COLUMNS * _CELL + 12, 11, "not masked", "note")
    y = 18.0
    for (name, members), (base, size, count) in zip(runs, sizes, strict=True):
        _label(drawing, y, name, members, base, size)
        cells = _cells(members, base, size)
        for number in range(count):
            x, top = _LABEL + number % _COLUMNS * _CELL, y + number // _COLUMNS * _ROW
            tally = cells.get(number)
            if tally:
                drawing.put(_cell(name, base + number * size, size, tally, x, top))
        y += (count + _COLUMNS - 1) // _COLUMNS * _ROW + 12
    return drawing.svg()


def _cells(members: Sequence[Case], base: int, size: int) -> dict[int, CaseCounts]:
    return {int(n): tally for n, tally in grouped(members, lambda case: str((_address(case) - base) // size)).items()}


def _runs(members: Sequence[Case]) -> list[list[Case]]:
    """Divide what lies so far apart that there would be little but empty cells between."""
    ordered = sorted(members, key=_address)
    span = _address(ordered[-1]) - _address(ordered[0])
    runs = [ordered[:1]]
    for case in ordered[1:]:
        gap = _address(case) - _address(runs[-1][-1])
        if gap > _FAR and gap > span / 6:
            runs.append([])
        runs[-1].append(case)
    return runs


def _label(drawing: Drawing, y: float, name: str, members: Sequence[Case], base: int, size: int) -> None:
    last = max(map(_address, members))
    address = query(area=name, address=f"{base}..{last}")
    drawing.put(
        f'<a href="{escape(address)}" data-n="{len(members)}"><text x="{_LABEL - 10}" y="{y + 11:g}" '
        f'class="label end">{escape(name)}</text></a>'
    )
    unit = f"{size // 1024} KiB" if size >= 1024 else f"{size} B"
    note = f"{base:#010x}, {unit} a cell"
    drawing.text(_LABEL + _COLUMNS * _CELL + 12, y + 12, percent(CaseCounts(list(members)).share(EFFECTIVE)), "value")
    drawing.text(_LABEL - 10, y + 24, note, "note end")


def _layout(members: Sequence[Case]) -> tuple[int, int, int]:
    """Return the first address, the bytes of a cell (a power of two), and the number of cells."""
    low, high = min(map(_address, members)), max(map(_address, members))
    size, most = 4, _MOST if len(members) > _COLUMNS else _COLUMNS
    while high // size - low // size >= most:
        size *= 2
    base = low // size * size
    return base, size, (high - base) // size + 1


def _cell(name: str, address: int, size: int, tally: CaseCounts, x: float, y: float) -> str:
    worst = max(tally.counts, key=lambda outcome: SEVERITY[outcome])
    height = _ROW - 4 - _SHARES
    if worst in UNCAUGHT:
        inside = rect(x + 0.5, y + 0.5, _CELL - 1, height - 1, "plate ringed")
        inside += shape(x + _CELL / 2, y + height / 2, worst, _CELL - 1)
    else:
        inside = filled((x + 0.5, y + 0.5, _CELL - 1, height - 1), worst)
    at = x + 0.5
    for outcome, style in STYLES.items():
        width = (_CELL - 1) * tally.counts[outcome] / tally.total
        if width and outcome is not Outcome.NOT_APPLIED:
            inside += rect(at, y + height, width, _SHARES - 1, f"c-{style.key}")
            at += width
    said = f"{name}, {address:#x} to {address + size - 1:#x}: {told(tally)}"
    return to_cases(tally.cases, query(area=name, address=f"{address}..{address + size - 1}"), said, inside)
