# SPDX-License-Identifier: Apache-2.0
"""Rules between the keys of a file: references, limits, uniqueness. All problems are found at once."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from attrs import fields_dict

from understudy import paths
from understudy.config.model import (
    CHANNEL_MAX,
    NAME_MAX,
    PAGE,
    PRIORITY_COUNT,
    STACK_GUARD,
    TASK_MAX,
    VM_MAX,
    WATCHDOG_MAX,
    WINDOW,
    Board,
    Guest,
    Output,
    Recovery,
    Step,
    System,
    SystemInfo,
    Task,
    Vm,
    Watchdog,
)
from understudy.config.policy import FINAL, FOREVER, UNFIT, WINDOW_MAX_MS, Action, FaultClass
from understudy.config.saving import GENERATIONS_MAX, INTERVAL_MAX_MS, Period, Policy, Region, SavePolicy
from understudy.config.source import Key, dotted
from understudy.config.standby import check_standbys

Problems = Iterator[tuple[Key, str]]

_URGENT = ", 0 the most urgent"
_OFF = "; 0: no limit"
_SCRUB_LEAST = 128  # bytes each time: 64 of tables, 32 to find the next page, and some text
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_board(board: Board, stem: str) -> list[tuple[Key, str]]:
    """Return the problems of a board whose file is `stem`.toml."""
    return list(_board(board, stem))


def check_system(system: System, board: Board, stem: str | None) -> list[tuple[Key, str]]:
    """Return the problems of a system; `stem` is the name of its file, None when it has none."""
    tick = list(_tick(system.system))
    if tick:  # all other times are counted in ticks
        return tick
    return [
        *_system(system, stem),
        *(problem for name, guest in system.guest.items() for problem in _guest(("guest", name), guest)),
        *_vms(system, board),
        *_channels(system),
        *check_standbys(system),
    ]


def _board(board: Board, stem: str) -> Problems:
    if board.name != stem:
        yield ("board", "name"), f"is {board.name!r}, but the file is {stem}.toml: make them equal"
    if not board.uart:
        yield ("uart",), "a board needs at least one: UART 0 is the console"
    if not 0 <= board.qemu.icount_shift <= 10:
        yield ("qemu", "icount_shift"), "must be 0 to 10 (2**shift ns an instruction)"
    if board.timer.hz <= 0:
        yield ("timer", "hz"), "must be above 0"
    regions: list[tuple[Key, int, int]] = [(("memory", "ram_base"), board.memory.ram_base, board.memory.ram_size)]
    regions += [(("uart", n, "base"), uart.base, PAGE) for n, uart in enumerate(board.uart)]
    regions += [(("device", n, "base"), device.base, device.size) for n, device in enumerate(board.device)]
    for key, base, size in regions:
        if base % PAGE or size % PAGE or size == 0:
            yield key, f"{base:#x} + {size:#x}: must be whole pages of {PAGE:#x} bytes"
        if base < 0x10000000 or base + size > 1 << 32:
            yield key, f"{base:#x}: class FIXED is 0x10000000 to 0xffffffff"
    for (other, base2, size2), (key, base, size) in combinations(regions, 2):
        if base < base2 + size2 and base2 < base + size:
            yield key, f"{base:#x} + {size:#x} overlaps {dotted(other)} ({base2:#x} + {size2:#x})"


def _name(key: Key, name: str) -> Problems:
    if not _NAME.fullmatch(name):
        yield key, f"{name!r}: a name is letters, digits, '_' and '-', and starts with a letter"
    if len(name) > NAME_MAX:
        yield (
            key,
            f"{name!r} has {len(name)} characters; the VMM keeps at most {NAME_MAX}: choose a shorter name",
        )


def _system(system: System, stem: str | None) -> Problems:
    info = system.system
    if not _NAME.fullmatch(info.name):
        yield (
            ("system", "name"),
            f"{info.name!r}: a name is letters, digits, '_' and '-', and starts with a letter",
        )
    if stem is not None and info.name != stem:
        yield ("system", "name"), f"is {info.name!r}, but the file is {stem}.toml: make them equal"
    yield from _range(("system", "vmm_window_ms"), info.vmm_window_ms, 1, 36_000_000)
    yield from _range(("system", "housekeeping_ms"), info.housekeeping_ms, 0, 60_000)
    yield from _range(("system", "scrub_kib_per_s"), info.scrub_kib_per_s, 0, 4096)
    yield from _scrub_share(info)


def _tick(info: SystemInfo) -> Problems:
    if not 50 <= info.tick_us <= 1_000_000:
        yield ("system", "tick_us"), f"is {info.tick_us}: must be 50 to 1000000 microseconds"


def _scrub_share(info: SystemInfo) -> Problems:
    """The tables of recovery are checked first, so the rest of a step must be enough to get on with the text, too."""
    if 0 < info.scrub_bytes < _SCRUB_LEAST:
        least = -(-_SCRUB_LEAST * 1_000_000 // (1024 * info.housekeeping_ticks * info.tick_us))
        yield (
            ("system", "scrub_kib_per_s"),
            f"is {info.scrub_kib_per_s}: must be 0, or at least {least} at this housekeeping_ms",
        )


def _guest(key: Key, guest: Guest) -> Problems:
    yield from _name(key, str(key[-1]))
    yield from _kernel(key, guest)
    yield from _stack(key, guest.stack)
    if guest.check_objects and (guest.kernel != "rtos" or not guest.tasks):
        yield (*key, "check_objects"), 'only the kernel "rtos" with tasks has objects to check: leave it out'
    if not all(0 <= call < 32 for call in guest.pure_calls or []):
        yield (*key, "pure_calls"), "must be numbers of guest calls, 0 to 31"
    if len(guest.tasks) > TASK_MAX:
        yield (*key, "tasks"), f"{len(guest.tasks)} tasks; a guest has at most {TASK_MAX} task windows"
    for name, count in Counter(task.name for task in guest.tasks).items():
        if count > 1:
            yield (*key, "tasks"), f"{count} tasks are named {name!r}: give each its own name"
    for number, task in enumerate(guest.tasks):
        yield from _task((*key, "tasks", number), task)
    listed = [*guest.sources, *guest.shared, *(s for task in guest.tasks for s in task.sources)]
    for template in guest.templates:
        if template not in listed:
            yield (*key, "templates", template), "is no source of this guest: name it in sources, shared or a task"


def _kernel(key: Key, guest: Guest) -> Problems:
    guests = paths.root() / "guests"
    if guest.kernel != "none" and not (guests / guest.kernel).is_dir():
        known = sorted(p.name for p in guests.iterdir() if p.is_dir()) if guests.is_dir() else []
        yield (*key, "kernel"), f"no folder guests/{guest.kernel}; known: {', '.join(['none', *known])}"
    if guest.kernel == "none" and not guest.sources:
        yield key, 'has no code: name a kernel, or give sources = ["..."]'


def _stack(key: Key, size: int) -> Problems:
    if size % PAGE or not size:
        yield (*key, "stack"), f"{size}: must be a multiple of {PAGE}, above 0"


def _range(key: Key, value: int, low: int, high: int | None, note: str = "") -> Problems:
    if value < low or (high is not None and value > high):
        limits = f"at least {low}" if high is None else f"{low} to {high}"
        yield key, f"is {value}: must be {limits}{note}"


def _task(key: Key, task: Task) -> Problems:
    yield from _name((*key, "name"), task.name)
    if not _IDENTIFIER.fullmatch(task.entry):
        yield (*key, "entry"), f"{task.entry!r} is no C function name"
    if not task.sources:
        yield (*key, "sources"), "is empty: a task needs at least one source"
    yield from _range((*key, "priority"), task.priority, 0, PRIORITY_COUNT - 1, _URGENT)
    yield from _stack(key, task.stack)
    yield from _range((*key, "watchdog_ms"), task.watchdog_ms, 0, WATCHDOG_MAX, _OFF)
    if task.stack + task.heap + STACK_GUARD > WINDOW:
        yield (
            (*key, "stack"),
            f"stack, its guard and heap ({task.stack + STACK_GUARD + task.heap} bytes) exceed the window of {WINDOW}",
        )


def _vms(system: System, board: Board) -> Problems:
    managers = [name for name, vm in system.vm.items() if vm.management]
    first = next(iter(system.vm), None)
    if len(managers) != 1 or managers != [first]:
        yield (
            ("vm",),
            f"exactly one VM must have management = true, the first one; found: {managers or 'none'}",
        )
    if len(system.vm) > VM_MAX:
        yield ("vm",), f"{len(system.vm)} VMs; at most {VM_MAX}"
    for name, vm in system.vm.items():
        yield from _name(("vm", name), name)
        yield from _vm(("vm", name), vm, system.guest, board)
    uarts = [(name, vm.uart) for name, vm in system.vm.items() if vm.uart is not None]
    for (name, uart), (other, uart2) in combinations(uarts, 2):
        if uart == uart2:
            yield (
                ("vm", other, "uart"),
                f"UART {uart} belongs to VM {name!r} already; leave it out to share the view",
            )
    total = sum(vm.memory for vm in system.vm.values())
    if total > board.memory.ram_size:
        yield ("vm",), f"the VMs need {total} bytes, the RAM of {board.name} has {board.memory.ram_size}"


def _vm(key: Key, vm: Vm, guests: Mapping[str, Guest], board: Board) -> Problems:
    if vm.guest not in guests:
        yield (*key, "guest"), f"no guest named {vm.guest!r}; known: {', '.join(guests) or 'none'}"
    if vm.management and vm.uart != 0:
        yield (*key, "uart"), "must be 0: the console of the management VM is UART 0"
    if vm.management and vm.fault_tolerant:
        yield (*key, "fault_tolerant"), "must be false: the management VM has no backup (R13)"
    if vm.output is Output.COMMIT and (vm.management or vm.fault_tolerant is False):
        yield (*key, "output"), 'must be "immediate": without checkpoints there is none that output could wait for (D9)'
    if vm.policy.checksum and (vm.management or vm.fault_tolerant is False):
        yield (*key, "policy", "checksum"), "must be false: without checkpoints there is no backup to verify (D7)"
    yield from _range((*key, "output_ms"), vm.output_ms, 0, 60_000)
    yield from _range((*key, "missed_ticks_max"), vm.missed_ticks_max, 1, 1_000_000)
    if vm.memory % WINDOW or not vm.memory:
        yield (*key, "memory"), f"{vm.memory}: must be a multiple of 1M, above 0"
    yield from _range((*key, "priority"), vm.priority, 0, PRIORITY_COUNT - 1, _URGENT)
    yield from _range((*key, "slice_ticks"), vm.slice_ticks, 1, 255)
    if vm.uart is not None:
        yield from _range((*key, "uart"), vm.uart, 0, len(board.uart) - 1, f" on {board.name}")
    yield from _policy((*key, "policy"), vm.policy)
    for part in fields_dict(Watchdog):
        yield from _range((*key, "watchdog", part), getattr(vm.watchdog or Watchdog(), part), 0, WATCHDOG_MAX, _OFF)
    yield from _range((*key, "misuse_max"), vm.misuse_max, 0, None, _OFF)
    if vm.guest in guests:
        names = [task.name for task in guests[vm.guest].tasks]
        yield from _task_names((*key, "policy", "tasks"), vm.policy.tasks, names)
        yield from _task_names((*key, "policy", "regions"), vm.policy.regions, ["kernel", "shared", *names])
        yield from _recovery((*key, "recovery"), vm.recovery, guests[vm.guest])


def _policy(key: Key, policy: Policy) -> Problems:
    yield from _schedule(key, "vm_period", policy.vm_period, policy.vm_period_ms)
    yield from _schedule(key, "task_period", policy.task_period, policy.task_period_ms)
    for name, task in policy.tasks.items():
        yield from _schedule((*key, "tasks", name), "period", task.period, task.period_ms)
    for part in ("stack", "data"):
        if getattr(policy, part) is SavePolicy.NONE:
            yield (*key, part), "none: a VM without checkpoints has fault_tolerant = false; for one region use regions"
    for name, region in policy.regions.items():
        yield from _region((*key, "regions", name), name, region)
    yield from _range((*key, "generations"), policy.generations, 0, GENERATIONS_MAX)
    yield from _range((*key, "generation_ms"), policy.generation_ms, 1, WINDOW_MAX_MS)


def _schedule(key: Key, name: str, period: Period | None, period_ms: int | None) -> Problems:
    if period is not None and period_ms is not None:
        yield (*key, f"{name}_ms"), f"{name} is given, too: a checkpoint comes by switches or by time, leave one out"
    if period_ms is not None:
        yield from _range((*key, f"{name}_ms"), period_ms, 1, INTERVAL_MAX_MS)


def _region(key: Key, name: str, region: Region) -> Problems:
    if region.stack is SavePolicy.NONE:
        yield (*key, "stack"), "none: registers that go back need their stack: choose undo, eager or full"
    if name == "kernel" and region.data is SavePolicy.NONE:
        yield (*key, "data"), "none: the kernel's data tell what its tasks do: choose undo, eager or full"
    if name == "shared" and region.stack is not None:
        yield (*key, "stack"), "there is no stack in the shared window: leave it out"


def _task_names(key: Key, given: Iterable[str], known: list[str]) -> Problems:
    for name in given:
        if name not in known:
            yield (*key, name), f"the guest has nothing of that name; known: {', '.join(known) or 'none'}"


def _recovery(key: Key, recovery: Recovery, guest: Guest) -> Problems:
    yield from _range((*key, "window_ms"), recovery.window_ms, 1, WINDOW_MAX_MS)
    yield from _choices((*key, "on"), recovery.on)
    names = [task.name for task in guest.tasks]
    for name, on in recovery.tasks.items():
        if name not in names:
            yield (*key, "tasks", name), f"the guest has no such task; known: {', '.join(names) or 'none'}"
        yield from _choices((*key, "tasks", name), on)
    for action, step in recovery.steps.items():
        yield from _step((*key, "steps", str(action)), action, step)


def _choices(key: Key, on: Mapping[FaultClass, Action]) -> Problems:
    for fault, action in on.items():
        if action in UNFIT.get(fault, ()):
            yield (*key, str(fault)), f"{action}: there is no instruction to go on with: choose a recovery"


def _step(key: Key, action: Action, step: Step) -> Problems:
    if action in FINAL:
        yield key, "is always the last step: it has no budget, window or next"
        return
    if step.budget is not None:
        yield from _range((*key, "budget"), step.budget, 0, FOREVER)
    if step.window_ms is not None:
        yield from _range((*key, "window_ms"), step.window_ms, 1, WINDOW_MAX_MS)
    if step.next is not None and not action.is_before(step.next):
        later = ", ".join(other for other in Action if action.is_before(other))
        yield (*key, "next"), f"{step.next}: must be more severe than {action}: {later}"


def _channels(system: System) -> Problems:
    used: Counter[str] = Counter()
    for number, channel in enumerate(system.channel):
        key: Key = ("channel", number, "between")
        if len(channel.between) != 2 or len(set(channel.between)) != 2:
            yield key, "must name two different VMs"
        for name in channel.between:
            if name not in system.vm:
                yield key, f"no VM named {name!r}; known: {', '.join(system.vm)}"
            used[name] += 1
    for name, count in used.items():
        if count > CHANNEL_MAX:
            yield ("channel",), f"VM {name!r} has {count} channels; at most {CHANNEL_MAX}"
