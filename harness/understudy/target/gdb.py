# SPDX-License-Identifier: Apache-2.0
"""The one GDB session class; nothing else in the laboratory calls pygdbmi."""

import contextlib
import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen
from pygdbmi.gdbcontroller import GdbController

from understudy.errors import GdbError, InjectionError, TargetTimeout, ToolError

_COMMAND = ["gdb-multiarch", "--nx", "--quiet", "--interpreter=mi3"]
_POLL = 1e-4
_REGISTERS = [f"r{number}" for number in range(13)] + ["sp", "lr", "pc", "cpsr"]
_CPSR = 25  # its number in QEMU's target description; reading all 336 registers takes 30 times as long
_NUMBERS = " ".join(str(number) for number in [*range(16), _CPSR])
_SETTINGS = (
    "mi-async on",  # without it an interrupt gets no answer
    "confirm off",
    "architecture armv7",
    "stack-cache off",
    "code-cache off",
    "remotetimeout 20",
)


@frozen
class Stop:
    """Why and where the machine stopped."""

    reason: str
    pc: int
    breakpoint: int | None


class Gdb:
    """One GDB connected to one QEMU. Every exchange is kept in `transcript`."""

    def __init__(self, socket: Path, elf: Path, transcript: Path) -> None:
        """Connect; this stops the machine.

        Args:
            socket: path of QEMU's GDB socket.
            elf: symbols to load.
            transcript: file that gets every command and answer.

        Raises:
            ToolError: there is no gdb-multiarch.
            GdbError: GDB could not connect.
        """
        self._tokens = itertools.count(1)
        self._log = transcript.open("a", encoding="utf-8")
        try:
            self._mi = GdbController(_COMMAND, time_to_check_for_additional_output_sec=_POLL)
        except (OSError, ValueError):
            self._log.close()
            raise ToolError("gdb-multiarch is missing: run `understudy doctor` to see what to install") from None
        try:
            for setting in _SETTINGS:
                self.command(f"-gdb-set {setting}")
            self.command(f"-file-exec-and-symbols {elf}")
            self.command(f"-target-select remote {socket}", stop=True)
        except GdbError:
            self.close()
            raise

    def command(self, text: str, *, stop: bool = False, seconds: float = 30) -> dict[str, Any]:
        """Execute one MI command and return the payload of its result, or of the stop when `stop` is set.

        Raises:
            GdbError: GDB refused the command or died.
            TargetTimeout: no answer, or no stop, within `seconds` of real time.
        """
        token = next(self._tokens)
        self._note(f"> {token}{text}")
        self._write(f"{token}{text}")
        deadline = time.monotonic() + seconds
        result: dict[str, Any] | None = None
        stopped: dict[str, Any] | None = None
        while True:
            for record in self._responses(deadline):
                if record["type"] == "result" and record["token"] == token:
                    result = record
                elif record["type"] == "notify" and record["message"] == "stopped":
                    stopped = record
            if result and result["message"] == "error":
                raise GdbError(f"{text}: {result['payload'].get('msg', 'refused')}")
            wanted = stopped if stop else result
            if result and wanted:
                return dict(wanted["payload"] or {})
            if time.monotonic() >= deadline:
                raise TargetTimeout(f"{text}: no {'stop' if stop and result else 'answer'} within {seconds:g} s")

    def console(self, text: str) -> None:
        """Execute a command of GDB's own language."""
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        self.command(f'-interpreter-exec console "{quoted}"')

    def _write(self, line: str) -> None:
        try:
            self._mi.write(line, read_response=False)
        except OSError as error:
            raise GdbError(f"GDB is gone: {error}") from None

    def _responses(self, deadline: float) -> list[dict[str, Any]]:
        if self._mi.gdb_process is None or self._mi.gdb_process.poll() is not None:
            raise GdbError("GDB died; see the transcript")
        left = min(1.0, max(0.0, deadline - time.monotonic()))
        records = self._mi.get_gdb_response(timeout_sec=left, raise_error_on_timeout=False)
        for record in records:
            self._note(f"< {record['type']} {record['message']} {record['payload']}")
        return records

    def _note(self, line: str) -> None:
        self._log.write(line + "\n")
        self._log.flush()

    # Execution

    def break_at(self, address: int, *, once: bool = False) -> int:
        """Set a breakpoint at a virtual address, in whatever address space it is reached; return its number."""
        answer = self.command(f"-break-insert {'-t ' if once else ''}*{address:#x}")
        return int(answer["bkpt"]["number"])

    def watch(self, address: int, *, size: int = 4) -> int:
        """Stop at writes to a virtual address; return the number of the watchpoint."""
        kind = {1: "char", 2: "short", 4: "int"}[size]
        answer = self.command(f"-break-watch *(unsigned {kind}*){address:#x}")
        return int(answer["wpt"]["number"])

    def delete(self, number: int) -> None:
        """Remove a breakpoint or watchpoint."""
        self.command(f"-break-delete {number}")

    def resume(self, *, seconds: float = 60) -> Stop:
        """Let the machine run until it stops at a breakpoint."""
        return self._stop(self.command("-exec-continue", stop=True, seconds=seconds))

    def step(self, count: int = 1) -> Stop:
        """Execute `count` instructions."""
        return self._stop(self.command(f"-exec-step-instruction {count}", stop=True))

    def let_run(self) -> None:
        """Let the machine run and return at once; `interrupt` stops it."""
        self.command("-exec-continue")

    def interrupt(self) -> Stop:
        """Stop a machine that runs."""
        return self._stop(self.command("-exec-interrupt", stop=True))

    def _stop(self, payload: dict[str, Any]) -> Stop:
        number = payload.get("bkptno")
        pc = int(payload.get("frame", {}).get("addr", "0"), 0)
        return Stop(str(payload.get("reason", "?")), pc, int(number) if number else None)

    # Registers and memory

    def registers(self) -> dict[str, int]:
        """Return r0..r12, sp, lr, pc, cpsr of the current mode."""
        answer = self.command(f"-data-list-register-values --skip-unavailable x {_NUMBERS}")
        values = {int(item["number"]): int(item["value"], 0) for item in answer["register-values"]}
        return {name: values[number] for name, number in zip(_REGISTERS, [*range(16), _CPSR], strict=True)}

    def value(self, expression: str) -> int:
        """Evaluate an expression to a number."""
        return parse_number(self.command(f'-data-evaluate-expression "{expression}"')["value"])

    def write_register(self, name: str, value: int) -> tuple[int, int]:
        """Write a core register; return the values before and after.

        Raises:
            InjectionError: reading back gives something else.
        """
        before = self.value(f"(unsigned)${name}")
        self.command(f"-gdb-set var ${name} = {value:#x}")
        self.console("maint flush register-cache")  # or GDB shows what it wrote, not what is there
        after = self.value(f"(unsigned)${name}")
        if after != value & 0xFFFFFFFF:
            raise InjectionError(f"{name}: wrote {value:#x}, read back {after:#x}")
        return before, after

    def read(self, address: int, size: int) -> bytes:
        """Return memory at a virtual address, as the current mode may read it."""
        answer = self.command(f"-data-read-memory-bytes {address:#x} {size}")
        return bytes.fromhex("".join(part["contents"] for part in answer["memory"]))

    def write_physical(self, address: int, data: bytes) -> tuple[bytes, bytes]:
        """Write physical memory; return the bytes before and after.

        Raises:
            InjectionError: reading back gives something else.
        """
        with self.physical():
            before = self.read(address, len(data))
            self.command(f"-data-write-memory-bytes {address:#x} {data.hex()}")
            after = self.read(address, len(data))
        if after != data:
            raise InjectionError(f"{address:#x}: wrote {data.hex()}, read back {after.hex()}")
        return before, after

    @contextlib.contextmanager
    def physical(self) -> Iterator[None]:
        """Make addresses physical inside the block (a feature of QEMU's GDB server)."""
        self.console("maint packet Qqemu.PhyMemMode:1")
        self.console("maint flush dcache")
        try:
            yield
        finally:
            self.console("maint packet Qqemu.PhyMemMode:0")
            self.console("maint flush dcache")

    def close(self) -> None:
        """Detach, which lets the machine run on, and end GDB."""
        with contextlib.suppress(GdbError, TargetTimeout):
            self.command("-target-detach", seconds=5)
        process = self._mi.gdb_process
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                with contextlib.suppress(OSError):
                    if stream:
                        stream.close()
        self._log.close()


def parse_number(text: str) -> int:
    """Return the first number in a value that GDB printed, such as `0x8000 <reset+4>` or `(int *) 0x10`.

    Raises:
        GdbError: there is none.
    """
    match = re.search(r"-?\b(0x[0-9a-fA-F]+|\d+)\b", text)
    if not match:
        raise GdbError(f"{text!r} is no number")
    return int(match[0], 0)
