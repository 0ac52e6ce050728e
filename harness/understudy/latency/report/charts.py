# SPDX-License-Identifier: Apache-2.0
"""The few kinds of chart that the report draws; each takes plain numbers and colour names of the theme."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import altair as alt
import attrs

from understudy.latency.report.theme import colour
from understudy.page.figure import exact

if TYPE_CHECKING:
    from collections.abc import Sequence

Chart: TypeAlias = alt.Chart | alt.LayerChart | alt.VConcatChart | alt.FacetChart

WIDTH = 680
SMALL_WIDTH = 300
_SMALLEST_LABELLED = 0.07
_SHAPES = ("circle", "square", "diamond", "triangle-up", "cross")


@attrs.frozen
class Bar:
    """A horizontal bar made of parts (colour name, value); `label` is its name on the axis."""

    label: str
    parts: tuple[tuple[str, float], ...]

    @property
    def total(self) -> float:
        """Length of the whole bar."""
        return sum(value for _, value in self.parts)


@attrs.frozen
class Series:
    """A line; a point is (x, lowest, middle, highest). `dashed` marks what isn't measured: a budget or a model."""

    label: str
    colour: str
    points: tuple[tuple[float, float, float, float], ...]
    dashed: bool = False


def bars(all_bars: Sequence[Bar], axis: str, title: str = "", *, digits: int = 0) -> Chart:
    """Return stacked horizontal bars with the value in each part and the total behind the bar."""
    longest = max(bar.total for bar in all_bars)
    rows = [row for bar in all_bars for row in _parts(bar, longest, digits)]
    names = [name for name in dict.fromkeys(row["part"] for row in rows) if name in {"save", "switch", "restore"}]
    x = alt.X(
        "start:Q", title=axis, scale=alt.Scale(domain=[0, longest * 1.12], nice=False), axis=alt.Axis(tickCount=8)
    )
    y = alt.Y("bar:N", sort=None, title=None)
    base = alt.Chart(alt.InlineData(values=rows))
    drawn = base.mark_bar(height=22).encode(
        x=x,
        x2="end:Q",
        y=y,
        description="say:N",
        color=alt.Color("part:N", scale=_scale(rows, "part", "part"), legend=_bottom(names) if names else None),
    )
    inside = base.mark_text(color=colour("page"), fontSize=11).encode(x=alt.X("middle:Q"), y=y, text="inside:N")
    totals = [{"bar": bar.label, "end": bar.total, "total": _trimmed(bar.total, digits)} for bar in all_bars]
    behind = alt.Chart(alt.InlineData(values=totals)).mark_text(
        align="left", dx=6, fontWeight="bold", color=colour("text")
    )
    layers = alt.layer(drawn, inside, behind.encode(x="end:Q", y=y, text="total:N"))
    return layers.properties(width=WIDTH, height=alt.Step(32), title=title)


def _parts(bar: Bar, longest: float, digits: int) -> list[dict[str, Any]]:
    rows = []
    start = 0.0
    for part, value in bar.parts:
        shown = _trimmed(value, digits)
        say = f"{bar.label}: {shown}" if part == "whole" or len(bar.parts) == 1 else f"{bar.label}, {part}: {shown}"
        rows.append(
            {
                "bar": bar.label,
                "part": part,
                "start": start,
                "end": start + value,
                "middle": start + value / 2,
                "inside": shown if len(bar.parts) > 1 and value >= _SMALLEST_LABELLED * longest else "",
                "say": say,
            }
        )
        start += value
    return rows


