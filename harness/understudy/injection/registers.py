# SPDX-License-Identifier: Apache-2.0
"""Registers by name, and where the injector finds each of them."""

import difflib
import re
from collections.abc import Mapping, Sequence

from attrs import frozen

from understudy.errors import UnderstudyError
from understudy.injection.experiment import Target

CPSR = 16
MODES = {0x10: "usr", 0x11: "fiq", 0x12: "irq", 0x13: "svc", 0x17: "abt", 0x1B: "und", 0x1F: "usr"}
MODE_MASK = 0x1F
_BANKS = ("usr", "svc", "abt", "und", "irq", "fiq")  # QEMU: target/arm/internals.h, bank_number()
_GENERAL = tuple(f"r{number}" for number in range(13))
_CORE = {**{name: number for number, name in enumerate(_GENERAL)}, "sp": 13, "lr": 14, "pc": 15, "cpsr": CPSR}
_ALIASES = {"r13": "sp", "r14": "lr", "r15": "pc"}
_FIQ = tuple(f"r{number}_fiq" for number in range(8, 13))
_VFP = tuple(f"d{number}" for number in range(32))
_CP15 = (
    *("SCTLR", "CPACR", "TTBR0", "TTBR1", "TTBCR", "DACR", "VBAR", "CONTEXTIDR"),
    *("DFSR", "DFAR", "IFSR", "IFAR", "TPIDRURW", "TPIDRURO", "TPIDRPRW"),
)
GROUPS: dict[str, tuple[str, ...]] = {
    "general": (*_GENERAL, "sp", "lr"),
    "core": tuple(_CORE),
    "banked": (
        *(f"{name}_{bank}" for bank in _BANKS for name in ("sp", "lr")),
        *(f"spsr_{bank}" for bank in _BANKS[1:]),
        *_FIQ,
    ),
    "vfp": _VFP,
    "cp15": _CP15,
}
_RANGE = re.compile(r"([rd])(\d+)-\1(\d+)")
_COPROCESSOR = re.compile(r"[A-Z][A-Z0-9_]+")
_BANKED = re.compile(r"(sp|lr|spsr)_([a-z]{3})|r(\d+)_fiq")


@frozen
class Location:
    """What a fault aims at, as `Fault` has it."""

    target: Target
    address: int
    size: int = 4


def expand(names: Sequence[str]) -> list[str]:
    """Return the registers that a list of names, groups and ranges such as "r0-r3" means, each once.

    Raises:
        ValueError: there is no such register; the message proposes one.
    """
    found: dict[str, None] = {}
    for name in names:
        found |= dict.fromkeys(_expanded(name))
    return list(found)


def _expanded(name: str) -> Sequence[str]:
    if name in GROUPS:
        return GROUPS[name]
    known = (*_CORE, *GROUPS["banked"], *_VFP)
    between = _RANGE.fullmatch(name)
    if between and int(between[2]) < int(between[3]):
        members = [f"{between[1]}{number}" for number in range(int(between[2]), int(between[3]) + 1)]
        if all(_ALIASES.get(member, member) in known for member in members):
            return [_ALIASES.get(member, member) for member in members]
    single = _ALIASES.get(name, name)
    if single in known or _COPROCESSOR.fullmatch(name):
        return (single,)
    close = difflib.get_close_matches(name, (*known, *GROUPS, *_CP15), n=1)
    hint = (
        f"did you mean {close[0]!r}?" if close else f"groups: {', '.join(GROUPS)}; single ones: r0, sp_irq, d7, TTBR0"
    )
    raise ValueError(f"no register {name!r}; {hint}")


def width(register: str) -> int:
    """Return how many bits a register has."""
    return 64 if register in _VFP else 32


def core_number(register: str) -> int | None:
    """Return the number of a register of the core as the present mode sees it; None: it is another one."""
    return _CORE.get(register)


def bank(cpsr: int) -> str:
    """Return whose sp and lr a mode uses; "" for a mode that does not exist."""
    return MODES.get(cpsr & MODE_MASK, "")


def physical(register: str, cpsr: int) -> str:
    """Return which of the banked registers a name means in a mode: "sp" is "sp_svc" in SVC mode."""
    mode = bank(cpsr)
    if register in ("sp", "lr"):
        return f"{register}_{mode}"
    if mode == "fiq" and f"{register}_fiq" in _FIQ:
        return f"{register}_fiq"
    return register


def locate(register: str, cpsr: int, state: Mapping[str, int], cp15: Mapping[str, int]) -> Location:
    """Return where the injector finds a register.

    Args:
        register: its name.
        cpsr: at the time: the banked registers of the present mode are those of the core.
        state: numbers of the fields of QEMU's CPU state.
        cp15: QEMU's indexes of coprocessor registers.

    Raises:
        UnderstudyError: this QEMU has no such register.
    """
    number = core_number(register)
    if number is not None:
        return Location(Target.CORE, number)
    if register in _VFP:
        index = int(register[1:])
        return Location(Target.STATE, _field(f"env.vfp.zregs[{index // 2}].d", state) | 8 * (index % 2), 8)
    if _BANKED.fullmatch(register):
        return _banked(register, cpsr, state)
    if register not in cp15:
        close = difflib.get_close_matches(register, cp15, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(cp15))}"
        raise UnderstudyError(f"this CPU has no register {register!r} in coprocessor 15; {hint}")
    return Location(Target.CP15, cp15[register])


def _banked(register: str, cpsr: int, state: Mapping[str, int]) -> Location:
    name, mode = register.split("_")
    if name == "spsr":
        # That of the present mode is in a field of its own; QEMU keeps 64 bits of each.
        if mode == bank(cpsr):
            return Location(Target.STATE, _field("env.spsr", state))
        return Location(Target.STATE, _field("env.banked_spsr", state) | 8 * _BANKS.index(mode))
    number = {"sp": 13, "lr": 14}.get(name) or int(name[1:])
    if mode == bank(cpsr):
        return Location(Target.CORE, number)
    if name in ("sp", "lr"):
        return Location(Target.STATE, _field(f"env.banked_r{number}", state) | 4 * _BANKS.index(mode))
    return Location(Target.STATE, _field("env.fiq_regs", state) | 4 * (number - 8))


def _field(name: str, state: Mapping[str, int]) -> int:
    try:
        return state[name] << 32
    except KeyError:
        raise UnderstudyError(
            f"this QEMU keeps no {name!r} in the state of its CPU: leave banked and VFP registers out of the campaign"
        ) from None
