# SPDX-License-Identifier: Apache-2.0
"""A made-up campaign for tests without QEMU: its results follow from the numbers of the experiments alone."""

import random
from collections.abc import Iterable
from pathlib import Path

from understudy.injection.experiment import (
    Applied,
    Experiment,
    Fault,
    History,
    Outcome,
    Place,
    Result,
    Target,
    Verdict,
)
from understudy.injection.store import Meta, Store

STRATA = ("guest1", "guest2", "vmm")
_CHANCES = {
    Outcome.MASKED: 60,
    Outcome.LATENT: 10,
    Outcome.RECOVERED: 20,
    Outcome.DEGRADED: 3,
    Outcome.SDC: 3,
    Outcome.HANG: 2,
    Outcome.NOT_APPLIED: 2,
}


def meta(**changes: object) -> Meta:
    values: dict[str, object] = {
        "name": "made-up",
        "toml": "samples = 3\n",
        "config_hash": "0123",
        "seed": 7,
        "samples": None,
        "build_id": "78be0998ecf2c19e",
        "system": {"name": "demo"},
        "golden": {"outputs": {"guest1": "a 1\n"}},
        "strata": {},
        "versions": {"understudy": "0.1.0", "qemu": "7.2.0", "python": "3.11.2"},
    }
    return Meta(**values | changes)  # type: ignore[arg-type]


def experiment(number: int) -> Experiment:
    bit = number % 32
    fault = Fault(200_000_000 + number * 32, Target.CORE, number % 16, flip=1 << bit)
    faults = (fault,) if number % 5 else (fault, Fault(1, Target.RAM, 0x6000_0000, size=1, keep=0, restore=True))
    place = Place("register", f"r{number % 16}", bit=bit, vm=STRATA[number % 3], pc=0x8000 + 4 * number, step=number)
    return Experiment(number, STRATA[number % 3], faults, place, dormant_after=None if number % 4 else 201_000_000)


def result(number: int) -> Result:
    chance = random.Random(number)  # noqa: S311 - repeatable on purpose
    outcome = chance.choices(list(_CHANCES), list(_CHANCES.values()))[0]
    applied = () if outcome is Outcome.NOT_APPLIED else (Applied(200_000_000, 1, 3, 1, 1, 0x8000, 0x10),)
    recovered = outcome is Outcome.RECOVERED
    history = History(
        "horizon",
        0,
        25_000 + chance.randrange(9),
        applied,
        outputs={"guest2": "b \x00\ufffd\n", "guest1": "a\n"} if outcome is Outcome.SDC else {},
        faults=({"number": 1, "vm": "guest1", "action": "task rollback", "cost": 300},) if recovered else (),
        memory={"guest1": {"kernel": 2}} if outcome is Outcome.LATENT else {},
    )
    verdict = Verdict(outcome, f"because of {number}")
    if recovered:
        latency = int(10 ** chance.uniform(1, 4))
        verdict = Verdict(
            outcome, "rolled back", "task rollback", "task", "guest1", latency, 300, 5, ("task rollback",)
        )
    return Result(number, history, verdict)


def results(numbers: Iterable[int]) -> list[Result]:
    return [result(number) for number in numbers]


def made(path: Path, count: int = 300, done: int | None = None, **changes: object) -> Store:
    """Return a store of `count` experiments, the first `done` of which have run; all without it."""
    store = Store.create(path, meta(**changes), map(experiment, range(1, count + 1)))
    store.add_results(results(range(1, (count if done is None else done) + 1)))
    return store
