# SPDX-License-Identifier: Apache-2.0
"""The page: all figures in their order, and the template that holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from understudy.latency.report import cost, paper, recovery, rivals, scaling, spread, theme
from understudy.latency.report.listing import listings
from understudy.latency.report.summary import summary
from understudy.latency.report.svg import standalone
from understudy.page import environment

if TYPE_CHECKING:
    from understudy.latency.report.data import Results
    from understudy.page.figure import Figure

_SECTIONS = {
    "The paper's figures": (paper.vm_switch, paper.task_switch, paper.backup_period),
    "Rivals": (rivals.rivals,),
    "Checkpoints and recovery": (recovery.crossover, recovery.recovery_cost, recovery.lost_work),
    "What it depends on": (scaling.independence, scaling.region_size, scaling.others),
    "Overhead": (cost.overhead, cost.slowdown),
    "Distributions": (spread.histograms,),
}


def page(results: Results) -> str:
    """Return the page as HTML, complete in itself: no script, no reference to another file."""
    return (
        environment()
        .get_template("latency.html.j2")
        .render(
            results=results,
            style=Markup(theme.style()),  # noqa: S704 - constants of this package
            summary=summary(results),
            sections=sections(results),
        )
    )


def sections(results: Results) -> dict[str, list[Figure]]:
    """Return all figures of the page by the title of their section."""
    found = {
        title: [figure for make in makers if (figure := make(results)) is not None]
        for title, makers in _SECTIONS.items()
    }
    return {**found, "The hot path, instruction by instruction": listings(results)}


def pictures(results: Results) -> dict[str, str]:
    """Return the figures that stand alone in the documentation: name without suffix, SVG text.

    A figure for which the file has no data is absent.
    """
    figures = (paper.vm_switch(results), paper.task_switch(results))
    return {figure.name: standalone(figure.pictures[0]) for figure in figures if figure.pictures}
