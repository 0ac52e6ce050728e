# SPDX-License-Identifier: Apache-2.0
"""From a word of A32 code to what its timing depends on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from understudy.errors import UnderstudyError
from understudy.latency.arm920t.patterns import CONDITIONAL, UNCONDITIONAL, Kind

PC = 15
THUMB = 1 << 5
MODE = 0x1F

_ALWAYS, _UNCONDITIONAL = 0xE, 0xF
_FIELDS = {"n": (16, 0), "d": (12, 0), "e": (12, 1), "s": (8, 0), "m": (0, 0), "o": (0, 1)}
_COUNTED = (Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE, Kind.COPROCESSOR_TRANSFER)
_FIXED = {"l": 14, "p": PC}


class ModelError(UnderstudyError):
    """The trace has an instruction that the model of the ARM920T has no time for."""


class Step(Protocol):
    """One executed instruction: its word, and the state of the processor before it."""

    @property
    def address(self) -> int:
        """Where the instruction is."""

    @property
    def opcode(self) -> int:
        """Its A32 word."""

    @property
    def registers(self) -> Sequence[int]:
        """r0 to r15 before it, as its mode sees them."""

    @property
    def cpsr(self) -> int:
        """CPSR before it."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """What an instruction's timing depends on.

    Attributes:
        kind: class of instructions with one timing rule.
        word: the A32 word.
        reads: registers it needs, the pc left out.
        writes: registers it writes, in the order of the transfer; without an updated base.
        words: words it transfers, 0 where it is no transfer of several.
    """

    kind: Kind
    word: int
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    words: int


def _registers(fields: str, word: int) -> tuple[int, ...]:
    found: list[int] = []
    for field in fields:
        if field == "*":
            found += [register for register in range(16) if word >> register & 1]
        elif field in _FIXED:
            found.append(_FIXED[field])
        else:
            position, next_one = _FIELDS[field]
            found.append((word >> position & 0xF) + next_one)
    return tuple(found)


def _words(kind: Kind, word: int, reads: str, writes: str) -> int:
    if kind is Kind.COPROCESSOR_TRANSFER:
        single = word & 0x01200000 == 0x01000000  # VLDR and VSTR: bit 8 tells doubles from singles
        return (2 if word & 0x100 else 1) if single else word & 0xFF
    if kind in _COUNTED:
        return (word & 0xFFFF).bit_count() if "*" in reads + writes else 2
    return 0


@cache
def decode(word: int) -> Instruction | None:
    """Tell what the timing of an A32 word depends on.

    Args:
        word: the instruction.

    Returns:
        The instruction, or None where the model has no rule for it.
    """
    rows = UNCONDITIONAL if word >> 28 == _UNCONDITIONAL else CONDITIONAL
    for mask, value, kind, reads, writes in rows:
        if word & mask == value & mask:
            needs = tuple(register for register in _registers(reads, word) if register != PC)
            words = _words(kind, word, reads, writes)
            if kind in _COUNTED and not words:  # an empty list is unpredictable
                return None
            return Instruction(kind, word, needs, _registers(writes, word), words)
    return None


def instruction(step: Step) -> Instruction:
    """Decode an executed instruction.

    Args:
        step: the instruction.

    Returns:
        What its timing depends on.

    Raises:
        ModelError: it is Thumb code, or the model has no rule for it.
    """
    if step.cpsr & THUMB:
        msg = (
            f"the ARM920T model cannot time Thumb code, executed at {step.address:#010x}: "
            "build that function for ARM state (-marm), or keep it off the measured path"
        )
        raise ModelError(msg)
    found = decode(step.opcode)
    if found is None:
        msg = (
            f"the ARM920T model has no rule for the instruction {step.opcode:#010x} at {step.address:#010x}: "
            "add one to latency/arm920t/patterns.py and docs/arm920t-model.md, or keep it off the measured path"
        )
        raise ModelError(msg)
    return found


def executes(word: int, cpsr: int) -> bool:
    """Tell whether an instruction's condition holds.

    Args:
        word: the instruction.
        cpsr: the status register before it.

    Returns:
        True when it executes.
    """
    condition = word >> 28
    if condition in (_ALWAYS, _UNCONDITIONAL):
        return True
    n, z, c, v = (bool(cpsr >> bit & 1) for bit in (31, 30, 29, 28))
    holds = (z, c, n, v, c and not z, n == v, n == v and not z)[condition >> 1]
    return holds != bool(condition & 1)


def _value(step: Step, register: int) -> int:
    return step.address + 8 if register == PC else step.registers[register]


def _shifted(value: int, kind: int, amount: int, carry: int) -> int:
    if kind == 0:  # LSL
        return value << amount
    if kind == 3:  # ROR, and RRX for an amount of 0
        return (value >> amount | value << 32 - amount) if amount else (carry << 31 | value >> 1)
    if kind == 2 and value >> 31:  # ASR of a negative number
        value |= 0xFFFFFFFF << 32
    return value >> (amount or 32)


def is_unaligned(step: Step) -> bool:
    """Tell whether an LDR of a word has an address that is no multiple of 4.

    Args:
        step: an executed LDR.

    Returns:
        True when the ARM9TDMI would have to rotate the loaded word.
    """
    word = step.opcode
    address = _value(step, word >> 16 & 0xF)
    if not word & 1 << 24 or word & 0x0E000000 == 0:  # post-indexed, or LDREX: the base alone
        return bool(address & 3)
    offset = word & 0xFFF
    if word & 1 << 25:
        offset = _shifted(_value(step, word & 0xF), word >> 5 & 3, word >> 7 & 0x1F, step.cpsr >> 29 & 1)
    return bool((address + offset if word & 1 << 23 else address - offset) & 3)
