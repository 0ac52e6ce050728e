# SPDX-License-Identifier: Apache-2.0
"""What all HTML pages of the laboratory share: colours, style sheet, templates, tables. Each page is one file."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from understudy.errors import UnderstudyError


def environment() -> Environment:
    """Return the environment for the templates of pages; the filter `picture` passes our own SVG text on as it is."""
    found = Environment(
        loader=PackageLoader("understudy", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["picture"] = Markup
    return found


def write(file: Path, text: str) -> None:
    """Write a page or a picture, and the folders above it.

    Raises:
        UnderstudyError: it can't be written.

    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnderstudyError(f"{file}: {error.strerror}") from None
