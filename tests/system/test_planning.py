# SPDX-License-Identifier: Apache-2.0
"""What is planned from a trace is what happens: faults are applied where the plan says, and classes are right."""

import random
from collections.abc import Iterator

import pytest
from understudy.image import build
from understudy.injection.campaign_file import Campaign, parse_campaign
from understudy.injection.defuse import OVERWRITTEN, UNUSED, Key
from understudy.injection.experiment import Experiment, Outcome, Result
from understudy.injection.pilots import cell_of, classes_of
from understudy.injection.plan import plan
from understudy.injection.space import Ground, Space
from understudy.injection.steps import Steps
from understudy.injection.symbols import Symbols
from understudy.injection.targets import Shot
from understudy.injection.workplace import Workplace, job_of

HEAD = '[campaign]\nname = "planning"\ndescription = "of a test"\n'
DRAWN, TRIED = 15_000, 20


def campaign(strata: str, samples: int) -> Campaign:
    return parse_campaign(f"{HEAD}samples = {samples}\n[changes.system]\nvmm_fault = 'restart'\n{strata}")


def stratum(text: str, name: str = "s") -> str:
    return f'[[stratum]]\nname = "{name}"\n{text}\n'


@pytest.fixture(scope="module")
def place() -> Iterator[Workplace]:
    made = campaign(stratum('where = { target = "register" }'), 1)
    image = build(made.system)
    syncs = [time - made.start_ns for time in made.syncs_ns]
    with Workplace(job_of(image, made.start_ns, syncs, (), None), print, traced=True) as found:
        yield found


def planned(place: Workplace, strata: str, samples: int) -> list[Experiment]:
    return plan(campaign(strata, samples), place.golden)


def test_steps_say_who_runs(place: Workplace) -> None:
    """Who runs follows from where registers are loaded; the engine has noted what the scheduler says."""
    golden = place.golden
    steps = Steps(golden, Symbols.read(golden.manifest))
    address = {steps.memory.vm_address(name): number for number, name in enumerate(steps.vms)}
    assert set(golden.running[steps.in_guest].tolist()) <= set(address)
    said = [address[one] for one in golden.running[steps.in_guest].tolist()]
    assert said == steps.vm[steps.in_guest].tolist()


@pytest.mark.parametrize(
    "text",
    [
        'where = { target = "register", registers = ["core", "banked", "vfp"] }',
        'where = { target = "memory", of = ["guest1", "vmm"] }\nsplit = "section"',
        'where = { target = "code" }\nsplit = "phase"',
        'where = { target = "code" }\nwhat = { model = "skip" }',
    ],
)
def test_faults_are_applied_where_planned(place: Workplace, text: str) -> None:
    for one in planned(place, stratum(text), 40):
        (applied,) = place.run(one).history.applied
        assert (applied.times, applied.time, applied.pc) == (1, one.faults[0].time, one.place.pc)


def test_interrupts_and_timers(place: Workplace) -> None:
    tick = 'where = { target = "interrupt", line = "tick" }\n'
    timer = 'where = { target = "timer" }\n'

    def results(text: str) -> list[Result]:
        return [place.run(one) for one in planned(place, stratum(text), 4)]

    lost = results(tick + 'what = { model = "lost" }')
    assert all(one.history.applied[0].times for one in lost)
    for one in results(tick + 'what = { model = "lost" }\nlasts = { us = 2500 }'):
        assert [applied.changed for applied in one.history.applied] == [1, 1]  # enabled: no, and again
    for one in results(tick + 'what = { model = "lost" }\nlasts = { permanent = true }'):
        assert one.verdict.outcome not in (Outcome.MASKED, Outcome.NOT_APPLIED)
    for one in results(timer + 'what = { model = "late", by_us = 400 }'):
        assert one.history.devices_differ
    for one in results(timer + 'what = { model = "stuck" }\nlasts = { us = 4000 }'):
        assert one.history.applied[0].changed


def effect(place: Workplace, shot: Shot) -> object:
    """What became of a fault; how long that took depends on when it was applied."""
    result = place.run(Experiment(0, "s", shot.faults, shot.place))
    history = result.history
    executed = history.executed if history.end == "horizon" else None
    return result.verdict.outcome, result.verdict.why, executed, history.outputs, history.vms, history.memory


@pytest.mark.parametrize(
    "text",
    [
        'where = { target = "register" }',
        'where = { target = "register", registers = ["sp", "lr"] }\nwhen = { phase = ["vmm", "switch", "checkpoint"] }',
        'where = { target = "memory", of = ["guest1", "guest2"], section = ["data", "stack"] }',
    ],
)
def test_faults_of_a_class_have_the_same_effect(place: Workplace, text: str) -> None:
    made = campaign(stratum(text), 1)
    golden = place.golden
    space = Space(Ground(made, golden, Symbols.read(golden.manifest)), made.strata[0])
    classes, chance = classes_of(space), random.Random(5)  # noqa: S311 - repeatable on purpose
    shots: dict[Key, list[Shot]] = {}
    for _ in range(DRAWN):
        shot = space.draw(chance).shot
        cell, bit = cell_of(space, shot)
        key = classes.key(cell, bit, shot.place.step or 0)
        assert key is not None
        shots.setdefault(key, []).append(shot)
    for shot in shots.get(OVERWRITTEN, ())[:TRIED]:
        assert place.run(Experiment(0, "s", shot.faults, shot.place)).verdict.outcome is Outcome.MASKED
    for shot in shots.get(UNUSED, ())[:TRIED]:
        assert place.run(Experiment(0, "s", shot.faults, shot.place)).verdict.outcome is Outcome.LATENT
    live = [found for key, found in shots.items() if key not in (OVERWRITTEN, UNUSED)]
    several = [found for found in live if len({shot.place.step for shot in found}) > 1]
    assert len(several) >= TRIED
    for found in chance.sample(several, TRIED):
        found.sort(key=lambda shot: shot.place.step or 0)
        assert effect(place, found[0]) == effect(place, found[-1]), (found[0].place, found[-1].place)
