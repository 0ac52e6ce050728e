# SPDX-License-Identifier: Apache-2.0
"""The C tables of a system: a `guest_config` for each guest and save policy in use, a `vm_config` for each VM."""

from pathlib import Path
from typing import Any

from attrs import frozen

from understudy.config.model import Recovery, Step, System, Vm
from understudy.config.policy import DEFAULT_ACTION, DEFAULT_ON, DEFAULT_STEPS, Action, FaultClass
from understudy.config.saving import Policy, Region, SavePolicy
from understudy.config.standby import pairs
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
    standbys = pairs(system)
    members = {name: number for number, pair in enumerate(standbys) for name in (pair.primary, pair.standby)}
    offset = 0
    vms: list[dict[str, Any]] = []
    for name, vm in system.vm.items():
        policies = _policies(system, vm)
        policy = policies.policy
        vms.append(
            {
                "name": name,
                "model": vm,
                "entry": entries[_saving(vm.guest, policy)],
                "pair": members.get(name),
                "schedules": [policy.task_schedule(task.name) for task in system.guest[vm.guest].tasks],
                "offset": offset,
                "policy": policy,
                "recovery": policies.recovery,
                "watchdog": system.watchdog_of(policies),
                "misuse_max": policies.misuse_max,
                "fault_tolerant": system.is_fault_tolerant(vm),
                "output_commit": system.holds_output(policies),
                "output_checks": system.output_checks(policies),
                "missed_ticks_max": policies.missed_ticks_max,
                "on": {**DEFAULT_ON, **policies.recovery.on},
                "overrides": _overrides(policies, images[policies.guest]),
                "steps": {action: _step(policies.recovery, action) for action in Action},
                "generations": system.generations(policies),
                "checksum": system.has_checksums(policies),
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
        standbys=standbys,
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


def _policies(system: System, vm: Vm) -> Vm:
    """A standby saves its memory, and is recovered, as its primary: it may become that."""
    return vm if vm.standby_for is None else system.vm[vm.standby_for]


def _entries(system: System, images: dict[str, GuestImage]) -> dict[Saving, GuestEntry]:
    wanted = [(vm.guest, _policies(system, vm).policy) for vm in system.vm.values()]
    wanted += [(guest, Policy()) for guest in images if guest not in {name for name, _ in wanted}]
    entries: dict[Saving, GuestEntry] = {}
    listed: set[str] = set()
    for guest, policy in wanted:
        key = _saving(guest, policy)
        if key not in entries:
            entries[key] = GuestEntry(f"guest_{len(entries)}", images[guest], policy, guest not in listed)
            listed.add(guest)
    return entries
