# SPDX-License-Identifier: Apache-2.0
"""The machine's RAM as a file that QEMU and the harness share: to look at data, and to change it, takes no command."""

import mmap
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_FAST = Path("/dev/shm")  # noqa: S108 - memory; without it the usual temporary folder


class SharedRam:
    """A context manager; pass `arguments` to the `Target`, as `extra`.

    The machine sees a change at once. QEMU does not notice when code is changed that it has translated already.
    """

    def __init__(self, manifest: dict[str, Any]) -> None:
        """Prepare RAM for an image with this manifest."""
        self.base = int(manifest["ram"]["base"])
        self.size = int(manifest["ram"]["size"])

    def __enter__(self) -> Self:
        """Create the file."""
        self._file = tempfile.TemporaryFile(prefix="us-", dir=_FAST if _FAST.is_dir() else None)
        self._file.truncate(self.size)
        self._map = mmap.mmap(self._file.fileno(), self.size)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the memory back, when QEMU does not use it any more either."""
        self._map.close()
        self._file.close()

    @property
    def arguments(self) -> tuple[str, ...]:
        """QEMU's arguments: the file has no name, so QEMU opens it through this process."""
        path = f"/proc/{os.getpid()}/fd/{self._file.fileno()}"
        backend = f"memory-backend-file,id=shared-ram,size={self.size},mem-path={path},share=on"
        return ("-object", backend, "-machine", "memory-backend=shared-ram")

    def read(self, address: int, size: int) -> bytes:
        """Return physical memory."""
        at = address - self.base
        return self._map[at : at + size]

    def write(self, address: int, data: bytes) -> None:
        """Change physical memory."""
        at = address - self.base
        self._map[at : at + len(data)] = data

    def holds(self, address: int, size: int) -> bool:
        """Tell whether the addresses are RAM."""
        return self.base <= address and address + size <= self.base + self.size
