# SPDX-License-Identifier: Apache-2.0
"""Descriptions of the systems that the tests build, as data in the shape of qemu-configs/systems/*.toml."""

import copy
from collections.abc import Mapping
from typing import Any

from understudy.config.policy import budgets

Data = dict[str, Any]

FAULTY = "apps/faulty/faulty.c.j2"
FAULTY_KERNEL = "apps/faulty/faulty_kernel.c.j2"
FOR_EVER = 0xFFFFFFFF
NEVER = 0
HEALTHY = ("healthy1", "healthy2")

# A slice much longer than what the tests do between a decision of the faulty task and its fault: a checkpoint of
# the VM in between would hold a state from which the fault repeats for ever (D5, D7), which is another test's subject.
LONG_SLICE = 50


GENEROUS = budgets(100_000, 100_000)

_GUESTS: dict[str, Data] = {
    "vm0": {"kernel": "vm0"},
    "prod_cons": {
        "kernel": "rtos",
        "shared": ["apps/producer_consumer/buffer.c"],
        "tasks": [
            {
                "name": name,
                "entry": f"{name}_task",
                "sources": [f"apps/producer_consumer/{name}.c"],
                "priority": priority,
            }
            for name, priority in (("producer", 12), ("consumer", 11))
        ],
    },
    "tally": {
        "kernel": "rtos",
        "tasks": [
            {
                "name": "tally",
                "entry": "tally_task",
                "sources": ["apps/tally/tally.c", "apps/tally/totals.c"],
                "priority": 12,
            },
        ],
    },
    "control_loop": {
        "kernel": "rtos",
        "shared": ["apps/control_loop/queue.c"],
        "tasks": [
            {"name": "control", "entry": "control_task", "sources": ["apps/control_loop/control.c"], "priority": 8},
            {
                "name": "supervisor",
                "entry": "supervisor_task",
                "sources": ["apps/control_loop/supervisor.c"],
                "priority": 20,
            },
        ],
    },
}


def guest(name: str) -> Data:
    """One of the ready-made guests."""
    return copy.deepcopy(_GUESTS[name])


def worker(priority: int = 40, name: str = "worker") -> Data:
    """A healthy task that prints `tb`."""
    return {"name": name, "entry": "worker_task", "sources": ["apps/faulty/worker.c"], "priority": priority}


def declarer(priority: int = 12) -> Data:
    """A task that prints `sp` and declares a safe point at every tenth line."""
    return {"name": "declarer", "entry": "declarer_task", "sources": ["apps/faulty/declarer.c"], "priority": priority}


def spinner() -> Data:
    """A task that prints `tb` without ever sleeping."""
    return {"name": "spinner", "entry": "spinner_task", "sources": ["tests/system/apps/spinner.c"], "priority": 20}


def faulty(index: int, fault: str, **parameters: Any) -> Data:
    """The faulty task `f<index>` that prints `ft <index>`."""
    return {
        "name": f"f{index}",
        "entry": f"faulty{index}_task",
        "sources": [FAULTY],
        "priority": 14 + index,
        "parameters": {"index": index, "fault": fault, **parameters},
    }


def faulty_guest(*tasks: Data) -> Data:
    """A guest of these tasks only."""
    return {"kernel": "rtos", "tasks": list(tasks)}


def faulty_kernel_guest(fault: str, **parameters: Any) -> Data:
    """A guest whose kernel fails; two of its tasks use a mutex, the third shows what else it keeps."""
    tasks = [
        {"name": name, "entry": f"{name}_task", "sources": [f"apps/faulty/{name}.c"], "priority": priority}
        for name, priority in (("holder", 10), ("waiter", 12))
    ]
    return {
        "kernel": "rtos",
        "sources": [FAULTY_KERNEL],
        "templates": {FAULTY_KERNEL: {"fault": fault, **parameters}},
        "shared": ["apps/faulty/lock.c"],
        "tasks": [*tasks, worker(20)],
    }


def vm(guest_name: str, **settings: Any) -> Data:
    """A VM that starts with the system."""
    return {"guest": guest_name, "priority": 10, "autostart": True, **settings}


def system(name: str, guests: Mapping[str, Data], vms: Mapping[str, Data], **settings: Any) -> Data:
    """A system of the management VM and `vms`. Housekeeping comes more often than by default: tests wait for it."""
    management = {"guest": "vm0", "management": True, "priority": 1, "uart": 0, "autostart": True}
    used = {description["guest"] for description in vms.values()}
    ready_made = {name: guest(name) for name in _GUESTS if name in used or name == "vm0"}
    return {
        "system": {"name": name, "board": "vexpress-a9", "housekeeping_ms": 10, **settings},
        "guest": {**ready_made, **copy.deepcopy(dict(guests))},
        "vm": {"vm0": management, **copy.deepcopy(dict(vms))},
    }


def healthy_vms() -> dict[str, Data]:
    """The two guests whose output must not change, whatever happens to others: on UARTs 1 and 2."""
    return {"healthy1": vm("prod_cons", uart=1), "healthy2": vm("control_loop", uart=2)}


def golden() -> Data:
    """The healthy guests beside one that could fail, but never does."""
    guests = {"peaceful": faulty_guest(faulty(0, "null_write", times=NEVER), worker())}
    return system("test-golden", guests, {**healthy_vms(), "peaceful": vm("peaceful", uart=3)})
