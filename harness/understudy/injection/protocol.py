# SPDX-License-Identifier: Apache-2.0
"""The structures of plugin/protocol.h."""

import socket
from collections.abc import Sequence
from enum import IntEnum, IntFlag
from pathlib import Path
from struct import Struct

from attrs import frozen

from understudy.errors import TargetError
from understudy.injection.experiment import Applied, Fault

VERSION = 1
PAGE = 4096
UARTS = 8

_REQUEST = Struct("<II")
_SETUP = Struct("<8I")
_RANGE = Struct("<QQ")
_RUN = Struct("<IIQQI4x")
_FAULT = Struct("<8Q4I")
_REPORT = Struct(f"<4I2Q4I17I{UARTS}I4x")
_APPLIED = Struct("<QQQIIII")
_PAGE = Struct(f"<Q{PAGE}s")
_SIZE = Struct("<I")


class Request(IntEnum):
    """`enum request_kind`."""

    SETUP = 1
    RUN = 2
    RETURN = 3


class Flag(IntFlag):
    """`enum run_flag`."""

    NONE = 0
    GOLDEN = 1
    EARLY = 2
    TRACE = 4
    PAUSE = 8


class End(IntEnum):
    """`enum end_kind`."""

    HORIZON = 0
    EQUAL = 1
    SIGNAL = 2
    STUCK = 3
    DORMANT = 4
    STOPPED = 5


@frozen
class Setup:
    """`struct setup`: what is the same for all experiments.

    Ranges are pairs of address and size in bytes. `syncs` are virtual ns after the start, ascending: the states there
    are compared with those of the golden run. The last is the end. One right after the start is always there.
    """

    ram: tuple[tuple[int, int], ...]
    devices: tuple[tuple[int, int], ...]
    syncs: tuple[int, ...]
    instruction_ns: int
    cpu_ms: int = 2_000
    pages: int = 900

    def times(self, start: int) -> tuple[int, ...]:
        """Return the times of all syncs, in virtual ns since reset."""
        return (start + self.instruction_ns, *(start + sync for sync in self.syncs))

    def packed(self, start: int) -> bytes:
        """Return it as the plugin reads it."""
        times = self.times(start)
        counts = (len(self.ram), len(self.devices), len(times))
        head = _SETUP.pack(VERSION, *counts, self.instruction_ns, self.cpu_ms, self.pages, 0)
        lists = b"".join(_RANGE.pack(*part) for part in (*self.ram, *self.devices))
        return head + lists + Struct(f"<{len(times)}Q").pack(*times)


@frozen
class Report:
    """`struct report` and what follows it."""

    end: End
    status: int
    sync: int
    time: int
    executed: int
    cpu_differs: bool
    devices_differ: bool
    pages_differ: int
    registers: tuple[int, ...]  # r0 to r15, CPSR
    applied: tuple[Applied, ...]
    pages: dict[int, bytes]  # those that differ, by address
    outputs: tuple[bytes, ...]


def packed_run(
    faults: Sequence[Fault], flags: Flag, *, traced_until: int = 0, dormant_after: int = 0, pause_before: int = 0
) -> bytes:
    """Return `struct run` and its faults."""
    return _RUN.pack(flags, len(faults), traced_until, dormant_after, pause_before) + b"".join(
        map(_packed_fault, faults)
    )


def _packed_fault(fault: Fault) -> bytes:
    mask = (1 << 64) - 1
    times = (fault.time, fault.duration, fault.interval)
    change = (fault.keep & mask, fault.set & mask, fault.flip & mask, fault.add & mask)
    return _FAULT.pack(*times, fault.address, *change, fault.target, fault.size, fault.restore, 0)


def unpack_report(data: bytes) -> Report:
    """Read an answer of the plugin."""
    head = _REPORT.unpack_from(data)
    end, status, sync, faults, time, executed, cpu, devices, pages, sent = head[:10]
    at = _REPORT.size
    applied = [Applied(*_APPLIED.unpack_from(data, at + _APPLIED.size * number)) for number in range(faults)]
    at += _APPLIED.size * faults
    found = dict(_PAGE.unpack_from(data, at + _PAGE.size * number) for number in range(sent))
    at += _PAGE.size * sent
    outputs = []
    for size in head[27 : 27 + UARTS]:
        outputs.append(data[at : at + size])
        at += size
    return Report(
        End(end),
        status,
        sync,
        time,
        executed,
        bool(cpu),
        bool(devices),
        pages,
        tuple(head[10:27]),
        tuple(applied),
        found,
        tuple(outputs),
    )


class Link:
    """The harness's end of the socket. Answers may take as long as an experiment may."""

    def __init__(self, link: socket.socket, log: Path) -> None:
        self._link = link
        self._log = log

    def ask(self, kind: Request, data: bytes = b"") -> bytes:
        """Send a request and return its answer.

        Raises:
            TargetError: QEMU ended.
        """
        self.send(kind, data)
        return self.answer()

    def send(self, kind: Request, data: bytes = b"") -> None:
        """Send a request."""
        try:
            self._link.sendall(_REQUEST.pack(kind, len(data)) + data)
        except OSError:
            raise self._gone() from None

    def answer(self) -> bytes:
        """Wait for an answer."""
        (size,) = _SIZE.unpack(self._receive(_SIZE.size))
        return self._receive(size)

    def close(self) -> None:
        """Close it; a fork server then ends."""
        self._link.close()

    def _receive(self, size: int) -> bytes:
        parts = []
        while size:
            try:
                part = self._link.recv(size)
            except OSError:
                part = b""
            if not part:
                raise self._gone()
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _gone(self) -> TargetError:
        said = self._log.read_text(encoding="utf-8", errors="replace") if self._log.is_file() else ""
        lines = [line for line in said.splitlines() if "module" not in line]
        return TargetError("QEMU ended before an experiment did\n" + "\n".join(lines[-5:]))
