# SPDX-License-Identifier: Apache-2.0
"""The paths of the table in docs/latency.md, each in every mode in which it exists."""

from collections.abc import Iterator, Sequence

from understudy.config.policy import Action
from understudy.latency.scenarios import select
from understudy.latency.scenarios.scenario import Key, Probe, Scenario, Select, inside
from understudy.latency.scenarios.systems import (
    GENEROUS,
    IDLE,
    AsmGuest,
    AsmTask,
    Data,
    Mode,
    always,
    asm_system,
    spinners,
    tick_beyond,
)

PATHS: dict[str, str] = {
    "vm_switch_tick": "VM switch by tick",
    "vm_switch_yield": "VM switch by VMI_YIELD",
    "task_switch": "task switch, from the task's guest call to the next task",
    "task_switch_vmi": "task switch, from the kernel's VMI_TASK_SWITCH to the next task",
    "task_switch_vmm": "task switch, the instructions of the VMM in it",
    "task_switch_pure": "task switch by a guest call that is declared pure",
    "task_switch_next": "guest call and return, VMI_TASK_SWITCH(VMI_TASK_NEXT)",
    "task_return": "guest call and return, VMI_TASK_RETURN",
    "task_switch_rtos_pend": "RTOS: OSSemPend to the other task",
    "task_switch_rtos_post": "RTOS: OSSemPost to the other task",
    "task_switch_rtos_vmm": "RTOS: OSSemPost, the instructions of the VMM in it",
    "tick_switch_rtos": "RTOS: timer interrupt to the task that slept",
    "vmi_null_call": "VMI_VERSION from a task",
    "irq_delivery": "virtual timer interrupt, from a task to its kernel",
    "irq_delivery_waiting": "virtual timer interrupt that ends VMI_WAIT of a VM; another one ran",
    "first_write": "first write to an armed page",
    "checkpoint_commit": "checkpoint of a VM with one dirty page",
    "task_rollback": "task rollback, one dirty page",
    "vm_rollback": "VM rollback after a fault of the kernel, one dirty page",
    "vm_rollback_shared": "VM rollback after a fault of a task that changed shared state, one dirty page",
    "older_generation": "rollback of a VM to its older generation, one page dirty and one kept by it",
    "take_over": "the standby takes the place of its VM",
    "task_restart": "restart of a task from its pristine image",
    "warm_reset": "warm reset: cold restart that keeps persistent memory",
    "cold_restart": "cold restart from the pristine image",
    "saving": "all that the VMM does for one round of a task that writes pages and yields",
}

RTOS = {
    "pend": {
        "kernel": "rtos",
        "shared": ["latency/rtos/semaphores.c"],
        "tasks": [
            {"name": "waiter", "entry": "turn_waiter_task", "sources": ["latency/rtos/waiter.c"], "priority": 10},
            {"name": "giver", "entry": "turn_giver_task", "sources": ["latency/rtos/giver.c"], "priority": 12},
        ],
    },
    "tick": {
        "kernel": "rtos",
        "tasks": [
            {"name": "sleeper", "entry": "sleeper_task", "sources": ["latency/rtos/sleeper.c"], "priority": 10},
            {"name": "spinner", "entry": "idle_spinner_task", "sources": ["latency/rtos/spinner.S"], "priority": 12},
        ],
    },
}
SPINNER = 1  # the number of the task above
ALL = tuple(Mode)
ROLLBACKS = 4_500_000
COLD_RESTARTS = 60_000_000
PATIENCE = (
    30_000  # rounds of six instructions and more: so many ticks that a checkpoint becomes a generation, or a duplicate
)
RARE = 200  # repetitions of what takes so long to get ready
TICK_INSTRUCTIONS = 31250  # of 32 ns: 1 ms


def scenarios(modes: Sequence[Mode] = ALL) -> list[Scenario]:
    """Return what has to run for the paths in these modes."""
    makers = (
        _vm_switches,
        _task_switches,
        _returns,
        _calls,
        _interrupts,
        _writes,
        _commit,
        _rollbacks,
        _generations,
        _take_overs,
        _restarts,
        _rtos,
    )
    return [scenario for make in makers for mode in modes for scenario in make(mode)]


