# SPDX-License-Identifier: Apache-2.0
"""What a fault makes of a value, and for how long."""

import random
from collections.abc import Sequence

from attrs import evolve, frozen

from understudy.injection.campaign_model import Kind, Lasts, Model, What
from understudy.injection.experiment import ALL_BITS, Fault

_US = 1000
OFTEN, SELDOM = 1, 32
"""So many instructions apart a fault that stays is applied again: for a short one, and for a long one."""
_SHORT = 1000  # instructions
FAULTS_MAX = 256  # of an experiment: FAULT_MAX of plugin/experiment.c
_EXPECTED_MAX = 128
_PUT_BACK = (Kind.CODE, Kind.TIMER, Kind.DEVICE)


@frozen
class Change:
    """What becomes of a value: `(((value & keep) | set) ^ flip) + add`. `bit` is set if it is about a single one."""

    keep: int = ALL_BITS
    set: int = 0
    flip: int = 0
    add: int = 0
    bit: int | None = None


def draw_change(what: What, chance: random.Random, width: int, allowed: Sequence[int] | None = None) -> Change:
    """Draw a change of a value.

    Args:
        what: which changes there are.
        chance: where the bits come from.
        width: bits of the value.
        allowed: the bits that may be hit, of which `what.among` may leave some out; None: all.
    """
    bits = [bit for bit in (range(width) if allowed is None else allowed) if not what.among or bit in what.among]
    if what.model is Model.SET:
        return Change(keep=0, set=what.value or 0)
    if what.model is Model.RANDOM:
        return Change(keep=0, set=chance.getrandbits(width))
    if what.model is Model.ADD:
        return Change(add=what.value or 0)
    hit = _burst(what.bits, bits, chance) if what.model is Model.BURST else _bits(what, bits, chance)
    mask = sum(1 << bit for bit in hit)
    only = hit[0] if len(hit) == 1 else None
    if what.model is Model.STUCK_AT_0:
        return Change(keep=ALL_BITS & ~mask, bit=only)
    if what.model is Model.STUCK_AT_1:
        return Change(set=mask, bit=only)
    return Change(flip=mask, bit=only)


def _bits(what: What, bits: list[int], chance: random.Random) -> list[int]:
    if what.adjacent:
        return _run(what.bits, bits, chance)
    return sorted(chance.sample(bits, min(what.bits, len(bits))))


def _run(length: int, bits: list[int], chance: random.Random) -> list[int]:
    length = min(length, len(bits))
    first = chance.randrange(len(bits) - length + 1)
    return bits[first : first + length]


def _burst(length: int, bits: list[int], chance: random.Random) -> list[int]:
    """The first and the last bit of a burst are wrong, those in between may be."""
    run = _run(length, bits, chance)
    return [bit for number, bit in enumerate(run) if number in (0, len(run) - 1) or chance.getrandbits(1)]


@frozen
class Duration:
    """How long faults last. Times are virtual nanoseconds."""

    instruction_ns: int
    start: int  # of the golden run
    end: int  # of the experiments

    def problem(self, lasts: Lasts) -> str | None:
        """Return what is wrong with an intermittent fault, if anything is."""
        if lasts.mtbf_us is None:
            return None
        expected = (self.end - self.start) / (lasts.mtbf_us * _US)
        if expected <= _EXPECTED_MAX:
            return None
        return (
            f"is {lasts.mtbf_us:g}: up to about {expected:.0f} faults in an experiment, and the injector takes "
            f"{FAULTS_MAX}: make it longer, or watch_ms shorter"
        )

    def apply(self, faults: Sequence[Fault], kind: Kind, lasts: Lasts, chance: random.Random) -> tuple[Fault, ...]:
        """Return the faults that one becomes that lasts; `faults` are the writes that it takes to apply it once."""
        first = [self._lasting(fault, kind, lasts) for fault in faults]
        found = list(first)
        later = 0
        while lasts.mtbf_us is not None:
            later += max(self.instruction_ns, round(chance.expovariate(1 / (lasts.mtbf_us * _US))))
            if first[0].time + later >= self.end or len(found) + len(first) > FAULTS_MAX:
                break
            found += [evolve(fault, time=fault.time + later) for fault in first]
        return tuple(found)

    def _lasting(self, fault: Fault, kind: Kind, lasts: Lasts) -> Fault:
        span = self.span(fault.time, lasts)
        if not span or kind is Kind.INTERRUPT:  # those of interrupts last already
            return fault
        if kind in _PUT_BACK:
            return evolve(fault, duration=span, restore=True)
        every = lasts.every_instructions or (OFTEN if span <= _SHORT * self.instruction_ns else SELDOM)
        return evolve(fault, duration=span, interval=every * self.instruction_ns)

    def span(self, time: int, lasts: Lasts) -> int:
        """Return for how long a fault lasts that is applied at a time; 0: it is applied once."""
        if lasts.permanent:
            return max(1, self.end - time)
        if lasts.instructions is not None:
            return lasts.instructions * self.instruction_ns
        return round((lasts.us or 0) * _US)
