# SPDX-License-Identifier: Apache-2.0
"""The second instrument beside the first: what the VMM's own trace points say of the paths that the plugin counted.

In an image with trace points both measure the same visits, and must agree on each of them to the instruction. Its
paths are longer by the cost of the points, which is taken off; the median of what is left must be what the plugin
counts in the image without them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from understudy.image import build
from understudy.latency.scenarios.scenario import WARM_UP, Key, Probe, Scenario
from understudy.latency.scenarios.select import Split
from understudy.latency.scenarios.systems import Data, Mode
from understudy.latency.statistics import Statistics, differences
from understudy.latency.timer import RING, Interval, Ring, compare, read_ring
from understudy.latency.visits import Visits, visits

TIMED = ("vm_switch_tick", "vm_switch_yield", "task_switch_vmi")
MODES = (Mode.OFF, Mode.UNDO)
_REPETITIONS = 60  # so few that the ring has forgotten none of them


def agreement(made: Sequence[Scenario], counted: Mapping[Key, Split]) -> tuple[dict[Key, dict[str, Any]], list[str]]:
    """Measure paths again with the timer.

    Args:
        made: the scenarios of the paths.
        counted: the parts of each path without trace points, by the plugin.

    Returns:
        The entry `timer` of each path in latency.json, and what does not agree. Empty if the VMM has no trace points.

    """
    entries: dict[Key, dict[str, Any]] = {}
    unequal: list[str] = []
    for scenario in made:
        for probe in scenario.probes:
            if probe.key.name in TIMED and probe.key.mode in MODES and probe.key in counted:
                first, second = (_measured(scenario, probe) for _ in range(2))
                problem = _problem(first, second, counted[probe.key].switch)
                if problem:
                    unequal.append(f"{probe.key.name} ({probe.key.mode}), timer: {problem}")
                middle = Statistics.of(first).median if first else 0
                entries[probe.key] = {"save_to_restore": middle, "agrees": problem is None}
    return entries, unequal


def _problem(first: Sequence[int], second: Sequence[int], counted: int) -> str | None:
    """Say what is wrong with two series; None: they are equal, and the plugin has found the same median."""
    if not first:
        return "no passage was timed"
    median = Statistics.of(first).median
    if median != counted:
        return f"{median} instructions, but the plugin counts {counted} without trace points"
    return differences(first, second)


def _measured(scenario: Scenario, probe: Probe) -> list[int]:
    """Return the instructions from the first trace point of each visit to the last one, as the timer has them."""
    system: Data = {**scenario.system, "system": {**scenario.system["system"], "trace_points": True}}
    system["system"]["name"] += "-traced"
    image = build(system)
    if RING not in image.manifest["symbols"]:
        return []
    rings: list[Ring] = []
    found = visits(image, ms=scenario.ms(_REPETITIONS), inspect=lambda target: rings.append(read_ring(target)))
    return _of_probe(found, probe, compare(found, rings[0]))


def _of_probe(found: Visits, probe: Probe, intervals: Sequence[Interval]) -> list[int]:
    by_start: dict[int, int] = {}
    for interval in intervals:
        by_start[interval.start] = by_start.get(interval.start, 0) + interval.instructions
    chosen = [passage.visits[0].start for passage in probe.select(found)[WARM_UP:]]
    return [by_start[start] for start in chosen if start in by_start]
