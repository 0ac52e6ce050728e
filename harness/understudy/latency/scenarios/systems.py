# SPDX-License-Identifier: Apache-2.0
"""The systems that are measured, as data in the shape of qemu-configs/systems/*.toml.

The VMs run guests of a few instructions (guests/latency), so that what is counted is the VMM. The management VM is
there, too, and waits for input that never comes.
"""

import hashlib
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from understudy.config.model import PAGE, TASK_BASE, TASK_MAX, WINDOW
from understudy.config.policy import budgets

Data = dict[str, Any]

KERNEL = "latency/kernel.S.j2"
TASK = "latency/task.S.j2"


GENEROUS = budgets(1 << 30, 1 << 30, 1 << 30)


def always(action: str) -> Data:
    """Return `recovery` of a VM that answers each null pointer access by this action, any number of times."""
    return {**GENEROUS, "on": {"translation": action}, "steps": {action: {"budget": 1 << 30}}}


IMPATIENT = budgets(3, 0, 1 << 30, window_ms=1)
"""A fault that comes back at once, because a checkpoint was taken right before it (D7), is, too."""
LONG_TICK_US = 10_000
"""With slices of 255 ticks: so long that no slice ends while something else is measured."""
INSTRUCTIONS_PER_US = 31.25
TICK_MAX_US = 1_000_000


def tick_beyond(instructions: int) -> int:
    """Return a tick in microseconds that comes only after so many instructions, boot included, if there is one.

    At a tick the VMM also tells about faults, and the management VM takes note: that takes checkpoints.
    """
    return min(TICK_MAX_US, round((instructions + 600_000) / INSTRUCTIONS_PER_US / 1000 + 1) * 1000)


class Mode(StrEnum):
    """Fault tolerance off, or on with one saving policy for everything that a guest can write."""

    OFF = "off"
    UNDO = "undo"
    EAGER = "eager"
    FULL = "full"


ON = (Mode.UNDO, Mode.EAGER, Mode.FULL)


@frozen
class AsmTask:
    """One task of guests/latency/task.S.j2, which describes the values."""

    body: str = "spin"
    region: int = 0
    dirty: int = 0
    sled: int = 0
    step: int = 0
    patience: int = 0


@frozen
class AsmGuest:
    """One guest of guests/latency/kernel.S.j2, which describes the values."""

    tasks: Sequence[AsmTask] = (AsmTask(),)
    on_call: str = "next"
    timer_us: int = 0
    idle: bool = False
    starts: int = 0
    pages: int = 0
    pure: bool = False
    vm_period: int = 1
    task_period: int = 1
    priority: int = 10
    tolerant: bool = True
    recovery: Data = field(factory=lambda: GENEROUS)
    """`recovery` of the VM; see `always` and `IMPATIENT`."""


def asm_system(mode: Mode, guests: Sequence[AsmGuest], *, tick_us: int = LONG_TICK_US, slice_ticks: int = 255) -> Data:
    """Return a system with one VM for each guest, all of the same priority.

    The name is made of the content, so that two different systems never share a folder. There is no housekeeping: a
    tick that does it is another path.
    """
    info = {"board": "vexpress-a9", "tick_us": tick_us, "housekeeping_ms": 0}
    data: Data = {
        "system": {**info, "fault_tolerance": mode is not Mode.OFF},
        "guest": {"vm0": {"kernel": "vm0"}},
        "vm": {"vm0": {"guest": "vm0", "management": True, "priority": 1, "uart": 0, "autostart": True}},
    }
    for number, guest in enumerate(guests, start=1):
        data["guest"][f"g{number}"] = _guest(number, guest)
        data["vm"][f"vm{number}"] = _vm(f"g{number}", guest, mode, slice_ticks)
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:10]
    data["system"]["name"] = f"latency-{digest}"
    return data


def _guest(number: int, guest: AsmGuest) -> Data:
    kernel = {
        "tasks": len(guest.tasks),
        "on_call": guest.on_call,
        "timer_us": guest.timer_us,
        "idle": guest.idle,
        "starts": guest.starts,
        "pages": guest.pages,
    }
    tasks = [
        {
            "name": f"t{index}",
            "entry": "task_main",
            "priority": 20,
            "sources": [TASK],
            "parameters": {
                "page": number,
                "region": max(task.region, task.dirty),
                "dirty": task.dirty,
                "body": task.body,
                "sled": task.sled,
                "step": task.step,
                "patience": task.patience,
            },
        }
        for index, task in enumerate(guest.tasks)
    ]
    made: Data = {"kernel": "none", "sources": [KERNEL], "templates": {KERNEL: kernel}, "tasks": tasks}
    return {**made, "pure_calls": [0]} if guest.pure else made


def _vm(guest_name: str, guest: AsmGuest, mode: Mode, slice_ticks: int) -> Data:
    saving = "undo" if mode is Mode.OFF else str(mode)
    return {
        "guest": guest_name,
        "priority": guest.priority,
        "fault_tolerant": guest.tolerant and mode is not Mode.OFF,
        "autostart": True,
        "slice_ticks": slice_ticks,
        "memory": _memory(guest),
        "policy": {
            "stack": saving,
            "data": saving,
            "vm_period": guest.vm_period,
            "task_period": guest.task_period,
        },
        "recovery": dict(guest.recovery),
    }


def _memory(guest: AsmGuest) -> int:
    """Bytes for three frames of every writable page, one of every other one, tables; generous."""
    writable = guest.pages + sum(max(task.region, task.dirty) + 1 for task in guest.tasks) + 8
    text = sum(task.sled * 4 // PAGE + 16 for task in guest.tasks) + 16
    needed = (3 * writable + text) * PAGE + len(guest.tasks) * 0x2000
    return max(2, -(-needed // WINDOW) + 1) * WINDOW


IDLE = AsmGuest(priority=63, tolerant=False)
"""Uses the time that nobody else wants, so that the processor never sleeps.

QEMU does not wake a sleeping processor at the same instruction in each run; one that never sleeps is deterministic.
"""


def task_page(address: int) -> int | None:
    """Return the number of the VM that a task of guests/latency belongs to, by the address of an instruction."""
    return (address % WINDOW) // PAGE if task_number(address) is not None else None


def task_number(address: int) -> int | None:
    """Return the number of the task whose window an address is in."""
    return (address - TASK_BASE) // WINDOW if TASK_BASE <= address < TASK_BASE + TASK_MAX * WINDOW else None


def spinners(count: int, **task: Any) -> list[AsmGuest]:
    """Return so many guests with one task that never leaves by itself."""
    return [AsmGuest(tasks=(AsmTask(**task),)) for _ in range(count)]
