# SPDX-License-Identifier: Apache-2.0
"""What is measured, as data: a system, and the probes that find repetitions of paths in one life of it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from attrs import field, frozen

from understudy.latency.scenarios.select import Passage
from understudy.latency.scenarios.systems import Data, Mode
from understudy.latency.visits import Visit

REPETITIONS = 1000
SWEEP_REPETITIONS = 100
QUICK_REPETITIONS = 80  # more than a turn of the timer wheel of the VMM: 64 ticks
WARM_UP = 16
"""Repetitions that are left out: in the first ones the VMM sees a task or a VM for the first time."""

_BOOT_MS = 20.0
"""Virtual time until guests run."""
_INSTRUCTION_MS = 32e-6
"""Virtual time of an instruction, as the board has it; only to know how long a life has to be."""

Select = Callable[[Sequence[Visit]], list[Passage]]


class Key(NamedTuple):
    """What a series of repetitions belongs to: a path, or one point of a sweep."""

    name: str
    mode: Mode
    x: int | None = None


def total(passage: Passage) -> int:
    """All instructions of a passage."""
    return passage.total


def inside(passage: Passage) -> int:
    """Those of the VMM."""
    return passage.inside


def redone(passage: Passage) -> int:
    """Guest instructions between the place that a rollback goes back to and the fault, in code without branches."""
    visit = passage.visits[0]
    return (visit.came_from - visit.went_to) // 4


@frozen
class Probe:
    """One series: which passages, and what of them is kept."""

    key: Key
    select: Select
    value: Callable[[Passage], int] = total


@frozen
class Scenario:
    """One system. `each`: instructions from one repetition to the next, to know how long it must run."""

    system: Data
    probes: Sequence[Probe]
    each: int
    repetitions: int = REPETITIONS
    quick: bool = field(default=True)
    """Whether `--quick` measures it, too."""

    def ms(self, repetitions: int) -> float:
        """Return the virtual time for so many repetitions in milliseconds, boot and warm-up included."""
        return _BOOT_MS + (WARM_UP + repetitions) * self.each * _INSTRUCTION_MS
