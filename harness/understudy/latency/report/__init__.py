# SPDX-License-Identifier: Apache-2.0
"""The report of the latency measurements: a self-contained HTML page, and figures for the documentation.

Nothing else of the laboratory needs the chart library, so it is loaded only when a report is written.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from understudy.errors import ToolError
from understudy.latency.report.data import load
from understudy.page import write

if TYPE_CHECKING:
    from pathlib import Path


def write_report(results: Path, html: Path) -> None:
    """Write the page of the measurements in `results` (latency.json) to `html`.

    Raises:
        UnderstudyError: `results` is missing or malformed (the key is named), or `html` can't be written.
        ToolError: the chart library is missing or failed.

    """
    write(html, _page().page(load(results)))


def write_figures(results: Path, folder: Path) -> list[Path]:
    """Write the figures that the documentation shows, vm-switch.svg and task-switch.svg, to `folder`.

    Returns:
        The files written; a figure for which `results` has no data is left out.

    Raises:
        UnderstudyError: `results` is missing or malformed (the key is named), or a file can't be written.
        ToolError: the chart library is missing or failed.

    """
    written = []
    for name, picture in _page().pictures(load(results)).items():
        write(folder / f"{name}.svg", picture)
        written.append(folder / f"{name}.svg")
    return written


def _page() -> Any:
    try:
        return importlib.import_module("understudy.latency.report.page")
    except ModuleNotFoundError as error:
        raise ToolError(
            f"the report needs the Python package of module '{error.name}': install with pip install -e '.[latency]'"
        ) from None
