# SPDX-License-Identifier: Apache-2.0
"""Jinja2 rendering, and writing files only when they change so that nothing is compiled twice."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, meta
from jinja2.exceptions import TemplateSyntaxError

from understudy.errors import BuildError

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


def render(template: Path, /, **values: Any) -> str:
    """Render one template file.

    Raises:
        BuildError: it has a syntax error, or uses a value that was not given.

    """
    environment = Environment(  # noqa: S701 - the output is C, not HTML
        loader=FileSystemLoader([template.parent]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["hex"] = lambda number: f"{number:#010x}"
    try:
        return environment.get_template(template.name).render(**values)
    except TemplateSyntaxError as error:
        raise BuildError(f"{template}:{error.lineno}: {error.message}") from None
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise BuildError(f"{template}: {error}") from None


def parameters_of(template: Path) -> set[str]:
    """Return the names that a template uses without setting them itself.

    Raises:
        BuildError: it has a syntax error.

    """
    try:
        return meta.find_undeclared_variables(Environment(autoescape=True).parse(template.read_text(encoding="utf-8")))
    except TemplateSyntaxError as error:
        raise BuildError(f"{template}:{error.lineno}: {error.message}") from None


def render_own(name: str, /, **values: Any) -> str:
    """Render a template of this package."""
    return render(TEMPLATES / name, **values)


def write_if_changed(path: Path, text: str) -> None:
    """Write a file unless it holds `text` already."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
