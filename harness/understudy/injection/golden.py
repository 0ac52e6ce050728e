# SPDX-License-Identifier: Apache-2.0
"""The golden run of a campaign: without its faults, traced, with all that experiments are compared with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import define, field, frozen

from understudy.errors import TargetError
from understudy.image import Image
from understudy.injection import golden_view
from understudy.injection.engine import Engine
from understudy.injection.experiment import Fault
from understudy.injection.protocol import End, Setup
from understudy.injection.states import GoldenStates
from understudy.target.faults import read_faults
from understudy.target.memory import Memory

_RECORD = np.dtype([("time", "<u8"), ("kind", "<u4"), ("a", "<u4"), ("b", "<u4"), ("c", "<u4")])
_STEP, _IDLE, _READ, _WRITE = range(4)  # enum trace_kind
_CP15 = {  # CRn, CRm, opc1, opc2 (ARM ARM B3.17)
    "SCTLR": (1, 0, 0, 0),
    "ACTLR": (1, 0, 0, 1),
    "CPACR": (1, 0, 0, 2),
    "TTBR0": (2, 0, 0, 0),
    "TTBR1": (2, 0, 0, 1),
    "TTBCR": (2, 0, 0, 2),
    "DACR": (3, 0, 0, 0),
    "DFSR": (5, 0, 0, 0),
    "IFSR": (5, 0, 0, 1),
    "DFAR": (6, 0, 0, 0),
    "IFAR": (6, 0, 0, 2),
    "VBAR": (12, 0, 0, 0),
    "CONTEXTIDR": (13, 0, 0, 1),
    "TPIDRURW": (13, 0, 0, 2),
    "TPIDRURO": (13, 0, 0, 3),
    "TPIDRPRW": (13, 0, 0, 4),
}
CP15_FIELDS = {name: 15 << 16 | crn << 11 | crm << 7 | op1 << 3 | op2 for name, (crn, crm, op1, op2) in _CP15.items()}

_NONE = np.zeros(0, np.int64)
_NO_TRACE = golden_view.Trace(
    _NONE, _NONE, _NONE, golden_view.Accesses(_NONE, _NONE, _NONE, _NONE, np.zeros(0, np.bool_))
)


@frozen
class GoldenFacts:
    """What the checker must know of a golden run.

    `boot` and `outputs` are the text of each UART, by VM; `lines` says how many lines of it there were at each sync.
    """

    boot: dict[str, str]  # before the start
    outputs: dict[str, str]  # from there to the end
    lines: dict[str, tuple[int, ...]]
    syncs_ns: tuple[int, ...]
    executed: int
    start_ns: int
    end_ns: int
    instruction_ns: int
    timer_offset_ns: int  # virtual time when the clock of the fault log was 0
    timer_tick_ns: int
    faults: int  # records in the fault log at the end
    vms: dict[str, dict[str, Any]]  # state and counters at the end
    management: str
    prelude: tuple[Fault, ...]


@define(eq=False)
class Golden:
    """A golden run; it is a `GoldenView`."""

    image: Image
    states: GoldenStates
    facts: GoldenFacts
    trace: golden_view.Trace
    running: "np.ndarray[Any, np.dtype[np.int64]]"
    """For each step the address of the `struct vm` that the scheduler calls the running one."""
    fields: Sequence[str]
    _frames: dict[str, dict[int, int]] = field(factory=dict)

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the image that runs."""
        return self.image.manifest

    @property
    def start_ns(self) -> int:
        """When the window begins."""
        return self.facts.start_ns

    @property
    def end_ns(self) -> int:
        """When experiments end."""
        return self.facts.end_ns

    @property
    def instruction_ns(self) -> int:
        """Virtual time of an instruction."""
        return self.facts.instruction_ns

    @property
    def state_fields(self) -> Mapping[str, int]:
        """Numbers of the fields of QEMU's CPU state."""
        return {name: number for number, name in enumerate(self.fields)}

    @property
    def cp15_fields(self) -> Mapping[str, int]:
        """Keys of coprocessor registers."""
        return CP15_FIELDS

    def read_physical(self, address: int, size: int) -> bytes:
        """Return RAM as it is at the start of the window."""
        return self.states.read_start(address, size)


