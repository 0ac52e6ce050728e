# SPDX-License-Identifier: Apache-2.0
"""The RTOS on the bare board, without the VMM (the third bar of R43): the same tasks, counted by the same plugin."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import Popen

from understudy.image import Image, build
from understudy.image.bare import build_bare
from understudy.image.elf import Elf, read_elf
from understudy.latency.plugin import Kind, Record, instruction_ns, plugin_option, read_records
from understudy.latency.scenarios.paths import rtos_system
from understudy.latency.scenarios.scenario import QUICK_REPETITIONS, REPETITIONS, WARM_UP
from understudy.latency.scenarios.systems import Mode
from understudy.latency.statistics import LatencyError, differences
from understudy.target.process import clock_arguments, start_qemu

EXIT = "context_run"  # the only way to a task
_RETURN = 0xE1B0F00E  # MOVS pc, lr
_SECONDS = (1.0, 4.0, 16.0, 60.0)  # of real time, until there are enough repetitions
_VECTOR_CALL, _VECTOR_IRQ = 0x08, 0x18


def start_bare(image: Image, elf: Path, *extra: str) -> Popen[bytes]:
    """Start QEMU with an image for the bare board; `image` is a system for the same board."""
    command = [*image.manifest["qemu"], *clock_arguments(image)]
    return start_qemu([*command, "-kernel", str(elf), "-monitor", "none", *extra])


def bare_switches(*, quick: bool = False) -> tuple[dict[str, list[int]], list[str]]:
    """Measure in two lives each; return the series, and what differed.

    Series: "task_switch" is OSSemPend to the other task, "task_switch_post" OSSemPost, "tick_switch" from the timer
    interrupt to the task that slept.

    Raises:
        LatencyError: there are too few repetitions.

    """
    wanted = QUICK_REPETITIONS if quick else REPETITIONS
    kinds = {
        "task_switch": ("pend", _VECTOR_CALL, "os_sem_pend"),
        "task_switch_post": ("pend", _VECTOR_CALL, "os_sem_post"),
        "tick_switch": ("tick", _VECTOR_IRQ, "os_tick"),
    }
    series, unequal = {}, []
    for name, (guest, vector, passing) in kinds.items():
        first, second = (_enough(guest, vector, passing, wanted) for _ in range(2))
        difference = differences(first, second)
        if difference:
            unequal.append(f"{name} (bare): {difference}")
        series[name] = first
    return series, unequal


def _enough(guest: str, vector: int, passing: str, wanted: int) -> list[int]:
    system = rtos_system(Mode.OFF, guest)
    image, elf = build(system), build_bare(system, guest)
    symbols = read_elf(elf)
    found: list[int] = []
    for seconds in _SECONDS:
        records = _records(image, symbols, passing, seconds)
        found = list(_switches(records, vector, _address(symbols, passing)))[WARM_UP : WARM_UP + wanted]
        if len(found) == wanted:
            return found
    raise LatencyError(f"{elf.name} on the bare board: {wanted} repetitions of {passing} wanted, found {len(found)}")


def _records(image: Image, elf: Elf, passing: str, seconds: float) -> list[Record]:
    """Let it run; everything of it is one program, so the plugin sees no guest, only vectors and points."""
    with tempfile.TemporaryDirectory(prefix="us-") as folder:
        output = Path(folder, "records")
        given = {
            "out": output,
            "vectors": _address(elf, "vectors"),
            "guest_end": 0,
            "instruction_ns": instruction_ns(image),
        }
        plugin = plugin_option(given, (_address(elf, passing), _return_address(elf)))
        with start_bare(image, elf.path, *plugin, "-serial", "null") as machine:
            time.sleep(seconds)
            machine.terminate()
        return list(read_records(output))


def _switches(records: Sequence[Record], vector: int, passing: int) -> Iterator[int]:
    """From each entry through the vector to the return, if it went through the function at `passing`."""
    enter: Record | None = None
    passed = False
    for record in records:
        if record.kind == Kind.ENTER:
            enter, passed = (record if record.address & 0x1F == vector else None), False
        elif record.kind == Kind.POINT and record.address == passing:
            passed = True
        elif record.kind == Kind.POINT and enter:
            if passed:
                yield record.executed + 1 - enter.executed
            enter = None


def _address(elf: Elf, name: str) -> int:
    symbol = elf.find(name)
    if symbol is None:
        raise LatencyError(f"{elf.path.name}: no symbol {name}: what is measured has another name now")
    return symbol.address


def _return_address(elf: Elf) -> int:
    """Address of the instruction that ends the switch."""
    start = _address(elf, EXIT)
    code = elf.path.read_bytes()
    segment = next(s for s in elf.segments if s.address <= start < s.address + s.file_size)
    for address in range(start, start + 0x100, 4):
        offset = segment.offset + address - segment.address
        if int.from_bytes(code[offset : offset + 4], "little") == _RETURN:
            return address
    raise LatencyError(f"{elf.path.name}: {EXIT} does not return with MOVS pc, lr any more")
