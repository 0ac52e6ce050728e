# SPDX-License-Identifier: Apache-2.0
"""How far a campaign is: a bar with rate, time left and outcomes on a terminal, now and then a line elsewhere."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from understudy.injection.experiment import Outcome, Result

_LINE_SECONDS = 10.0
_ESTIMATE_SECONDS = 60.0  # that the rate is taken over
_SHORT = {Outcome.SDC: "SDC", Outcome.QEMU_ABORTED: "aborted"}


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.0f}/s")


class CampaignProgress:
    """A context manager; call `add` with the results as they come. `count` and `seconds` are of this run alone."""

    def __init__(self, console: Console, name: str, total: int, before: Mapping[Outcome, int]) -> None:
        """Begin with what has run before."""
        self.count = 0
        self._outcomes = Counter(before)
        self._console = console
        self._name = name
        self._total = total
        self._started = self._said = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[outcomes]}", markup=False),
            console=console,
            disable=not console.is_terminal,
            speed_estimate_period=_ESTIMATE_SECONDS,
        )
        done = sum(self._outcomes.values())
        self._task = self._bar.add_task(name, total=total, completed=done, outcomes=self.outcomes())

    def __enter__(self) -> Self:
        self._started = self._said = time.monotonic()
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self._started

    def add(self, results: Sequence[Result]) -> None:
        """Show that these are there."""
        self.count += len(results)
        self._outcomes.update(result.verdict.outcome for result in results)
        self._bar.update(self._task, advance=len(results), outcomes=self.outcomes())
        if not self._console.is_terminal and time.monotonic() - self._said > _LINE_SECONDS:
            self._said = time.monotonic()
            self._console.print(self.line(), highlight=False, soft_wrap=True)

    def outcomes(self) -> str:
        """Return the counts so far, the most frequent first."""
        return ", ".join(f"{_SHORT.get(outcome, outcome)} {count}" for outcome, count in self._outcomes.most_common())

    def line(self) -> str:
        """Return all that the bar shows, as text."""
        done, rate = sum(self._outcomes.values()), self.count / max(self.seconds, 1e-9)
        left = (self._total - done) / rate if rate else 0
        return f"{self._name}: {done} of {self._total}, {rate:.0f}/s, {left:.0f} s left; {self.outcomes()}"
