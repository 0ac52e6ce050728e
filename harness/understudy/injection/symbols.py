# SPDX-License-Identifier: Apache-2.0
"""Names of addresses, and addresses of names: in the VMM, and in the guest of each VM."""

import difflib
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from attrs import Factory, frozen
from elftools.elf.elffile import ELFFile

from understudy import paths
from understudy.config.model import SHARED_BASE, TASK_BASE, WINDOW
from understudy.image.elf import Elf, Symbol, read_elf

_SPOT = re.compile(
    r"(?:(?P<vm>[\w.-]+)(?:/(?P<task>[\w.-]+))?:)?(?P<name>0x[0-9a-fA-F]+|[A-Za-z_][\w.$]*)(?:\+(?P<offset>0x[0-9a-fA-F]+|\d+))?"
)
_WORD = 4
_NEAR = 0x1000  # a symbol without a size names nothing further away


@frozen
class Spot:
    """A place in a program by its virtual address; `vm` is "" for the VMM."""

    vm: str
    address: int
    size: int
    name: str


@frozen
class _Names:
    """Symbols of an address space, in the order of their addresses."""

    starts: list[int]
    symbols: list[Symbol]

    def at(self, address: int) -> str:
        """Return "name+offset", or "" where no symbol is near."""
        index = bisect_right(self.starts, address) - 1
        if index < 0:
            return ""
        symbol = self.symbols[index]
        offset = address - symbol.address
        if offset >= (symbol.size or _NEAR):
            return ""
        return f"{symbol.name}+{offset:#x}" if offset else symbol.name


@frozen
class Symbols:
    """Symbols of an image. `guests` are by guest, `files` says from which source code of the VMM comes."""

    manifest: dict[str, Any]
    vmm: Elf
    guests: Mapping[str, Elf]
    files: tuple[tuple[int, int, str], ...] = ()  # first address, end, source file; in this order
    _tables: dict[str, _Names] = Factory(dict)

    @classmethod
    def read(cls, manifest: dict[str, Any]) -> "Symbols":
        """Read them from the ELF files of an image.

        Raises:
            BuildError: one of them is missing.
        """
        vmm = paths.root() / Path(manifest["elf"])
        guests = {name: read_elf(paths.root() / Path(guest["elf"])) for name, guest in manifest["guests"].items()}
        return cls(manifest, read_elf(vmm), guests, source_files(vmm))

    def elf(self, vm: str) -> Elf:
        """Return the program of a VM, or with "" the VMM's."""
        return self.guests[self.manifest["vms"][vm]["guest"]] if vm else self.vmm

    def name(self, vm: str, address: int) -> str:
        """Return what is at a virtual address of a VM, or with "" of the VMM: "name+0x10"."""
        table = self._tables.get(vm)
        if table is None:
            table = self._tables[vm] = _names(self.elf(vm).symbols)
        return table.at(address)

    def file(self, address: int) -> str:
        """Return the source file of code of the VMM, such as "vmm-c/core/sched.c"; "" if that is not known."""
        index = bisect_right(self.files, (address, 1 << 64, "")) - 1
        return self.files[index][2] if index >= 0 and address < self.files[index][1] else ""

    def find(self, text: str) -> Spot:
        """Return the place that a text such as "scheduler", "guest1:OSTime+4" or "guest1/producer:buffer" names.

        Raises:
            ValueError: there is none; the message proposes one.
        """
        match = _SPOT.fullmatch(text)
        if not match:
            raise ValueError(
                f'{text!r} is no place: write "name", "vm:name", "vm/task:name" or "0x..."; "+0x10" may follow'
            )
        vm = match["vm"] or ""
        if vm and vm not in self.manifest["vms"]:
            raise ValueError(f"{text!r}: no VM {vm!r}; {hint(vm, self.manifest['vms'])}")
        offset = int(match["offset"] or "0", 0)
        if match["name"].startswith("0x"):
            return Spot(vm, int(match["name"], 16) + offset, _WORD, text)
        low, high = self._side(vm, match["task"], text)
        symbol = self.elf(vm).find(match["name"], low, high)
        if symbol is None:
            names = {s.name for s in self.elf(vm).symbols if low <= s.address < high}
            raise ValueError(f"no symbol {match['name']!r} in {_program(match)}; {hint(match['name'], names)}")
        if symbol.size and offset >= symbol.size:
            raise ValueError(f"{text!r} lies behind the end of {symbol.name}, which has {symbol.size} bytes")
        return Spot(vm, symbol.address + offset, (symbol.size or _WORD) - (offset if symbol.size else 0), text)

    def _side(self, vm: str, task: str | None, text: str) -> tuple[int, int]:
        if task is None:
            return 0, 1 << 32
        guest = self.manifest["guests"][self.manifest["vms"][vm]["guest"]]
        bases = {"kernel": WINDOW, "shared": SHARED_BASE, **{t["name"]: int(t["base"]) for t in guest["tasks"]}}
        if task not in bases:
            raise ValueError(f"{text!r}: no task {task!r}; {hint(task, bases)}")
        return bases[task], bases[task] + WINDOW


def hint(name: str, known: Iterable[str]) -> str:
    """Return a proposal for a name that is not known."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names) or 'none'}" if len(names) <= 20 else f"none of {len(names)} names is like it"


@cache
def source_files(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Return from which source files the code of a program comes, by its debug information."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        debug = elf.get_dwarf_info() if elf.has_dwarf_info() else None
        ranges = debug.get_aranges() if debug else None
        if debug is None or ranges is None:
            return ()
        units: dict[int, str] = {}
        for entry in ranges.entries:
            if entry.info_offset not in units:
                top = debug.get_CU_at(entry.info_offset).get_top_DIE()
                units[entry.info_offset] = top.attributes["DW_AT_name"].value.decode()
        return tuple(sorted((e.begin_addr, e.begin_addr + e.length, units[e.info_offset]) for e in ranges.entries))


def task_of(manifest: Mapping[str, Any], vm: str, address: int) -> str:
    """Return the side of a guest that a virtual address belongs to: a task, "kernel" or "shared"."""
    if address < SHARED_BASE:
        return "kernel"
    if address < TASK_BASE:
        return "shared"
    number = (address - TASK_BASE) // WINDOW
    tasks = manifest["guests"][manifest["vms"][vm]["guest"]]["tasks"]
    return str(tasks[number]["name"]) if number < len(tasks) else ""


def _program(match: re.Match[str]) -> str:
    vm = match["vm"]
    return f"{vm}{'/' + match['task'] if match['task'] else ''}" if vm else "the VMM (for a guest's write vm:name)"


def _names(symbols: tuple[Symbol, ...]) -> _Names:
    """Where several names share an address, the best one: with a size, of a function, global."""

    def worth(symbol: Symbol) -> tuple[bool, bool, bool, str]:
        return bool(symbol.size), symbol.kind == "func", symbol.is_global, symbol.name

    best: dict[int, Symbol] = {}
    for symbol in symbols:
        if symbol.kind not in ("func", "object", "notype") or symbol.name.startswith("trace_"):
            continue  # trace points have names, too, but are places in functions
        if symbol.address not in best or worth(symbol) > worth(best[symbol.address]):
            best[symbol.address] = symbol
    ordered = [best[address] for address in sorted(best)]
    return _Names([symbol.address for symbol in ordered], ordered)
