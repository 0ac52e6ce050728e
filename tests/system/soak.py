# SPDX-License-Identifier: Apache-2.0
"""A machine whose guests fail at random for a long time, and all that must hold of it meanwhile."""

import random
import re
from collections import Counter
from collections.abc import Mapping

from attrs import field, frozen
from understudy.target import Target
from understudy.target.ram import SharedRam

from . import machine, oracle, systems, tables

SEED = 20261
TICK_US = 10_000
"""Of the VMM, as the guests' own ones. With 1 ms QEMU takes twice as long."""
SCRUB_KIB_PER_S = 256
LATE_MS = 20_000  # until the scrubber has certainly found the last flipped bit
TOLD_MS = 200  # until the last fault is on the console
LINES_EVERY = 10  # looks at tables for one at all that was printed
BALLAST = "chaotic_ballast"
TASK, KERNEL = "apps/chaotic.c.j2", "apps/chaotic_kernel.c.j2"
TRAPS = (
    *("null_read", "null_write", "wild_read", "wild_write", "read_task", "write_task", "read_kernel", "write_kernel"),
    *("read_vcpu", "write_info", "read_vmm", "write_device", "write_text", "write_const", "unaligned", "jump_null"),
    *("jump_wild", "jump_kernel", "jump_data", "jump_stack", "jump_info", "jump_vcpu", "breakpoint", "undefined"),
    *("privileged", "stack_overflow"),
)
KERNEL_KINDS = (
    *("null_write", "wild_read", "wild_write", "write_info", "write_text", "write_device", "read_vmm", "jump_wild"),
    *("jump_data", "undefined", "privileged", "unaligned", "stack_overflow", "panic", "break_block", "hang_on"),
)
SLOW = ("hang_on", "refused_calls")
CHAOTIC = {  # what the second task of each does besides, and how its memory is saved
    "chaotic1": (SLOW, {}),
    "chaotic2": (("in_kernel",) * 26, {"stack": "undo", "data": "undo", "generations": 2}),
    "chaotic3": (("shared_state",) * 13 + ("in_kernel",) * 13 + SLOW, {"stack": "eager", "data": "eager"}),
}
VMS = (*systems.HEALTHY, *CHAOTIC)
WATCHDOG_MS = 30
STREAMS = {"healthy1": {"pc"}, "healthy2": {"cl", "cs"}} | {
    vm: {f"ft {2 * number}", f"ft {2 * number + 1}", "hd", "wt"} for number, vm in enumerate(CHAOTIC)
}
_TOLD = re.compile(
    r"(?m)^\[vmm\] fault (?P<number>\d+): .* in (?P<vm>\w+)/(?P<task>\w+), (?P<what>.*), pc \w+, address \w+: "
    r"(?P<action>[^,]+), \d+ pages"
)
_WATCHED = re.compile(r"(?m)^\[(\w+)\] (.*)$")


def description() -> systems.Data:
    """Three guests that fail, with UARTs of their own, and the two healthy ones, which VM0 watches."""
    guests, vms = {}, {}
    for number, (vm, (kinds, policy)) in enumerate(CHAOTIC.items()):
        guests[vm] = _guest(number, kinds)
        # Far more than chance uses up. A fault that a checkpoint holds (D7) does, and then something else helps.
        recovery = systems.budgets(60, 40, 5, older=5, window_ms=200)
        vms[vm] = systems.vm(vm, uart=number + 1, policy=policy, recovery=recovery, autostart=False, slice_ticks=2)
    healthy = {vm: {**settings, "autostart": False} for vm, settings in systems.healthy_vms().items()}
    for settings in healthy.values():
        del settings["uart"]
    return systems.system("test-soak", guests, {**healthy, **vms}, tick_us=TICK_US, scrub_kib_per_s=SCRUB_KIB_PER_S)


def _guest(number: int, kinds: tuple[str, ...]) -> systems.Data:
    def task(index: int, period: int, kinds: tuple[str, ...]) -> systems.Data:
        parameters = {"index": index, "period": period, "seed": SEED + index, "one_in": 20, "kinds": kinds, "victim": 2}
        return {
            "name": f"f{index}",
            "entry": f"chaotic{index}_task",
            "sources": [f"tests/system/{TASK}"],
            "priority": 14 + index,
            "watchdog_ms": WATCHDOG_MS,
            "parameters": parameters,
        }

    guest = systems.faulty_kernel_guest("none", times=systems.NEVER)
    lock = [task for task in guest["tasks"] if task["name"] != "worker"]
    kernel = f"tests/system/{KERNEL}"
    return {
        **guest,
        "sources": [kernel],
        "templates": {kernel: {"kinds": KERNEL_KINDS}},
        "tasks": [task(2 * number, 5, TRAPS), task(2 * number + 1, 7, (*TRAPS, *kinds)), *lock],
        "check_objects": True,
    }


@frozen
class Look:
    """What must stay as it is: frames that the tables of a VM can reach, its memory, frames of a page, state."""

    frames: frozenset[int]
    memory_next: int
    each: int
    state: str


def look(target: Target) -> dict[str, Look]:
    """Look at all VMs of a machine that is settled; `check_frames` checks that no page left its own frames."""
    return {
        vm: Look(
            tables.check_frames(target, vm),
            target.memory.vm(vm)["memory_next"],
            tables.frames_each(target, vm),
            machine.state(target, vm),
        )
        for vm in VMS
    }


