# SPDX-License-Identifier: Apache-2.0
"""Registers, memory and code as targets of faults: one drawn place each."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

from attrs import define, evolve, field, frozen

from understudy.errors import TargetError, UnderstudyError
from understudy.injection import registers
from understudy.injection.areas import Area, Map
from understudy.injection.campaign_model import Kind, Model, What
from understudy.injection.changes import Change, draw_change
from understudy.injection.experiment import Fault, Place, Target
from understudy.injection.moments import SpecError
from understudy.injection.steps import Steps

_WORD, _BITS = 4, 32
_PC = 15
_PC_NAME = "pc"
_THUMB = 0x20
_LONG = 0xE800  # a first halfword from here on is that of 32 bits (ARM ARM A6.1)
_WHOLE = (Model.SET, Model.RANDOM, Model.ADD)  # change all bits of a value


@frozen
class _Instruction:
    """A form of instructions: how many bytes they have, and the one that does nothing, as a number in memory."""

    size: int
    nop: int


_ARM, _THUMB_SHORT, _THUMB_LONG = _Instruction(4, 0xE320F000), _Instruction(2, 0xBF00), _Instruction(4, 0x8000F3AF)


@frozen
class Shot:
    """A drawn fault; several if it takes several writes. `ram` is address and size of what it hits, if that is RAM."""

    faults: tuple[Fault, ...]
    place: Place
    ram: tuple[int, int] | None = None


class Aim(Protocol):
    """Something that faults can be aimed at."""

    @property
    def kind(self) -> Kind:
        """What it is."""

    @property
    def bits(self) -> int:
        """How many bits may be hit at a time; a line or a timer counts as one."""

    def draw(self, chance: random.Random, step: int) -> Shot:
        """Draw a fault that is applied just before a step."""


def place_at(steps: Steps, step: int, *, kind: str, name: str, model: Model, bit: int | None) -> Place:
    """Return a place with what is known of its step."""
    vm = steps.vm_name(step)
    pc = int(steps.trace.pc[step])
    return Place(
        kind,
        name,
        str(model),
        bit,
        vm=vm,
        task=steps.task_name(step),
        phase=steps.phase_name(step),
        pc=pc,
        pc_symbol=steps.symbols.name(vm, pc),
        step=step,
    )


def fault_of(time: int, target: Target, address: int, size: int, change: Change) -> Fault:
    """Return the fault that makes a change once."""
    return Fault(time, target, address, size, change.flip, change.keep, change.set, change.add)


@frozen
class RegisterAim:
    """Registers; each bit is as likely as any other one."""

    steps: Steps
    names: Sequence[str]
    what: What
    kind = Kind.REGISTER

    @property
    def bits(self) -> int:
        """See `Aim`."""
        return sum(self._width(name) for name in self.names)

    def _width(self, name: str) -> int:
        width = registers.width(name)
        return len([bit for bit in set(self.what.among) if bit < width]) if self.what.among else width

    def draw(self, chance: random.Random, step: int) -> Shot:
        """See `Aim`."""
        register = _weighted(chance, self.names, [registers.width(name) for name in self.names])
        if register == _PC_NAME:
            return self.shot(step, register, self._jump(chance, step))
        return self.shot(step, register, draw_change(self.what, chance, registers.width(register)))

    def _jump(self, chance: random.Random, step: int) -> Change:
        """The lowest bits of a PC don't exist: instructions are aligned. QEMU does not survive it if they are set."""
        low = 1 if int(self.steps.trace.cpsr[step]) & _THUMB else 2
        if self.what.among and max(self.what.among) < low:
            raise SpecError(("what", "among"), f"the pc has no bits below {low} there: name higher ones")
        change = draw_change(self.what, chance, _BITS, range(low, _BITS))
        return evolve(change, set=change.set >> low << low, add=change.add >> low << low)

    def shot(self, step: int, register: str, change: Change) -> Shot:
        """Return the fault that changes a register just before a step."""
        golden = self.steps.golden
        cpsr = int(self.steps.trace.cpsr[step])
        try:
            where = registers.locate(register, cpsr, golden.state_fields, golden.cp15_fields)
        except UnderstudyError as error:
            raise SpecError(("where", "registers"), str(error)) from None
        time = int(self.steps.trace.time[step])
        fault = fault_of(time, where.target, where.address, where.size, change)
        place = place_at(self.steps, step, kind="register", name=register, model=self.what.model, bit=change.bit)
        return Shot((fault,), place)


