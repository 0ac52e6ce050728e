# SPDX-License-Identifier: Apache-2.0
"""Standby VMs: which pairs a system has, what is duplicated, and the rules for them."""

from collections import Counter
from collections.abc import Iterator

from attrs import frozen

from understudy.config.model import EVERY_MS, Recovery, System, Vm
from understudy.config.saving import Policy
from understudy.config.source import Key

ALL = "all"
PERSISTENT = "persistent"
_WINDOWS = {"kernel": 1, "shared": 2}
_TASKS = 3  # window of task 0
_LAST = 16
_EVERY_MAX_MS = 60_000

Problems = Iterator[tuple[Key, str]]


@frozen
class Pair:
    """A primary and its standby; `windows` is a mask of those whose persistent memory is duplicated."""

    primary: str
    standby: str
    regions_all: bool
    windows: int
    period: int


def pairs(system: System) -> list[Pair]:
    """Return the pairs of a system that has no problems, in the order of the standbys."""
    return [_pair(system, name, vm, vm.standby_for) for name, vm in system.vm.items() if vm.standby_for is not None]


def regions(system: System, vm: Vm) -> tuple[str, ...]:
    """Return what is duplicated into a standby: what its table says, or all that its guest allows."""
    if vm.regions is not None:
        return vm.regions
    primary = system.vm.get(vm.standby_for or "")
    return (ALL,) if primary is not None and primary.guest == vm.guest else (PERSISTENT,)


def _pair(system: System, name: str, vm: Vm, primary: str) -> Pair:
    chosen = regions(system, vm)
    period = max(1, -(-vm.every_ms * 1000 // system.system.tick_us))
    return Pair(primary, name, ALL in chosen, _windows(system, primary, chosen), period)


def _windows(system: System, primary: str, chosen: tuple[str, ...]) -> int:
    if ALL in chosen or PERSISTENT in chosen:
        return (1 << _LAST) - 1
    tasks = {task.name: _TASKS + n for n, task in enumerate(system.guest[system.vm[primary].guest].tasks)}
    return sum(1 << (_WINDOWS | tasks)[region] for region in set(chosen))


def check_standbys(system: System) -> Problems:
    """Yield the problems of all standbys; their guests are compared when they have been built."""
    standbys = {name: vm for name, vm in system.vm.items() if vm.standby_for is not None}
    for name, vm in system.vm.items():
        if name in standbys:
            yield from _partner(system, name, vm)
            yield from _own(system, name, vm)
        elif (vm.every_ms, vm.regions) != (EVERY_MS, None):
            part = "regions" if vm.regions is not None else "every_ms"
            yield ("vm", name, part), "is of no use without standby_for: name the VM to stand by for"
    for primary, count in Counter(vm.standby_for for vm in standbys.values()).items():
        if count > 1:
            both = ", ".join(repr(name) for name, vm in standbys.items() if vm.standby_for == primary)
            yield ("vm",), f"{both} all stand by for {primary!r}: a VM has one standby"
    yield from _channels(system, standbys)


def _channels(system: System, standbys: dict[str, Vm]) -> Problems:
    for number, channel in enumerate(system.channel):
        for name in channel.between:
            if name in standbys:
                wanted = standbys[name].standby_for
                yield (
                    ("channel", number, "between"),
                    f"{name!r} is a standby and takes over the channels of {wanted!r}: name {wanted!r}",
                )


def _partner(system: System, name: str, vm: Vm) -> Problems:
    key = ("vm", name, "standby_for")
    primary = system.vm.get(vm.standby_for or "")
    if primary is None:
        yield key, f"no VM named {vm.standby_for!r}; known: {', '.join(system.vm)}"
        return
    if primary is vm:
        yield key, "names itself: a standby is another VM"
    elif primary.standby_for is not None:
        yield key, f"{vm.standby_for!r} is a standby itself, of {primary.standby_for!r}: a standby has none"
    if primary.management or vm.management:
        yield key, "the management VM can neither have nor be a standby: it has no checkpoint (R13)"
    elif not system.is_fault_tolerant(primary):
        yield key, f"{vm.standby_for!r} is not fault tolerant: there is no checkpoint of it to duplicate"
    yield from _regions(system, ("vm", name, "regions"), vm, primary)


def _regions(system: System, key: Key, vm: Vm, primary: Vm) -> Problems:
    chosen = regions(system, vm)
    if ALL in chosen and vm.guest != primary.guest:
        yield (
            key,
            f"is {ALL!r}, but {vm.guest!r} is another build than {primary.guest!r}: only persistent memory can be "
            f'exchanged, regions = ["{PERSISTENT}"]',
        )
    if vm.guest not in system.guest or primary.guest not in system.guest or {ALL, PERSISTENT} & set(chosen):
        if len(chosen) > 1:
            yield key, f"{', '.join(chosen)}: {chosen[0]!r} contains the others, leave them out"
        return
    own = [task.name for task in system.guest[vm.guest].tasks]
    others = [task.name for task in system.guest[primary.guest].tasks]
    common = [a for a, b in zip(own, others, strict=False) if a == b]
    known = [PERSISTENT, *_WINDOWS, *common]
    for region in chosen:
        if region not in known:
            yield key, f"no region {region!r} that both guests have in the same place; known: {ALL}, {', '.join(known)}"
    if not chosen:
        yield key, "is empty: name what is to be duplicated"


def _own(system: System, name: str, vm: Vm) -> Problems:
    key: Key = ("vm", name)
    for part, default in (("policy", Policy()), ("recovery", Recovery()), ("uart", None), ("fault_tolerant", None)):
        if getattr(vm, part) != default:
            yield (*key, part), f"a standby takes over that of {vm.standby_for!r}: leave it out"
    if not system.system.fault_tolerance:
        yield (*key, "standby_for"), "needs system.fault_tolerance: checkpoints are what is duplicated"
    if system.system.housekeeping_ms == 0:
        yield (*key, "standby_for"), "needs system.housekeeping_ms above 0: duplication is part of it"
    least = max(1, system.system.housekeeping_ms)
    if not least <= vm.every_ms <= _EVERY_MAX_MS:
        yield (
            (*key, "every_ms"),
            f"is {vm.every_ms}: must be {least} (system.housekeeping_ms) to {_EVERY_MAX_MS}",
        )
