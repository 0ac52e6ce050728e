# SPDX-License-Identifier: Apache-2.0
"""The main job, told as it happens, in two acts: one task fails; then a kernel, a task that hangs, a VM for good."""

import json
import time
from pathlib import Path
from typing import Any

from attrs import field, frozen
from rich.console import Console as Screen
from rich.markup import escape

from understudy import paths
from understudy.demo import first_act, second_act
from understudy.demo.first_act import FirstAct
from understudy.demo.second_act import SecondAct
from understudy.demo.stage import shown


@frozen
class DemoResult:
    """What `build/results/demo.json` holds: the first act, and under `second_act` the second one."""

    first: FirstAct
    second: SecondAct
    problems: list[str] = field(init=False)

    @problems.default
    def _problems(self) -> list[str]:
        return [*self.first.problems, *self.second.problems]

    @property
    def passed(self) -> bool:
        """Tell whether all went as it should."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**self.first.as_json(), "passed": self.passed, "second_act": self.second.as_json()}


def run_demo(screen: Screen, results: Path | None = None) -> DemoResult:
    """Run the demonstration, tell its story on `screen`, write the result as JSON.

    Args:
        screen: colour on a terminal, plain text in a pipe.
        results: file to write; build/results/demo.json if None.

    Raises:
        UnderstudyError: a system could not be built or run to the end.

    """
    started = time.monotonic()
    _title(screen, "First act: a task breaks the clock of its own kernel")
    first = first_act.play(screen)
    _title(screen, "Second act: a kernel fails, a task hangs, a VM can't be helped")
    second = second_act.play(screen)
    result = DemoResult(first, second)
    path = results or paths.build_folder() / "results" / "demo.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result.as_json(), indent=2) + "\n", encoding="utf-8")
    verdict = "[bold green]PASS[/]" if result.passed else "[bold red]FAIL[/]"
    ending = "who failed was taken back or replaced, and nobody else noticed"
    screen.print(f"{verdict} {ending if result.passed else escape('; '.join(result.problems))}", soft_wrap=True)
    screen.print(f"[dim]{shown(path)}, {time.monotonic() - started:.1f} s[/]", soft_wrap=True)
    return result


def _title(screen: Screen, text: str) -> None:
    screen.print(f"\n[bold]{text}[/]", soft_wrap=True, highlight=False)
