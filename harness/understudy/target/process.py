# SPDX-License-Identifier: Apache-2.0
"""The QEMU process: its arguments, its sockets, and that it never outlives its parent."""

import os
import shlex
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from understudy import paths
from understudy.errors import TargetError
from understudy.image.builder import Image

_SOCKET_PATH_MAX = 107


class QemuProcess:
    """One QEMU that waits for `cont`, with one end of a socket pair for QMP and for each serial port.

    It runs in a session of its own (Ctrl-C in GDB must not reach it) and the kernel kills it with its parent.
    """

    def __init__(self, image: Image, folder: Path, extra: Sequence[str] = ()) -> None:
        """Start QEMU; logs and the GDB socket go to `folder`, which should have a short path."""
        self.gdb_path = folder / "gdb"
        if len(str(self.gdb_path)) > _SOCKET_PATH_MAX:
            raise TargetError(f"{self.gdb_path}: too long for a socket; use a shorter temporary folder")
        self.log = folder / "qemu.log"
        self.qmp, theirs = socket.socketpair()
        handed = [theirs]
        self.command = [*image.manifest["qemu"], *clock_arguments(image), *extra]
        self.command += ["-kernel", str(image.elf), "-S", "-monitor", "none"]
        self.command += ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"]
        self.command += ["-chardev", f"socket,id=gdb,path={self.gdb_path},server=on,wait=off", "-gdb", "chardev:gdb"]
        self.serial: list[socket.socket] = []
        for number in range(image.manifest["board"]["uarts"]):
            ours, theirs = socket.socketpair()
            self.serial.append(ours)
            handed.append(theirs)
            log = folder / f"uart{number}.log"
            self.command += ["-chardev", f"socket,id=uart{number},fd={theirs.fileno()},logfile={log}"]
            self.command += ["-serial", f"chardev:uart{number}"]
        self._process = self._start(handed)

    def _start(self, handed: list[socket.socket]) -> "subprocess.Popen[bytes]":
        with self.log.open("wb") as log:
            try:
                return start_qemu(self.command, output=log, pass_fds=[link.fileno() for link in handed])
            finally:
                for link in handed:
                    link.close()

    @property
    def pid(self) -> int:
        """The process id of QEMU itself (setpriv becomes it)."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Tell whether QEMU runs."""
        return self._process.poll() is None

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int:
        """Wait until QEMU ends by itself and return its status.

        Raises:
            TargetError: it still runs.
        """
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TargetError(f"QEMU still runs after {seconds:g} s") from None

    def said(self) -> str:
        """Return what QEMU printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def shown(self) -> str:
        """Return the command as one would type it."""
        return shlex.join(self.command)

    def end(self) -> None:
        """Kill QEMU, if it still runs; every socket then reports its end."""
        if self.alive:
            self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Close the sockets. Only when nobody waits for them any more: a closed descriptor never reports its end."""
        for link in (self.qmp, *self.serial):
            link.close()


def start_qemu(
    command: Sequence[str], *, output: IO[bytes] | int = subprocess.DEVNULL, pass_fds: Sequence[int] = ()
) -> "subprocess.Popen[bytes]":
    """Start QEMU in a session of its own; the kernel kills it with its parent. `output` gets what it prints.

    Raises:
        TargetError: a tool is missing.
    """
    try:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=pass_fds,
            start_new_session=True,
            cwd=paths.root(),
            env=quiet_environment(),
        )
    except FileNotFoundError:
        raise TargetError("setpriv is missing: run `understudy doctor` to see what to install") from None


def clock_arguments(image: Image) -> list[str]:
    """Return the arguments that make virtual time a matter of executed instructions."""
    return ["-icount", f"shift={image.manifest['icount_shift']},sleep=off"]


def quiet_environment() -> dict[str, str]:
    """Return the environment for QEMU: the boards have sound chips, and no sound system is wanted."""
    return {**os.environ, "QEMU_AUDIO_DRV": "none"}
