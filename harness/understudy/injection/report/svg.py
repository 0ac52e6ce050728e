# SPDX-License-Identifier: Apache-2.0
"""Small pieces of SVG text, and the links that lead from a mark to its experiments."""

from collections.abc import Sequence
from html import escape
from math import inf
from urllib.parse import quote, urlencode

from understudy.injection.experiment import Outcome
from understudy.injection.report.data import Case, CaseCounts
from understudy.injection.report.outcomes import SIZES, STYLES, Style

NUMBER = "{:,}".format
_PATTERNED = 5.0  # pixels; in less no pattern is to be seen
_BAR = 400.0  # pixels that a bar has at least, about


class Drawing:
    """A picture of a fixed size, into which pieces are put one after the other."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self._head = (
            f'<svg viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}" '
            f'role="group" aria-label="{escape(title)}">'
        )
        self._parts: list[str] = []

    def put(self, piece: str) -> None:
        """Add a piece of SVG text."""
        self._parts.append(piece)

    def text(self, x: float, y: float, text: str, kind: str = "") -> None:
        """Add a text at its baseline; `kind` is its class."""
        self._parts.append(f'<text x="{_n(x)}" y="{_n(y)}"{_class(kind)}>{escape(text)}</text>')

    def line(self, ends: tuple[float, float, float, float], kind: str = "axis") -> None:
        """Add a line from (x, y) to (x, y)."""
        x1, y1, x2, y2 = map(_n, ends)
        self._parts.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"{_class(kind)}/>')

    def svg(self) -> str:
        """Return the picture as text."""
        return self._head + "".join(self._parts) + "</svg>"


def rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    """Return a rectangle of a class."""
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"{_class(kind)}/>'


def filled(place: tuple[float, float, float, float], outcome: Outcome) -> str:
    """Return a rectangle (x, y, width, height) with the colour of an outcome, and its pattern if that is to be seen."""
    x, y, width, height = place
    style = STYLES[outcome]
    if not style.hatch or min(width, height) < _PATTERNED:
        return rect(x, y, width, height, f"c-{style.key}")
    return (
        f'<svg x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}">{_hatched(style, width, height)}</svg>'
    )


def _hatched(style: Style, width: float, height: float) -> str:
    kind = next(kind for kind, size in SIZES.items() if (width <= size[0] and height <= size[1]) or kind == "bar")
    return f'<rect width="100%" height="100%" class="c-{style.key}"/><use href="#{kind}-{style.key}"/>'


def shape(x: float, y: float, outcome: Outcome, size: float = 14) -> str:
    """Return the shape of an outcome, centred at (x, y)."""
    return (
        f'<use href="#s-{STYLES[outcome].key}" x="{_n(x - size / 2)}" y="{_n(y - size / 2)}" '
        f'width="{_n(size)}" height="{_n(size)}"/>'
    )


def query(**filters: str | int | float | None) -> str:
    """Return the address inside the page that lists the experiments for which all filters hold."""
    return "#list?" + urlencode(
        {key: "" if value is None else value for key, value in filters.items()}, quote_via=quote
    )


def link(address: str, count: int, say: str, inside: str) -> str:
    """Return `inside` as a link; `count` is the number of experiments behind it, `say` what a reader is told."""
    told = escape(say)
    return f'<a href="{escape(address)}" data-n="{count}" aria-label="{told}"><title>{told}</title>{inside}</a>'


def to_cases(members: Sequence[Case], address: str, say: str, inside: str) -> str:
    """Return a link to the experiment, if it is one, or to the list at `address`."""
    target = f"#experiment-{members[0].number}" if len(members) == 1 else address
    return link(target, len(members), say, inside)


def told(tally: CaseCounts) -> str:
    """Say how often each outcome occurred, the most frequent first."""
    return ", ".join(f"{count:,} {outcome}" for outcome, count in tally.counts.most_common())


def bar(tally: CaseCounts, *, height: int = 14, plain: bool = False) -> str:
    """Return a bar over the whole width that it is given, divided as the outcomes are by weight.

    `plain` leaves the patterns out: where bars are many and low these tell little, and make a printed page large.
    """
    whole = sum(case.weight for case in tally.cases)
    weights = dict.fromkeys(STYLES, 0.0)
    for case in tally.cases:
        weights[case.outcome] += case.weight
    parts, at = [], 0.0
    for outcome, style in STYLES.items():
        if weights[outcome]:
            width = 100 * weights[outcome] / whole
            hatched = style.hatch and not plain and width / 100 * _BAR >= _PATTERNED
            inside = (
                _hatched(style, inf, height) if hatched else f'<rect width="100%" height="100%" class="c-{style.key}"/>'
            )
            parts.append(
                f'<svg x="{_n(at, 3)}%" width="{_n(width, 3)}%" height="{height}">'
                f"<title>{outcome}: {tally.counts[outcome]:,}</title>{inside}</svg>"
            )
            at += width
    said = escape(told(tally))
    return f'<svg class="bar" width="100%" height="{height}" role="img" aria-label="{said}">{"".join(parts)}</svg>'


def percent(share: float) -> str:
    """Return a share in per cent with two significant digits below 10 %."""
    value = 100 * share
    if value in {0, 100}:
        return f"{value:.0f} %"
    if value >= 99.95:
        return f"{value:.3f} %" if value < 99.9995 else "99.999 %"
    if value >= 9.95:
        return f"{value:.1f}".removesuffix(".0") + " %"
    return f"{value:.2g} %" if value >= 0.0001 else "<0.0001 %"


def _n(value: float, digits: int = 1) -> str:
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