@frozen
class Told:
    """One fault as the VMM tells it on its console."""

    vm: str
    task: str
    what: str
    action: str


def told(target: Target) -> list[Told]:
    """All faults so far. Each is told once: the ring of records may have overwritten it since."""
    found = list(_TOLD.finditer(target.console.text))
    assert [int(match["number"]) for match in found] == list(range(1, len(found) + 1)), "a fault was not told"
    return [Told(*match.group("vm", "task", "what", "action")) for match in found]


def lines(target: Target) -> dict[str, list[str]]:
    """All lines of each VM."""
    found: dict[str, list[str]] = {vm: [] for vm in systems.HEALTHY}
    for vm, line in _WATCHED.findall(target.console.text):
        if vm in found:
            found[vm].append(line)
    return found | {vm: target.uart(vm).lines for vm in CHAOTIC}


def check_lines(target: Target) -> dict[str, dict[str, int]]:
    """Check each value of each VM: once, in order, and right; return how far each stream came.

    Only what the log tells of excuses more: an older generation lies before text that has left, and a VM that was
    started from its image begins again.
    """
    faults, found = told(target), {}
    for vm, said in lines(target).items():
        actions = Counter(fault.action for fault in faults if fault.vm == vm)
        older = actions["VM rolled back to an older generation"]
        found[vm] = oracle.unbroken(
            said, repeats=len(said) if older else 0, starts=1 + actions["VM restarted from its pristine image"]
        )
        assert found[vm].keys() == STREAMS[vm]
    return found


@frozen
class Flips:
    """Silent damage: single bits of constants that nobody uses, in one page of each failing VM at a time."""

    target: Target
    ram: SharedRam
    chance: random.Random
    pending: dict[str, tuple[int, int]] = field(factory=dict)
    made: list[str] = field(factory=list)

    def find(self) -> None:
        """Forget those that have been repaired."""
        for vm, (va, right) in list(self.pending.items()):
            if self.target.memory.read(vm, va, 1)[0] == right:
                del self.pending[vm]

    def make(self) -> None:
        """Flip a bit of a VM that has no damage now."""
        self.find()
        free = [vm for vm in CHAOTIC if vm not in self.pending]
        if not free:
            return
        vm = self.chance.choice(free)
        task = tables.tasks_of(self.target, vm)[self.chance.randrange(2)]
        ballast = self.target.memory.symbol(vm, BALLAST, str(task["name"]))
        va = ballast.address + self.chance.randrange(4, ballast.size)
        physical = self.target.memory.translate(vm, va)
        right = self.ram.read(physical, 1)[0]
        self.ram.write(physical, bytes([right ^ 1 << self.chance.randrange(8)]))
        assert self.target.memory.read(vm, va, 1)[0] != right, "nothing was injected"
        self.pending[vm] = va, right
        self.made.append(vm)


@frozen
class Soak:
    """What a run has shown."""

    seconds: float  # of virtual time
    looks: int
    faults: list[Told]
    flips: int
    streams: Mapping[str, Mapping[str, int]]

    @property
    def values(self) -> int:
        """How many values were compared."""
        return sum(sum(lengths.values()) for lengths in self.streams.values())

    def summary(self) -> str:
        """The totals, as text."""
        count = Counter[tuple[str, str]]((fault.what, fault.action) for fault in self.faults)
        by_vm = Counter(fault.vm for fault in self.faults)
        rows = [f"  {number:6} {what}: {action}" for (what, action), number in sorted(count.items())]
        per_vm = ", ".join(f"{vm} {number}" for vm, number in sorted(by_vm.items()))
        return "\n".join(
            [
                f"seed {SEED}: {self.seconds:.0f} s of virtual time, {len(self.faults)} faults ({per_vm}), "
                f"{self.flips} flipped bits, {self.values} values compared, {self.looks} looks at all tables",
                *rows,
            ]
        )


def start(target: Target) -> None:
    """Start the VMs once VM0 watches the healthy ones, so that no line of theirs is missed."""
    target.wait_for_prompt()
    target.vm0(f"watch {' '.join(systems.HEALTHY)}")
    for vm in VMS:
        target.vm0(f"boot {vm}")
    machine.until(target, lambda: all(machine.state(target, vm) == "running" for vm in VMS))


def soak(target: Target, ram: SharedRam, *, ms: float, flip_ms: float, looks: int) -> Soak:
    """Let the guests of a machine fail for `ms` of virtual time, with a look at everything `looks` times."""
    start(target)
    machine.settle(target)
    flips = Flips(target, ram, random.Random(SEED))  # noqa: S311 - repeatable on purpose
    first, began = look(target), target.virtual_ms()
    done = 0
    while done < looks:
        target.resume()
        target.run_for(flip_ms, seconds=600)
        machine.settle(target)
        flips.make()
        while done < looks and target.virtual_ms() - began >= ms * (done + 1) / looks:
            assert look(target) == first
            done += 1
            if done % LINES_EVERY == 0:
                check_lines(target)
    target.resume()

    def found() -> bool:
        flips.find()
        return not flips.pending

    machine.until(target, found, ms=LATE_MS)
    target.run_for(TOLD_MS)
    machine.settle(target)
    assert look(target) == first
    streams = check_lines(target)
    return Soak((target.virtual_ms() - began) / 1000, done + 1, told(target), len(flips.made), streams)
