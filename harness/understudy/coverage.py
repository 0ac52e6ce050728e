# SPDX-License-Identifier: Apache-2.0
"""Which test covers which requirement: tests quote the numbers of requirements (R27), decisions (D6) and invariants.

A number belongs to the test function that it stands in or right above (docstring or comment), else to the file.
"""

import ast
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from understudy import paths

REQUIRED = (
    *(f"R{number}" for number in range(1, 41) if number != 34),  # the paper has no R34
    *(f"D{number}" for number in range(1, 7)),
    *(f"Invariant {number}" for number in (1, 2, 4, 6)),
)
"""The numbers that must have a test."""

_QUOTED = re.compile(r"\b(R|D)(\d{1,2})\b")
_INVARIANT = re.compile(r"\b[Ii]nvariants? (\d(?:(?:, | and )\d)*)")
_RANGE = re.compile(r"\b(R|D)(\d{1,2})\.\.(?:R|D)?(\d{1,2})\b")
_C_TEST = re.compile(r"^(?:static )?void (test_\w+)\(", re.MULTILINE)
_SUFFIXES = {".py", ".c", ".h", ".S", ".j2", ".toml"}


def numbers_in(text: str) -> set[str]:
    """Return the numbers that a text quotes, in the form R27, D6 or Invariant 1; ranges such as R25..R28 included."""
    found = {f"{kind}{int(number)}" for kind, number in _QUOTED.findall(text)}
    for quoted in _INVARIANT.findall(text):
        found |= {f"Invariant {number}" for number in re.findall(r"\d", quoted)}
    for kind, first, last in _RANGE.findall(text):
        found |= {f"{kind}{number}" for number in range(int(first), int(last) + 1)}
    return found


def coverage(folder: Path | None = None) -> dict[str, list[str]]:
    """Return the tests by number, each as `file::function` or `file`, relative to `folder`'s parent.

    Args:
        folder: where the tests are; tests/ of the checkout if None.

    """
    top = folder or paths.root() / "tests"
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(p for p in top.rglob("*") if p.suffix in _SUFFIXES and p.is_file()):
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(top.parent))
        for function, part in _parts(path, text):
            for number in numbers_in(part):
                found[number].add(f"{name}::{function}" if function else name)
    return {number: sorted(found[number]) for number in sorted(found, key=_order)}


def missing(covered: dict[str, list[str]]) -> list[str]:
    """Return the required numbers that no test function quotes."""
    return [number for number in REQUIRED if not any("::" in test for test in covered.get(number, []))]


def _order(number: str) -> tuple[str, int]:
    kind = number.rstrip("0123456789")
    return {"R": "1", "D": "2"}.get(kind, "3"), int(number.removeprefix(kind))


def _parts(path: Path, text: str) -> Iterator[tuple[str | None, str]]:
    """Split a file into its test functions and the rest (None)."""
    lines = text.splitlines()
    rest = list(lines)
    spans = _python_tests(text) if path.suffix == ".py" else _c_tests(text) if path.suffix == ".c" else []
    for name, start, end in spans:
        first = start - _comment_lines(lines[:start])
        yield name, "\n".join(lines[first:end])
        rest[first:end] = [""] * (end - first)
    yield None, "\n".join(rest)


def _comment_lines(above: list[str]) -> int:
    """Return how many of the last lines are comments."""
    comments = itertools.takewhile(lambda line: line.lstrip().startswith(("#", "/*", "*", "//")), reversed(above))
    return len(list(comments))


def _python_tests(text: str) -> list[tuple[str, int, int]]:
    """Return name, first line and line after the last one of each test function."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found.append((node.name, first - 1, node.end_lineno or node.lineno))
    return found


def _c_tests(text: str) -> list[tuple[str, int, int]]:
    """As for Python; a C function ends with the first brace in column 0."""
    found = []
    for match in _C_TEST.finditer(text):
        end = text.find("\n}", match.end())
        first = text.count("\n", 0, match.start())
        found.append((match[1], first, text.count("\n", 0, end if end >= 0 else len(text)) + 2))
    return found
