# SPDX-License-Identifier: Apache-2.0
"""The fast paths (vmm-c/arch/armv7/exceptions.inc) lose no register, and their checkpoints are whole."""

import pytest
from understudy.image import Image, build
from understudy.image.elf import read_elf
from understudy.latency.scenarios.systems import GENEROUS, KERNEL
from understudy.latency.visits import Visits, matching, visits

from .systems import Data

SOURCE = "tests/system/apps/consistent.S"
MS = 800
KERNEL_VALUES = {"tasks": 1, "on_call": "next", "timer_us": 0, "idle": False, "pages": 0}
FASTEST = 60  # instructions of a tick that goes on to another VM; each other way takes far more


def consistent(entry: str) -> Data:
    task = {"name": "t0", "entry": entry, "priority": 20, "sources": [SOURCE]}
    return {"kernel": "none", "sources": [KERNEL], "templates": {KERNEL: KERNEL_VALUES}, "tasks": [task]}


def taking_turns() -> Data:
    """Two tasks that call their kernel, which lets the other one run; the call changes nothing (D6)."""
    tasks = [{"name": f"t{n}", "entry": "consistent_turns", "priority": 20, "sources": [SOURCE]} for n in range(2)]
    kernel = {KERNEL: {**KERNEL_VALUES, "tasks": 2}}
    return {"kernel": "none", "sources": [KERNEL], "templates": kernel, "tasks": tasks, "pure_calls": [0]}


def busy_kernel() -> Data:
    task = {"name": "t0", "entry": "caller_task", "priority": 20, "sources": ["tests/system/apps/caller.S"]}
    return {"kernel": "none", "sources": ["tests/system/apps/busy_kernel.S"], "tasks": [task]}


def system(name: str, guests: Data, *, fault_tolerance: bool, tick_us: int = 1000) -> Data:
    """One VM for each guest, by its name."""
    vms = {
        f"of_{guest}": {
            "guest": guest,
            "priority": 10,
            "autostart": True,
            "slice_ticks": 1,
            "policy": {"stack": "undo", "data": "undo"},
            "recovery": GENEROUS,
        }
        for guest in guests
    }
    manager = {"guest": "vm0", "management": True, "priority": 1, "uart": 0, "autostart": True}
    return {
        "system": {
            "name": f"test-{name}-{'on' if fault_tolerance else 'off'}",
            "board": "vexpress-a9",
            "tick_us": tick_us,
            "fault_tolerance": fault_tolerance,
        },
        "guest": {"vm0": {"kernel": "vm0"}, **guests},
        "vm": {"vm0": manager, **vms},
    }


@pytest.fixture(scope="module", params=[True, False], ids=["on", "off"])
def image(request: pytest.FixtureRequest) -> Image:
    entries = {"g1": "consistent_task", "g2": "consistent_caller", "g3": "consistent_task"}
    guests = {**{name: consistent(entry) for name, entry in entries.items()}, "g4": taking_turns()}
    return build(system("fast", guests, fault_tolerance=request.param))


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
    """# R8 # R10 Otherwise the test above says nothing. Many ticks report a fault, and are slow."""
    ticks = [visit for visit in matching(ran, vector="irq") if visit.came_from >= 0x00300000]
    assert sum(visit.length < FASTEST for visit in ticks) > 50


def test_each_task_has_its_own_domain(ran: Visits) -> None:
    """# R9 The tasks of g4 have two; no access of any task is refused."""
    assert not [
        v for v in (*matching(ran, vector="prefetch"), *matching(ran, vector="data")) if v.came_from >= 0x00300000
    ]


def test_tasks_broke_down_and_were_recovered(image: Image, ran: Visits) -> None:
    """# R28 # R29 # D6 To a checkpoint that a fast path took."""
    rolled_back = [v for v in matching(ran, vector="undefined") if 0x00300000 <= v.went_to != v.came_from]
    assert len(rolled_back) > 20 or not image.manifest["fault_tolerance"]


def test_running_kernel_is_never_left_by_the_fast_path() -> None:
    """# R19 # D4 What a kernel changes unnoticed, as its interrupt mask, must be in the checkpoint."""
    image = build(system("busy", {"one": busy_kernel(), "two": busy_kernel()}, fault_tolerance=True))
    loop = read_elf(image.folder / "guests" / "one.elf").find("busy", 0x00100000)  # not VM0, which has no checkpoints
    assert loop
    ticks = [
        visit.length
        for visit in matching(visits(image, ms=100), vector="irq", came_from=range(loop.address, loop.address + 4))
    ]
    assert len(ticks) > 30
    assert min(ticks) > FASTEST


def test_task_goes_back_to_where_it_last_left() -> None:
    """# R20 # R30 By a fast switch: that is its checkpoint, and nothing that comes later gets into it."""
    image = build(system("turns", {"one": taking_turns()}, fault_tolerance=True, tick_us=200_000))
    ran = visits(image, ms=180)
    calls = {visit.came_from + 4 for visit in matching(ran, vector="call") if visit.came_from >= 0x00300000}
    # The first try of the instruction only enables VFP.
    rolled_back = [visit for visit in matching(ran, vector="undefined") if visit.went_to != visit.came_from]
    assert len(rolled_back) > 10
    assert {visit.went_to for visit in rolled_back} <= calls
    switches = [
        visit.length for visit in matching(ran, vector="call") if 0x00300000 <= visit.went_to != visit.came_from + 4
    ]
    assert sum(length < FASTEST for length in switches) > 500
    for number in range(2):
        end = read_elf(image.folder / "guests" / "one.elf").find("disagree", 0x00300000 + number * 0x00100000)
        assert end
        assert not matching(ran, came_from=range(end.address, end.address + 4))
