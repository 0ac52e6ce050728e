# SPDX-License-Identifier: Apache-2.0
"""Experiments of a fault space that is cut into classes: one pilot each, weighted with what it stands for."""

import random
from collections.abc import Sequence
from itertools import pairwise

from understudy.injection.areas import Area
from understudy.injection.changes import Change
from understudy.injection.defuse import Cell, Classes, Key, MemoryClasses, Point, RegisterClasses, checked
from understudy.injection.experiment import Experiment
from understudy.injection.moments import SpecError
from understudy.injection.space import Space
from understudy.injection.targets import MemoryAim, RegisterAim, Shot

CLASSES_MAX = 200_000
_WALKED = ("page_tables", "vmm.page_tables")


def pilots(space: Space, name: str, chance: random.Random, samples: int | None) -> list[Experiment]:
    """Return the experiments of a stratum.

    Args:
        space: its fault space.
        name: that of the stratum.
        chance: where faults are drawn from.
        samples: so many faults are drawn, and those of the same class share an experiment; None: one for each class.

    Raises:
        SpecError: there are too many classes, or the trace does not show the uses of what is aimed at.
    """
    classes = classes_of(space)
    if samples is not None:
        return _sampled(space, classes, name, chance, samples)
    found = checked(classes, CLASSES_MAX)
    if not found:
        raise SpecError(
            ("sampling",), f"more than {CLASSES_MAX:,} classes are too many: narrow `where` and `when`, or use pruned"
        )
    faults = classes.total()
    return [_experiment(space, name, shot_of(space, one.pilot), one.size / faults) for one in found]


def classes_of(space: Space) -> Classes:
    """Return the classes of a fault space.

    Raises:
        SpecError: the trace does not show the uses of what is aimed at.
    """
    aim, among = space.aim, tuple(sorted(set(space.spec.what.among)))
    if isinstance(aim, RegisterAim):
        return RegisterClasses(aim.steps, space.moments, tuple(aim.names), among or tuple(range(32)))
    assert isinstance(aim, MemoryAim)  # noqa: S101 - the file was checked
    for area in aim.areas:
        if area.section in _WALKED:
            raise SpecError(("sampling",), "hardware walks page tables, which the trace does not show: use uniform")
    return MemoryClasses(aim.map, space.moments, _apart(aim.areas), among)


def _apart(areas: Sequence[Area]) -> tuple[Area, ...]:
    """Return areas of which none overlaps another one, as faults would count twice."""
    ordered = sorted(areas, key=lambda area: (area.vm, area.is_virtual, area.base))
    for one, other in pairwise(ordered):
        if (one.vm, one.is_virtual) == (other.vm, other.is_virtual) and other.base < one.end:
            raise SpecError(("where",), f"{one.section} and {other.section} overlap: name what is in both once")
    return tuple(areas)


def _sampled(space: Space, classes: Classes, name: str, chance: random.Random, samples: int) -> list[Experiment]:
    hits: dict[Key, int] = {}
    shots: dict[Key, Shot] = {}
    for _ in range(samples):
        shot = space.draw(chance).shot
        cell, bit = cell_of(space, shot)
        key = classes.key(cell, bit, shot.place.step or 0)
        if key is None:
            continue
        hits[key] = hits.get(key, 0) + 1
        shots.setdefault(key, shot)
    return [_experiment(space, name, shots[key], count / samples) for key, count in hits.items()]


def cell_of(space: Space, shot: Shot) -> tuple[Cell, int]:
    """Return where a drawn fault is, in terms of classes."""
    place = shot.place
    bit = place.bit or 0
    if isinstance(space.aim, RegisterAim):
        return Cell(register=place.name), bit
    assert isinstance(space.aim, MemoryAim) and place.address is not None  # noqa: S101, PT018 - the file was checked
    byte = place.address + bit // 8
    area = next(
        one for one in space.aim.areas if one.base <= byte < one.end and (one.vm, one.section) == (place.vm, place.name)
    )
    return Cell(area=area, address=byte), bit % 8


def shot_of(space: Space, point: Point) -> Shot:
    """Return the fault of a pilot."""
    if isinstance(space.aim, RegisterAim):
        return space.aim.shot(point.step, point.cell.register, Change(flip=1 << point.bit, bit=point.bit))
    assert isinstance(space.aim, MemoryAim) and point.cell.area is not None  # noqa: S101, PT018 - as above
    word, offset = point.cell.address // 4 * 4, point.cell.address % 4
    bit = point.bit + 8 * offset
    shot = space.aim.place(point.step, point.cell.area, word, 4, Change(flip=1 << bit, bit=bit))
    assert shot is not None  # noqa: S101 - it is mapped: it has a class
    return shot


def _experiment(space: Space, name: str, shot: Shot, weight: float) -> Experiment:
    dormant = space.ground.dormancy.after(shot.ram, shot.faults)
    return Experiment(0, name, shot.faults, shot.place, weight, dormant)
