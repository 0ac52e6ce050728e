# SPDX-License-Identifier: Apache-2.0
"""`policy` of a VM: when checkpoints are taken (R24), and how memory is saved (R21)."""

from enum import StrEnum
from typing import NewType, Self

from attrs import field, frozen

Period = NewType("Period", object)
"""A number of switches, or "request": only when the guest asks for it."""

PERIOD_MAX = 0xFFFF
REQUEST = "request"
INTERVAL_MAX_MS = 10_000
GENERATIONS_MAX = 3


class SavePolicy(StrEnum):
    """How the writable pages of a segment are saved; `enum save_policy` of vmm-c/core/config.h."""

    UNDO = "undo"
    EAGER = "eager"
    FULL = "full"
    NONE = "none"


@frozen
class Schedule:
    """When checkpoints are taken: `struct schedule` of vmm-c/core/config.h."""

    switches: int = 0
    interval_ms: int = 0

    @classmethod
    def of(cls, period: Period | None, period_ms: int | None) -> Self:
        """Return the schedule of a pair of keys; without any of them every switch."""
        if period_ms is not None:
            return cls(interval_ms=period_ms)
        if period is None:
            return cls(switches=1)
        return cls(switches=period) if isinstance(period, int) else cls()


@frozen
class TaskPolicy:
    """One of `policy.tasks`: when this task is checkpointed, if not like the others."""

    period: Period | None = None
    period_ms: int | None = None


@frozen
class Region:
    """One of `policy.regions`: how this side of the guest is saved, if not like the others."""

    stack: SavePolicy | None = None
    data: SavePolicy | None = None


@frozen
class Policy:
    """`policy` of a VM: how memory is saved, and at every how many switches.

    Periods are in switches or in milliseconds, never both (R24). `tasks` and `regions` are exceptions, by the name of a
    task; regions also by "kernel" and "shared". `generations` older checkpoints are kept besides the last one,
    `generation_ms` apart (D7). With `checksum` every frame of a checkpoint has a checksum, verified before it is used.
    """

    stack: SavePolicy = SavePolicy.EAGER
    data: SavePolicy = SavePolicy.UNDO
    vm_period: Period | None = None
    vm_period_ms: int | None = None
    task_period: Period | None = None
    task_period_ms: int | None = None
    tasks: dict[str, TaskPolicy] = field(factory=dict)
    regions: dict[str, Region] = field(factory=dict)
    generations: int = 1
    generation_ms: int = 1000
    checksum: bool = False

    @property
    def schedule(self) -> Schedule:
        """When the VM is checkpointed."""
        return Schedule.of(self.vm_period, self.vm_period_ms)

    def task_schedule(self, task: str | None = None) -> Schedule:
        """Return when a task is checkpointed, or one that the policy does not name."""
        own = self.tasks.get(task, TaskPolicy()) if task else TaskPolicy()
        if own == TaskPolicy():
            return Schedule.of(self.task_period, self.task_period_ms)
        return Schedule.of(own.period, own.period_ms)

    def saving(self, side: str, *, stack: bool) -> SavePolicy:
        """Return how the stack or the other writable memory of a side of the guest is saved."""
        region = self.regions.get(side, Region())
        return (region.stack or self.stack) if stack else (region.data or self.data)
