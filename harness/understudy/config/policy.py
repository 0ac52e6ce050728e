# SPDX-License-Identifier: Apache-2.0
"""What can be done about which faults, and what is done unless the TOML says otherwise (D5)."""

from enum import StrEnum
from typing import Any

FOREVER = 0xFFFFFFFF
WINDOW_MAX_MS = 36_000_000


class FaultClass(StrEnum):
    """`enum vmi_fault_class` of vmm-c/include/vmi.h, as far as a policy can treat it."""

    ALIGNMENT = "alignment"
    TRANSLATION = "translation"
    DOMAIN = "domain"
    PERMISSION = "permission"
    EXTERNAL = "external"
    ASYNC = "async"
    PARITY = "parity"
    ACCESS_FLAG = "access_flag"
    MAINTENANCE = "maintenance"
    DEBUG = "debug"
    PLATFORM = "platform"
    INSTRUCTION = "instruction"
    STACK = "stack"
    EXECUTE = "execute"
    MISUSE = "misuse"
    HANG = "hang"
    PANIC = "panic"
    BOOT = "boot"
    TEXT = "text"
    OBJECT = "object"
    BACKUP = "backup"
    TABLE = "table"
    OTHER = "other"


class Action(StrEnum):
    """`enum vmi_action` of vmm-c/include/vmi.h, from mild to severe."""

    IGNORE = "ignore"
    LOG = "log"
    TASK_ROLLBACK = "task_rollback"
    TASK_RESTART = "task_restart"
    VM_ROLLBACK = "vm_rollback"
    OLDER_GENERATION = "older_generation"
    WARM_RESET = "warm_reset"
    COLD_RESTART = "cold_restart"
    STANDBY = "standby"
    SUSPEND = "suspend"
    VM_STOP = "vm_stop"
    SYSTEM_HALT = "system_halt"

    def is_before(self, other: "Action") -> bool:
        """Tell whether this one is milder."""
        order = list(Action)
        return order.index(self) < order.index(other)


FINAL = (Action.VM_STOP, Action.SYSTEM_HALT)
"""Always possible, any number of times: each chain of steps ends with one of them."""

UNFIT = {
    FaultClass.EXECUTE: (Action.IGNORE, Action.LOG),
    FaultClass.BACKUP: (Action.IGNORE, Action.LOG),
}
"""Actions that can never treat a class: there is no instruction behind a jump into data to go on with, nor behind the
fault that a damaged backup was needed for."""

DEFAULT_ACTION = Action.TASK_ROLLBACK
"""The mildest recovery that is possible: of the task alone, of its VM if the task is entangled with its kernel (D6)."""

DEFAULT_ON = {
    FaultClass.ASYNC: Action.VM_ROLLBACK,
    FaultClass.PANIC: Action.VM_ROLLBACK,
    FaultClass.BOOT: Action.COLD_RESTART,
    FaultClass.TEXT: Action.VM_ROLLBACK,
    FaultClass.OBJECT: Action.VM_ROLLBACK,
    FaultClass.BACKUP: Action.OLDER_GENERATION,
    FaultClass.TABLE: Action.COLD_RESTART,
}

DEFAULT_STEPS = {
    Action.IGNORE: (FOREVER, Action.TASK_ROLLBACK),
    Action.LOG: (FOREVER, Action.TASK_ROLLBACK),
    Action.TASK_ROLLBACK: (3, Action.VM_ROLLBACK),
    Action.TASK_RESTART: (3, Action.VM_ROLLBACK),
    Action.VM_ROLLBACK: (3, Action.OLDER_GENERATION),
    Action.OLDER_GENERATION: (3, Action.COLD_RESTART),
    Action.WARM_RESET: (2, Action.COLD_RESTART),
    Action.COLD_RESTART: (2, Action.STANDBY),
    Action.STANDBY: (1, Action.VM_STOP),
    Action.SUSPEND: (FOREVER, Action.VM_STOP),
    Action.VM_STOP: (FOREVER, Action.SYSTEM_HALT),
    Action.SYSTEM_HALT: (FOREVER, Action.SYSTEM_HALT),
}
"""Budget and next step of each action."""


def budgets(task: int = 3, vm: int = 3, cold: int = 2, *, older: int = 0, window_ms: int = 1000) -> dict[str, Any]:
    """Return `recovery` of a VM, as in the TOML, that takes each of these steps so often within the window."""
    steps = {"task_rollback": task, "vm_rollback": vm, "older_generation": older, "cold_restart": cold}
    return {"window_ms": window_ms, "steps": {action: {"budget": budget} for action, budget in steps.items()}}
