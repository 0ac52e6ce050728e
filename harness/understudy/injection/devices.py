# SPDX-License-Identifier: Apache-2.0
"""Interrupts, timers and registers of devices as targets of faults: what is done to them are writes to registers.

ARM IHI 0048 (GIC), DDI 0271 (SP804), DDI 0183 (PL011), DDI 0407 (global timer); as far as QEMU models them.
"""

import random
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from attrs import define, evolve, frozen

from understudy.config.load import load_board
from understudy.config.model import Board
from understudy.injection.campaign_model import Kind, Lasts, Model, What
from understudy.injection.changes import Change, Duration, draw_change
from understudy.injection.experiment import ALL_BITS, Fault, Place, Target
from understudy.injection.golden_view import Numbers
from understudy.injection.moments import SpecError
from understudy.injection.steps import Steps
from understudy.injection.symbols import hint
from understudy.injection.targets import Shot, fault_of, place_at

_US = 1000
_IRQ_MODE, _MODE = 0x12, 0x1F
_GIC_CPU, _GIC_DIST = 0x100, 0x1000  # in the MPCore's private memory region
_ISER, _ICER, _ISPR, _SGIR = 0x100, 0x180, 0x200, 0xF00
_SGI_SELF = 2 << 24
_SGIS = 16
_LOAD, _CONTROL, _INTCLR, _BGLOAD = 0x00, 0x08, 0x0C, 0x18  # SP804
_TIMER_ENABLE = 0x80
_GLOBAL_CONTROL = 0x208
_UART_ICR, _UART_ALL = 0x44, 0x7FF
TICK = "tick"
CLOCK = "clock"


@frozen
class Register:
    """A register of a device that may be read without an effect; only the low `bits` exist."""

    address: int
    bits: int = 32


@define(slots=False)
class Devices:
    """The devices of a board, by the names of a campaign file."""

    board: Board

    @classmethod
    def of(cls, manifest: Mapping[str, object]) -> "Devices":
        """Return those of an image's board."""
        board = manifest["board"]
        assert isinstance(board, Mapping)  # noqa: S101 - a manifest is data
        return cls(load_board(str(board["name"])))

    def _base(self, name: str) -> int:
        found = next((device for device in self.board.device if device.name == name), None)
        if found is None:
            raise SpecError(("where",), f"board {self.board.name} has no {name}: leave its interrupts and timers out")
        return found.base

    @property
    def distributor(self) -> int:
        """The GIC's distributor."""
        return self._base("mpcore") + _GIC_DIST

    @property
    def tick(self) -> int:
        """The timer of the VMM's tick."""
        return self._base("sp804")

    @property
    def clock(self) -> int:
        """Control register of the global timer."""
        return self._base("mpcore") + _GLOBAL_CONTROL

    @cached_property
    def lines(self) -> dict[str, int]:
        """Numbers of the interrupts by name."""
        tick = next((device.irq for device in self.board.device if device.name == "sp804"), None)
        found = {TICK: tick} if tick is not None else {}
        found |= {f"uart{number}": uart.irq for number, uart in enumerate(self.board.uart)}
        return found | {f"sgi{number}": number for number in range(_SGIS)}

    def line(self, name: str) -> int:
        """Return the number of an interrupt, by its name or "irq38"."""
        if name.startswith("irq") and name[3:].isdigit() and int(name[3:]) < 96:
            return int(name[3:])
        if name not in self.lines:
            raise SpecError(("where", "line"), f"no interrupt {name!r}; {hint(name, self.lines)}; or irq0 to irq95")
        return self.lines[name]

    def source(self, name: str) -> tuple[int, int]:
        """Return the register of a device that ends its interrupt, and what is written there."""
        if name == TICK:
            return self.tick + _INTCLR, 1
        if name.startswith("uart") and name in self.lines:
            return self.board.uart[int(name[4:])].base + _UART_ICR, _UART_ALL
        raise SpecError(
            ("where", "line"),
            f"{name}: only the tick and UARTs have a register that takes an interrupt back; use `lasts`",
        )

    @cached_property
    def registers(self) -> dict[str, Register]:
        """All that `where.device` may name."""
        cpu, dist, tick = self._base("mpcore") + _GIC_CPU, self.distributor, self.tick
        found = {
            "gic.ICCICR": Register(cpu, 1),
            "gic.ICCPMR": Register(cpu + 0x04, 8),
            "gic.ICCBPR": Register(cpu + 0x08, 3),
            "gic.ICDDCR": Register(dist, 1),
        }
        for number in range(3):
            found[f"gic.ICDICFR{2 + number}"] = Register(dist + 0xC08 + 4 * number)
        for number in range(8, 11):  # interrupts 32 to 43
            found[f"gic.ICDIPR{number}"] = Register(dist + 0x400 + 4 * number)
            found[f"gic.ICDIPTR{number}"] = Register(dist + 0x800 + 4 * number)
        found |= {
            "sp804.LOAD": Register(tick + _LOAD),
            "sp804.CONTROL": Register(tick + _CONTROL, 8),
            "sp804.BGLOAD": Register(tick + _BGLOAD),
            "clock.CONTROL": Register(self.clock, 4),
        }
        for number, uart in enumerate(self.board.uart):
            for name, offset, bits in (("IBRD", 0x24, 16), ("FBRD", 0x28, 6), ("LCR_H", 0x2C, 8), ("CR", 0x30, 16)):
                found[f"uart{number}.{name}"] = Register(uart.base + offset, bits)
            found[f"uart{number}.IMSC"] = Register(uart.base + 0x38, 11)
        return found

    def named(self, names: Sequence[str]) -> list[tuple[str, Register]]:
        """Return the registers that names such as "gic.ICDDCR" or "sp804" mean."""
        found: dict[str, Register] = {}
        for name in names:
            chosen = {key: r for key, r in self.registers.items() if name in (key, key.split(".")[0])}
            if not chosen:
                known = {*self.registers, *(key.split(".")[0] for key in self.registers)}
                raise SpecError(("where", "device"), f"no register {name!r}; {hint(name, known)}")
            found |= chosen
        return list(found.items())


