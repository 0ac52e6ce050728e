# SPDX-License-Identifier: Apache-2.0
"""Figures of others, beside which ours are set."""

PAPER = {
    "vm_switch": {
        "off": {"save": 40, "switch": 160, "restore": 40},
        "on": {"save": 40, "switch": 210, "restore": 40},
    },
    "task_switch": {
        "off": {"save": 40, "switch": 100, "restore": 40},
        "on": {"save": 40, "switch": 130, "restore": 40},
    },
}
"""Nanoseconds on an ARM920T at an assumed 400 MHz (R42, R43)."""

RIVALS = (
    ("FreeRTOS, bare board", "vm_switch_tick", 178),
    ("uC/OS-II, bare board", "vm_switch_tick", 195),
    ("seL4, yield", "vm_switch_tick", 293),
    ("Xvisor", "vm_switch_tick", 2122),
    ("Xen, credit", "vm_switch_tick", 5716),
    ("FreeRTOS, bare board", "task_switch", 70),
    ("uC/OS-II, bare board", "task_switch", 72),
    ("seL4, call fastpath", "task_switch", 190),
    ("Linux, sched_yield", "task_switch", 2273),
    ("Linux, null syscall", "vmi_null_call", 135),
    ("Xvisor, hypercall", "vmi_null_call", 445),
    ("Xen, hypercall", "vmi_null_call", 480),
    ("bare copy of 4 KiB", "first_write", 517),
    ("seL4, fault to restart, state lost", "task_rollback", 2523),
    ("uC/OS-II, delete and create, state lost", "task_rollback", 412),
    ("Xvisor, reset by hand, state lost", "vm_rollback", 54_300),
    ("Xvisor, reset by hand, state lost", "cold_restart", 54_300),
)
"""(system, path of ours, instructions on the same QEMU)."""
