# SPDX-License-Identifier: Apache-2.0
"""The validated model of a board and of a system, as read from TOML.

Sizes are in bytes; a TOML string such as "2M" or "64K" is accepted for them. Names become C strings
in the VMM and are limited to 15 characters (`VMI_NAME_SIZE` of vmm-c/include/vmi.h).
"""

from enum import StrEnum
from typing import Any, NewType, Self

from attrs import Factory, field, frozen

from understudy.config.policy import Action, FaultClass

Size = NewType("Size", int)
Period = NewType("Period", object)
"""A number of switches, or "request": only when the guest asks for it."""

PAGE = 0x1000
WINDOW = 0x100000
KERNEL_BASE = 0x00100000
SHARED_BASE = 0x00200000
TASK_BASE = 0x00300000
VCPU_PAGE = 0x001FF000
PERSISTENT_OFFSET = 0xE0000  # of persistent memory in each window
NAME_MAX = 15
TASK_MAX = 13
VM_MAX = 16
CHANNEL_MAX = 4
PRIORITY_COUNT = 64
PERIOD_MAX = 0xFFFF
INTERVAL_MAX_MS = 10_000
REQUEST = "request"
WHEEL_TICKS_MAX = 63
GENERATIONS_MAX = 3


class SavePolicy(StrEnum):
    """How the writable pages of a segment are saved; `enum save_policy` of vmm-c/core/config.h."""

    UNDO = "undo"
    EAGER = "eager"
    FULL = "full"
    NONE = "none"


@frozen
class BoardInfo:
    """`[board]`: the name (= file name and folder under vmm-c/boards) and compiler flags of its CPU."""

    name: str
    description: str
    cpu_flags: list[str]


@frozen
class Memory:
    """`[memory]`: the RAM that the VMM and the VMs share."""

    ram_base: int
    ram_size: Size

    @property
    def ram_end(self) -> int:
        """First address after the RAM."""
        return self.ram_base + self.ram_size

    @property
    def black_box(self) -> int:
        """First address of what survives a reset: the last section of the RAM, which no VM gets."""
        return self.ram_end - WINDOW


@frozen
class Uart:
    """`[[uart]]`: one serial port; its number is its place in the file."""

    base: int
    irq: int


@frozen
class Device:
    """`[[device]]`: another device of class FIXED."""

    name: str
    base: int
    size: Size
    irq: int | None = None


@frozen
class Timer:
    """`[timer]`: the counter that gives the time; `hz` ticks a second of virtual time."""

    base: int
    hz: int


@frozen
class Clock:
    """`[[clock]]`: a 32-bit counter of time since the reset that may be read while the machine runs."""

    base: int
    hz: int


@frozen
class Qemu:
    """`[qemu]`: how the machine is emulated; one instruction takes `2**icount_shift` ns."""

    program: str
    machine: str
    cpu: str
    icount_shift: int
    args: list[str] = field(factory=list)


@frozen
class Board:
    """One file of qemu-configs/boards."""

    board: BoardInfo
    memory: Memory
    timer: Timer
    qemu: Qemu
    uart: list[Uart]
    clock: list[Clock]
    device: list[Device] = field(factory=list)

    @property
    def name(self) -> str:
        """Name of the board."""
        return self.board.name


class VmmFault(StrEnum):
    """What a fault of the VMM itself leads to; `enum vmm_policy` of vmm-c/core/vmm_fault.h."""

    STOP = "stop"
    RESTART = "restart"


