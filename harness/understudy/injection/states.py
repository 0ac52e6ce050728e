# SPDX-License-Identifier: Apache-2.0
"""The RAM of the golden run at each sync, as plugin/golden.c keeps it, and that of an experiment at its end."""

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from understudy.errors import TargetError
from understudy.injection.protocol import PAGE, Setup

_REGISTERS = 2 * PAGE
_DEVICES = 2 * PAGE
START = 0  # number of the first sync


class GoldenStates:
    """The file that a golden run wrote. A context manager."""

    def __init__(self, path: Path, setup: Setup) -> None:
        """Open it; `setup` must be that of the run."""
        self._ranges = setup.ram
        pages = sum(size for _, size in setup.ram) // PAGE
        self._flags_at = _REGISTERS + _DEVICES
        self._ram_at = self._flags_at + -(-pages // PAGE) * PAGE
        self._size = self._ram_at + pages * PAGE
        self._end = len(setup.syncs)
        self.syncs = len(setup.syncs) + 1
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._map.close()

    def devices(self, sync: int) -> bytes:
        """Return the sizes of what the UARTs sent, 4 bytes each, and then the device registers."""
        at = self._size * sync + _REGISTERS
        return self._map[at : at + _DEVICES]

    def read_start(self, address: int, size: int) -> bytes:
        """Return RAM as it was at the start."""
        return self.read(START, address, size)

    def read_end(self, address: int, size: int) -> bytes:
        """Return RAM as it was at the end."""
        return self.read(self._end, address, size)

    def read(self, sync: int, address: int, size: int) -> bytes:
        """Return RAM as it was at a sync."""
        page, offset = self._locate(address, size)
        parts = []
        while size:
            kept = sync if self._map[self._size * sync + self._flags_at + page] else START
            at = self._size * kept + self._ram_at + page * PAGE + offset
            part = min(size, PAGE - offset)
            parts.append(self._map[at : at + part])
            page, offset, size = page + 1, 0, size - part
        return b"".join(parts)

    def _locate(self, address: int, size: int) -> tuple[int, int]:
        page = 0
        for base, length in self._ranges:
            if base <= address and address + size <= base + length:
                return page + (address - base) // PAGE, (address - base) % PAGE
            page += length // PAGE
        raise TargetError(f"{address:#010x}: no RAM that a campaign looks at")


class EndOfExperiment:
    """RAM at the end of an experiment: that of the golden run at the same sync, but for the pages that differ."""

    def __init__(self, golden: GoldenStates, sync: int, pages: Mapping[int, bytes]) -> None:
        self._golden = golden
        self._sync = sync
        self.pages = pages

    def read(self, address: int, size: int) -> bytes:
        """Return RAM."""
        parts = []
        while size:
            base, offset = address // PAGE * PAGE, address % PAGE
            part = min(size, PAGE - offset)
            own = self.pages.get(base)
            parts.append(own[offset : offset + part] if own else self._golden.read(self._sync, address, part))
            address, size = address + part, size - part
        return b"".join(parts)
