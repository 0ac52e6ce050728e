# SPDX-License-Identifier: Apache-2.0
"""How the paths depend on the number of VMs and tasks, dirty pages, region size and backup period (R44)."""

from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from understudy.latency.scenarios import select
from understudy.latency.scenarios.paths import COLD_RESTARTS, callers, faulting, writers
from understudy.latency.scenarios.scenario import SWEEP_REPETITIONS, Key, Probe, Scenario, Select, redone
from understudy.latency.scenarios.systems import IMPATIENT, ON, AsmGuest, AsmTask, Data, Mode, asm_system, spinners

ALL = tuple(Mode)
BOTH = (Mode.OFF, Mode.UNDO)
VMS = tuple(range(1, 9))
TASKS = tuple(range(1, 13))
PAGES = (0, 1, 2, 4, 8, 16, 32, 64)
REGIONS = (1, 4, 16, 64)
PERIODS = (1, 2, 3, 4, 6, 8, 10)
REGION_OF_SAVING = 16
SAVING = (0, 1, 2, 4, 8, 16)
SHORT_TICK_US = 100
SLED = 40_009  # longer than ten slices of SHORT_TICK_US, and a prime: the faults come at every phase of a slice
STEP = 481  # 83 calls in a sled, again a prime
LOST_REPETITIONS = 60


@frozen
class Sweep:
    """One curve for each mode. `build` gives the system for one value of x."""

    name: str
    title: str
    path: str
    x: str
    values: Sequence[int]
    modes: Sequence[Mode]
    build: Callable[[Mode, int], Data]
    choose: Callable[[int], Select]
    each: Callable[[int], int] = lambda x: 4000
    repetitions: int = SWEEP_REPETITIONS

    def key(self, mode: Mode, x: int) -> Key:
        """Return what a point is stored under."""
        return Key(self.name, mode, x)

    def scenarios(self) -> Iterator[Scenario]:
        """Return what has to run."""
        for mode in self.modes:
            for x in self.values:
                probe = Probe(self.key(mode, x), self.choose(x))
                yield Scenario(self.build(mode, x), [probe], self.each(x), self.repetitions, quick=False)


def _switching(mode: Mode, *, dirty: int = 0, region: int = 0, task_period: int = 1) -> Data:
    task = AsmTask("call", dirty=dirty, region=region)
    return asm_system(mode, [AsmGuest(tasks=(task, task), task_period=task_period)])


def _ticks(mode: Mode, count: int) -> Data:
    return asm_system(mode, spinners(count), tick_us=SHORT_TICK_US, slice_ticks=1)


def _tick(count: int) -> Select:
    return select.between_vms("irq") if count > 1 else select.slice_end()


def _leaves_first(x: int) -> Select:
    del x
    return select.between_vms("call", leaves=1)


def _pages_each(x: int) -> int:
    return 5000 + 1300 * x


def _run(pages: int) -> int:
    return 2 * SWEEP_REPETITIONS * _pages_each(pages)


SWEEPS = (
    Sweep("vms", "VM switch by tick", "vm_switch_tick", "number of VMs", VMS, BOTH, _ticks, _tick),
    Sweep(
        "tasks",
        "Task switch",
        "task_switch",
        "number of tasks",
        TASKS,
        BOTH,
        lambda mode, x: asm_system(mode, [callers(x)]),
        lambda x: select.task_call_switch(),
    ),
    Sweep(
        "commit_dirty",
        "Checkpoint of a VM at a switch",
        "checkpoint_commit",
        "dirty pages",
        PAGES,
        ON,
        lambda mode, x: writers(mode, dirty=x),
        _leaves_first,
        _pages_each,
    ),
    Sweep(
        "task_rollback_dirty",
        "Task rollback",
        "task_rollback",
        "dirty pages",
        PAGES,
        ON,
        lambda mode, x: faulting(mode, dirty=x, instructions=_run(x)),
        lambda x: select.recovery(),
        _pages_each,
    ),
    Sweep(
        "vm_rollback_dirty",
        "VM rollback",
        "vm_rollback",
        "dirty pages",
        PAGES,
        ON,
        lambda mode, x: faulting(mode, dirty=x, level="vm", instructions=_run(x)),
        lambda x: select.recovery(),
        _pages_each,
    ),
    Sweep(
        "vm_switch_region",
        "VM switch that leaves a VM with one dirty page",
        "vm_switch_yield",
        "region pages",
        REGIONS,
        ON,
        lambda mode, x: writers(mode, dirty=1, region=x),
        _leaves_first,
        _pages_each,
    ),
    Sweep(
        "task_switch_region",
        "Task switch, nothing written",
        "task_switch",
        "region pages",
        REGIONS,
        ON,
        lambda mode, x: _switching(mode, region=x),
        lambda x: select.task_call_switch(),
        _pages_each,
    ),
    Sweep(
        "vm_rollback_region",
        "VM rollback with one dirty page",
        "vm_rollback",
        "region pages",
        REGIONS,
        (Mode.UNDO,),
        lambda mode, x: faulting(mode, region=x, level="vm", instructions=_run(x)),
        lambda x: select.recovery(),
        _pages_each,
    ),
    Sweep(
        "cold_restart_region",
        "Cold restart",
        "cold_restart",
        "region pages",
        REGIONS,
        BOTH,
        lambda mode, x: faulting(mode, region=x, level="cold", instructions=COLD_RESTARTS),
        lambda x: select.recovery(),
        lambda x: 50_000 + 8_000 * x,
        30,
    ),
    Sweep(
        "task_period",
        "Task switch with one dirty page",
        "task_switch",
        "backup period",
        PERIODS,
        (Mode.UNDO, Mode.EAGER),
        lambda mode, x: _switching(mode, dirty=1, task_period=x),
        lambda x: select.task_call_switch(),
    ),
    Sweep(
        "vm_period",
        "VM switch with one dirty page",
        "vm_switch_yield",
        "backup period",
        PERIODS,
        (Mode.UNDO, Mode.EAGER),
        lambda mode, x: writers(mode, dirty=1, vm_period=x),
        _leaves_first,
    ),
    Sweep(
        "saving",
        f"Saving of a region of {REGION_OF_SAVING} pages: first writes and switch of one round",
        "saving",
        "dirty pages",
        SAVING,
        ALL,
        lambda mode, x: writers(mode, dirty=x, region=REGION_OF_SAVING),
        lambda x: select.Round(1),
        _pages_each,
    ),
)


def lost_work() -> list[Scenario]:
    """Return what has to run for the guest instructions that are executed again after a fault."""
    found = []
    for period in PERIODS:
        ticks = asm_system(
            Mode.UNDO,
            [AsmGuest(tasks=(AsmTask("sled", sled=SLED),), vm_period=period, recovery=IMPATIENT)],
            tick_us=SHORT_TICK_US,
            slice_ticks=1,
        )
        calls = asm_system(
            Mode.UNDO,
            [
                AsmGuest(
                    tasks=(AsmTask("sled", sled=SLED, step=STEP), AsmTask("call")),
                    pure=True,
                    task_period=period,
                    recovery=IMPATIENT,
                )
            ],
        )
        for name, system in (("lost_vm_period", ticks), ("lost_task_period", calls)):
            probe = Probe(Key(name, Mode.UNDO, period), select.task_recovery(), redone)
            found.append(Scenario(system, [probe], 5 * SLED, LOST_REPETITIONS, quick=False))
    return found
