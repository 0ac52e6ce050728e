# SPDX-License-Identifier: Apache-2.0
"""The manifest: what GDB, tests and tools know of an image, so that nobody needs a magic address."""

import json
from pathlib import Path
from typing import Any

from attrs import asdict

from understudy import paths
from understudy.config.model import TASK_BASE, WINDOW, Board, System
from understudy.errors import BuildError
from understudy.image.elf import Elf
from understudy.image.layouts import read_layouts
from understudy.image.segments import GuestImage, GuestSegment

SCHEMA = 1


def make_manifest(
    system: System, board: Board, build_id: str, vmm: Elf, images: dict[str, GuestImage], elfs: dict[str, Elf]
) -> dict[str, Any]:
    """Return the manifest as plain data; all paths are relative to the top of the checkout."""
    known = vmm.addresses()
    base = known["__partitions_start"]
    vms: dict[str, Any] = {}
    for index, (name, vm) in enumerate(system.vm.items()):
        vms[name] = {
            "index": index,
            "guest": vm.guest,
            "management": vm.management,
            "autostart": vm.autostart,
            "priority": vm.priority,
            "uart": vm.uart,
            "memory": {"base": base, "size": vm.memory},
            "fault_tolerant": system.is_fault_tolerant(vm),
            "policy": asdict(vm.policy),
            "recovery": asdict(vm.recovery),
        }
        base += vm.memory
    return {
        "schema": SCHEMA,
        "build_id": build_id,
        "system": system.name,
        "tick_us": system.system.tick_us,
        "fault_tolerance": system.system.fault_tolerance,
        "board": {
            "name": board.name,
            "uarts": len(board.uart),
            "timer_hz": board.timer.hz,
            "timer": board.timer.base,
            "clocks": [asdict(clock) for clock in sorted(board.clock, key=lambda clock: clock.hz)],
        },
        "ram": {"base": board.memory.ram_base, "size": board.memory.ram_size},
        "elf": _relative(vmm.path),
        "text_bytes": known["__text_used_end"] - known["__text_start"],
        "qemu": qemu_arguments(board),
        "icount_shift": board.qemu.icount_shift,
        "symbols": {name: known[name] for name in sorted(known)},
        **read_layouts(vmm.path),
        "guests": {name: _guest(image, elfs[name]) for name, image in images.items()},
        "vms": vms,
        "channels": [channel.between for channel in system.channel],
    }


def qemu_arguments(board: Board) -> list[str]:
    """Return the QEMU command for the board, without image, clock, serial ports and control sockets."""
    qemu = board.qemu
    memory = f"{board.memory.ram_size >> 20}M"
    return [qemu.program, "-M", qemu.machine, "-cpu", qemu.cpu, "-smp", "1", "-m", memory, *qemu.args]


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a manifest.

    Raises:
        BuildError: it is missing, damaged, or of another schema.

    """
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BuildError(f"{path}: {error}: build the system again") from None
    if manifest.get("schema") != SCHEMA:
        raise BuildError(f"{path}: schema {manifest.get('schema')}, not {SCHEMA}: build the system again")
    return manifest


def _relative(path: Path) -> str:
    return str(path.relative_to(paths.root()) if path.is_absolute() else path)


def _guest(image: GuestImage, elf: Elf) -> dict[str, Any]:
    known = elf.addresses()
    return {
        "elf": _relative(image.elf),
        "tasks": [
            {
                "name": task.name,
                "window": 3 + number,
                "base": TASK_BASE + number * WINDOW,
                "entry": known[f"__task{number}_entry"],
                "stack_base": known[f"__task{number}_stack_base"],
                "stack_top": known[f"__task{number}_stack_top"],
                "priority": task.priority,
            }
            for number, task in enumerate(image.guest.tasks)
        ],
        "segments": [_segment(segment) for segment in image.segments],
    }


def _segment(segment: GuestSegment) -> dict[str, Any]:
    return {"window": segment.window, **asdict(segment)}
