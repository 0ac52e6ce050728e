# SPDX-License-Identifier: Apache-2.0
"""The C tables of a system: a `guest_config` for each guest and save policy in use, a `vm_config` for each VM."""

from pathlib import Path
from typing import Any

from attrs import frozen

from understudy.config.model import Policy, Recovery, Region, SavePolicy, Step, System, Vm
from understudy.config.policy import DEFAULT_ACTION, DEFAULT_ON, DEFAULT_STEPS, Action, FaultClass
from understudy.image.render import render_own, write_if_changed
from understudy.image.segments import GuestImage, GuestSegment

# Size in bytes of the stack of each privileged mode of the VMM.
VMM_STACKS = {"svc": 0x2000, "abt": 0x1000, "und": 0x1000, "irq": 0x1000}


Saving = tuple[str, SavePolicy, SavePolicy, frozenset[tuple[str, Region]]]


@frozen
class GuestEntry:
    """One `guest_config`; `listed` ones can be chosen from the console."""

    id: str
    image: GuestImage
    policy: Policy
    listed: bool

    def saving(self, segment: GuestSegment) -> SavePolicy:
        """Return how the VMM saves a segment."""
        tasks = [task.name for task in self.image.guest.tasks]
        return self.policy.saving(["", "kernel", "shared", *tasks][segment.window], stack=segment.stack)


def write_tables(folder: Path, system: System, images: dict[str, GuestImage], build_id: str) -> None:
    """Write config_tables.c and guest_images.S into `folder`."""
    entries = _entries(system, images)
    offset = 0
    vms: list[dict[str, Any]] = []
    for name, vm in system.vm.items():
        vms.append(
            {
                "name": name,
                "model": vm,
                "entry": entries[_saving(vm.guest, vm.policy)],
                "schedules": [vm.policy.task_schedule(task.name) for task in system.guest[vm.guest].tasks],
                "offset": offset,
                "fault_tolerant": system.is_fault_tolerant(vm),
                "on": {**DEFAULT_ON, **vm.recovery.on},
                "overrides": _overrides(vm, images[vm.guest]),
                "steps": {action: _step(vm.recovery, action) for action in Action},
                "generations": system.generations(vm),
            }
        )
        offset += vm.memory
    values = {"system": system, "images": list(images.values())}
    tables = render_own(
        "config_tables.c.j2",
        **values,
        build_id=build_id,
        guest_entries=list(entries.values()),
        vms=vms,
        fault_classes=list(FaultClass),
        default_action=DEFAULT_ACTION,
        vm_index={name: number for number, name in enumerate(system.vm)},
    )
    write_if_changed(folder / "config_tables.c", tables)
    write_if_changed(folder / "guest_images.S", render_own("guest_images.S.j2", **values))


def _overrides(vm: Vm, image: GuestImage) -> list[tuple[int, FaultClass, Action]]:
    numbers = {task.name: number for number, task in enumerate(image.guest.tasks)}
    return [(numbers[name], fault, action) for name, on in vm.recovery.tasks.items() for fault, action in on.items()]


def _step(recovery: Recovery, action: Action) -> tuple[int, int, Action]:
    """Return budget, window in milliseconds and next action."""
    budget, following = DEFAULT_STEPS[action]
    step = recovery.steps.get(action, Step())
    return (
        budget if step.budget is None else step.budget,
        recovery.window_ms if step.window_ms is None else step.window_ms,
        step.next or following,
    )


def _saving(guest: str, policy: Policy) -> Saving:
    """Return what makes the segments of one `guest_config` different from those of another."""
    return guest, policy.stack, policy.data, frozenset(policy.regions.items())


def _entries(system: System, images: dict[str, GuestImage]) -> dict[Saving, GuestEntry]:
    wanted = [(vm.guest, vm.policy) for vm in system.vm.values()]
    wanted += [(guest, Policy()) for guest in images if guest not in {name for name, _ in wanted}]
    entries: dict[Saving, GuestEntry] = {}
    listed: set[str] = set()
    for guest, policy in wanted:
        key = _saving(guest, policy)
        if key not in entries:
            entries[key] = GuestEntry(f"guest_{len(entries)}", images[guest], policy, guest not in listed)
            listed.add(guest)
    return entries
