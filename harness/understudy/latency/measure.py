# SPDX-License-Identifier: Apache-2.0
"""Runs scenarios, each in two lives of the machine that must agree to the instruction, and collects the series."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from attrs import define, field, frozen

from understudy.image import Image, build
from understudy.latency.scenarios.scenario import QUICK_REPETITIONS, WARM_UP, Key, Scenario, total
from understudy.latency.scenarios.select import Split
from understudy.latency.statistics import LatencyError, differences
from understudy.latency.visits import visits

T = TypeVar("T")
R = TypeVar("R")
Series = dict[Key, list[int]]
Splits = dict[Key, Split]
WORKERS = 2
_SECONDS = 300.0  # last guard of one life, in real time
_ATTEMPTS = 5  # each runs twice as long as the one before


@define
class Measured:
    """What a campaign has found.

    Attributes:
        series: the repetitions of each path, in the order of time.
        splits: medians of their parts, where the path passes trace points of the VMM.
        builds: the build id of each system.
        unequal: what was not the same in two lives.
    """

    series: Series = field(factory=dict)
    splits: Splits = field(factory=dict)
    builds: dict[str, str] = field(factory=dict)
    unequal: list[str] = field(factory=list)

    def add(self, image: Image, first: "Life", second: "Life") -> None:
        """Take over what two lives have shown."""
        self.builds[image.name] = image.build_id
        self.series.update(first.series)
        self.splits.update(first.splits)
        self.unequal += _unequal(first.series, second.series)


@frozen
class Life:
    """What one life of a machine has shown."""

    series: Series
    splits: Splits


def measure(
    scenarios: Sequence[Scenario], *, quick: bool = False, progress: Callable[[], None] = lambda: None
) -> Measured:
    """Run scenarios, two lives of each.

    Args:
        scenarios: what to run.
        quick: few repetitions.
        progress: called after each scenario.

    Raises:
        LatencyError: a path was not taken as often as it has to be measured.
        BuildError, TargetError: a system could not be built or run.

    """
    measured = Measured()

    def run(scenario: Scenario) -> tuple[Image, Life, Life]:
        image = build(scenario.system)
        wanted = QUICK_REPETITIONS if quick else scenario.repetitions
        first, ms = _long_enough(image, scenario, wanted)
        second = _life(image, scenario, wanted, ms)
        progress()
        return image, first, second

    with ThreadPoolExecutor(WORKERS) as pool:
        for image, first, second in _all(pool, run, scenarios):
            measured.add(image, first, second)
    return measured


def _all(pool: ThreadPoolExecutor, run: Callable[[T], R], items: Iterable[T]) -> Iterable[R]:
    """Run all; after a failure start no more."""
    futures = [pool.submit(run, item) for item in items]
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()


def _long_enough(image: Image, scenario: Scenario, wanted: int) -> tuple[Life, float]:
    """One life that is long enough, and how long that is in milliseconds of virtual time."""
    ms = scenario.ms(wanted)
    for _ in range(_ATTEMPTS):
        life = _life(image, scenario, wanted, ms)
        short = {key: len(values) for key, values in life.series.items() if len(values) < wanted}
        if not short:
            return life, ms
        ms *= 2
    found = ", ".join(f"{count} of {key.name} ({key.mode})" for key, count in short.items())
    raise LatencyError(f"{image.name}: {wanted} repetitions wanted, but within {ms / 2:.0f} ms there were {found}")


def _life(image: Image, scenario: Scenario, wanted: int, ms: float) -> Life:
    found = visits(image, ms=ms, seconds=_SECONDS)
    life = Life({}, {})
    for probe in scenario.probes:
        passages = probe.select(found)[WARM_UP : WARM_UP + wanted]
        life.series[probe.key] = [probe.value(passage) for passage in passages]
        splits = [split for passage in passages if (split := passage.split)]
        if splits and len(splits) == len(passages) and probe.value is total:
            life.splits[probe.key] = Split(*(statistics.median_low(part) for part in zip(*splits, strict=True)))
    return life


def _unequal(first: Mapping[Key, list[int]], second: Mapping[Key, list[int]]) -> list[str]:
    found = []
    for key, values in first.items():
        difference = differences(values, second[key])
        if difference:
            point = "" if key.x is None else f" at {key.x}"
            found.append(f"{key.name} ({key.mode}){point}: {difference}")
    return found
