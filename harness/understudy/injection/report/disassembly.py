# SPDX-License-Identifier: Apache-2.0
"""The code of the images as objdump shows it, with source lines; and where in it a fault struck."""

import re
import subprocess
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from attrs import define, field, frozen

from understudy import paths
from understudy.injection.report.data import Case

_FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
_LINE = re.compile(r"^(/\S+|[\w./-]+\.\w+):(\d+)(?: \(discriminator \d+\))?$")
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(.*)$")


@frozen
class Instruction:
    """One instruction, with the source line ("file:line") that it comes from, or ''."""

    address: int
    text: str
    source: str


@frozen
class Function:
    """The instructions from one symbol to the next."""

    name: str
    address: int
    instructions: tuple[Instruction, ...]

    @property
    def end(self) -> int:
        """The address after its last instruction."""
        return self.instructions[-1].address + 4


@define
class Code:
    """The functions of one program."""

    functions: list[Function]
    by_name: dict[str, Function] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.by_name = {function.name: function for function in self.functions}

    @cached_property
    def _starts(self) -> list[int]:
        return [function.address for function in self.functions]

    def at(self, address: int) -> Function | None:
        """Return the function that an address lies in."""
        place = bisect_right(self._starts, address) - 1
        if place < 0 or address >= self.functions[place].end:
            return None
        return self.functions[place]


@frozen
class Struck:
    """Where a case struck: the program, the function and the address; the address is None if it is not known."""

    image: str
    function: str
    address: int | None


def read_code(elf: Path) -> Code | None:
    """Disassemble a program; None, if it or objdump is missing: the report then names functions without their code."""
    try:
        command = ["arm-none-eabi-objdump", "-d", "-l", "--no-show-raw-insn", str(elf)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return Code(sorted(_functions(text.splitlines()), key=lambda function: function.address))


def _functions(lines: Iterable[str]) -> Iterable[Function]:
    top = f"{paths.root()}/"
    name, address, source = "", 0, ""
    found: list[Instruction] = []
    for line in lines:
        if match := _FUNCTION.match(line):
            if found:
                yield Function(name, address, tuple(found))
            name, address, source, found = match[2], int(match[1], 16), "", []
        elif match := _LINE.match(line):
            source = f"{match[1].removeprefix(top).removeprefix('./')}:{match[2]}"
        elif match := _INSTRUCTION.match(line):
            text = re.sub(r"\s+", " ", match[2].split("@")[0]).strip()
            found.append(Instruction(int(match[1], 16), text, source))
    if found:
        yield Function(name, address, tuple(found))


@define
class Locator:
    """Finds where faults struck, in the programs that there are; `codes` has each program once, by its name."""

    codes: dict[str, Code]
    _names: dict[str, str]

    @classmethod
    def of(cls, elves: Mapping[str, Path]) -> "Locator":
        """Read the programs; one that several VMs share is called after its file."""
        names, codes = {}, {}
        for name, elf in elves.items():
            shared = sum(path == elf for path in elves.values()) > 1
            names[name] = elf.stem if shared else name
            if names[name] not in codes:
                code = read_code(elf)
                if code:
                    codes[names[name]] = code
        return cls(codes, names)

    def find(self, case: Case) -> Struck:
        """Return where a case struck: for a fault in code that instruction, else the one before which it struck."""
        place = case.place
        in_code = place.kind == "code"
        symbol, address = (place.symbol, place.address) if in_code else (place.pc_symbol, place.pc)
        base, offset = _split(symbol)
        for name in self._candidates(case):
            code = self.codes.get(self._names.get(name, name))
            if code is None:
                continue
            # By the symbol first: the address of a guest's code may be a physical one.
            function = code.by_name.get(base) or (code.at(address) if address is not None else None)
            if function is None or not (in_code or address is None or function.address <= address < function.end):
                continue
            exact = function.address + offset if base == function.name else address
            return Struck(self._names.get(name, name), function.name, exact)
        return Struck(self._names.get(place.vm, place.vm) or "vmm", base, address)

    def _candidates(self, case: Case) -> tuple[str, ...]:
        place = case.place
        if place.kind == "code":
            return (place.vm or "vmm",)
        return ("vmm", place.vm)  # the VMM may run on behalf of a VM; the two lie at different addresses


def _split(symbol: str) -> tuple[str, int]:
    base, _, offset = symbol.partition("+")
    return base, int(offset, 0) if offset else 0
