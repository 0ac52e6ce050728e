# SPDX-License-Identifier: Apache-2.0
"""budgets.toml: how many instructions each path may take, and what is said when one takes more."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from understudy import paths
from understudy.errors import ConfigError
from understudy.latency.scenarios.systems import Mode

Results = Mapping[str, Any]
"""latency.json, or a part of it."""

MARK = "# Recorded by `understudy latency --record`; everything below this line is replaced."
_SECTIONS = ("paths", "worst_case", "per_dirty_page", "modelled_arm920t_ns", "overhead_percent", "functions")
_PERCENT = "%"
WORST = " at worst"


@frozen
class Finding:
    """One budget, and what was measured. `value` and `budget` in instructions, or in `unit`."""

    name: str
    mode: str
    value: float
    budget: float
    unit: str = "instructions"

    @property
    def exceeded(self) -> bool:
        """Tell whether the measured value is above the budget."""
        return self.value > self.budget

    def __str__(self) -> str:
        """Say by how much a budget is exceeded."""
        over = self.value - self.budget
        return f"{self.name} ({self.mode}): {self.value:g} {self.unit}, {over:g} above the budget of {self.budget:g}"


@frozen
class Budgets:
    """The contents of budgets.toml, already checked."""

    paths: dict[str, dict[str, int | str]]
    worst_case: dict[str, dict[str, int]]
    per_dirty_page: dict[str, dict[str, int]]
    modelled: dict[str, dict[str, float]]
    overhead: dict[str, float]
    functions: dict[str, dict[str, dict[str, int]]]

    @classmethod
    def load(cls, path: Path | None = None) -> "Budgets":
        """Read the file; default: budgets.toml at the top of the checkout.

        Raises:
            ConfigError: it is missing or wrong.

        """
        path = path or paths.root() / "budgets.toml"
        try:
            return cls.parse(path.read_text(encoding="utf-8"), path.name)
        except OSError as error:
            raise ConfigError([f"{path.name}: {error.strerror}: it belongs at the top of the checkout"]) from None

    @classmethod
    def parse(cls, text: str, name: str = "budgets.toml") -> "Budgets":
        """Check the text of the file.

        Raises:
            ConfigError: with one line for each problem.

        """
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError([f"{name}: not valid TOML: {error}"]) from None
        problems = [f"{name}: {problem}" for problem in _problems(data)]
        if problems:
            raise ConfigError(problems)
        return cls(*(data.get(section, {}) for section in _SECTIONS))

    def check(self, results: Results) -> list[Finding]:
        """Compare with what was measured; a path or mode that was not measured has no finding."""
        return [
            *self._paths(results),
            *self._dirty_pages(results),
            *_pairs("modelled", self.modelled, results.get("modelled_arm920t_ns", {}), "ns (modelled)"),
            *_pairs("overhead", {"demo": self.overhead}, {"demo": results.get("overhead_percent", {})}, "%"),
        ]

    def _paths(self, results: Results) -> list[Finding]:
        findings = []
        for path, modes in self.paths.items():
            measured = results.get("paths", {}).get(path, {})
            for mode, limit in modes.items():
                worst = self.worst_case.get(path, {}).get(mode)
                if mode in measured and worst is not None:
                    findings.append(Finding(path + WORST, mode, measured[mode]["max"], worst))
                allowed = _allowed(limit, measured)
                if allowed is not None:  # paths with such a budget are measured with one dirty page
                    allowed += self.per_dirty_page.get(path, {}).get(mode, 0)
                if mode in measured and allowed is not None:
                    findings.append(Finding(path, mode, measured[mode]["max" if worst is None else "median"], allowed))
        return findings

    def _dirty_pages(self, results: Results) -> list[Finding]:
        """The budget of a path that works on dirty pages is one for none of them, and so much more for each."""
        findings = []
        for sweep in results.get("sweeps", []):
            each = self.per_dirty_page.get(sweep["path"], {}).get(sweep["mode"])
            base = self.paths.get(sweep["path"], {}).get(sweep["mode"])
            if sweep["x"] == "dirty pages" and each is not None and isinstance(base, int):
                worst = max(sweep["points"], key=lambda point: point[3] - each * point[0])
                name = f"{sweep['path']} with {worst[0]} dirty pages"
                findings.append(Finding(name, sweep["mode"], worst[3], base + each * worst[0]))
        return findings


def changes(recorded: Mapping[str, int], measured: Mapping[str, int]) -> list[str]:
    """Say in which functions the instructions are, largest first, and what changed since they were recorded."""
    lines = []
    for name, count in sorted(measured.items(), key=lambda item: (-item[1], item[0])):
        before = recorded.get(name, 0) if recorded else count
        note = f"  {count - before:+d} since the budget" if count != before else ""
        lines.append(f"{count:6} {name}{note}")
    lines += [f"{0:6} {name}  {-count:+d} since the budget" for name, count in recorded.items() if name not in measured]
    return lines


def with_functions(text: str, functions: Mapping[str, Mapping[str, Mapping[str, int]]]) -> str:
    """Return the text of budgets.toml with other recorded counts."""
    kept = text.split(MARK, maxsplit=1)[0].rstrip("\n")
    lines = [kept, "", MARK]
    for path, modes in functions.items():
        for mode, counts in modes.items():
            lines += ["", f"[functions.{path}.{mode}]", *(f"{name} = {count}" for name, count in counts.items())]
    return "\n".join(lines) + "\n"


def _allowed(limit: int | str, measured: Mapping[str, Any]) -> float | None:
    """A budget such as "+10%" is relative to what was measured with fault tolerance off."""
    if isinstance(limit, int):
        return limit
    if Mode.OFF not in measured:
        return None
    return float(int(measured[Mode.OFF]["median"]) * (100 + int(limit.strip("+%")))) / 100


def _pairs(
    name: str, budgets: Mapping[str, Mapping[str, float]], measured: Mapping[str, Mapping[str, float]], unit: str
) -> list[Finding]:
    return [
        Finding(f"{name} {what}", key, measured[what][key], limit, unit)
        for what, limits in budgets.items()
        for key, limit in limits.items()
        if key in measured.get(what, {})
    ]


def _problems(data: Mapping[str, Any]) -> Iterator[str]:
    for section, paths_ in data.items():
        if section not in _SECTIONS:
            yield f"unknown section [{section}]; known: {', '.join(_SECTIONS)}"
        elif not isinstance(paths_, dict):
            yield f"{section}: must be a table"
        elif section == "overhead_percent":
            yield from _values(section, paths_, _is_number, "a number")
        else:
            for path, modes in paths_.items():
                yield from _path(section, path, modes)


def _path(section: str, path: str, modes: Any) -> Iterator[str]:
    # Imported here: the scenarios use the modes of this package.
    from understudy.latency.scenarios.paths import PATHS  # noqa: PLC0415

    key = f"{section}.{path}"
    if section != "modelled_arm920t_ns" and path not in PATHS:
        yield f"{key}: unknown path; known: {', '.join(PATHS)}"
    if not isinstance(modes, dict):
        yield f"{key}: must be a table with a value for each mode"
        return
    known = [str(mode) for mode in Mode]
    yield from (f"{key}.{mode}: unknown mode; known: {', '.join(known)}" for mode in modes if mode not in known)
    if section == "paths":
        yield from _values(key, modes, _is_limit, 'instructions, or a text such as "+10%"')
    elif section != "functions":
        yield from _values(key, modes, _is_number, "a number")


def _values(key: str, values: Mapping[str, Any], good: Callable[[Any], bool], wanted: str) -> Iterator[str]:
    return (f"{key}.{name}: {value!r}: must be {wanted}" for name, value in values.items() if not good(value))


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and value >= 0


def _is_limit(limit: Any) -> bool:
    if isinstance(limit, str):
        return limit.startswith("+") and limit.endswith(_PERCENT) and limit[1:-1].isdigit()
    return type(limit) is int and limit >= 0
