# SPDX-License-Identifier: Apache-2.0
"""Serial ports. All of them are read all the time, so that no port that nobody looks at stalls the machine."""

import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pexpect
from pexpect.spawnbase import SpawnBase

from understudy.errors import TargetError, TargetTimeout

_SLICE = 0.05  # seconds between two looks at the virtual clock
_SHOWN = 12  # last lines quoted in an error


class _Stream(SpawnBase):  # type: ignore[misc] # pexpect has no types
    """The incoming side of one port, in the shape that pexpect searches."""

    def __init__(self) -> None:
        super().__init__(timeout=None, encoding="utf-8", codec_errors="replace")
        self._fresh = bytearray()  # appending to bytes would copy all that nobody has asked for
        self._ended = False
        self._changed = threading.Condition()

    def feed(self, data: bytes) -> None:
        """Add what came in; nothing means that the other side is gone."""
        with self._changed:
            self._fresh += data
            self._ended = self._ended or not data
            self._changed.notify_all()

    def read_nonblocking(self, size: int = 1, timeout: float | None = None) -> str:
        """Return what came in since the last call (the name and the errors are pexpect's)."""
        del size  # everything that is there costs no more than a part of it
        with self._changed:
            if not self._changed.wait_for(lambda: self._fresh or self._ended, timeout):
                raise pexpect.TIMEOUT("nothing came in")
            data, self._fresh = bytes(self._fresh), bytearray()
        if not data:
            self.flag_eof = True
            raise pexpect.EOF("the port is closed")
        text: str = self._decoder.decode(data, final=False)
        return text

    def isalive(self) -> bool:
        """Tell whether more can come."""
        return not self._ended


class Console:
    """One serial port: type into it, wait for text from it."""

    def __init__(self, name: str, link: socket.socket, clock: Callable[[], float]) -> None:
        self.name = name
        self._link = link
        self._clock = clock
        self._stream = _Stream()
        self._all: list[bytes] = []

    @property
    def text(self) -> str:
        """Everything that came out of the port so far, with plain newlines."""
        return b"".join(self._all).decode("utf-8", "replace").replace("\r", "")

    @property
    def lines(self) -> list[str]:
        """The complete lines that came out of the port so far."""
        return self.text.split("\n")[:-1]

    def send(self, text: str) -> None:
        """Type `text`.

        Raises:
            TargetError: the machine is gone.
        """
        try:
            self._link.sendall(text.encode())
        except OSError as error:
            raise TargetError(f"{self.name}: {error.strerror}") from None

    def send_line(self, text: str = "") -> None:
        """Type `text` and the return key."""
        self.send(text + "\r")

    def expect(self, *patterns: str, ms: float = 60_000, seconds: float = 120) -> Any:
        """Wait until one of the regular expressions matches what came after the last match.

        Args:
            patterns: tried together; the match that begins first counts.
            ms: deadline in virtual milliseconds.
            seconds: last guard, in real time, for a machine that stands still.

        Returns:
            The match object; `match.re.pattern` tells which pattern it was.

        Raises:
            TargetTimeout: a deadline passed.
            TargetError: the machine ended.
        """
        deadline, guard = self._clock() + ms, time.monotonic() + seconds
        wanted: Sequence[Any] = [*patterns, pexpect.TIMEOUT, pexpect.EOF]
        while True:
            found = self._stream.expect(wanted, timeout=_SLICE)
            if found < len(patterns):
                return self._stream.match
            if found > len(patterns):
                raise TargetError(self._failure(patterns, "the machine ended"))
            # Text that came while the clock was read is looked at once more before giving up.
            late = self._clock() > deadline
            if late or time.monotonic() > guard:
                if self._stream.expect(wanted, timeout=0) < len(patterns):
                    return self._stream.match
                limit = f"{ms:g} ms of virtual time" if late else f"{seconds:g} s of real time"
                raise TargetTimeout(self._failure(patterns, f"not within {limit}"))

    def before(self) -> str:
        """Return the text between the last match and the one before, with plain newlines."""
        return str(self._stream.before).replace("\r", "")

    def feed(self, data: bytes) -> None:
        """Take what came from the machine; called by the pump only."""
        self._all.append(data)
        self._stream.feed(data)

    def fileno(self) -> int:
        """Return the descriptor, for the pump."""
        return self._link.fileno()

    def receive(self) -> bytes:
        """Return what waits in the socket; nothing when the machine is gone."""
        try:
            return self._link.recv(1 << 16)
        except OSError:
            return b""

    def close(self) -> None:
        """Close the port."""
        self._link.close()

    def _failure(self, patterns: Sequence[str], reason: str) -> str:
        wanted = " or ".join(repr(pattern) for pattern in patterns)
        tail = "\n".join(f"  | {line}" for line in self.text.splitlines()[-_SHOWN:])
        return f"{self.name}: {wanted}: {reason}; the last lines were:\n{tail}"


class Pump(threading.Thread):
    """Moves what the ports send into their consoles until all of them are closed."""

    def __init__(self, consoles: Sequence[Console]) -> None:
        super().__init__(name="consoles", daemon=True)
        self._consoles = consoles

    def run(self) -> None:
        """Serve the ports (see `threading.Thread`)."""
        with selectors.DefaultSelector() as selector:
            for console in self._consoles:
                selector.register(console, selectors.EVENT_READ, console)
            while selector.get_map():
                for key, _ in selector.select():
                    data = key.data.receive()
                    key.data.feed(data)
                    if not data:
                        selector.unregister(key.fileobj)