def _one(system: Data, name: str, mode: Mode, chosen: Select, each: int) -> Scenario:
    return Scenario(system, [Probe(Key(name, mode), chosen)], each)


def _vm_switches(mode: Mode) -> Iterator[Scenario]:
    tick = asm_system(mode, spinners(2), tick_us=1000, slice_ticks=1)
    yield _one(tick, "vm_switch_tick", mode, select.between_vms("irq"), TICK_INSTRUCTIONS)
    yields = asm_system(mode, spinners(2, body="yield"))
    yield _one(yields, "vm_switch_yield", mode, select.between_vms("call"), 1000)


def callers(count: int = 2, *, pure: bool = False, dirty: int = 0) -> AsmGuest:
    """Return a guest of tasks that switch to each other by guest calls."""
    return AsmGuest(tasks=(AsmTask("call", dirty=dirty),) * count, pure=pure)


def _task_switches(mode: Mode) -> Iterator[Scenario]:
    through = select.task_call_switch()
    probes = [
        Probe(Key("task_switch", mode), through),
        Probe(Key("task_switch_vmm", mode), through, inside),
        Probe(Key("task_switch_vmi", mode), select.kernel_names_task()),
    ]
    yield Scenario(asm_system(mode, [callers()]), probes, 1000)
    if mode is not Mode.OFF:
        yield _one(asm_system(mode, [callers(pure=True)]), "task_switch_pure", mode, through, 1000)


def _returns(mode: Mode) -> Iterator[Scenario]:
    for name, on_call in (("task_switch_next", "highest"), ("task_return", "return")):
        system = asm_system(mode, [AsmGuest(tasks=(AsmTask("call"),), on_call=on_call)])
        yield _one(system, name, mode, select.task_call_switch(), 1000)


def _calls(mode: Mode) -> Iterator[Scenario]:
    system = asm_system(mode, [AsmGuest(tasks=(AsmTask("null"),))])
    yield _one(system, "vmi_null_call", mode, select.same_task_call(), 120)


def _interrupts(mode: Mode) -> Iterator[Scenario]:
    busy = asm_system(mode, [AsmGuest(timer_us=1000)], tick_us=1000)
    yield _one(busy, "irq_delivery", mode, select.virtual_interrupt(), TICK_INSTRUCTIONS)
    waiter = asm_system(mode, [AsmGuest(tasks=(), idle=True, timer_us=1000), IDLE], tick_us=1000)
    yield _one(waiter, "irq_delivery_waiting", mode, select.waking(), TICK_INSTRUCTIONS)


def _writes(mode: Mode) -> Iterator[Scenario]:
    if mode is Mode.UNDO:  # pages of the other policies are never armed while a guest runs
        system = asm_system(mode, [callers(dirty=2)])
        yield _one(system, "first_write", mode, select.first_write(), 1500)


def writers(mode: Mode, *, dirty: int = 0, region: int = 0, vm_period: int = 1) -> Data:
    """Return a system of two VMs that yield to each other; the task of the first one writes pages before."""
    task = AsmTask("yield", dirty=dirty, region=region)
    return asm_system(mode, [AsmGuest(tasks=(task,), vm_period=vm_period), AsmGuest(tasks=(AsmTask("yield"),))])


def _commit(mode: Mode) -> Iterator[Scenario]:
    """Lengths of the whole switch; measure.py takes off the same switch without fault tolerance."""
    if mode is not Mode.OFF:
        yield _one(writers(mode, dirty=1), "checkpoint_commit", mode, select.between_vms("call", leaves=1), 4000)


def faulting(
    mode: Mode, *, dirty: int = 1, region: int = 0, level: str = "task", instructions: int = ROLLBACKS
) -> Data:
    """Return a system of one VM that fails after writing pages, and is recovered at this level, again and again.

    Levels: "task", "vm" (the kernel fails), "shared" (a task does that has changed shared state), or an action of the
    policy. No tick comes within so many instructions.
    """
    body = "call_fault" if level in {"vm", "shared"} else "fault"
    task = AsmTask(body, dirty=dirty, region=region)
    on_call = "fault" if level == "vm" else "return"
    guest = AsmGuest(tasks=(task,), on_call=on_call, recovery=always(level) if level in set(Action) else GENEROUS)
    return asm_system(mode, [guest], tick_us=tick_beyond(instructions))


