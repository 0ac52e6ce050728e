# SPDX-License-Identifier: Apache-2.0
"""The gate: where the plugin holds the machine at an exact instruction, while QEMU still takes commands."""

import os
import time
from pathlib import Path

from understudy.errors import TargetError, TargetTimeout
from understudy.target import Target

_POLL = 0.001  # seconds between two looks


class Gate:
    """A FIFO for each time that the machine is held: it opens it for reading, and goes on when the writer closes it.

    While it is held the machine must not be paused: QEMU would wait for the processor, for ever.
    """

    def __init__(self, path: Path, holds: int = 1) -> None:
        """Make the FIFOs: `path` with a number behind."""
        self.path = path
        self._left = [Path(f"{path}{number}") for number in range(holds)]
        self._writer = -1
        for fifo in self._left:
            os.mkfifo(fifo)

    def _holds(self) -> bool:
        """Tell whether the machine is held, for the next time."""
        try:
            self._writer = os.open(self._left[0], os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads
            return False
        self._left.pop(0)
        return True

    def wait(self, target: Target, seconds: float) -> None:
        """Wait until the machine is held for the next time.

        Raises:
            TargetError: QEMU ended before.
            TargetTimeout: it did not come within `seconds` of real time.
        """
        guard = time.monotonic() + seconds
        while not self._holds():
            if not target.process.alive:
                raise TargetError(f"QEMU ended before it came there\n{target.process.said()}".strip())
            if time.monotonic() > guard:
                raise TargetTimeout(f"the machine did not come there within {seconds:g} s")
            time.sleep(_POLL)

    def open(self) -> None:
        """Let the machine go on."""
        os.close(self._writer)
