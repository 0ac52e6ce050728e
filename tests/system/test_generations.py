# SPDX-License-Identifier: Apache-2.0
"""Damage that was saved into the checkpoint before it is noticed: older generations (D7)."""

from collections.abc import Callable

import pytest
from attrs import frozen
from understudy.pytest_plugin import Build
from understudy.target import Fault, Target

from . import machine, oracle, snapshots, systems
from .tables import PAGE, check_frames

VM, OLDER, COLD = "vm rollback", "older generation", "cold restart"
DISTANCE_MS = 400  # from one generation to the next: about 10, 410 and 810 ms after the start
OS_TICK_MS = 10
DAMAGE = 60  # OS ticks: 600 ms, between the second and the third
SOON, LATE = 64, 95  # when it is noticed: before the third, and after it
WINDOW_MS = 2000
VMS = {  # the guest, how many generations
    "soon1": ("soon", 1),
    "late2": ("late", 2),
    "late1": ("late", 1),
    "soon0": ("soon", 0),
}
WANTED = {
    "soon1": [VM, VM, OLDER],
    "late2": [VM, VM, OLDER, OLDER],  # the younger one holds the damage, too
    "late1": [VM, VM, OLDER, COLD],
    "soon0": [VM, VM, COLD],
}
RESTORED = {"soon1": -1, "late2": -2}  # of the promotions in order, the one that the VM goes on from at last


def description(*vms: str, **settings: object) -> systems.Data:
    guests = {
        name: systems.faulty_kernel_guest("null_write", damage=DAMAGE, at=at)
        for name, at in (("soon", SOON), ("late", LATE))
    }
    used = {
        vm: systems.vm(
            guest,
            recovery=systems.budgets(vm=2, cold=1, older=2, window_ms=WINDOW_MS),
            policy={"generations": generations, "generation_ms": DISTANCE_MS, **settings},
        )
        for vm, (guest, generations) in VMS.items()
        if vm in vms
    }
    return systems.system(f"test-generations-{len(vms)}", guests, {**systems.healthy_vms(), **used})


@pytest.fixture(scope="module")
def recorded(vmm_build: Build) -> machine.Recording:
    count = sum(len(actions) for actions in WANTED.values())

    def done(target: Target) -> bool:
        return len(target.faults()) >= count and machine.printed(target, *systems.HEALTHY, lines=200)

    def look(target: Target) -> None:
        for vm in VMS:
            check_frames(target, vm)

    return machine.record(vmm_build(description(*VMS)), done, look=look)


def faults_of(recording: machine.Recording, vm: str) -> list[Fault]:
    return [fault for fault in recording.faults if fault.vm == vm]


@pytest.mark.parametrize("vm", VMS)
def test_damage_in_the_checkpoint_is_left_behind(recorded: machine.Recording, vm: str) -> None:
    """# D5 # D7 The fault comes back after each rollback until one goes back to before the damage; then never again."""
    faults = faults_of(recorded, vm)
    assert [fault.action for fault in faults] == WANTED[vm]
    assert [fault.reason for fault in faults] == ["kernel fault"] * 2 + ["budget"] * (len(faults) - 2)
    assert recorded.states[vm] == "running"


@pytest.mark.parametrize("vm", VMS)
def test_every_task_goes_on_from_there(recorded: machine.Recording, vm: str) -> None:
    """# D7 # Invariant 1 All tasks continue with the right values, from one and the same earlier moment."""
    lost = DISTANCE_MS // OS_TICK_MS * 2 + LATE - DAMAGE
    starts = 1 + WANTED[vm].count(COLD)
    lengths = oracle.unbroken(recorded.lines[vm], repeats=lost, starts=starts)
    assert min(lengths.values()) > 20
    assert recorded.vms[vm]["starts"] == starts


def test_healthy_guests_notice_nothing(recorded: machine.Recording, undisturbed: Callable[..., int]) -> None:
    """# R1 # R46 # D7 Value by value the same as in the golden run."""
    assert undisturbed(recorded) >= 300


@frozen
class Seen:
    """The checkpoints that became generations, and what the last rollback to one restored."""

    promoted: list[snapshots.Snapshot]
    restored: snapshots.Snapshot
    stacks: dict[int, range]


def stacks(target: Target, vm: str) -> dict[int, range]:
    """What lies below SP in these is not preserved: they are saved eagerly."""
    guest = target.image.manifest["guests"][target.image.manifest["vms"][vm]["guest"]]
    found = {number: range(task["stack_base"], task["stack_top"], PAGE) for number, task in enumerate(guest["tasks"])}
    kernel = next(s for s in guest["segments"] if s["stack"] and s["window"] == 1)
    return {**found, snapshots.KERNEL: range(kernel["va"], kernel["va"] + kernel["mem_size"], PAGE)}


def watch(target: Target, vm: str) -> Seen:
    """Take each checkpoint that is promoted, until the VM was rolled back to the last generation that it needs."""
    promoted = []
    left = WANTED[vm].count(OLDER)
    target.wait_for_prompt()
    with target.debugger() as gdb:
        target.console.send_line(f"boot {vm}")
        promotion = snapshots.break_for(gdb, target, "generation_promote", vm)
        rollback = snapshots.break_for(gdb, target, "recovery_older_generation", vm)
        while left:
            if gdb.resume().breakpoint == promotion:
                promoted.append(snapshots.take(target, vm, saved=True))
            else:
                left -= 1
                if left == 0:
                    gdb.delete(promotion)
                    gdb.delete(rollback)
                    snapshots.finish(gdb)
        return Seen(promoted, snapshots.take(target, vm), stacks(target, vm))


@pytest.mark.parametrize("vm", RESTORED)
@pytest.mark.parametrize("saving", ["undo", "eager", "full"])
def test_state_of_the_generation_exactly(vmm_build: Build, vm: str, saving: str) -> None:
    """# D7 # D4 # Invariant 1 Every byte, register and virtual device is that of the checkpoint that was promoted."""
    data = description(vm, stack=saving, data=saving)
    data["system"]["name"] += f"-{vm}-{saving}"
    data["vm"][vm]["autostart"] = False
    with Target(vmm_build(data)) as target:
        seen = watch(target, vm)
    wanted = seen.promoted[RESTORED[vm]]
    dead = seen.stacks if saving == "eager" else {}
    assert seen.restored.live(dead) == wanted.live(dead)
    assert seen.restored.registers == wanted.registers
    assert seen.restored.vfp == wanted.vfp
    assert seen.restored.vcpu == wanted.vcpu
    assert seen.restored.devices == wanted.devices
    assert seen.restored.pending & wanted.pending == wanted.pending
    assert all(other is wanted or other.memory != wanted.memory for other in seen.promoted)
