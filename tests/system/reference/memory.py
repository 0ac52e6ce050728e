# SPDX-License-Identifier: Apache-2.0
"""Memory of a VM as a dictionary of pages; a checkpoint is a copy of it."""

from typing import Self

from attrs import frozen

PAGE = 0x1000
WORD = 0xFFFFFFFF


@frozen
class Page:
    """Content, and which of its words nobody can know (bit n: word n): what lay below the stack pointer is dead."""

    data: bytes = bytes(PAGE)
    unknown: int = 0

    def write(self, offset: int, data: bytes) -> Self:
        """Return the page with some bytes changed; a word that is written in part stays unknown."""
        first, end = -(-offset // 4), (offset + len(data)) // 4
        whole = (1 << end) - (1 << first) if end > first else 0
        return type(self)(self.data[:offset] + data + self.data[offset + len(data) :], self.unknown & ~whole)

    def word(self, offset: int) -> int | None:
        """Return the word at an offset, None if it is unknown."""
        if self.unknown >> offset // 4 & 1:
            return None
        return int.from_bytes(self.data[offset : offset + 4], "little")

    def without(self, dead: int) -> Self:
        """Return the page as a checkpoint keeps it that does not save the first `dead` bytes."""
        return type(self)(self.data, self.unknown | (1 << dead // 4) - 1) if dead else self

    def differs(self, other: bytes) -> int | None:
        """Return the offset of the first word that is not that of `other`, None if all are."""
        if self.data == other:
            return None
        for offset in range(0, PAGE, 4):
            if not self.unknown >> offset // 4 & 1 and self.data[offset : offset + 4] != other[offset : offset + 4]:
                return offset
        return None


Pages = dict[int, Page]  # by address


def dead_bytes(page: int, sp: int, unit: int = 32) -> int:
    """How many bytes of a stack page an eager checkpoint does not save: what lies below the stack pointer."""
    if sp <= page or sp // 0x100000 != page // 0x100000:
        return 0
    return min(sp - page, PAGE) // unit * unit
