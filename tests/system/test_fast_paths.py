# SPDX-License-Identifier: Apache-2.0
"""The fast paths (vmm-c/arch/armv7/exceptions.inc) lose no register, and their checkpoints are whole."""

import pytest
from understudy.image import Image, build
from understudy.image.elf import read_elf
from understudy.latency.scenarios.systems import GENEROUS, KERNEL
from understudy.latency.visits import Visits, matching, visits

from .systems import Data

SOURCE = "tests/system/apps/consistent.S"
MS = 400
KERNEL_VALUES = {"tasks": 1, "on_call": "next", "timer_us": 0, "idle": False, "pages": 0}
FASTEST = 60  # instructions of a tick that goes on to another VM; each other way takes far more


def system(*, fault_tolerance: bool) -> Data:
    guests = {
        name: {
            "kernel": "none",
            "sources": [KERNEL],
            "templates": {KERNEL: KERNEL_VALUES},
            "tasks": [{"name": "t0", "entry": entry, "priority": 20, "sources": [SOURCE]}],
        }
        for name, entry in (("g1", "consistent_task"), ("g2", "consistent_caller"))
    }
    vms = {
        f"vm{number}": {
            "guest": guest,
            "priority": 10,
            "autostart": True,
            "slice_ticks": 1,
            "policy": {"stack": "undo", "data": "undo"},
            "recovery": GENEROUS,
        }
        for number, guest in enumerate(("g1", "g1", "g2"), start=1)
    }
    manager = {"guest": "vm0", "management": True, "priority": 1, "uart": 0, "autostart": True}
    return {
        "system": {
            "name": f"test-fast-{'on' if fault_tolerance else 'off'}",
            "board": "vexpress-a9",
            "tick_us": 1000,
            "fault_tolerance": fault_tolerance,
        },
        "guest": {"vm0": {"kernel": "vm0"}, **guests},
        "vm": {"vm0": manager, **vms},
    }


@pytest.fixture(scope="module", params=[True, False], ids=["on", "off"])
def image(request: pytest.FixtureRequest) -> Image:
    return build(system(fault_tolerance=request.param))


@pytest.fixture(scope="module")
def ran(image: Image) -> Visits:
    return visits(image, ms=MS)


def test_registers_agree_at_any_time(image: Image, ran: Visits) -> None:
    """# R8 # D4 Every register of three tasks, TPIDRURW with them, over switches and rollbacks."""
    for guest in ("g1", "g2"):
        address = read_elf(image.folder / "guests" / f"{guest}.elf").find("disagree", 0x00300000)
        assert address
        assert not matching(ran, came_from=range(address.address, address.address + 4))


def test_switches_take_the_fast_path(ran: Visits) -> None:
    """# R8 # R10 Otherwise the test above says nothing."""
    ticks = [visit for visit in matching(ran, vector="irq") if visit.came_from >= 0x00300000]
    assert sum(visit.length < FASTEST for visit in ticks) > 150


def test_tasks_broke_down_and_were_recovered(image: Image, ran: Visits) -> None:
    """# R28 # R29 # D6 To a checkpoint that a fast path took."""
    rolled_back = [v for v in matching(ran, vector="undefined") if 0x00300000 <= v.went_to != v.came_from]
    assert len(rolled_back) > 20 or not image.manifest["fault_tolerance"]
