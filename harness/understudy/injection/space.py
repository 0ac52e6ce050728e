# SPDX-License-Identifier: Apache-2.0
"""The fault space of one fault of a campaign file: all its moments times all its places."""

import random
from functools import cached_property

import numpy as np
from attrs import define, evolve, field, frozen

from understudy.injection import registers
from understudy.injection.areas import Area, Map
from understudy.injection.campaign_file import Campaign
from understudy.injection.campaign_model import Also, FaultSpec, Kind, Lasts, Model, Per, What, When, Where
from understudy.injection.changes import Duration
from understudy.injection.devices import TICK, DeviceAim, Devices, InterruptAim, Ticks, TimerAim
from understudy.injection.dormancy import Dormancy
from understudy.injection.experiment import Fault
from understudy.injection.golden_view import GoldenView
from understudy.injection.moments import Moments, SpecError, Window, moments
from understudy.injection.steps import Steps
from understudy.injection.symbols import Symbols
from understudy.injection.targets import Aim, CodeAim, MemoryAim, RegisterAim, Shot


@define(slots=False)
class Ground:
    """What all fault spaces of a campaign have in common."""

    campaign: Campaign
    golden: GoldenView
    symbols: Symbols
    steps: Steps = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.steps = Steps(self.golden, self.symbols)

    @cached_property
    def map(self) -> Map:
        """The machine's memory."""
        return Map(self.steps)

    @cached_property
    def devices(self) -> Devices:
        """Those of the board."""
        return Devices.of(self.golden.manifest)

    @cached_property
    def ticks(self) -> Ticks:
        """The ticks of the golden run."""
        return Ticks(self.steps)

    @cached_property
    def dormancy(self) -> Dormancy:
        """When memory is used for the last time."""
        return Dormancy(self.map)

    @property
    def window(self) -> Window:
        """When faults begin."""
        # The CPU may sleep at `start_ms`; then the golden run starts when it wakes up.
        return Window(self.golden.start_ns, self.golden.start_ns + self.campaign.window_ns)

    @property
    def duration(self) -> Duration:
        """What is needed to tell how long faults last."""
        return Duration(self.golden.instruction_ns, self.golden.start_ns, self.golden.end_ns)

    def areas(self, where: Where) -> list[Area]:
        """Return the memory that `where` names.

        Raises:
            SpecError: there is none, or a symbol is not known.
        """
        try:
            found = self.map.areas(where)
        except ValueError as error:
            raise SpecError(("where", "symbol"), str(error)) from None
        if not found:
            asked = (("of", where.of), ("section", where.section), ("task", where.task))
            told = ", ".join(f"{name} = {', '.join(names)}" for name, names in asked if names)
            raise SpecError(("where",), f"the fault space is empty: the image has no memory with {told}")
        ram = self.golden.manifest["ram"]
        for area in found:
            if not area.is_virtual and not ram["base"] <= area.base <= area.end <= ram["base"] + ram["size"]:
                raise SpecError(("where", "address"), f"{area.base:#x} is not in RAM, which begins at {ram['base']:#x}")
        return found

    def aim(self, where: Where, what: What, lasts: Lasts) -> Aim:
        """Return what faults are aimed at.

        Raises:
            SpecError: there is no such thing in this image.
        """
        if where.target is Kind.REGISTER:
            return RegisterAim(self.steps, registers.expand(where.registers or ("general",)), what)
        if where.target is Kind.MEMORY:
            return MemoryAim(self.map, self.areas(where), what)
        if where.target is Kind.CODE:
            return CodeAim(self.map, what)
        if where.target is Kind.INTERRUPT:
            lines = where.line or (TICK,)
            for line in lines:
                self.devices.line(line)
            return InterruptAim(self.steps, self.devices, self.duration, lines, what, lasts)
        if where.target is Kind.TIMER:
            return TimerAim(self.steps, self.devices, self.ticks, where.line or (TICK,), what)
        return DeviceAim(self.steps, self.devices.named(where.device), what)

    def moments(self, where: Where, what: What, lasts: Lasts, when: When) -> Moments:
        """Return when a fault may be applied.

        Raises:
            SpecError: never.
        """
        try:
            found = moments(self.steps, when, self.window)
        except SpecError as error:
            raise SpecError(("when", *error.key), error.reason) from None
        takes_back = where.target is Kind.INTERRUPT and what.model is Model.LOST
        if takes_back and not self.duration.span(0, lasts):
            return self._pending(where, found)
        return found

    def _pending(self, where: Where, found: Moments) -> Moments:
        """An interrupt can only be lost when it is there."""
        pending = self.ticks.taken if set(where.line or (TICK,)) == {TICK} else self.ticks.handled
        chosen = np.isin(found.steps, pending)
        if not chosen.any():
            raise SpecError(("when",), "the fault space is empty: no interrupt comes then; make window_ms longer")
        return Moments(found.steps[chosen], found.weights[chosen])


