# SPDX-License-Identifier: Apache-2.0
"""QEMU's control socket (QMP), synchronously."""

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

from qemu.qmp import QMPClient, QMPError

from understudy.errors import TargetError, TargetTimeout

_SECONDS = 30.0


class Qmp:
    """A QMP session over one end of a socket pair. Use it from one thread only."""

    def __init__(self, link: socket.socket, scratch: Path) -> None:
        """Greet QEMU; `scratch` is a folder that QEMU can write to.

        Raises:
            TargetError: QEMU ended, most likely because of a wrong argument.
        """
        self._scratch = scratch / "memory"
        self._runner = asyncio.Runner()
        self._client = QMPClient()
        link.setblocking(False)
        try:
            self._runner.run(asyncio.wait_for(self._client.connect(link), _SECONDS))
        except (QMPError, OSError, EOFError, TimeoutError) as error:
            self._runner.close()
            raise TargetError(f"QEMU does not answer: {error}") from None

    def command(self, name: str, **arguments: Any) -> Any:
        """Execute a QMP command and return its result; `_` in argument names stands for `-`.

        Raises:
            TargetError: QEMU refused it or is gone.
        """
        given = {key.replace("_", "-"): value for key, value in arguments.items()}
        try:
            return self._runner.run(asyncio.wait_for(self._client.execute(name, given or None), _SECONDS))
        except TimeoutError:
            raise TargetTimeout(f"QMP {name}: no answer within {_SECONDS:g} s") from None
        except (QMPError, OSError, EOFError) as error:
            raise TargetError(f"QMP {name}: {error}") from None

    def read(self, address: int, size: int) -> bytes:
        """Return physical memory."""
        self.command("pmemsave", val=address, size=size, filename=str(self._scratch))
        data = self._scratch.read_bytes()
        if len(data) != size:
            raise TargetError(f"{address:#x}: read {len(data)} of {size} bytes")
        return data

    def core(self, path: Path, address: int, size: int) -> None:
        """Write physical memory as an ELF core file that GDB opens."""
        self.command("dump-guest-memory", paging=False, protocol=f"file:{path}", begin=address, length=size)

    def close(self) -> None:
        """End the session; QEMU may be gone already."""
        with contextlib.suppress(QMPError, OSError, EOFError, TimeoutError, asyncio.CancelledError):
            self._runner.run(asyncio.wait_for(self._client.disconnect(), 2))
        self._runner.close()