def _trimmed(value: float, digits: int) -> str:
    """Return a number with at most `digits` decimals."""
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def log_bars(all_bars: Sequence[Bar], axis: str, title: str, domain: tuple[float, float]) -> Chart:
    """Return bars of one part each on a logarithmic axis over `domain`, with the value behind each."""
    rows = [
        {
            "bar": bar.label,
            "part": bar.parts[0][0],
            "start": domain[0],
            "end": max(bar.total, domain[0]),
            "value": exact(bar.total),
            "say": f"{bar.label}: {exact(bar.total)}",
        }
        for bar in all_bars
    ]
    y = alt.Y("bar:N", sort=None, title=None)
    base = alt.Chart(alt.InlineData(values=rows))
    scale = alt.Scale(type="log", domain=list(domain), nice=False)
    ticks = alt.Axis(values=[10**power for power in range(7)], format="~s")
    drawn = base.mark_bar(height=14).encode(
        x=alt.X("start:Q", title=axis, scale=scale, axis=ticks),
        x2="end:Q",
        y=y,
        description="say:N",
        color=alt.Color("part:N", scale=_scale(rows, "part", "part"), legend=None),
    )
    text = base.mark_text(align="left", dx=5, color=colour("text")).encode(x="end:Q", y=y, text="value:N")
    return alt.layer(drawn, text).properties(width=WIDTH, height=alt.Step(20), title=title)


def lines(series: Sequence[Series], x: str, y: str, title: str = "", *, log: bool = False, width: int = WIDTH) -> Chart:
    """Return lines with points, and bands from lowest to highest where they differ; the y axis starts at 0.

    Args:
        series: the lines, in the order of the legend.
        x: title of the x axis.
        y: title of the y axis.
        title: over the chart.
        log: whether x is logarithmic; it must be above 0 then.
        width: of the plot, pixels.

    """
    rows = [row for one in series for row in _points(one)]
    names = [one.label for one in series]
    base = alt.Chart(alt.InlineData(values=rows))
    across = alt.X("x:Q", title=x, scale=_across(rows, log=log), axis=_ticks(rows, log=log))
    up = alt.Y("middle:Q", title=y, scale=alt.Scale(zero=True))
    shades = _scale(rows, "series", "colour")
    tint, named = (alt.Color("series:N", scale=shades, legend=legend) for legend in (None, _bottom(names)))
    dash = alt.StrokeDash(
        "series:N",
        scale=alt.Scale(domain=names, range=[[5, 4] if one.dashed else [1, 0] for one in series]),
        legend=None,
    )
    shape = alt.Shape(
        "series:N",
        scale=alt.Scale(domain=names, range=[_SHAPES[i % len(_SHAPES)] for i in range(len(names))]),
        legend=_bottom(names),
    )
    band = base.mark_area(opacity=0.18, aria=False).encode(x=across, y="low:Q", y2="high:Q", color=tint)
    line = base.mark_line(strokeWidth=2, aria=False).encode(x=across, y=up, color=tint, strokeDash=dash)
    point = base.mark_point(filled=True, size=48, opacity=1).encode(
        x=across, y=up, color=named, shape=shape, description="say:N"
    )
    spread = [band] if any(row["low"] != row["high"] for row in rows) else []
    layers: Chart = alt.layer(*spread, line, point)
    # One legend for all layers: that of the points, whose colour and shape are then shown as one.
    layers = layers.resolve_legend(color="independent", shape="independent")
    return layers.properties(width=width, height=240, title=title)


def _points(series: Series) -> list[dict[str, Any]]:
    return [
        {
            "series": series.label,
            "colour": series.colour,
            "x": x,
            "low": low,
            "middle": middle,
            "high": high,
            "say": f"{series.label} at {exact(x)}: {exact(middle)}",
        }
        for x, low, middle, high in series.points
    ]


def _across(rows: Sequence[dict[str, Any]], *, log: bool) -> alt.Scale:
    if log:
        return alt.Scale(type="log", nice=False, padding=12)
    return alt.Scale(zero=False, nice=False, padding=12)


def _ticks(rows: Sequence[dict[str, Any]], *, log: bool) -> alt.Axis:
    """Put the ticks where the measurements are, if there are few and they lie apart."""
    values = sorted({row["x"] for row in rows})
    if len(values) > 16 or (not log and any(b - a < (values[-1] or 1) / 25 for a, b in pairwise(values))):
        return alt.Axis(grid=False)
    return alt.Axis(grid=False, values=values, format=",~f")


