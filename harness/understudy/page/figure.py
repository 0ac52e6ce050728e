# SPDX-License-Identifier: Apache-2.0
"""What the page is made of: figures with their numbers, and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence


@attrs.frozen
class Cell:
    """One cell of a table; `kind` is a class of the page's style sheet: number, good, bad, soft, code or ''."""

    text: str
    kind: str = ""
    note: str = ""


@attrs.frozen
class Row:
    """One row; `kind` shades it (a phase of a listing) or is ''."""

    cells: tuple[Cell, ...]
    kind: str = ""


@attrs.frozen
class Table:
    """A table with its caption."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]


@attrs.frozen
class Figure:
    """A figure: pictures (SVG text), what they say, the numbers in them, and the keys that the file did not have.

    `many` sets the pictures side by side, `open` shows the tables at once.
    """

    name: str
    title: str
    text: str
    pictures: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    missing: tuple[str, ...] = ()
    many: bool = False
    open: bool = False


def shown(value: float | None, digits: int = 0, unit: str = "") -> str:
    """Return a number with thousands separated and `digits` decimals, or a dash for None."""
    return "\N{EN DASH}" if value is None else f"{value:,.{digits}f}{unit}"


def exact(value: float) -> str:
    """Return a number as it is in the file: whole where it is whole."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str | float]]) -> Table:
    """Return a table of plain cells; numbers are aligned to the right."""
    return Table(caption, tuple(head), tuple(Row(tuple(_cell(value) for value in row)) for row in rows))


def _cell(value: str | float) -> Cell:
    return Cell(value) if isinstance(value, str) else Cell(exact(value), "number")