def _rollbacks(mode: Mode) -> Iterator[Scenario]:
    if mode is Mode.OFF:
        return
    recovery = select.recovery()
    yield _one(faulting(mode), "task_rollback", mode, recovery, 2000)
    yield _one(faulting(mode, level="vm"), "vm_rollback", mode, recovery, 4000)
    yield _one(faulting(mode, level="shared"), "vm_rollback_shared", mode, recovery, 4000)


def _restarts(mode: Mode) -> Iterator[Scenario]:
    actions = (
        [Action.COLD_RESTART] if mode is Mode.OFF else [Action.TASK_RESTART, Action.WARM_RESET, Action.COLD_RESTART]
    )
    for action in actions:
        system = faulting(mode, level=action, instructions=COLD_RESTARTS)
        yield _one(system, str(action), mode, select.recovery(), 50_000)


def late(action: str) -> AsmGuest:
    """Return a guest that fails late after each recovery, so that much can be made ready for the next one."""
    task = AsmTask("late_fault", dirty=1, patience=PATIENCE)
    return AsmGuest(tasks=(task,), recovery=always(action) | {"window_ms": 1})


def _ticking(mode: Mode, guests: Sequence[AsmGuest]) -> Data:
    """Return a system with housekeeping at every tick, and nothing in it that a path does not need."""
    system = asm_system(mode, guests, tick_us=1000, slice_ticks=1)
    system["system"] |= {"housekeeping_ms": 1, "scrub_kib_per_s": 0}
    return system


def _generations(mode: Mode) -> Iterator[Scenario]:
    if mode is not Mode.OFF:
        system = _ticking(mode, [late("older_generation")])
        system["vm"]["vm1"]["policy"] |= {"generations": 1, "generation_ms": 1}
        system["system"]["name"] += "-older"
        yield Scenario(system, [Probe(Key("older_generation", mode), select.recovery())], 5 * PATIENCE, RARE)


def pair(mode: Mode, guest: AsmGuest) -> Data:
    """Return a system of a VM and its standby, which the management VM starts again after each take-over."""
    manager = AsmGuest(tasks=(), idle=True, timer_us=1000, starts=2)
    made = asm_system(mode, [guest, manager])
    system = _ticking(mode, [guest])
    system["guest"]["vm0"] = made["guest"]["g2"]
    standby = {"guest": "g1", "priority": 10, "standby_for": "vm1", "every_ms": 1, "autostart": True}
    system["vm"]["vm2"] = standby | {"memory": system["vm"]["vm1"]["memory"]}
    system["vm"]["vm1"]["policy"]["generations"] = 0
    system["system"]["name"] += "-pair"
    return system


def _take_overs(mode: Mode) -> Iterator[Scenario]:
    if mode is not Mode.OFF:
        system = pair(mode, late("standby"))
        yield Scenario(system, [Probe(Key("take_over", mode), select.recovery())], 5 * PATIENCE, RARE)


def rtos_system(mode: Mode, guest: str, **settings: object) -> Data:
    """Return a system of one VM with an RTOS guest."""
    system = asm_system(mode, [AsmGuest()], **settings)  # type: ignore[arg-type]
    system["guest"] = {"vm0": system["guest"]["vm0"], guest: RTOS[guest]}
    system["vm"]["vm1"]["guest"] = guest
    system["system"]["name"] += f"-{guest}"
    return system


def _rtos(mode: Mode) -> Iterator[Scenario]:
    probes = [
        Probe(Key("task_switch_rtos_pend", mode), select.rtos_half(first=True)),
        Probe(Key("task_switch_rtos_post", mode), select.rtos_half(first=False)),
        Probe(Key("task_switch_rtos_vmm", mode), select.rtos_half(first=False), inside),
    ]
    yield Scenario(rtos_system(mode, "pend"), probes, 4000)
    # The RTOS has a tick of 10 ms; no tick of the VMM lies between two of them.
    system = rtos_system(mode, "tick", slice_ticks=1)
    yield _one(system, "tick_switch_rtos", mode, select.rtos_tick_switch(SPINNER), 10 * TICK_INSTRUCTIONS)
