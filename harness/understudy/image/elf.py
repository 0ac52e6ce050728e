# SPDX-License-Identifier: Apache-2.0
"""Reading ELF files with pyelftools: segments and symbols, nothing more."""

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from understudy.errors import BuildError

_PF_X, _PF_W = 1, 2


@frozen
class LoadSegment:
    """One PT_LOAD program header that is not empty."""

    address: int
    physical: int
    offset: int
    file_size: int
    mem_size: int
    writable: bool
    executable: bool


@frozen
class Symbol:
    """A defined symbol; `size` may be 0 for symbols of linker scripts and assembly."""

    name: str
    address: int
    size: int
    kind: str
    is_global: bool


@frozen
class Elf:
    """What the laboratory uses of an ELF file."""

    path: Path
    entry: int
    segments: tuple[LoadSegment, ...]
    symbols: tuple[Symbol, ...]
    undefined: frozenset[str]

    def addresses(self) -> dict[str, int]:
        """Return the addresses of the global symbols by name."""
        return {symbol.name: symbol.address for symbol in self.symbols if symbol.is_global}

    def find(self, name: str, low: int = 0, high: int = 1 << 32) -> Symbol | None:
        """Return the symbol of that name whose address is in [low, high); a global one is preferred."""
        found = [s for s in self.symbols if s.name == name and low <= s.address < high]
        return max(found, key=lambda s: s.is_global, default=None)


def read_elf(path: Path) -> Elf:
    """Read an ELF file.

    Raises:
        BuildError: it is missing or is not a 32-bit little-endian ARM ELF file.

    """
    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            if elf.elfclass != 32 or not elf.little_endian or elf["e_machine"] != "EM_ARM":
                raise BuildError(f"{path}: not a 32-bit little-endian ARM ELF file")
            symbols, undefined = _symbols(elf)
            return Elf(path, elf["e_entry"], tuple(_segments(elf)), symbols, undefined)
    except (OSError, ELFError) as error:
        raise BuildError(f"{path}: {error}") from None


def _segments(elf: ELFFile) -> Iterator[LoadSegment]:
    for header in elf.iter_segments("PT_LOAD"):
        if header["p_memsz"]:
            yield LoadSegment(
                address=header["p_vaddr"],
                physical=header["p_paddr"],
                offset=header["p_offset"],
                file_size=header["p_filesz"],
                mem_size=header["p_memsz"],
                writable=bool(header["p_flags"] & _PF_W),
                executable=bool(header["p_flags"] & _PF_X),
            )


def _symbols(elf: ELFFile) -> tuple[tuple[Symbol, ...], frozenset[str]]:
    table = elf.get_section_by_name(".symtab")
    defined: list[Symbol] = []
    undefined: set[str] = set()
    for entry in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
        name, info = entry.name, entry["st_info"]
        if not name or name.startswith("$") or info["type"] in {"STT_FILE", "STT_SECTION"}:
            continue
        if entry["st_shndx"] == "SHN_UNDEF":
            if info["bind"] != "STB_WEAK":
                undefined.add(name)
            continue
        kind = info["type"].removeprefix("STT_").lower()
        # Bit 0 of a function's address only says that it is Thumb code.
        address = entry["st_value"] & ~1 if kind == "func" else entry["st_value"]
        defined.append(Symbol(name, address, entry["st_size"], kind, info["bind"] != "STB_LOCAL"))
    return tuple(defined), frozenset(undefined)
