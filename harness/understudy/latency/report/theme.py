# SPDX-License-Identifier: Apache-2.0
"""Colours and type of the figures, and the style sheet that makes them follow a dark page."""

from __future__ import annotations

from typing import Any

from understudy.page.theme import COLOURS as SHARED
from understudy.page.theme import FONT, variables

# name: (light page, dark page). Charts are drawn in the light colour; the style sheet exchanges it on a dark page, so
# names that share a light colour share the dark one.
COLOURS = {
    **SHARED,
    "save": ("#4a7fae", "#8fbce6"),
    "switch": ("#1f4e79", "#5a9bd8"),
    "restore": ("#3a8576", "#6cc9b5"),
    "whole": ("#5b7fa3", "#7c9fc2"),
    "off": ("#6e7781", "#9aa4af"),
    "undo": ("#0072b2", "#4aa8e8"),
    "eager": ("#c96a00", "#f0a03f"),
    "full": ("#a8327d", "#dd7fb8"),
    "bare": ("#2e8b57", "#5cc98d"),
    "rival": ("#b4bcc5", "#565f6a"),
    "limit": ("#e3aaa5", "#7d3f3b"),
    "budget": ("#c62828", "#ff7b72"),
}


def colour(name: str) -> str:
    """Return the colour of a name as the charts draw it."""
    return COLOURS[name][0]


def style() -> str:
    """Return the style sheet of an SVG or page: each colour as a variable, light or dark."""
    rules = [
        f'svg [{attribute}="{pair[0]}"] {{ {attribute}: var(--{name}); }}'
        for name, pair in COLOURS.items()
        for attribute in ("fill", "stroke")
    ]
    return "\n".join([variables(COLOURS), *rules])


def config() -> dict[str, Any]:
    """Return the Vega-Lite configuration of all charts."""
    text, soft, grid = colour("text"), colour("soft"), colour("grid")
    labels = {"labelColor": text, "titleColor": soft, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "font": FONT,
        "background": "transparent",
        "padding": 4,
        "view": {"stroke": None},
        "axis": {
            **labels,
            "titleFontWeight": "normal",
            "gridColor": grid,
            "domainColor": soft,
            "tickColor": soft,
            "labelLimit": 330,
            "titleLimit": 500,
        },
        "header": {**labels, "titleFontWeight": "normal", "labelFontWeight": "normal"},
        "legend": {**labels, "title": None, "labelLimit": 330},
        "title": {
            "color": text,
            "fontSize": 13,
            "fontWeight": "bold",
            "anchor": "start",
            "frame": "group",
            "offset": 8,
        },
        "text": {"color": text, "fontSize": 12},
        "concat": {"spacing": 28},
    }
