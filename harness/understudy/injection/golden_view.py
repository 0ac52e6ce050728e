# SPDX-License-Identifier: Apache-2.0
"""What planning must know of a golden run; the engine provides it, and so can a test."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


@frozen(eq=False)
class Accesses:
    """Accesses to RAM, ordered by step: parallel arrays. `step` is the number of the instruction that does it."""

    step: Numbers
    address: Numbers  # physical
    virtual: Numbers
    size: Numbers  # bytes
    write: NDArray[np.bool_]


@frozen(eq=False)
class Trace:
    """Every instruction that the golden run executes from the start of the window to its end: parallel arrays.

    `time[k]` is when instruction k is about to start: a fault at that time finds `pc[k]` and `cpsr[k]`. Where an
    exception is taken in between, they are still those of the instruction that was interrupted.
    """

    time: Numbers  # virtual ns since reset, ascending
    pc: Numbers  # virtual address
    cpsr: Numbers
    accesses: Accesses
    idle: tuple[tuple[int, int], ...] = ()  # sleep: from, to


class GoldenView(Protocol):
    """A golden run, as planning sees it. Times are virtual nanoseconds since reset."""

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the image that runs."""

    @property
    def trace(self) -> Trace:
        """What it executed from `start_ns` to `end_ns`."""

    @property
    def start_ns(self) -> int:
        """When the window begins."""

    @property
    def end_ns(self) -> int:
        """When experiments end."""

    @property
    def instruction_ns(self) -> int:
        """Virtual time of an instruction."""

    @property
    def state_fields(self) -> Mapping[str, int]:
        """Numbers of the fields of QEMU's CPU state, by name, such as "env.banked_r13"."""

    @property
    def cp15_fields(self) -> Mapping[str, int]:
        """QEMU's indexes of coprocessor registers, by the name of the architecture, such as "TTBR0"."""

    def read_physical(self, address: int, size: int) -> bytes:
        """Return RAM as it is at the start of the window."""
