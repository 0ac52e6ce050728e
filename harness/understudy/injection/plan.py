# SPDX-License-Identifier: Apache-2.0
"""From a campaign file and a golden run to the list of experiments: fully determined by both and a seed."""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from attrs import evolve, frozen

from understudy.config.model import Names
from understudy.config.source import Key
from understudy.injection.campaign_file import Campaign
from understudy.injection.campaign_model import (
    KERNEL_OR_SHARED,
    VM_SECTIONS,
    VMM,
    VMM_SECTIONS,
    FaultSpec,
    Kind,
    Sampling,
    Split,
    Stratum,
)
from understudy.injection.changes import FAULTS_MAX
from understudy.injection.dormancy import Dormancy
from understudy.injection.experiment import Experiment, Fault
from understudy.injection.golden_view import GoldenView
from understudy.injection.moments import SpecError
from understudy.injection.pilots import pilots
from understudy.injection.registers import expand
from understudy.injection.space import Companion, Drawn, Ground, Space
from understudy.injection.steps import PHASES
from understudy.injection.symbols import Symbols

T = TypeVar("T")


@frozen
class _Part:
    """One stratum of the plan: of the file, or one of those that it is split into."""

    key: Key
    name: str
    stratum: Stratum
    space: Space


def plan(
    campaign: Campaign,
    golden: GoldenView,
    *,
    seed: int | None = None,
    samples: int | None = None,
    symbols: Symbols | None = None,
) -> list[Experiment]:
    """Return the experiments of a campaign; see `plan_sized`."""
    return plan_sized(campaign, golden, seed=seed, samples=samples, symbols=symbols)[0]


def plan_sized(
    campaign: Campaign,
    golden: GoldenView,
    *,
    seed: int | None = None,
    samples: int | None = None,
    symbols: Symbols | None = None,
) -> tuple[list[Experiment], dict[str, float]]:
    """Return the experiments of a campaign, and the size of the fault space of each stratum (`Space.size`).

    Args:
        campaign: the file.
        golden: the golden run, with the prelude if there is one.
        seed: instead of that of the file.
        samples: so many experiments in all, instead of what the file says. Strata that are sampled completely are not
            changed by it.
        symbols: those of the image; None: they are read from its ELF files.

    Raises:
        ConfigError: the file names something that the image or the golden run does not have; with file, line and key.
    """
    ground = Ground(campaign, golden, symbols or Symbols.read(golden.manifest))
    parts = [part for number, one in enumerate(campaign.strata) for part in _parts(ground, number, one)]
    chosen = campaign.info.seed if seed is None else seed
    numbers = _samples(campaign, parts, samples)
    found = [
        experiment
        for part, number in zip(parts, numbers, strict=True)
        for experiment in _named(campaign, part.key, partial(_draw, ground, part, number, chosen))
    ]
    # In a random order the part of a campaign that has run is a sample of all of it.
    random.Random(f"{chosen}/order").shuffle(found)  # noqa: S311 - repeatable on purpose
    sizes = {part.name: part.space.size for part in parts}
    return [evolve(experiment, number=number) for number, experiment in enumerate(found)], sizes


def plan_prelude(
    campaign: Campaign,
    golden: GoldenView,
    *,
    number: int | None = None,
    seed: int | None = None,
    symbols: Symbols | None = None,
) -> tuple[Fault, ...]:
    """Return the faults that the golden run has, too.

    Args:
        campaign: the file.
        golden: a golden run with the preludes before `number` only: each of them shifts the time of what follows.
        number: which of the preludes; None: all of them, from a golden run without any.
        seed: instead of that of the file.
        symbols: those of the image; None: they are read from its ELF files.

    Raises:
        ConfigError: as for `plan`.
    """
    if not campaign.prelude:
        return ()
    ground = Ground(campaign, golden, symbols or Symbols.read(golden.manifest))
    chosen = campaign.info.seed if seed is None else seed
    found: list[Fault] = []
    for one, spec in enumerate(campaign.prelude):
        if number not in (None, one):
            continue
        chance = random.Random(f"{chosen}/prelude/{one}")  # noqa: S311 - repeatable on purpose
        key: Key = ("prelude", one)
        found += _named(campaign, key, partial(_faults, ground, spec, chance))
    return tuple(sorted(found, key=lambda fault: fault.time))


def _named(campaign: Campaign, key: Key, work: Callable[[], T]) -> T:
    """Do something for a part of the file; what does not fit there is told with file and line."""
    try:
        return work()
    except SpecError as error:
        raise campaign.problem((*key, *error.key), error.reason) from None


def _faults(ground: Ground, spec: FaultSpec, chance: random.Random) -> tuple[Fault, ...]:
    return Space(ground, spec).draw(chance).faults


def _parts(ground: Ground, number: int, stratum: Stratum) -> list[_Part]:
    """Return the strata that one of the file is split into; empty ones are left out if there are others."""
    key: Key = ("stratum", number)
    if stratum.split is None:
        return [_Part(key, stratum.name, stratum, _named(ground.campaign, key, lambda: Space(ground, stratum)))]
    found: list[_Part] = []
    empty: SpecError | None = None
    for value, variant in _variants(ground, stratum):
        try:
            found.append(_Part(key, f"{stratum.name}: {value}", variant, Space(ground, variant)))
        except SpecError as error:
            empty = empty or error
    if not found and empty is not None:
        raise ground.campaign.problem((*key, *empty.key), empty.reason)
    return found


