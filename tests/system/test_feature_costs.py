# SPDX-License-Identifier: Apache-2.0
"""What each choice of docs/user-guide.md costs: its share of the processor, on the demonstration at a tick of 10 ms.

`pytest -s` prints the table. Each line changes one thing of the demonstration as it is, and is compared with it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest
from understudy.latency.scenarios.overhead import busy_percent, demonstration, life

from .systems import Data

TICK_MS = 10
RUN_MS = 1920  # whole cycles of the producer
PER_SECOND = 31_250_000  # instructions
GUESTS = ("guest1", "guest2", "guest3")
BASE = "as it is"


class Choice(NamedTuple):
    """One change, and how much more (or less) of the processor it may take: bounds in per cent."""

    change: Callable[[Data], None]
    least: float
    most: float


def policy(**values: object) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        for name in GUESTS:
            data["vm"][name]["policy"] = {**data["vm"][name].get("policy", {}), **values}

    return change


def vms(**values: object) -> Callable[[Data], None]:
    return lambda data: [data["vm"][name].update(values) for name in GUESTS] and None


def system(**values: object) -> Callable[[Data], None]:
    return lambda data: data["system"].update(values)


def periods_ms(data: Data) -> None:
    for name in GUESTS:
        data["vm"][name]["policy"] = {"vm_period_ms": 100, "task_period_ms": 100}


def objects(data: Data) -> None:
    for name in GUESTS:
        data["guest"][data["vm"][name]["guest"]]["check_objects"] = True


def standby(data: Data) -> None:
    data["vm"]["spare"] = {"guest": data["vm"]["guest1"]["guest"], "standby_for": "guest1", "autostart": True}
    data["vm"]["spare"] |= {"priority": 10, "every_ms": 100}


def task_watchdogs(data: Data) -> None:
    for name in GUESTS:
        for task in data["guest"][data["vm"][name]["guest"]]["tasks"]:
            task["watchdog_ms"] = 1000


CHOICES = {
    "stack and data undo": Choice(policy(stack="undo", data="undo"), -1, 1),
    "stack and data eager": Choice(policy(stack="eager", data="eager"), 0, 2),
    "stack and data full": Choice(policy(stack="full", data="full"), 0, 5),
    "vm_period 5": Choice(policy(vm_period=5), -2, 0),
    "vm_period 10, task_period 5": Choice(policy(vm_period=10, task_period=5), -2, 0),
    "vm_period_ms 100, task_period_ms 100": Choice(periods_ms, -2, 0),
    "generations 0": Choice(policy(generations=0), -0.1, 0),
    "generations 3": Choice(policy(generations=3), 0, 0.1),
    "generation_ms 100": Choice(policy(generation_ms=100), 0, 1),
    "output immediate": Choice(vms(output="immediate"), -0.5, 0),
    "scrub_kib_per_s 0": Choice(system(scrub_kib_per_s=0), -0.5, 0),
    "scrub_kib_per_s 128": Choice(system(scrub_kib_per_s=128), 1, 4),
    "housekeeping_ms 0": Choice(system(housekeeping_ms=0), -1, 0),
    "housekeeping_ms 10": Choice(system(housekeeping_ms=10), 0, 0.5),
    "watchdog_ms of all tasks": Choice(task_watchdogs, -0.1, 0.1),
    "check_objects of all guests": Choice(objects, 1, 4),
    "a standby for guest1, every_ms 100": Choice(standby, 0, 1),
}


def busy(item: tuple[str, Callable[[Data], None]]) -> float:
    name, change = item
    data = demonstration(TICK_MS, tolerant=name != "fault_tolerance false")
    words = "-".join(name.replace(",", "").replace("_", "").split())
    data["system"]["name"] = f"test-costs-{words}"
    change(data)
    return busy_percent(life(data, RUN_MS))


@pytest.fixture(scope="module")
def shares() -> Iterator[dict[str, float]]:
    """How busy the processor is, by choice."""
    plain = {BASE: system(), "fault_tolerance false": system()}
    items = plain | {name: choice.change for name, choice in CHOICES.items()}
    with ThreadPoolExecutor(2) as pool:
        yield dict(zip(items, pool.map(busy, items.items()), strict=True))


def test_all_of_fault_tolerance(shares: dict[str, float]) -> None:
    """# R44 The difference that `understudy latency overhead` measures over a longer time."""
    percent = shares[BASE] - shares["fault_tolerance false"]
    print(f"\n{'fault tolerance':40} {percent:+6.2f} % {percent / 100 * PER_SECOND:+10,.0f} instructions a second")
    assert 1 <= percent <= 3


@pytest.mark.parametrize("name", CHOICES)
def test_choice(shares: dict[str, float], name: str) -> None:
    """# R24 # R44 What one choice takes more, or less."""
    percent = shares[name] - shares[BASE]
    print(f"\n{name:40} {percent:+6.2f} % {percent / 100 * PER_SECOND:+10,.0f} instructions a second")
    assert CHOICES[name].least <= percent <= CHOICES[name].most