@frozen
class Drawn:
    """A fault with all its applications."""

    faults: tuple[Fault, ...]
    shot: Shot


@define
class Space:
    """One fault of the campaign file on the ground of an image."""

    ground: Ground
    spec: FaultSpec
    aim: Aim = field(init=False)
    moments: Moments = field(init=False)

    def __attrs_post_init__(self) -> None:
        spec = self.spec
        problem = self.ground.duration.problem(spec.lasts)
        if problem:
            raise SpecError(("lasts", "mtbf_us"), problem)
        self.aim = self.ground.aim(spec.where, spec.what, spec.lasts)
        self.moments = self.ground.moments(spec.where, spec.what, spec.lasts, spec.when)

    @property
    def size(self) -> float:
        """How much there is to hit: bits times the virtual nanoseconds in which they may be hit.

        What a fault makes of a bit does not count, nor how many others it takes along: the size says how likely it is
        that something hits here. Only so are sizes of strata with different models of faults comparable.
        """
        per_step = self.ground.golden.instruction_ns if self.spec.when.per is Per.INSTRUCTION else 1
        return float(self.moments.total * per_step * self.aim.bits)

    def draw(self, chance: random.Random) -> Drawn:
        """Draw a moment, a place and a change, each as likely as any other one."""
        return self.at(chance, self.moments.draw(chance))

    def at(self, chance: random.Random, step: int) -> Drawn:
        """Draw a place and a change at a step."""
        shot = self.aim.draw(chance, step)
        faults = self.ground.duration.apply(shot.faults, self.aim.kind, self.spec.lasts, chance)
        return Drawn(faults, shot)


@define
class Companion:
    """A further fault of an experiment."""

    ground: Ground
    also: Also
    _space: Space | None = field(init=False)
    _aim: Aim = field(init=False)

    def __attrs_post_init__(self) -> None:
        also = self.also
        self._space = None
        if also.when is not None:
            spec = FaultSpec(where=also.where, what=also.what, when=also.when, lasts=also.lasts)
            self._space = Space(self.ground, spec)
        self._aim = self._space.aim if self._space else self.ground.aim(also.where, also.what, also.lasts)

    def draw(self, chance: random.Random, step: int) -> Drawn:
        """Draw it; without a `when` of its own it comes `after_us` the first fault, which is at this step."""
        if self._space is not None:
            return self._space.draw(chance)
        delay = round((self.also.after_us or 0) * 1000)
        time = int(self.ground.steps.trace.time[step]) + delay
        later = min(int(np.searchsorted(self.ground.steps.trace.time, time)), len(self.ground.steps.trace.time) - 1)
        shot = self._aim.draw(chance, later)
        shot = evolve(shot, faults=tuple(evolve(fault, time=max(fault.time, time)) for fault in shot.faults))
        return Drawn(self.ground.duration.apply(shot.faults, self._aim.kind, self.also.lasts, chance), shot)