@frozen
class SystemInfo:
    """`[system]`; with `trace_points` the VMM notes the time at its trace points (only for measurements).

    `housekeeping_ms` is how often the VMM does its slow work, 0: never; `scrub_kib_per_s` how much of what must not
    change it then compares with its checksum (D8), 0: nothing. `vmm_fault` is what a fault of the VMM itself leads to;
    a second one within `vmm_window_ms` stops the system in any case.
    """

    name: str
    board: str
    tick_us: int = 1000
    fault_tolerance: bool = True
    trace_points: bool = False
    housekeeping_ms: int = 10
    scrub_kib_per_s: int = 16
    vmm_fault: VmmFault = VmmFault.STOP
    vmm_window_ms: int = 1000

    @property
    def housekeeping_ticks(self) -> int:
        """The same in ticks of the VMM, as far as its wheel of timers can hold it."""
        return min(-(-self.housekeeping_ms * 1000 // self.tick_us), WHEEL_TICKS_MAX)

    @property
    def scrub_bytes(self) -> int:
        """How many bytes the VMM checks each time."""
        return -(-self.scrub_kib_per_s * 1024 * self.housekeeping_ticks * self.tick_us // 1_000_000)


@frozen
class Task:
    """One entry of `tasks` of a guest. Task n lives in window 3 + n."""

    name: str
    entry: str
    sources: list[str]
    priority: int
    stack: Size = Size(4096)
    heap: Size = Size(0)
    autostart: bool = True
    arg: int = 0
    parameters: dict[str, Any] = field(factory=dict)


@frozen
class Guest:
    """`[guest.NAME]`: what one guest image is made of.

    `kernel` names a folder under guests/ ("none": only `sources`); sources are looked up under guests/, then
    under the top of the checkout; one that ends in ".j2" is rendered with `templates[path]`. `pure_calls` overrides
    which guest calls (0 to 31) never change the state of the guest kernel (a hint for D6).
    """

    kernel: str = "none"
    stack: Size = Size(4096)
    sources: list[str] = field(factory=list)
    shared: list[str] = field(factory=list)
    tasks: list[Task] = field(factory=list)
    templates: dict[str, dict[str, Any]] = field(factory=dict)
    pure_calls: list[int] | None = None

    @property
    def pure_mask(self) -> int | None:
        """Bit mask for the image header; None: the kernel's own."""
        return None if self.pure_calls is None else sum(1 << call for call in set(self.pure_calls))


@frozen
class Schedule:
    """When checkpoints are taken: `struct schedule` of vmm-c/core/config.h."""

    switches: int = 0
    interval_ms: int = 0

    @classmethod
    def of(cls, period: Period | None, period_ms: int | None) -> Self:
        """Return the schedule of a pair of keys; without any of them every switch."""
        if period_ms is not None:
            return cls(interval_ms=period_ms)
        if period is None:
            return cls(switches=1)
        return cls(switches=period) if isinstance(period, int) else cls()


@frozen
class TaskPolicy:
    """One of `policy.tasks`: when this task is checkpointed, if not like the others."""

    period: Period | None = None
    period_ms: int | None = None


@frozen
class Region:
    """One of `policy.regions`: how this side of the guest is saved, if not like the others."""

    stack: SavePolicy | None = None
    data: SavePolicy | None = None


@frozen
class Policy:
    """`policy` of a VM: how memory is saved, and at every how many switches.

    Periods are in switches or in milliseconds, never both (R24). `tasks` and `regions` are exceptions, by the name of a
    task; regions also by "kernel" and "shared". `generations` older checkpoints are kept besides the last one,
    `generation_ms` apart (D7).
    """

    stack: SavePolicy = SavePolicy.EAGER
    data: SavePolicy = SavePolicy.UNDO
    vm_period: Period | None = None
    vm_period_ms: int | None = None
    task_period: Period | None = None
    task_period_ms: int | None = None
    tasks: dict[str, TaskPolicy] = field(factory=dict)
    regions: dict[str, Region] = field(factory=dict)
    generations: int = 1
    generation_ms: int = 1000

    @property
    def schedule(self) -> Schedule:
        """When the VM is checkpointed."""
        return Schedule.of(self.vm_period, self.vm_period_ms)

    def task_schedule(self, task: str | None = None) -> Schedule:
        """Return when a task is checkpointed, or one that the policy does not name."""
        own = self.tasks.get(task, TaskPolicy()) if task else TaskPolicy()
        if own == TaskPolicy():
            return Schedule.of(self.task_period, self.task_period_ms)
        return Schedule.of(own.period, own.period_ms)

    def saving(self, side: str, *, stack: bool) -> SavePolicy:
        """Return how the stack or the other writable memory of a side of the guest is saved."""
        region = self.regions.get(side, Region())
        return (region.stack or self.stack) if stack else (region.data or self.data)


@frozen
class Step:
    """One action in `recovery.steps`: how often within a window, and what is done instead after that."""

    budget: int | None = None
    window_ms: int | None = None
    next: Action | None = None


@frozen
class Recovery:
    """`recovery` of a VM: what is done about faults (D5); what is left out is as in `policy.py`.

    `on` gives the action to begin with by class, `tasks` the same for single tasks by name, `steps` where to go from
    there.
    """

    window_ms: int = 1000
    on: dict[FaultClass, Action] = field(factory=dict)
    tasks: dict[str, dict[FaultClass, Action]] = field(factory=dict)
    steps: dict[Action, Step] = field(factory=dict)


@frozen
class Vm:
    """`[vm.NAME]`. `fault_tolerant` defaults to the setting of the system, and is false for the management VM."""

    guest: str
    priority: int
    management: bool = False
    slice_ticks: int = 1
    uart: int | None = None
    memory: Size = Size(0x200000)
    autostart: bool = False
    fault_tolerant: bool | None = None
    policy: Policy = Factory(Policy)
    recovery: Recovery = Factory(Recovery)


@frozen
class Channel:
    """`[[channel]]`: a pair of pages and a doorbell between two VMs."""

    between: list[str]


@frozen
class System:
    """One file of qemu-configs/systems. The order of `vm` gives the VM numbers."""

    system: SystemInfo
    guest: dict[str, Guest]
    vm: dict[str, Vm]
    channel: list[Channel] = field(factory=list)

    @property
    def name(self) -> str:
        """Name of the system."""
        return self.system.name

    def is_fault_tolerant(self, vm: Vm) -> bool:
        """Tell whether the VM has checkpoints (R12, R13)."""
        if vm.management or not self.system.fault_tolerance:
            return False
        return True if vm.fault_tolerant is None else vm.fault_tolerant

    def generations(self, vm: Vm) -> int:
        """Return how many older checkpoints the VM keeps (D7): housekeeping takes them."""
        return vm.policy.generations if self.is_fault_tolerant(vm) and self.system.housekeeping_ms else 0
