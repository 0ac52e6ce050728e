# SPDX-License-Identifier: Apache-2.0
"""When a fault may be applied: the steps of the golden run that `when` of a campaign file names."""

import random

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from understudy.config.source import Key
from understudy.injection.campaign_model import Access, Per, Phase, When
from understudy.injection.golden_view import Numbers
from understudy.injection.steps import PHASES, Steps

_US = 1000
_GUEST_PHASES = (str(Phase.TASK), str(Phase.KERNEL))
Mask = NDArray[np.bool_]


class SpecError(Exception):
    """A part of a campaign file that does not fit the golden run; `key` is relative to the fault."""

    def __init__(self, key: Key, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(reason)


@frozen(eq=False)
class Moments:
    """Steps, ascending, and how likely each is, as whole numbers: instructions or nanoseconds."""

    steps: Numbers
    weights: Numbers
    _sums: Numbers = field(init=False)

    @_sums.default
    def _sum_up(self) -> Numbers:
        return np.cumsum(self.weights)

    @property
    def total(self) -> int:
        """The sum of the weights."""
        return int(self._sums[-1]) if len(self._sums) else 0

    def draw(self, chance: random.Random) -> int:
        """Return one of the steps."""
        return int(self.steps[int(np.searchsorted(self._sums, chance.randrange(self.total), side="right"))])


@frozen
class Window:
    """Virtual time in which faults begin, in nanoseconds."""

    start: int
    end: int


def moments(steps: Steps, when: When, window: Window) -> Moments:
    """Return when a fault may be applied.

    Raises:
        SpecError: never, or a symbol is not known.
    """
    time = steps.trace.time
    first, last = _limits(when, window)
    inside = (time >= first) & (time < last)
    if not inside.any():
        raise SpecError((), _no_step(steps, first, last))
    chosen = inside & _who(steps, when) & _selected(steps, when, inside, window)
    found = np.flatnonzero(chosen).astype(np.int64)
    if not len(found):
        raise SpecError((), _no_match(steps, when, int(inside.sum())))
    if when.hit is not None:
        if when.hit > len(found):
            raise SpecError(("hit",), f"is {when.hit}, but there are only {len(found)} hits in the window")
        found = found[when.hit - 1 : when.hit]
    return Moments(found, _weights(steps, when, found, first))


def _limits(when: When, window: Window) -> tuple[int, int]:
    first = window.start + round((when.from_us or 0) * _US)
    last = window.end if when.until_us is None else min(window.end, window.start + round(when.until_us * _US))
    return first, last


def _weights(steps: Steps, when: When, found: Numbers, first: int) -> Numbers:
    if when.per is Per.INSTRUCTION:
        return np.ones(len(found), dtype=np.int64)
    # Whatever happens while the CPU sleeps is there when it wakes up.
    time = steps.trace.time
    before = np.where(found > 0, time[np.maximum(found - 1, 0)], first)
    return np.maximum(1, time[found] - np.maximum(before, first))


def _who(steps: Steps, when: When) -> Mask:
    phases = when.phase or (_GUEST_PHASES if when.vm or when.task else ())
    found = np.ones(len(steps.trace.pc), dtype=bool)
    if phases:
        found &= np.isin(steps.phase, [number for number, phase in enumerate(PHASES) if phase in phases])
    if when.vm:
        found &= np.isin(steps.vm, [number for number, vm in enumerate(steps.vms) if vm in when.vm])
    if when.task:
        found &= steps.task_mask(when.task)
    if when.function:
        found &= _functions(steps, when.function)
    return found


def _functions(steps: Steps, names: tuple[str, ...]) -> Mask:
    found = np.zeros(len(steps.trace.pc), dtype=bool)
    for name in names:
        try:
            spot = steps.symbols.find(name)
        except ValueError as error:
            raise SpecError(("function",), str(error)) from None
        pc = steps.trace.pc
        found |= (pc >= spot.address) & (pc < spot.address + spot.size) & _runs(steps, spot.vm)
    return found


def _runs(steps: Steps, vm: str) -> Mask:
    """Return where the code of a VM runs, or with "" that of the VMM."""
    return steps.in_guest & (steps.vm == steps.vms.index(vm)) if vm else ~steps.in_guest


def _selected(steps: Steps, when: When, inside: Mask, window: Window) -> Mask:
    found = np.zeros(len(inside), dtype=bool)
    if when.instruction is not None:
        numbers = np.flatnonzero(inside)
        if when.instruction >= len(numbers):
            raise SpecError(("instruction",), f"is {when.instruction}, but the window has {len(numbers)} instructions")
        found[numbers[when.instruction]] = True
    elif when.time_us is not None:
        found[_step_at(steps, window.start + round(when.time_us * _US))] = True
    elif when.pc is not None:
        found = _hits(steps, when.pc)
    elif when.access is not None:
        found = _accesses(steps, when.access, when.kind)
    else:
        found[:] = True
    return found


def _step_at(steps: Steps, time: int) -> int:
    step = int(np.searchsorted(steps.trace.time, time))
    if step >= len(steps.trace.time):
        raise SpecError(("time_us",), "lies behind the end of the golden run: make window_ms longer")
    return step


def _hits(steps: Steps, name: str) -> Mask:
    try:
        spot = steps.symbols.find(name)
    except ValueError as error:
        raise SpecError(("pc",), str(error)) from None
    hit: Mask = steps.trace.pc == spot.address
    return hit & _runs(steps, spot.vm)


def _accesses(steps: Steps, name: str, kind: Access) -> Mask:
    """Return the steps that access a place. A guest's is known by the address that the guest uses."""
    try:
        spot = steps.symbols.find(name)
    except ValueError as error:
        raise SpecError(("access",), str(error)) from None
    accesses = steps.trace.accesses
    where = accesses.virtual if spot.vm else accesses.address
    hit = (where < spot.address + spot.size) & (where + accesses.size > spot.address)
    if spot.vm:
        hit &= _runs(steps, spot.vm)[accesses.step]
    if kind is not Access.ANY:
        hit &= accesses.write == (kind is Access.WRITE)
    found = np.zeros(len(steps.trace.pc), dtype=bool)
    found[accesses.step[hit]] = True
    return found


def _no_step(steps: Steps, first: int, last: int) -> str:
    time = steps.trace.time
    spoken = f"the CPU executes nothing from {first / 1e6:g} to {last / 1e6:g} ms after the reset: it sleeps"
    if len(time):
        spoken += f"; the golden run goes from {time[0] / 1e6:g} to {time[-1] / 1e6:g} ms"
    return f"{spoken}; move start_ms, or make window_ms longer"


def _no_match(steps: Steps, when: When, inside: int) -> str:
    asked = [f"{name} = {getattr(when, name)!r}" for name in ("phase", "vm", "task", "function") if getattr(when, name)]
    asked += [
        f"{name} = {getattr(when, name)!r}" for name in ("pc", "access", "time_us") if getattr(when, name) is not None
    ]
    ran = sorted({steps.vms[number] for number in np.unique(steps.vm[steps.in_guest]) if number >= 0})
    return (
        f"the fault space is empty: none of the {inside} instructions of the window has {' and '.join(asked)}; "
        f"VMs that run: {', '.join(ran) or 'none'}; make window_ms longer, or ask for less"
    )
