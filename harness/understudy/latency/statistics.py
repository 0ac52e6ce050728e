# SPDX-License-Identifier: Apache-2.0
"""What is kept of many repetitions of one path."""

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from understudy.errors import UnderstudyError


class LatencyError(UnderstudyError):
    """A measurement that is impossible, incomplete, or not the same when it is repeated."""


@frozen
class Statistics:
    """Of a series of instruction counts. The median of an even number of values is the lower middle one."""

    minimum: int
    median: int
    maximum: int
    count: int
    histogram: tuple[tuple[int, int], ...]
    """(value, how often), ascending."""

    @classmethod
    def of(cls, values: Sequence[int]) -> "Statistics":
        """Summarise at least one value."""
        return cls(
            min(values), statistics.median_low(values), max(values), len(values), tuple(sorted(Counter(values).items()))
        )

    def as_json(self) -> dict[str, Any]:
        """Return the shape that latency.json has for a path."""
        return {
            "min": self.minimum,
            "median": self.median,
            "max": self.maximum,
            "count": self.count,
            "histogram": [list(entry) for entry in self.histogram],
        }


def differences(first: Sequence[int], second: Sequence[int]) -> str | None:
    """Say where two series that must be equal differ; None: nowhere."""
    if len(first) != len(second):
        return f"{len(first)} repetitions in one life of the machine, {len(second)} in the other"
    for index, (one, other) in enumerate(zip(first, second, strict=True)):
        if one != other:
            return f"repetition {index}: {one} instructions in one life of the machine, {other} in the other"
    return None
