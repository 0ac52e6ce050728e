# SPDX-License-Identifier: Apache-2.0
"""Registers by bits: which share of the flips was not masked, and where one was not caught."""

import re
from collections.abc import Sequence

from understudy.injection.experiment import UNCAUGHT
from understudy.injection.report.data import Case, CaseCounts, grouped
from understudy.injection.report.outcomes import EFFECTIVE, SEVERITY
from understudy.injection.report.svg import Drawing, percent, query, rect, shape, to_cases, told
from understudy.page.figure import Figure

STEPS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7)
"""Lower bounds of the shades after the first, which is for no effect at all."""

_LABEL, _CELL, _ROW, _BITS = 80, 25, 22, 32
_TOTAL = 118
_ORDER = [*(f"r{number}" for number in range(13)), "sp", "lr", "pc", "cpsr"]
_FLAGS = {31: "N", 30: "Z", 29: "C", 28: "V", 27: "Q", 9: "E", 8: "A", 7: "I", 6: "F", 5: "T"}
_DIGITS = re.compile(r"(\d+)")


def registers(cases: Sequence[Case]) -> list[Figure]:
    """Return the heat map; nothing, if no bit of a register was hit."""
    hit = [case for case in cases if case.place.kind == "register"]
    single = [case for case in hit if case.place.bit is not None]
    if not single:
        return []
    other = len(hit) - len(single)
    text = (
        "Each cell is one bit; the darker, the larger the share of its faults that were not masked. The number is how "
        "many; a shape says that one was not caught (the worst is shown). No cell: never hit."
    )
    if other:
        text += f" {other:,} faults hit a register as a whole; they are in the column “all”."
    return [Figure("registers", "Registers by bits", text, pictures=(_legend() + _map(hit),))]


def _rank(name: str) -> tuple[int, list[str | int]]:
    parts: list[str | int] = [int(part) if part.isdigit() else part for part in _DIGITS.split(name)]
    return (_ORDER.index(name), []) if name in _ORDER else (len(_ORDER), parts)


def _rows(cases: Sequence[Case]) -> list[tuple[str, int, list[Case]]]:
    """Return (register, number of the lowest bit, its cases); what has more than 32 bits has several rows."""
    found = []
    by_name = grouped(cases, lambda case: case.place.name)
    for name in sorted(by_name, key=_rank):
        members = by_name[name].cases
        words = sorted({(case.place.bit or 0) // _BITS for case in members}, reverse=True)
        found += [(name, word * _BITS, [c for c in members if (c.place.bit or 0) // _BITS == word]) for word in words]
    return found


def _map(cases: Sequence[Case]) -> str:
    rows = _rows(cases)
    whole = any(case.place.bit is None for case in cases)
    right = _LABEL + _CELL * _BITS + 8
    width = right + (_CELL + 8 if whole else 0) + _TOTAL
    drawing = Drawing(width, 24 + _ROW * len(rows) + 4, "Registers by bits")
    for bit in range(_BITS):
        drawing.text(_x(bit) + _CELL / 2, 14, str(bit), "tick")
    if whole:
        drawing.text(right + _CELL / 2, 14, "all", "tick")
    drawing.text(width - _TOTAL + 6, 14, "not masked", "tick start")
    for line, (name, base, members) in enumerate(rows):
        y = 22 + line * _ROW
        wide = any(row[0] == name and row[1] != base for row in rows)
        drawing.text(_LABEL - 8, y + 15, f"{name} [{base + 31}:{base}]" if wide else name, "label end")
        cells = grouped(members, lambda case: "" if case.place.bit is None else str(case.place.bit))
        for bit_name in sorted(cells, key=lambda one: -int(one) if one else 1):  # as one reads, for the keyboard
            x = _x(int(bit_name) - base) if bit_name else right
            drawing.put(_cell(name, bit_name, cells[bit_name], x, y))
        tally = CaseCounts(members)
        drawing.text(
            width - _TOTAL + 6, y + 15, f"{percent(tally.share(EFFECTIVE))} of {len(tally.applied):,}", "value"
        )
    return drawing.svg()


def _x(bit: int) -> float:
    return _LABEL + (_BITS - 1 - bit) * _CELL


def _cell(name: str, bit: str, tally: CaseCounts, x: float, y: float) -> str:
    effects = tally.count(EFFECTIVE)
    inside = rect(x + 0.5, y + 0.5, _CELL - 1, _ROW - 1, f"heat h{_shade(tally)}")
    worst = max(tally.counts, key=lambda outcome: SEVERITY[outcome])
    if worst in UNCAUGHT:
        # On a plate of its own: the shapes have colours that no shade may swallow.
        inside += f'<circle cx="{x + _CELL / 2}" cy="{y + _ROW / 2}" r="9" class="plate"/>'
        inside += shape(x + _CELL / 2, y + _ROW / 2, worst, 14)
    elif effects:
        dark = " over" if _shade(tally) >= 5 else ""
        inside += f'<text x="{x + _CELL / 2:g}" y="{y + 15:g}" class="count{dark}">{effects}</text>'
    flag = f" ({_FLAGS[int(bit)]})" if name == "cpsr" and bit and int(bit) in _FLAGS else ""
    said = f"{name} bit {bit}{flag}: {told(tally)}" if bit else f"{name} as a whole: {told(tally)}"
    return to_cases(tally.cases, query(kind="register", name=name, bit=bit), said, inside)


def _shade(tally: CaseCounts) -> int:
    share = tally.share(EFFECTIVE)
    return sum(share > step for step in STEPS)


def _legend() -> str:
    drawing = Drawing(660, 34, "Shades")
    drawing.text(0, 14, "not masked:", "tick start")
    names = ["none", *(f"> {percent(step)}" for step in STEPS)]
    for shade, name in enumerate(names):
        drawing.put(rect(92 + shade * 70, 2, 66, 14, f"heat h{shade}"))
        drawing.text(92 + shade * 70 + 33, 29, name, "tick")
    return drawing.svg()
