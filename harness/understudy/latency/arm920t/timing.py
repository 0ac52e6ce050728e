# SPDX-License-Identifier: Apache-2.0
"""Cycles of an ARM9TDMI with warm caches; the tables and their sources are in docs/arm920t-model.md."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from understudy.latency.arm920t.decode import MODE, PC, Instruction, Step, executes, instruction, is_unaligned
from understudy.latency.arm920t.patterns import Kind

EXCEPTION_ENTRY = 3
"""Cycles from an instruction that is given up to the first one of the exception vector."""

_FIXED = {
    Kind.DATA: 1,
    Kind.DATA_SHIFTED_BY_REGISTER: 2,
    Kind.BRANCH: 3,
    Kind.LOAD: 1,
    Kind.LOAD_NARROW: 1,
    Kind.STORE: 1,
    Kind.SWAP: 2,
    Kind.SWAP_BYTE: 2,
    Kind.STATUS_READ: 1,
    Kind.STATUS_WRITE_FLAGS: 1,
    Kind.STATUS_WRITE: 3,
    Kind.COPROCESSOR_READ: 1,
    Kind.COPROCESSOR_READ_PAIR: 2,
    Kind.COPROCESSOR_WRITE: 1,
    Kind.COPROCESSOR_WRITE_PAIR: 2,
    Kind.EXCEPTION: EXCEPTION_ENTRY,
    Kind.HINT: 1,
}
_WRITES_PC = {  # cycles on top of those above (or of the words of an LDM)
    Kind.DATA: 2,
    Kind.DATA_SHIFTED_BY_REGISTER: 2,
    Kind.LOAD: 4,
    Kind.LOAD_MULTIPLE: 4,
    Kind.COPROCESSOR_READ: 2,
}
_MULTIPLIES = {  # cycles without the multiplier's, whether both signs end early, bits of the multiplier
    Kind.MULTIPLY: (2, True, 32),
    Kind.MULTIPLY_LONG: (3, True, 32),
    Kind.MULTIPLY_LONG_UNSIGNED: (3, False, 32),
    Kind.MULTIPLY_SHORT: (2, True, 16),
    Kind.MULTIPLY_SHORT_LONG: (3, True, 16),
}
_REASONS = {
    Kind.DATA_SHIFTED_BY_REGISTER: "shift by a register",
    Kind.BRANCH: "branch taken",
    Kind.STATUS_WRITE: "writes the status register's control fields",
    Kind.EXCEPTION: "exception",
    Kind.HINT: "barrier or hint",
}


@dataclass(frozen=True, slots=True)
class Timing:
    """Modelled cycles of one executed instruction, and why they are not just one."""

    cycles: int
    reason: str


@dataclass(slots=True)
class _Pipeline:
    """The clock, and from which of its cycles on a register that is being loaded can be used."""

    clock: int = 0
    ready: dict[int, int] = field(default_factory=dict)

    def interlock(self, found: Instruction) -> tuple[int, int]:
        """Cycles to wait for the last of the registers that are needed, and that register."""
        return max(((self.ready.get(register, 0) - self.clock, register) for register in found.reads), default=(0, 0))

    def retire(self, found: Instruction, cycles: int, delays: Sequence[int]) -> None:
        self.clock += cycles
        for register, delay in zip(found.writes, delays, strict=True):
            self.ready[register] = self.clock + delay


def multiplier_cycles(value: int, *, signed: bool, bits: int = 32) -> int:
    """Cycles in the multiplier array, which takes 8 bits a cycle and ends where the rest is only sign.

    Args:
        value: the multiplier operand (Rs).
        signed: whether leading ones end it as leading zeros do (all but UMULL and UMLAL).
        bits: width of the operand.

    Returns:
        1 to 4.
    """
    if signed and value >> (bits - 1) & 1:
        value = ~value & (1 << bits) - 1
    return max(1, (value.bit_length() + 7) // 8)


def _multiply(step: Step, found: Instruction) -> tuple[int, str]:
    base, signed, bits = _MULTIPLIES[found.kind]
    operand = step.registers[found.word >> 8 & 0xF]
    if bits == 16:  # bit 6: the upper half of Rs
        operand = operand >> 16 if found.word & 1 << 6 else operand & 0xFFFF
    rounds = multiplier_cycles(operand, signed=signed, bits=bits)
    return base + rounds, f"multiplier of {rounds * 8} bits"


def _own_cycles(step: Step, found: Instruction) -> tuple[int, str]:
    """Cycles of an executed instruction without interlocks."""
    if found.kind in _MULTIPLIES:
        return _multiply(step, found)
    if found.words:
        cycles, reason = found.words, f"{found.words} words"
        if found.words == 1 and found.kind is not Kind.COPROCESSOR_TRANSFER and PC not in found.writes:
            cycles, reason = 2, "a list of one register"
    else:
        cycles, reason = _FIXED[found.kind], _REASONS.get(found.kind, "")
    if PC in found.writes:
        cycles += _WRITES_PC.get(found.kind, 0)
        written = "flags" if found.kind is Kind.COPROCESSOR_READ else "pc"
        reason = f"{reason}, writes the {written}".removeprefix(", ")
    return cycles, reason


def _delays(step: Step, found: Instruction) -> list[int]:
    """How many cycles after the instruction each register that it writes can be used."""
    delays = [0] * len(found.writes)
    if found.kind is Kind.LOAD_NARROW or (found.kind is Kind.LOAD and is_unaligned(step)):
        delays[-1] = 2
    elif found.kind in (Kind.LOAD, Kind.COPROCESSOR_READ, Kind.COPROCESSOR_READ_PAIR, Kind.SWAP_BYTE) or (
        found.kind is Kind.LOAD_MULTIPLE and found.words > 1
    ):
        delays[-1] = 1
    return delays


def _interrupted(before: Step, found: Instruction, step: Step) -> bool:
    """Whether an interrupt or abort came between two instructions that follow each other in the trace."""
    if executes(before.opcode, before.cpsr):
        if found.kind is Kind.EXCEPTION or PC in found.writes:
            return False
        if found.kind is Kind.BRANCH:
            return before.cpsr & MODE != step.cpsr & MODE
    return step.address != before.address + 4


def _time(pipeline: _Pipeline, step: Step, found: Instruction) -> Timing:
    wait, register = pipeline.interlock(found)
    if executes(step.opcode, step.cpsr):
        cycles, reason = _own_cycles(step, found)
        delays = _delays(step, found)
    else:
        cycles, reason = 1, "not executed"
        delays = []
        found = Instruction(found.kind, found.word, found.reads, (), 0)
    if wait > 0:
        cycles += wait
        reason = f"interlock on r{register}, {reason}".removesuffix(", ")
    pipeline.retire(found, cycles, delays)
    return Timing(cycles, reason)


def _timings(steps: Sequence[Step], *, hints: bool) -> Iterator[Timing]:
    pipeline = _Pipeline()
    before: tuple[Step, Instruction] | None = None
    for step in steps:
        found = instruction(step)
        entry = EXCEPTION_ENTRY if before and _interrupted(*before, step) else 0
        before = step, found
        pipeline.clock += entry
        timing = Timing(0, "not needed") if found.kind is Kind.HINT and not hints else _time(pipeline, step, found)
        if entry:
            timing = Timing(timing.cycles + entry, f"exception entry, {timing.reason}".removesuffix(", "))
        yield timing


def explain(steps: Sequence[Step]) -> list[Timing]:
    """Time an executed path, with the reason for each cycle beyond an instruction's first.

    Args:
        steps: instructions that ran, one after the other, none left out.

    Returns:
        The modelled cycles of each; a wait for an earlier load is charged to the instruction that waits.

    Raises:
        ModelError: Thumb code, or an instruction without a rule.
    """
    return list(_timings(steps, hints=True))


def cycles(steps: Sequence[Step]) -> list[int]:
    """Time an executed path.

    Args:
        steps: instructions that ran, one after the other, none left out.

    Returns:
        The modelled ARM920T cycles of each.

    Raises:
        ModelError: Thumb code, or an instruction without a rule.
    """
    return [timing.cycles for timing in explain(steps)]


def cycles_without_hints(steps: Sequence[Step]) -> list[int]:
    """Time an executed path as `cycles` does, with the barriers and hints that ARMv4T code does not have left out.

    Args:
        steps: instructions that ran, one after the other, none left out.

    Returns:
        The modelled ARM920T cycles of each, 0 for a barrier or hint.

    Raises:
        ModelError: Thumb code, or an instruction without a rule.
    """
    return [timing.cycles for timing in _timings(steps, hints=False)]


def nanoseconds(total: int, mhz: int = 400) -> float:
    """Turn modelled cycles into time.

    Args:
        total: cycles.
        mhz: clock in MHz; the paper assumes 400.

    Returns:
        Nanoseconds.
    """
    return total * 1000 / mhz
