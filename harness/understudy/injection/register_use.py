# SPDX-License-Identifier: Apache-2.0
"""When the values of registers are used and overwritten, from the instructions of a trace.

Whatever is not known for sure counts as a use: that only makes classes of equivalent faults smaller.
"""

from collections.abc import Iterator
from functools import cache, cached_property
from itertools import pairwise

import numpy as np
from attrs import define

from understudy.errors import TargetError
from understudy.injection import registers
from understudy.injection.golden_view import Numbers
from understudy.injection.steps import Steps
from understudy.latency.arm920t.decode import THUMB, decode, executes
from understudy.latency.arm920t.patterns import Kind

READ, WRITE = 1, 2
_NAMES = registers.GROUPS["general"]
_SP, _LR = "sp", "lr"
_BLOCK, _BLOCK_MASK, _USER_BANK, _HAS_PC = 0x08000000, 0x0E000000, 1 << 22, 1 << 15
_SRS, _SRS_MASK = 0xF84D0500, 0xFE5FFFE0
_SVC_MASK = 0x0F000000
_LINK, _LINK_MASK = 0x0B000000, 0x0F000000  # BL
_BLX, _BLX_MASK = 0x012FFF30, 0x0FFFFFF0
_NEVER = 0xF

Uses = tuple[tuple[str, ...], tuple[str, ...]]
Event = tuple[str, int]  # of a physical register: READ or WRITE


@define(slots=False)
class RegisterUse:
    """The uses of r0 to r12, and of the sp and lr of each mode, from a step of a trace on."""

    steps: Steps
    first: int
    last: int
    """Faults begin at steps from `first` to `last`."""

    @cached_property
    def events(self) -> dict[str, tuple[Numbers, Numbers]]:
        """Step and kind of each use of each register, in their order, as far as faults matter."""
        found: dict[str, list[tuple[int, int]]] = {}
        for step, register, kind in self._all():
            found.setdefault(register, []).append((step, kind))
        return {
            register: (np.array([s for s, _ in list_], dtype=np.int64), np.array([k for _, k in list_], dtype=np.int64))
            for register, list_ in found.items()
        }

    def next_use(self, register: str, step: int) -> tuple[int, int]:
        """Return number and kind of the first use of a register at or after a step; kind 0: there is none."""
        steps, kinds = self.events.get(register, (np.zeros(0, dtype=np.int64),) * 2)
        index = int(np.searchsorted(steps, step))
        return index, int(kinds[index]) if index < len(steps) else 0

    def _all(self) -> Iterator[tuple[int, str, int]]:
        """Yield uses until each register that a fault may hit has been used after the last one."""
        cpsr = self.steps.trace.cpsr
        modes = set((cpsr[self.first : self.last + 1] & registers.MODE_MASK).tolist())
        waiting = {registers.physical(name, mode) for mode in modes for name in _NAMES}
        steps = range(self.first, len(cpsr))
        for step, following in pairwise((*steps, -1)):
            for register, kind in self._at(step, following):
                yield step, register, kind
                if step >= self.last:
                    waiting.discard(register)
            if not waiting:
                return

    def _at(self, step: int, following: int) -> list[Event]:
        cpsr = int(self.steps.trace.cpsr[step])
        word = None if cpsr & THUMB else self._word(step)
        reads, writes = _uses(word, cpsr & registers.MODE_MASK)
        if word is not None and not executes(word, cpsr):
            reads, writes = (), ()
        if following < 0:
            return [(register, READ) for register in reads]
        after = int(self.steps.trace.cpsr[following])
        changed = (cpsr ^ after) & registers.MODE_MASK != 0
        events = [(register, READ) for register in reads]
        if changed:  # perhaps an exception has kept it from being executed
            return events + _entered(word, registers.bank(after))
        return events + [(register, WRITE) for register in writes if register not in reads]

    def _word(self, step: int) -> int | None:
        vm = int(self.steps.vm[step]) if self.steps.in_guest[step] else -1
        return self._fetch(vm, int(self.steps.trace.pc[step]))

    @cached_property
    def _words(self) -> dict[tuple[int, int], int | None]:
        return {}

    def _fetch(self, vm: int, pc: int) -> int | None:
        """Return the instruction at an address; None: it can't be read."""
        if (vm, pc) not in self._words:
            try:
                address = pc if vm < 0 else self.steps.memory.translate(self.steps.vms[vm], pc)
                self._words[vm, pc] = self.steps.memory.word(address)
            except TargetError:
                self._words[vm, pc] = None
        return self._words[vm, pc]


def _everything(mode: int) -> Uses:
    """What an instruction uses that is not known."""
    user = (f"{_SP}_usr", f"{_LR}_usr")
    return (*(registers.physical(name, mode) for name in _NAMES), *user), ()


def _entered(word: int | None, mode: str) -> list[Event]:
    """Return what happens to the lr of a mode that is entered: an exception overwrites it."""
    if mode == "usr" or (word is not None and _sets_mode(word)):
        return []
    if mode == "svc":
        by_call = word is not None and word >> 28 != _NEVER and word & _SVC_MASK == _SVC_MASK
        return [(f"{_LR}_{mode}", WRITE if by_call else READ)]
    # A return from an exception may lead there, or to a place where the next exception waits.
    return [(f"{_LR}_{mode}", READ if word is None or _returns(word) else WRITE)]


def _sets_mode(word: int) -> bool:
    """Tell whether it is CPS or MSR."""
    found = decode(word)
    return found is not None and found.kind is Kind.STATUS_WRITE


def _returns(word: int) -> bool:
    """Tell whether it may return from an exception: RFE, LDM of the pc with ^, or a data operation to the pc."""
    found = decode(word)
    return found is None or 15 in found.writes


@cache
def _uses(word: int | None, mode: int) -> Uses:
    """Return the physical registers that an A32 instruction reads, and those that it overwrites."""
    found = None if word is None else decode(word)
    if word is None or found is None:
        return _everything(mode)
    of_user = word >> 28 != _NEVER and word & _BLOCK_MASK == _BLOCK and word & _USER_BANK and not word & _HAS_PC
    transfer = found.kind in (Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE) and of_user
    base = word >> 16 & 0xF
    reads = [_physical(number, mode, user=bool(transfer) and number != base) for number in found.reads]
    if transfer and found.kind is Kind.STORE_MULTIPLE and word >> base & 1:  # it is stored, and it says where
        reads.append(_physical(base, mode, user=True))
    writes = [_physical(number, mode, user=bool(transfer)) for number in found.writes if number < 15]
    if word & _SRS_MASK == _SRS:
        reads.append(f"{_SP}_{registers.bank(word)}")
    if _links(word, found.kind):
        writes.append(_physical(14, mode, user=False))
    return tuple(reads), tuple(writes)


def _links(word: int, kind: Kind) -> bool:
    """Tell whether it is BL or BLX."""
    if word >> 28 == _NEVER:
        return kind is Kind.BRANCH
    return word & _LINK_MASK == _LINK or word & _BLX_MASK == _BLX


def _physical(number: int, mode: int, *, user: bool) -> str:
    name = _NAMES[number]
    if not user:
        return registers.physical(name, mode)
    return f"{name}_usr" if name in (_SP, _LR) else name