@define
class MemoryAim:
    """Areas of memory; each bit is as likely as any other one."""

    map: Map
    areas: Sequence[Area]
    what: What
    _ends: list[int] = field(init=False)
    kind = Kind.MEMORY

    def __attrs_post_init__(self) -> None:
        self._ends = list(accumulate(area.size for area in self.areas))

    @property
    def bits(self) -> int:
        """See `Aim`."""
        share = len(set(self.what.among)) / _BITS if self.what.among else 1
        return round(8 * self._ends[-1] * share)

    def draw(self, chance: random.Random, step: int) -> Shot:
        """See `Aim`."""
        for _ in range(100):
            offset = chance.randrange(self._ends[-1])
            index = bisect_right(self._ends, offset)
            area = self.areas[index]
            address = area.end - (self._ends[index] - offset)
            shot = self.shot(chance, step, area, address)
            if shot is not None:
                return shot
        raise SpecError(("where",), "hardly any of this memory is mapped in the golden run: name other sections")

    def shot(self, chance: random.Random, step: int, area: Area, address: int) -> Shot | None:
        """Return a fault in the word of an address, in its byte if it is about one bit; None: it is not mapped."""
        word = address // _WORD * _WORD
        inside = [bit for bit in range(_BITS) if area.base <= word + bit // 8 < area.end]
        if self.what.model in _WHOLE and len(inside) < _BITS:
            return self.place(step, area, address, 1, draw_change(self.what, chance, 8))
        if self.what.bits == 1 and not self.what.among:
            inside = [bit for bit in inside if word + bit // 8 == address]
        return self.place(step, area, word, _WORD, draw_change(self.what, chance, _BITS, inside))

    def place(self, step: int, area: Area, address: int, size: int, change: Change) -> Shot | None:
        """Return the fault that makes a change at an address of an area."""
        physical = self.map.physical(area, address, step)
        if physical is None:
            return None
        steps = self.map.steps
        place = place_at(steps, step, kind=area.kind, name=area.section, model=self.what.model, bit=change.bit)
        byte = address + (change.bit // 8 if change.bit is not None else 0)
        # What is hit belongs to somebody, whoever runs.
        place = evolve(place, vm=area.vm, task=area.task, address=address, symbol=self.map.name(area, byte))
        return Shot(
            (fault_of(int(steps.trace.time[step]), Target.RAM, physical, size, change),), place, (physical, size)
        )


@frozen
class CodeAim:
    """The instruction that is executed next: its word in memory is changed, or it is left out."""

    map: Map
    what: What
    kind = Kind.CODE
    bits = _BITS  # of a Thumb instruction it may be half of that

    def draw(self, chance: random.Random, step: int) -> Shot:
        """See `Aim`."""
        steps = self.map.steps
        time, pc = int(steps.trace.time[step]), int(steps.trace.pc[step])
        physical = self._physical(step, pc)
        kind = self._instruction(step, physical)
        change = self._change(chance, kind)
        place = place_at(steps, step, kind="code", name=self._section(step), model=self.what.model, bit=change.bit)
        place = evolve(place, address=pc, symbol=place.pc_symbol)
        if self.what.model is Model.SKIP:
            return Shot((fault_of(time, Target.CORE, _PC, _WORD, change),), place)
        return Shot((fault_of(time, Target.RAM, physical, kind.size, change),), place, (physical, kind.size))

    def _instruction(self, step: int, physical: int) -> "_Instruction":
        if not int(self.map.steps.trace.cpsr[step]) & _THUMB:
            return _ARM
        first = int.from_bytes(self.map.steps.golden.read_physical(physical, 2), "little")
        return _THUMB_LONG if first >= _LONG else _THUMB_SHORT

    def _change(self, chance: random.Random, kind: "_Instruction") -> Change:
        if self.what.model is Model.SKIP:
            return Change(add=kind.size)
        if self.what.model is Model.REPLACE:
            return Change(keep=0, set=kind.nop if self.what.value is None else self.what.value)
        return draw_change(self.what, chance, 8 * kind.size)

    def _section(self, step: int) -> str:
        return "text" if self.map.steps.in_guest[step] else "vmm.text"

    def _physical(self, step: int, pc: int) -> int:
        vm = self.map.steps.vm_name(step)
        if not vm:
            return pc
        try:
            return self.map.steps.memory.translate(vm, pc)
        except TargetError as error:
            raise SpecError(("where",), str(error)) from None


def _weighted(chance: random.Random, names: Sequence[str], weights: Sequence[int]) -> str:
    ends = list(accumulate(weights))
    return names[bisect_right(ends, chance.randrange(ends[-1]))]
