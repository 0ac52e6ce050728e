# SPDX-License-Identifier: Apache-2.0
"""The share of the processor that fault tolerance takes of the demonstration system, at three ticks.

A VM without fault tolerance, of the lowest priority, uses what is left: see `IDLE` of systems.py.
"""

from typing import Any

from understudy.config.load import system_data
from understudy.image import build
from understudy.latency.scenarios.systems import IDLE, Mode, asm_system, task_page
from understudy.latency.statistics import LatencyError
from understudy.latency.visits import Visit, visits

INTERVAL_MS = {1: 1920, 10: 3840, 50: 9600}
"""Milliseconds of virtual time that are measured, by tick in milliseconds: whole cycles of the producer,
which has a burst in every 32nd tick of its RTOS (10 ms, and 50 ms with the longest tick)."""
PERIODS = ((5, 1), (10, 5))
"""vm_period and task_period (R24) of more measurements with fault tolerance, at a tick of 10 ms."""
BEGIN_MS = 500
IDLE_PAGE = 200
BREAKER = "apps/faulty/faulty.c.j2"


def overhead(*, quick: bool = False) -> tuple[dict[str, float], dict[str, Any], list[str]]:
    """Return the sections `overhead_percent` and `overhead_detail` of latency.json, and what differed.

    The overhead is that of checkpoints at every switch (R19, R20); `overhead_detail.10ms.periods`: of longer periods.
    """
    percent: dict[str, float] = {}
    detail: dict[str, Any] = {}
    unequal: list[str] = []
    for tick_ms, interval_ms in INTERVAL_MS.items():
        name = f"{tick_ms}ms"
        interval = interval_ms // 4 if quick else interval_ms
        on, off = (_measured(demonstration(tick_ms, tolerant), interval, unequal) for tolerant in (True, False))
        share = {"on": busy_percent(on), "off": busy_percent(off)}
        percent[name] = round(share["on"] - share["off"], 4)
        detail[name] = {
            "on": on,
            "off": off,
            "share_percent": share,
            "relative_to_busy_percent": round(100 * (share["on"] / share["off"] - 1), 3),
        }
        if tick_ms == 10:
            detail[name]["periods"] = [
                [
                    *periods,
                    round(
                        busy_percent(_measured(demonstration(tick_ms, True, periods), interval, unequal))
                        - share["off"],
                        4,
                    ),
                ]
                for periods in PERIODS
            ]
    return percent, detail, unequal


def busy_percent(part: dict[str, int]) -> float:
    """Return the share of the processor that was not idle."""
    return round(100 * part["busy"] / part["interval"], 4)


def _measured(system: dict[str, Any], interval_ms: int, unequal: list[str]) -> dict[str, int]:
    first, second = (life(system, interval_ms) for _ in range(2))
    if first != second:
        unequal.append(f"{system['system']['name']}: {first} in one life, {second} in the other")
    return first


def life(system: dict[str, Any], interval_ms: int) -> dict[str, int]:
    """Count what ran in the interval; it begins and ends with a visit to the VMM."""
    name = system["system"]["name"]
    found = visits(build(system), ms=BEGIN_MS + interval_ms, seconds=300)
    begin = next((n for n, visit in enumerate(found) if found.time_ns(visit) >= BEGIN_MS * 1_000_000), len(found))
    inside = found[begin + 1 :]
    if not inside:
        raise LatencyError(f"{name}: nothing ran after {BEGIN_MS} ms")
    if inside[-1].idle_ns:
        raise LatencyError(f"{name}: the processor slept: the idle VM must be ready at any time")
    interval = inside[-1].end - found[begin].end
    idle = sum(visit.guest for visit in inside if _is_idle(visit))
    vmm = sum(visit.length for visit in inside)
    return {
        "interval": interval,
        "busy": interval - idle,
        "vmm": vmm,
        "guests": interval - idle - vmm,
        "visits": len(inside),
    }


def _is_idle(visit: Visit) -> bool:
    """Tell whether the idle VM ran before a visit: its task lies where no other guest has code."""
    return task_page(visit.came_from) == IDLE_PAGE


def demonstration(tick_ms: int, tolerant: bool, periods: tuple[int, int] = (1, 1)) -> dict[str, Any]:
    """Return the demonstration with a task that never breaks, and guests that start by themselves."""
    data = system_data("demo")
    vm_period, task_period = periods
    data["system"].update(
        name=f"latency-demo-{tick_ms}ms-{'on' if tolerant else 'off'}-{vm_period}-{task_period}",
        tick_us=1000 * tick_ms,
        fault_tolerance=tolerant,
    )
    data["guest"]["tick_breaker"]["templates"][BREAKER]["times"] = 0
    for vm in data["vm"].values():
        vm["autostart"] = True
        if not vm.get("management"):
            vm["policy"] = {**vm.get("policy", {}), "vm_period": vm_period, "task_period": task_period}
    idle = asm_system(Mode.UNDO, [IDLE])
    data["guest"]["idle"] = idle["guest"]["g1"]
    data["guest"]["idle"]["tasks"][0]["parameters"]["page"] = IDLE_PAGE
    data["vm"]["idle"] = {**idle["vm"]["vm1"], "guest": "idle", "slice_ticks": 255}
    return data