def golden_run(
    image: Image, engine: Engine, setup: Setup, path: Path, prelude: Sequence[Fault], *, traced: bool
) -> Golden:
    """Do the golden run; if it is to be traced, once more for that, which must not change anything.

    Args:
        image: what runs.
        engine: entered.
        setup: that of the engine's ground.
        path: the file of the ground, for the states.
        prelude: faults of the golden run itself.
        traced: without a trace nothing can be planned, but experiments can be run.

    Raises:
        TargetError: it didn't get to its end, or the traced run is another one.
    """
    report = engine.golden(prelude)
    if report.end is not End.HORIZON:
        raise TargetError(f"the golden run did not get to its end: {report.end.name.lower()}, status {report.status}")
    start = engine.hello.time
    end = start + setup.syncs[-1]
    if traced:
        again = engine.trace(end, prelude)
        if (again.executed, again.outputs, again.pages_differ) != (report.executed, report.outputs, 0):
            raise TargetError("the traced golden run is another one: QEMU is not deterministic here")
    states = GoldenStates(path, setup)
    memory = Memory(image.manifest, states.read_end)
    names = uart_names(image.manifest)
    facts = GoldenFacts(
        boot={name: _text((engine.folder / f"uart{number}").read_bytes()) for number, name in names.items()},
        outputs={name: _text(report.outputs[number]) for number, name in names.items()},
        lines={name: _lines(report.outputs[number], number, states) for number, name in names.items()},
        syncs_ns=setup.times(start),
        executed=report.executed,
        start_ns=start,
        end_ns=end,
        instruction_ns=setup.instruction_ns,
        timer_offset_ns=_timer_offset(image, states, start + setup.instruction_ns),
        timer_tick_ns=1_000_000_000 // image.manifest["board"]["timer_hz"],
        faults=max((fault.sequence for fault in read_faults(memory)), default=0),
        vms={name: vm_facts(memory, name) for name in image.manifest["vms"]},
        management=next(name for name, vm in image.manifest["vms"].items() if vm["management"]),
        prelude=tuple(prelude),
    )
    trace, running = _read_trace(engine.trace_file) if traced else (_NO_TRACE, _NONE)
    return Golden(image, states, facts, trace, running, engine.hello.fields)


def uart_names(manifest: Mapping[str, Any]) -> dict[int, str]:
    """Return whose UART each one is: the first that of the management VM, and of the VMM."""
    return {vm["uart"]: name for name, vm in manifest["vms"].items() if vm["uart"] is not None}


def vm_facts(memory: Memory, vm: str) -> dict[str, Any]:
    """Return the state of a VM and its counters."""
    base = memory.vm_address(vm)

    def member(name: str, size: int = 4) -> int:
        return int.from_bytes(memory.read_physical(base + memory.offset_of("vm", name), size), "little")

    states = {number: label for label, number in memory.manifest["enumerations"]["vmi_vm_state"].items()}
    counters = memory.structure(
        "vm_counters",
        memory.read_physical(base + memory.offset_of("vm", "counters"), memory.size_of("vm_counters")),
    )
    state = member("run_state", 1)
    return {
        "state": states.get(state, str(state)).removeprefix("VMI_VM_").lower(),
        "recoveries": member("recoveries"),
        "starts": member("starts"),
        "faults": counters["faults"],
        "refused": counters["refused"],
        "ticks_lost": counters["ticks_lost"],
    }


def _lines(output: bytes, uart: int, states: GoldenStates) -> tuple[int, ...]:
    """What devices show begins with the number of bytes that each UART has sent."""
    sizes = (states.devices(sync)[4 * uart : 4 * uart + 4] for sync in range(states.syncs))
    return tuple(output[: int.from_bytes(size, "little")].count(b"\n") for size in sizes)


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace").replace("\r\n", "\n")


def _timer_offset(image: Image, states: GoldenStates, now: int) -> int:
    """The timer's count is the first device register after the sizes of the outputs (`observed_devices`)."""
    at = 4 * image.manifest["board"]["uarts"]
    count = int.from_bytes(states.devices(0)[at : at + 8], "little")
    return now - count * 1_000_000_000 // int(image.manifest["board"]["timer_hz"])


def _read_trace(path: Path) -> tuple[golden_view.Trace, "np.ndarray[Any, np.dtype[np.int64]]"]:
    records = np.fromfile(path, _RECORD)
    is_step = records["kind"] == _STEP
    steps, number = records[is_step], np.cumsum(is_step) - 1
    access = (records["kind"] >= _READ) & (number >= 0)
    done = records[access]
    accesses = golden_view.Accesses(
        step=number[access].astype(np.int64),
        address=done["a"].astype(np.int64),
        virtual=done["c"].astype(np.int64),
        size=done["b"].astype(np.int64),
        write=done["kind"] == _WRITE,
    )
    trace = golden_view.Trace(
        time=steps["time"].astype(np.int64),
        pc=steps["a"].astype(np.int64),
        cpsr=steps["b"].astype(np.int64),
        accesses=accesses,
        idle=tuple(_sleeps(steps["time"])),
    )
    return trace, steps["c"].astype(np.int64)


def _sleeps(times: "np.ndarray[Any, np.dtype[np.uint64]]") -> list[tuple[int, int]]:
    """Where more time passes than an instruction takes, the processor sleeps; or an exception takes none."""
    if len(times) < 2:
        return []
    gaps = np.diff(times.astype(np.int64))
    step = int(gaps.min())
    return [(int(times[at]) + step, int(times[at + 1])) for at in np.flatnonzero(gaps > step)]
