# SPDX-License-Identifier: Apache-2.0
"""The code of the images as objdump shows it, with source lines; and where in it a fault struck."""

import re
import subprocess
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from attrs import define, frozen

from understudy import paths
from understudy.injection.report.data import Case, area

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
    """The functions of one program, by their addresses. Kernel and tasks may have functions of the same name."""

    functions: list[Function]

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
    """Where a case struck: the program, the function and the address, and where the function begins.

    Without the program's code the beginning is None, and the address may be.
    """

    image: str
    function: str
    address: int | None
    start: int | None = None


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
        """Return where a case struck: for a fault in code that instruction, else the one before which it struck.

        A fault in data struck no instruction, and of whom its memory is says nothing of who ran: no function.
        """
        place = case.place
        in_code = place.kind == "code"
        if area(place) and not in_code:
            return Struck("", "", None)
        symbol, address = (place.symbol, place.address) if in_code else (place.pc_symbol, place.pc)
        for name in ("vmm", place.vm):  # the VMM may run on behalf of a VM; the two lie at different addresses
            program = self._names.get(name, name)
            code = self.codes.get(program)
            function = code.at(address) if code and address is not None else None
            if function:
                return Struck(program, function.name, address, function.address)
        return Struck(self._names.get(place.vm, place.vm) or "vmm", symbol.partition("+")[0], address)
