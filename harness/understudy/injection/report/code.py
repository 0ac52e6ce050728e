# SPDX-License-Identifier: Apache-2.0
"""The code: the functions, worst first, and their instructions with the outcomes of the faults that struck there."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from attrs import frozen

from understudy import paths
from understudy.injection.experiment import UNCAUGHT
from understudy.injection.report.data import Case, CaseCounts, grouped
from understudy.injection.report.disassembly import Function, Instruction, Locator, Struck
from understudy.injection.report.outcomes import EFFECTIVE, STYLES, WORST_FIRST
from understudy.injection.report.svg import bar, percent, query, told

LISTED, OPEN = 40, 3
_CONTEXT = 2  # instructions without a fault that are shown before and after one with


@frozen
class Line:
    """One line of a listing: a gap, a source line, or an instruction with its outcomes."""

    kind: str
    text: str
    address: str = ""
    link: str = ""
    count: int = 0
    bar: str = ""
    marks: str = ""
    said: str = ""


@frozen
class Listed:
    """A function in the list; `lines` is empty where its code is not shown."""

    name: str
    image: str
    link: str
    total: int
    escaped: int
    effects: str
    bar: str
    lines: tuple[Line, ...]
    open: bool


def functions(cases: Sequence[Case], struck: Mapping[int, Struck], locator: Locator) -> list[Listed]:
    """Return the functions in which faults struck, worst first; the worst with their code."""
    by_function: dict[tuple[str, str, int], list[Case]] = {}
    for case in cases:
        where = struck[case.number]
        if where.function:
            by_function.setdefault((where.image, where.function, where.start or 0), []).append(case)
    ordered = sorted(
        ((names, CaseCounts(members)) for names, members in by_function.items()),
        key=lambda item: (-item[1].escaped, -item[1].count(EFFECTIVE), -item[1].total, item[0]),
    )
    reader = _Sources()
    return [_listed(names, tally, struck, locator, reader, rank) for rank, (names, tally) in enumerate(ordered)]


def _listed(
    names: tuple[str, str, int],
    tally: CaseCounts,
    struck: Mapping[int, Struck],
    locator: Locator,
    reader: "_Sources",
    rank: int,
) -> Listed:
    image, name, start = names
    code = locator.codes.get(image)
    function = code.at(start) if code and start else None
    lines = _lines(function, image, tally, struck, reader) if function and rank < LISTED else []
    return Listed(
        name=name,
        image=image,
        link=query(image=image, function=name, start=start or None),
        total=tally.total,
        escaped=tally.escaped,
        effects=percent(tally.share(EFFECTIVE)),
        bar=bar(tally),
        lines=tuple(lines),
        open=rank < OPEN and bool(lines),
    )


def _lines(
    function: Function, image: str, tally: CaseCounts, struck: Mapping[int, Struck], reader: "_Sources"
) -> list[Line]:
    at = grouped(tally.cases, lambda case: str(struck[case.number].address))
    hit = [place for place, one in enumerate(function.instructions) if str(one.address) in at]
    near = {place + step for place in hit for step in range(-_CONTEXT, _CONTEXT + 1)}
    shown = [place for place in range(len(function.instructions)) if place in near]
    found: list[Line] = []
    before, source = -1, ""
    for place in shown:
        one = function.instructions[place]
        if place != before + 1:
            found.append(Line("gap", f"{place - before - 1} instructions without a fault"))
        if one.source and one.source != source:
            found.append(Line("source", reader.text(one.source), one.source))
            source = one.source
        found.append(_instruction(one, image, function.name, at.get(str(one.address))))
        before = place
    left = len(function.instructions) - 1 - before
    return [*found, Line("gap", f"{left} instructions without a fault")] if left else found


def _instruction(one: Instruction, image: str, function: str, tally: CaseCounts | None) -> Line:
    if tally is None:
        return Line("instruction", one.text, f"{one.address:08x}")
    return Line(
        "instruction",
        one.text,
        f"{one.address:08x}",
        query(image=image, function=function, at=one.address),
        tally.total,
        bar(tally, height=12, plain=True),
        _marks(tally),
        told(tally),
    )


def _marks(tally: CaseCounts) -> str:
    """Return the shapes of what was not caught, worst first, with their counts."""
    return "".join(
        f'<span title="{escape(outcome)}"><svg width="13" height="13" viewBox="0 0 16 16" aria-hidden="true">'
        f'<use href="#s-{STYLES[outcome].key}" width="16" height="16"/></svg>{tally.counts[outcome]}</span>'
        for outcome in WORST_FIRST
        if outcome in UNCAUGHT and tally.counts[outcome]
    )


class _Sources:
    """The text of source lines; each file is read once, and one that is missing has no text."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}

    def text(self, source: str) -> str:
        """Return the text of "file:line"."""
        name, number = source.rsplit(":", 1)
        if name not in self._files:
            self._files[name] = _read(paths.root() / name)
        lines = self._files[name]
        return lines[int(number) - 1].strip() if 0 < int(number) <= len(lines) else ""


def _read(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