def histogram(modes: dict[str, Sequence[tuple[int, int]]], axis: str, title: str) -> Chart:
    """Return how often each value occurred, one row with its own axis for each mode.

    The scale of the counts keeps single occurrences visible.
    """
    rows = [_occurrences(mode, pairs) for mode, pairs in modes.items()]
    drawn: Chart = alt.vconcat(*rows, spacing=6).resolve_scale(x="independent", y="independent")
    return drawn.properties(title=f"{title}, {axis}")


def _occurrences(mode: str, pairs: Sequence[tuple[int, int]]) -> Chart:
    rows: list[dict[str, Any]] = [
        {"value": value, "count": count, "zero": 0, "say": f"{mode}, {exact(value)}: {count:,} times"}
        for value, count in pairs
    ]
    lowest, highest = min(value for value, _ in pairs), max(value for value, _ in pairs)
    most = max(count for _, count in pairs)
    margin = max(2, (highest - lowest) * 0.06)
    chart = alt.Chart(alt.InlineData(values=rows)).mark_rule(strokeWidth=4, strokeCap="butt", color=colour(mode))
    drawn: Chart = chart.encode(
        x=alt.X(
            "value:Q",
            title=None,
            scale=alt.Scale(domain=[max(0, lowest - margin), highest + margin], nice=False),
            axis=alt.Axis(tickCount=5, tickMinStep=1, format=",d", grid=False),
        ),
        y=alt.Y(
            "count:Q",
            title=mode,
            scale=alt.Scale(type="symlog", domain=[0, most], nice=False),
            axis=alt.Axis(
                values=sorted({0, most}), format=",d", titleAngle=0, titleAlign="left", titleX=-82, titleAnchor="middle"
            ),
        ),
        y2="zero:Q",
        description="say:N",
    )
    return drawn.properties(width=SMALL_WIDTH, height=40)


def profile(steps: Sequence[tuple[str, float, str]], x: str, y: str) -> Chart:
    """Return one thin bar for each step (phase, height, what a reader is told), in their order."""
    rows: list[dict[str, Any]] = [
        {"at": at - 0.42, "end": at + 0.42, "phase": phase, "height": height, "zero": 0, "say": say}
        for at, (phase, height, say) in enumerate(steps, 1)
    ]
    phases = list(dict.fromkeys(row["phase"] for row in rows))
    chart = alt.Chart(alt.InlineData(values=rows)).mark_bar()
    drawn = chart.encode(
        x=alt.X(
            "at:Q",
            title=x,
            scale=alt.Scale(domain=[0.4, len(rows) + 0.6], nice=False),
            axis=alt.Axis(grid=False, format=",d", tickMinStep=1),
        ),
        x2="end:Q",
        y=alt.Y("zero:Q", title=y),
        y2="height:Q",
        description="say:N",
        color=alt.Color("phase:N", scale=_scale(rows, "phase", "phase"), legend=_bottom(phases)),
    )
    sized: Chart = drawn.properties(width=WIDTH + 100, height=110)
    return sized


def column(charts: Sequence[Chart]) -> Chart:
    """Return the charts under each other, each with its own scales and legend."""
    stacked: Chart = alt.vconcat(*charts).resolve_scale(
        color="independent", shape="independent", strokeDash="independent", x="independent", y="independent"
    )
    return stacked


def _scale(rows: Sequence[dict[str, Any]], field: str, tint: str) -> alt.Scale:
    """Return the scale that gives each name in `field` the theme's colour named in `tint`."""
    names = {row[field]: colour(row[tint]) for row in rows}
    return alt.Scale(domain=list(names), range=list(names.values()))


def _bottom(values: Sequence[str]) -> alt.Legend:
    return alt.Legend(orient="bottom", direction="horizontal", columns=3, values=list(values), symbolOpacity=1)