@define(slots=False)
class Ticks:
    """When the VMM's timer raised its interrupt in the golden run."""

    steps: Steps

    @cached_property
    def period_ns(self) -> int:
        """From one to the next."""
        return int(self.steps.golden.manifest["tick_us"]) * _US

    @cached_property
    def handled(self) -> Numbers:
        """The steps at which an interrupt is pending and the CPU is about to see it: it wakes up, or an exception."""
        trace = self.steps.trace
        woken = np.searchsorted(trace.time, np.array([end for _, end in trace.idle], dtype=np.int64))
        mode = trace.cpsr & _MODE
        entered = np.flatnonzero((mode[1:] == _IRQ_MODE) & (mode[:-1] != _IRQ_MODE))
        return np.unique(np.concatenate((woken[woken < len(trace.time)], entered)))

    @cached_property
    def phase_ns(self) -> int:
        """Time of a tick, modulo the period: the earliest that fits what was handled."""
        if not len(self.handled):
            raise SpecError(("where",), "the golden run has no interrupt: make window_ms longer")
        residues = self.steps.trace.time[self.handled] % self.period_ns
        half = self.period_ns // 2
        around = (residues - residues[0] + half) % self.period_ns - half
        return int((residues[0] + around.min()) % self.period_ns)

    def next_after(self, time: int) -> int:
        """Return when the first tick after a time comes."""
        return time + self.period_ns - (time - self.phase_ns) % self.period_ns

    @cached_property
    def taken(self) -> Numbers:
        """The step at which each tick is about to be seen."""
        times = self.steps.trace.time[self.handled]
        number = (times - self.phase_ns) // self.period_ns
        return self.handled[np.concatenate(([True], number[1:] != number[:-1]))] if len(number) else self.handled


