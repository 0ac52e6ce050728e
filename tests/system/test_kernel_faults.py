# SPDX-License-Identifier: Apache-2.0
"""Every kind of fault, by a guest kernel, while a task holds a mutex; each kind in a VM of its own."""

from collections.abc import Callable

import pytest
from understudy.pytest_plugin import Build
from understudy.target import Fault, Target

from . import machine, oracle, systems

AT = 20  # OS ticks
KINDS = {  # kind, class, address (None: in the kernel's own window), write
    "null_read": ("data", "translation", 0, False),
    "null_write": ("data", "translation", 0, True),
    "wild_read": ("data", "translation", 0x0BADC0D0, False),
    "wild_write": ("data", "translation", 0x0BADC0D0, True),
    "write_text": ("data", "permission", None, True),
    "write_const": ("data", "permission", None, True),
    "write_info": ("data", "permission", 0x01000000, True),
    "read_vmm": ("data", "permission", 0x60000000, False),
    "write_device": ("data", "permission", 0x10009000, True),
    "unaligned": ("data", "alignment", None, False),
    "stack_overflow": ("data", "stack", None, True),
    "jump_null": ("prefetch", "translation", 0, False),
    "jump_wild": ("prefetch", "translation", 0x0BADC0D0, False),
    "jump_data": ("prefetch", "execute", None, False),
    "jump_stack": ("prefetch", "execute", None, False),
    "undefined": ("undefined", "instruction", None, False),
    "privileged": ("undefined", "instruction", None, False),
}
NAMES = list(KINDS)
GROUPS = (NAMES[:9], NAMES[9:])
KERNEL_WINDOW = range(0x00100000, 0x00200000)


def group_system(number: int) -> systems.Data:
    guests = {name: systems.faulty_kernel_guest(name, at=AT, held=True) for name in GROUPS[number]}
    vms = {name: systems.vm(name, recovery=systems.GENEROUS) for name in GROUPS[number]}
    return systems.system(f"test-kernels-{number}", guests, {**systems.healthy_vms(), **vms})


@pytest.fixture(scope="module")
def recorded(vmm_build: Build) -> Callable[[str], machine.Recording]:
    @machine.once
    def run(number: int) -> machine.Recording:
        group = GROUPS[number]

        def done(target: Target) -> bool:
            if len(target.faults()) < len(group) or not machine.printed(target, *systems.HEALTHY, lines=60):
                return False
            return machine.printed(target, *group, lines=75)

        def os_times(target: Target) -> dict[str, int]:
            address = {vm: target.memory.symbol(vm, "OSTime").address for vm in group}
            return {vm: int.from_bytes(target.memory.read(vm, address[vm], 4), "little") for vm in group}

        return machine.record(vmm_build(group_system(number)), done, look=os_times)

    return lambda name: run(0 if name in GROUPS[0] else 1)


def fault_of(recording: machine.Recording, vm: str) -> Fault:
    (fault,) = (fault for fault in recording.faults if fault.vm == vm)
    return fault


@pytest.mark.parametrize("name", NAMES)
def test_guest_kernel_is_at_fault(recorded: Callable[[str], machine.Recording], name: str) -> None:
    """# R25 # R26 # R32 # R33 # D1 Who executed is the kernel; kind, class, address and direction are right."""
    kind, fault_class, address, write = KINDS[name]
    fault = fault_of(recorded(name), name)
    assert (fault.task, fault.kind, fault.fault_class, fault.write) == ("kernel", kind, fault_class, write)
    assert fault.address == address if address is not None else fault.address in KERNEL_WINDOW
    if kind == "prefetch":
        assert fault.pc == fault.address
    else:
        assert fault.pc in KERNEL_WINDOW


@pytest.mark.parametrize("name", NAMES)
def test_guest_and_all_its_tasks_are_replaced(recorded: Callable[[str], machine.Recording], name: str) -> None:
    """# R27 # R28 # R29 active_pt and backup_pt are exchanged; the one taken out of use is the new backup."""
    recording = recorded(name)
    fault, vm = fault_of(recording, name), recording.vms[name]
    assert (fault.action, fault.reason) == ("vm rollback", "kernel fault")
    assert {fault.old_table, fault.new_table} == {vm["active_pt"], vm["backup_pt"]}
    assert (vm["active_pt"], vm["backup_pt"]) == (fault.new_table, fault.old_table)
    assert fault.pages > 0
    seen = recording.counters[name]
    assert (seen["task_rollbacks"], seen["vm_rollbacks"], seen["cold_restarts"]) == (0, 1, 0)


@pytest.mark.parametrize("name", NAMES)
def test_guest_goes_on_with_the_mutex_in_the_right_hands(
    recorded: Callable[[str], machine.Recording], name: str
) -> None:
    """# R29 # D6 # Invariant 1 Holder and waiter of the mutex take turns as before; no sequence breaks."""
    lengths = oracle.unbroken(recorded(name).lines[name])
    assert lengths.keys() == {"hd", "wt", "tb"}
    assert lengths["hd"] > AT // 3 + 2, "the mutex is stuck"
    assert lengths["wt"] > AT // 3 + 2, "the mutex is stuck"
    assert lengths["tb"] > AT + 4


@pytest.mark.parametrize("name", NAMES)
def test_clock_of_the_guest_is_that_of_the_checkpoint(recorded: Callable[[str], machine.Recording], name: str) -> None:
    """# D3 # Invariant 1 The kernel added 0x10000 to OSTime just before its fault; that is gone."""
    assert AT < recorded(name).looked[name] < 0x10000


@pytest.mark.parametrize("name", [group[0] for group in GROUPS])
def test_other_guests_notice_nothing(
    recorded: Callable[[str], machine.Recording], undisturbed: Callable[..., int], name: str
) -> None:
    """# R1 # R29 The healthy guests print, value by value, what they print in the golden run."""
    assert undisturbed(recorded(name)) >= 120
    assert len(recorded(name).faults) == len(next(group for group in GROUPS if name in group))
