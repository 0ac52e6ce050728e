# SPDX-License-Identifier: Apache-2.0
"""How much slower compute work is in a VM than on the bare board: timed by the guest itself with the board's timer."""

import tempfile
import time
from pathlib import Path
from typing import Any

from understudy.image import Image, build
from understudy.image.bare import build_bare
from understudy.latency.scenarios.bare import start_bare
from understudy.latency.scenarios.paths import RTOS, rtos_system
from understudy.latency.scenarios.systems import Mode
from understudy.latency.statistics import LatencyError
from understudy.latency.timer import ticks_per_instruction

ITERATIONS = {"mixed": 20_000, "memory": 60}  # of guests/latency/rtos/mixed.c and memory.c
ROUNDS = 3
NAMES = {"dhrystone": "mixed", "memory": "memory"}
TICKS_US = (1000, 10_000)
_SECONDS = 60.0  # last guard, in real time
_POLL = 0.01

RTOS.update(
    {
        name: {
            "kernel": "rtos",
            "tasks": [
                {
                    "name": name,
                    "entry": f"{name}_task",
                    "sources": [f"latency/rtos/{name}.c", "latency/rtos/compute.c"],
                    "priority": 10,
                }
            ],
        }
        for name in ITERATIONS
    }
)


def compute() -> tuple[dict[str, Any], list[str]]:
    """Measure both kinds of work; return the section `compute` of latency.json, and what differed between two lives."""
    section: dict[str, Any] = {}
    unequal: list[str] = []
    for shown, guest in NAMES.items():
        for tick_us in TICKS_US:
            name = shown if tick_us == TICKS_US[0] else f"{shown}_{tick_us // 1000}ms"
            section[name] = _kind(guest, tick_us, unequal)
    return section, unequal


def _kind(guest: str, tick_us: int, unequal: list[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for mode in (None, Mode.OFF, Mode.UNDO):
        first, second = (_life(guest, mode, tick_us) for _ in range(2))
        name = "bare" if mode is None else str(mode)
        if first != second:
            unequal.append(f"compute {guest} ({name}): {first} instructions in one life of the machine, {second}")
        entry[name] = round(float(max(first)) / ITERATIONS[guest], 3)
    entry["slowdown_percent"] = {
        str(mode): round(100 * (entry[mode] / entry["bare"] - 1), 3) for mode in (Mode.OFF, Mode.UNDO)
    }
    return entry


def _life(guest: str, mode: Mode | None, tick_us: int) -> list[int]:
    """Return the instructions of each round."""
    system = rtos_system(mode or Mode.OFF, guest, tick_us=tick_us, slice_ticks=1)
    system["vm"]["vm1"]["uart"] = 1
    image = build(system)
    elf = image.elf if mode else build_bare(system, guest)
    with tempfile.TemporaryDirectory(prefix="us-") as folder:
        output = Path(folder, "console")
        serial = ["-serial", f"file:{output}"]
        with start_bare(image, elf, *(["-serial", "null"] if mode else []), *serial) as machine:
            try:
                return _rounds(output, guest, image)
            finally:
                machine.kill()


def _rounds(output: Path, guest: str, image: Image) -> list[int]:
    rate = ticks_per_instruction(image)
    guard = time.monotonic() + _SECONDS
    while time.monotonic() < guard:
        text = output.read_text(encoding="utf-8", errors="replace") if output.is_file() else ""
        lines = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]
        found = [round(int(line[1]) / rate) for line in lines if line[:1] == [guest]]
        if len(found) >= ROUNDS:
            return found[:ROUNDS]
        time.sleep(_POLL)
    raise LatencyError(f"{guest}: no {ROUNDS} results within {_SECONDS:g} s; the console has {text[-200:]!r}")
