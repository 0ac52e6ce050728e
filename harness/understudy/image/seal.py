# SPDX-License-Identifier: Apache-2.0
"""The checksums of the VMM's own text and constants (D8).

They are known only when the VMM is linked, so they are written into the ELF file.
"""

import struct
from pathlib import Path

from understudy.errors import ImageError
from understudy.image.elf import Elf, read_elf
from understudy.image.segments import page_sums

_START, _SUMS = "__text_start", "__checksums_start"


def seal(path: Path) -> Elf:
    """Write the CRC-32 of each page of text and constants of the VMM to where it looks for them.

    A file that has them is left as it is. Returns the file as read.

    Raises:
        BuildError: it is no ELF file of the VMM.
        ImageError: its text and constants are not in one piece.

    """
    elf = read_elf(path)
    known = elf.addresses()
    content = path.read_bytes()
    sums = page_sums(_memory(elf, content, known[_START], known[_SUMS]))
    table = struct.pack(f"<{len(sums)}I", *sums)
    at = _offset(elf, known[_SUMS])
    if content[at : at + len(table)] != table:
        path.write_bytes(content[:at] + table + content[at + len(table) :])
    return elf


def _memory(elf: Elf, content: bytes, start: int, end: int) -> bytes:
    """Return what is loaded to [start, end), pages at a time."""
    parts = [(s.address, content[s.offset : s.offset + s.file_size]) for s in elf.segments if start <= s.address < end]
    memory = b""
    for address, part in sorted(parts):
        memory = memory.ljust(address - start, b"\0") + part
    if len(memory) < end - start:
        raise ImageError(
            f"{elf.path}: text and constants of the VMM are not in one piece: nothing to make checksums of"
        )
    return memory[: end - start]


def _offset(elf: Elf, address: int) -> int:
    segment = next(s for s in elf.segments if s.address <= address < s.address + s.file_size)
    return segment.offset + address - segment.address
