# SPDX-License-Identifier: Apache-2.0
"""What a campaign is made of: faults, experiments with them, and what was observed."""

from enum import IntEnum, StrEnum
from typing import Any

from attrs import field, frozen

ALL_BITS = (1 << 64) - 1


class Target(IntEnum):
    """`enum target` of plugin/protocol.h: what `Fault.address` means."""

    CORE = 0  # r0 to r15, CPSR: 16
    STATE = 1  # a field of QEMU's CPU state, by number and offset
    CP15 = 2  # a coprocessor register, by QEMU's index
    RAM = 3
    DEVICE = 4


@frozen
class Fault:
    """One fault as the injector applies it: the value becomes `(((value & keep) | set) ^ flip) + add`.

    Times are virtual nanoseconds since reset. With a `duration` it is applied again every `interval` for so long; with
    `restore` the bits that it determines are put back afterwards.
    """

    time: int
    target: Target
    address: int
    size: int = 4
    flip: int = 0
    keep: int = ALL_BITS
    set: int = 0
    add: int = 0
    duration: int = 0
    interval: int = 0
    restore: bool = False


@frozen
class Place:
    """What a fault aims at, for people and for statistics; whatever does not apply is empty."""

    kind: str  # "register", "memory", "code", "page table", "interrupt", "timer", "device"...
    name: str  # "r3", "cpsr", the name of a section, of a device's register
    model: str = "flip"  # "flip", "stuck-at-0", "skip", "replace", "burst", "lost", "spurious"...
    bit: int | None = None
    vm: str = ""  # whose memory, or who ran
    task: str = ""
    phase: str = ""  # what ran at the time: "task", "kernel", "vmm", "switch", "checkpoint", "recovery"
    address: int | None = None
    symbol: str = ""  # where the address is: "name+offset"
    pc: int | None = None  # of the instruction before which it is applied
    pc_symbol: str = ""
    step: int | None = None  # number of that instruction in the trace of the golden run


@frozen
class Experiment:
    """One experiment of a plan. `weight` is the share of its stratum's fault space for which it stands.

    `dormant_after` is the virtual time from which on the golden run doesn't use what the faults aim at (0: never);
    None: it is used for ever, or that is not known.
    """

    number: int
    stratum: str
    faults: tuple[Fault, ...]
    place: Place
    weight: float = 1.0
    dormant_after: int | None = None


class Outcome(StrEnum):
    """What became of an experiment."""

    MASKED = "masked"
    LATENT = "latent"
    RECOVERED = "recovered"
    DEGRADED = "degraded"
    SDC = "silent data corruption"
    PROPAGATED = "propagated"
    HANG = "hang"
    VMM_FAULT = "VMM fault"
    QEMU_ABORTED = "QEMU aborted"
    NOT_APPLIED = "not applied"


UNCAUGHT = (Outcome.SDC, Outcome.PROPAGATED, Outcome.HANG)
"""What no mechanism of the system has noticed."""


@frozen
class Applied:
    """Proof that a fault was applied: the value before and after."""

    time: int
    before: int
    after: int
    times: int
    changed: int
    pc: int
    cpsr: int


@frozen
class History:
    """All that was observed of an experiment; with what is known of the golden run the checker needs nothing else.

    `outputs` has the text of each UART, by VM, where it is not the beginning of that of the golden run. `faults` are
    the new records of the fault log, decoded. `vms` has for each VM that differs from the golden run its state and
    counters. `memory` counts the pages that differ at the end: per VM and window as the guest sees them, "stored" in
    its partition with tables and checkpoints, and "vmm".
    """

    end: str  # "horizon", "equal", "dormant", "stopped", "signal", "stuck"
    status: int
    executed: int
    applied: tuple[Applied, ...]
    outputs: dict[str, str] = field(factory=dict)
    faults: tuple[dict[str, Any], ...] = ()
    vms: dict[str, dict[str, Any]] = field(factory=dict)
    memory: dict[str, dict[str, int]] = field(factory=dict)
    cpu_differs: bool = False
    devices_differ: bool = False


@frozen
class Verdict:
    """What the checker says of a history."""

    outcome: Outcome
    why: str
    action: str = ""  # the most severe recovery, as the fault log names it
    level: str = ""  # "task", "VM", "system"
    vm: str = ""  # which VM was recovered or hit
    latency: int | None = None  # instructions from the first fault to the first record of the fault log
    cost: int | None = None  # of the recovery, in instructions, as the fault log says
    lost: int | None = None  # instructions executed more than in the golden run: the recovery, and work done again
    actions: tuple[str, ...] = ()  # all that were taken, in order: an escalation when there are several


@frozen
class Result:
    """An experiment that has run."""

    number: int
    history: History
    verdict: Verdict