@define
class InterruptAim:
    """Interrupt lines."""

    steps: Steps
    devices: Devices
    duration: Duration
    names: Sequence[str]
    what: What
    lasts: Lasts
    kind = Kind.INTERRUPT

    @property
    def bits(self) -> int:
        """See `Aim`."""
        return len(self.names)

    def draw(self, chance: random.Random, step: int) -> Shot:
        """See `Aim`."""
        name = chance.choice(self.names)
        time = int(self.steps.trace.time[step])
        place = _place(self.steps, step, kind="interrupt", name=name, model=self.what.model, bit=None)
        span = self.duration.span(time, self.lasts)
        if self.what.model is Model.LOST:
            return Shot(tuple(self._lost(name, time, span)), place)
        fault = self._raised(name, time)
        if self.what.model is Model.STORM:
            every = (self.what.every_instructions or 1) * self.duration.instruction_ns
            fault = evolve(fault, duration=span, interval=every)
        return Shot((fault,), place)

    def _lost(self, name: str, time: int, span: int) -> list[Fault]:
        if not span:
            address, value = self.devices.source(name)
            return [_write(time, address, value)]
        number = self.devices.line(name)
        register, bit = 4 * (number // 32), 1 << number % 32
        off = _write(time, self.devices.distributor + _ICER + register, bit)
        if time + span >= self.duration.end:
            return [off]
        return [off, _write(time + span, self.devices.distributor + _ISER + register, bit)]

    def _raised(self, name: str, time: int) -> Fault:
        number = self.devices.line(name)
        if number < _SGIS:
            return _write(time, self.devices.distributor + _SGIR, _SGI_SELF | number)
        return _write(time, self.devices.distributor + _ISPR + 4 * (number // 32), 1 << number % 32)


@define
class TimerAim:
    """The timer of the VMM's tick, and the global timer that it takes the time from."""

    steps: Steps
    devices: Devices
    ticks: Ticks
    names: Sequence[str]
    what: What
    kind = Kind.TIMER

    @property
    def bits(self) -> int:
        """See `Aim`."""
        return len(self.names)

    def draw(self, chance: random.Random, step: int) -> Shot:
        """See `Aim`."""
        name = chance.choice(self.names)
        time = int(self.steps.trace.time[step])
        place = _place(self.steps, step, kind="timer", name=name, model=self.what.model, bit=None)
        if self.what.model is Model.STUCK:
            address, enable = (self.devices.tick + _CONTROL, _TIMER_ENABLE) if name == TICK else (self.devices.clock, 1)
            return Shot((fault_of(time, Target.DEVICE, address, 4, Change(keep=ALL_BITS & ~enable)),), place)
        if name != TICK:
            raise SpecError(("what", "model"), f"QEMU's {name} can only be stuck: late and early are for the tick")
        left = (self.ticks.next_after(time) - time) // _US
        by = self.what.by_us or 0
        count = max(1, left + (by if self.what.model is Model.LATE else -by))
        # The first write starts the count anew, the second one is the period from then on.
        writes = ((_LOAD, count), (_BGLOAD, self.ticks.period_ns // _US))
        return Shot(tuple(_write(time, self.devices.tick + offset, value) for offset, value in writes), place)


@define
class DeviceAim:
    """Registers of devices; each bit is as likely as any other one."""

    steps: Steps
    registers: Sequence[tuple[str, Register]]
    what: What
    kind = Kind.DEVICE

    @property
    def bits(self) -> int:
        """See `Aim`."""
        return sum(register.bits for _, register in self.registers)

    def draw(self, chance: random.Random, step: int) -> Shot:
        """See `Aim`."""
        bits = [(name, register) for name, register in self.registers for _ in range(register.bits)]
        name, register = chance.choice(bits)
        change = draw_change(self.what, chance, register.bits)
        place = _place(self.steps, step, kind="device", name=name, model=self.what.model, bit=change.bit)
        time = int(self.steps.trace.time[step])
        fault = fault_of(time, Target.DEVICE, register.address, 4, change)
        return Shot((fault,), evolve(place, address=register.address))


def _place(steps: Steps, step: int, *, kind: str, name: str, model: Model, bit: int | None) -> Place:
    """Return a place that belongs to no VM, whoever runs."""
    return evolve(place_at(steps, step, kind=kind, name=name, model=model, bit=bit), vm="", task="")


def _write(time: int, address: int, value: int) -> Fault:
    return Fault(time, Target.DEVICE, address, 4, keep=0, set=value)
