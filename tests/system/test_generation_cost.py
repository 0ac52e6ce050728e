# SPDX-License-Identifier: Apache-2.0
"""What older generations cost (D7): nothing but what was written since the promotion counts."""

from functools import cache
from statistics import median

import pytest
from attrs import frozen
from understudy.image import build
from understudy.latency.scenarios.paths import writers
from understudy.latency.scenarios.systems import Mode, task_page
from understudy.latency.visits import visits

HOUSEKEEPING_MS = 10
RUN_MS = 300
BEGIN = 4  # visits at which the machine has warmed up


@frozen
class Cost:
    """Instructions of the VMM: of a tick with housekeeping, of a switch away from the VM, and of the longest such."""

    tick: float
    switch: float
    first_switch: float


@cache
def cost(generations: int, dirty: int, region: int) -> Cost:
    """Measure a VM whose task writes `dirty` pages of `region` and yields, again and again; promoted at every tick."""
    data = writers(Mode.UNDO, dirty=dirty, region=region)
    data["system"] |= {"housekeeping_ms": HOUSEKEEPING_MS, "name": f"test-cost-{generations}-{dirty}-{region}"}
    for vm in ("vm1", "vm2"):
        data["vm"][vm]["policy"] |= {"generations": generations if vm == "vm1" else 0, "generation_ms": 1}
    found = visits(build(data), ms=RUN_MS, seconds=200)
    ticks = [visit.length for visit in found if visit.vector == "irq"][BEGIN:]
    ends = [visit.length for visit in found if visit.vector == "call" and task_page(visit.came_from) == 1][BEGIN:]
    return Cost(median(ticks), median(ends), max(ends))


def promotion(generations: int, dirty: int, region: int) -> float:
    return cost(generations, dirty, region).tick - cost(0, dirty, region).tick


def kept(dirty: int, region: int) -> float:
    """All that the first checkpoint after a promotion has to do more."""
    return cost(1, dirty, region).first_switch - cost(1, dirty, region).switch


@pytest.mark.parametrize("generations", [1, 2])
def test_promotion_costs_what_was_kept(generations: int) -> None:
    """# D7 So much for each page that was kept since the last promotion, however many the VM has."""
    few, many = promotion(generations, 1, 16), promotion(generations, 8, 16)
    assert promotion(generations, 8, 32) == pytest.approx(many, abs=16), "pages that nobody writes cost nothing"
    each = (many - few) / 7
    print(f"generations {generations}: promotion {few - each:.0f} + {each:.1f} for each page kept")
    assert 5 <= each <= 40
    assert few <= 1200


def test_checkpoint_keeps_a_page_without_copying() -> None:
    """# D7 The first checkpoint after a promotion: some instructions for each page that was written, no copy."""
    few, many = kept(1, 16), kept(8, 16)
    each = (many - few) / 7
    print(f"each page kept: {each:.1f}")
    assert 5 <= each <= 60, "a copy of a page takes more than 80"


def test_later_checkpoints_only_look() -> None:
    """# D7 A page that was kept already costs nothing more."""
    with_one, without = cost(1, 8, 16).switch, cost(0, 8, 16).switch
    print(f"each page kept already: {(with_one - without) / 8:.1f}")
    assert abs(with_one - without) / 8 <= 8
