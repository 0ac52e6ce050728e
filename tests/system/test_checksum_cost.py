# SPDX-License-Identifier: Apache-2.0
"""What checksums of backups cost (D7), in instructions; without `checksum` nothing: test_latency_budgets.py."""

from collections.abc import Callable
from functools import cache
from statistics import median

import pytest
from understudy.image import build
from understudy.latency.scenarios import select
from understudy.latency.scenarios.paths import callers, faulting, writers
from understudy.latency.scenarios.systems import Data, Mode, asm_system, task_page
from understudy.latency.visits import Visit, visits

BEGIN = 4  # visits at which the machine has warmed up
RUN_MS = 30
PAGE = (1350, 1500)  # of a whole page: 11 instructions for 8 words, and what belongs to it

Path = tuple[Data, Callable[[Visit], object]]


def first_write(dirty: int) -> Path:
    return asm_system(Mode.UNDO, [callers(dirty=dirty)]), select.first_write().test


def eager_switch(dirty: int) -> Path:
    return writers(Mode.EAGER, dirty=dirty), lambda v: v.vector == "call" and task_page(v.came_from) == 1


def task_rollback(dirty: int) -> Path:
    return faulting(Mode.UNDO, dirty=dirty), select.recovery().test


def vm_rollback(dirty: int) -> Path:
    return faulting(Mode.UNDO, dirty=dirty, level="vm"), select.recovery().test


@cache
def length(path: Callable[[int], Path], dirty: int, *, checksum: bool) -> float:
    """Instructions of the VMM on one path of a VM whose task writes so many pages."""
    data, chosen = path(dirty)
    data["system"]["name"] = f"test-sums-{path.__name__}-{dirty}-{checksum}".lower().replace("_", "-")
    data["vm"]["vm1"]["policy"]["checksum"] = checksum
    return median([visit.length for visit in visits(build(data), ms=RUN_MS, seconds=200) if chosen(visit)][BEGIN:])


def more(path: Callable[[int], Path], dirty: int) -> float:
    return length(path, dirty, checksum=True) - length(path, dirty, checksum=False)


def test_first_write() -> None:
    """# D7 One checksum for each pre-image."""
    one = more(first_write, 2)
    print(f"first write: {length(first_write, 2, checksum=False):.0f} and {one:.0f} more")
    assert PAGE[0] <= one <= PAGE[1]


@pytest.mark.parametrize("path", [eager_switch, task_rollback, vm_rollback], ids=lambda path: path.__name__)
def test_each_page(path: Callable[[int], Path]) -> None:
    """# D7 One checksum for each page that a switch copies, or that a rollback brings back; else next to nothing."""
    few, many = more(path, 1), more(path, 5)
    each = (many - few) / 4
    print(
        f"{path.__name__}: {length(path, 1, checksum=False):.0f} and {few - each:.0f} + {each:.1f} for each page more"
    )
    assert PAGE[0] <= each <= PAGE[1]
    assert 0 <= few - each <= 500