def _variants(ground: Ground, stratum: Stratum) -> Iterator[tuple[str, Stratum]]:
    """Yield a stratum for each value of what it is split by."""
    by_memory = stratum.where.target is Kind.MEMORY and bool(stratum.where.of)
    if stratum.split is Split.TASK:
        yield from _by_task(ground, stratum, by_memory=by_memory)
        return
    for value in _values(ground, stratum, by_memory=by_memory):
        name = Names((value,))
        if stratum.split is Split.PHASE:
            yield value, evolve(stratum, when=evolve(stratum.when, phase=name))
        elif stratum.split is Split.REGISTER:
            yield value, evolve(stratum, where=evolve(stratum.where, registers=name))
        elif stratum.split is Split.SECTION:
            yield value, evolve(stratum, where=evolve(stratum.where, section=name))
        elif by_memory:
            yield value, evolve(stratum, where=evolve(stratum.where, of=name))
        else:
            yield value, evolve(stratum, when=evolve(stratum.when, vm=name))


def _values(ground: Ground, stratum: Stratum, *, by_memory: bool) -> Sequence[str]:
    where, when = stratum.where, stratum.when
    if stratum.split is Split.PHASE:
        return when.phase or [str(phase) for phase in PHASES]
    if stratum.split is Split.REGISTER:
        return expand(where.registers or ("general",))
    if stratum.split is Split.SECTION:
        known = [*(VMM_SECTIONS if VMM in where.of else ()), *(VM_SECTIONS if set(where.of) - {VMM} else ())]
        return where.section or list(dict.fromkeys(known))
    return where.of if by_memory else when.vm or ground.steps.vms


def _by_task(ground: Ground, stratum: Stratum, *, by_memory: bool) -> Iterator[tuple[str, Stratum]]:
    where, when = stratum.where, stratum.when
    for vm in (where.of if by_memory else when.vm) or tuple(ground.steps.vms):
        if vm == VMM:
            continue
        tasks = ground.steps.tasks(vm)
        for task in (where.task or (*KERNEL_OR_SHARED, *tasks)) if by_memory else (when.task or tasks):
            one, of = Names((task,)), Names((vm,))
            if by_memory:
                yield f"{vm}/{task}", evolve(stratum, where=evolve(where, of=of, task=one))
            else:
                yield f"{vm}/{task}", evolve(stratum, when=evolve(when, vm=of, task=one))


def _samples(campaign: Campaign, parts: Sequence[_Part], wanted: int | None) -> list[int]:
    """Return how many experiments each part gets: an equal share of what its stratum gets."""
    strata = campaign.strata
    free = sum(1 for stratum in strata if stratum.samples is None)
    left = max(free, campaign.info.samples - sum(stratum.samples or 0 for stratum in strata))
    shares = [left / free if stratum.samples is None else stratum.samples for stratum in strata]
    numbers: list[int] = []
    for number, share in enumerate(_shared(round(sum(shares)) if wanted is None else wanted, shares)):
        siblings = sum(1 for part in parts if part.key == ("stratum", number))
        numbers += _shared(share, [1.0] * siblings)
    return numbers


def _shared(total: int, shares: Sequence[float]) -> list[int]:
    """Share a number out, at least one each; what rounding down leaves goes to those who lost most by it."""
    exact = [share * total / sum(shares) for share in shares]
    numbers = [max(1, int(one)) for one in exact]
    order = sorted(range(len(exact)), key=lambda number: (int(exact[number]) - exact[number], number))
    for number in order[: max(0, total - sum(numbers))]:
        numbers[number] += 1
    return numbers


def _draw(ground: Ground, part: _Part, samples: int, seed: int) -> list[Experiment]:
    chance = random.Random(f"{seed}/{part.name}")  # noqa: S311 - repeatable on purpose
    if part.stratum.sampling is not Sampling.UNIFORM:
        limit = None if part.stratum.sampling is Sampling.COMPLETE else samples
        return pilots(part.space, part.name, chance, limit)
    companions = [
        _named(ground.campaign, (*part.key, "also", number), partial(Companion, ground, also))
        for number, also in enumerate(part.stratum.also)
    ]
    return [_experiment(ground, part, chance, companions, 1 / samples) for _ in range(samples)]


def _experiment(
    ground: Ground, part: _Part, chance: random.Random, companions: Sequence[Companion], weight: float
) -> Experiment:
    drawn = [part.space.draw(chance)]
    step = drawn[0].shot.place.step or 0
    drawn += [companion.draw(chance, step) for companion in companions]
    faults = [fault for one in drawn for fault in one.faults]
    if len(faults) > FAULTS_MAX:
        raise SpecError(
            ("also",), f"{len(faults)} faults in one experiment, and the injector takes {FAULTS_MAX}: ask for less"
        )
    return Experiment(0, part.name, tuple(faults), drawn[0].shot.place, weight, _dormant_after(ground.dormancy, drawn))


def _dormant_after(dormancy: Dormancy, drawn: Sequence[Drawn]) -> int | None:
    found = [dormancy.after(one.shot.ram, one.faults) for one in drawn]
    known = [one for one in found if one is not None]
    return max(known) if len(known) == len(found) else None
