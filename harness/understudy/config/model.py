# SPDX-License-Identifier: Apache-2.0
"""The validated model of a board and of a system, as read from TOML.

Sizes are in bytes; a TOML string such as "2M" or "64K" is accepted for them. Names become C strings
in the VMM and are limited to 15 characters (`VMI_NAME_SIZE` of vmm-c/include/vmi.h).
"""

from enum import StrEnum
from typing import Any, NewType

from attrs import Factory, field, frozen

from understudy.config.policy import Action, FaultClass
from understudy.config.saving import Policy

Size = NewType("Size", int)
Regions = NewType("Regions", tuple[str, ...])
Names = NewType("Names", tuple[str, ...])  # one, or an array of them

EVERY_MS = 100

PAGE = 0x1000
STACK_GUARD = 0x10000  # of vmm-c/core/config.h: bytes below each stack of a guest that nothing is mapped in
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
WHEEL_TICKS_MAX = 63
WATCHDOG_MAX = 36_000_000  # milliseconds: ten hours


class Output(StrEnum):
    """When what a VM says to the outside leaves it (D9)."""

    COMMIT = "commit"
    IMMEDIATE = "immediate"


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
    housekeeping_ms: int = 20
    scrub_kib_per_s: int = 16
    vmm_fault: VmmFault = VmmFault.STOP
    vmm_window_ms: int = 1000

    def ticks(self, ms: int) -> int:
        """Return milliseconds in ticks of the VMM, rounded up."""
        return -(-ms * 1000 // self.tick_us)

    @property
    def housekeeping_ticks(self) -> int:
        """The same in ticks of the VMM, as far as its wheel of timers can hold it."""
        return min(self.ticks(self.housekeeping_ms), WHEEL_TICKS_MAX)

    @property
    def scrub_bytes(self) -> int:
        """How many bytes the VMM checks each time."""
        return -(-self.scrub_kib_per_s * 1024 * self.housekeeping_ticks * self.tick_us // 1_000_000)


@frozen
class Task:
    """One entry of `tasks` of a guest. Task n lives in window 3 + n.

    `watchdog_ms` is how long it may run, of its VM's own time, until it waits; 0: as long as it likes.
    """

    name: str
    entry: str
    sources: list[str]
    priority: int
    stack: Size = Size(4096)
    heap: Size = Size(0)
    autostart: bool = True
    arg: int = 0
    watchdog_ms: int = 0
    parameters: dict[str, Any] = field(factory=dict)


_REPORTING_KERNELS = ("rtos", "vm0")


@frozen
class Guest:
    """`[guest.NAME]`: what one guest image is made of.

    `kernel` names a folder under guests/ ("none": only `sources`); sources are looked up under guests/, then
    under the top of the checkout; one that ends in ".j2" is rendered with `templates[path]`. `pure_calls` overrides
    which guest calls (0 to 31) never change the state of the guest kernel (a hint for D6); `reports_ready`, whether
    it says when its boot is complete. `check_objects`: the RTOS has its objects checked before a checkpoint is taken
    (D7).
    """

    kernel: str = "none"
    stack: Size = Size(4096)
    sources: list[str] = field(factory=list)
    shared: list[str] = field(factory=list)
    tasks: list[Task] = field(factory=list)
    templates: dict[str, dict[str, Any]] = field(factory=dict)
    pure_calls: list[int] | None = None
    reports_ready: bool | None = None
    check_objects: bool = False

    @property
    def is_reporting_ready(self) -> bool:
        """Tell whether the kernel calls VMI_READY: those that come with the project do."""
        return self.kernel in _REPORTING_KERNELS if self.reports_ready is None else self.reports_ready

    @property
    def pure_mask(self) -> int | None:
        """Bit mask for the image header; None: the kernel's own."""
        return None if self.pure_calls is None else sum(1 << call for call in set(self.pure_calls))


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
class Watchdog:
    """`watchdog` of a VM: what is taken for a hang, in milliseconds of the VM's own running time; 0: nothing is.

    `ticks_max` is in periods of its virtual timer. vmm-c/core/watchdog.h says what each means.
    """

    vm_ms: int = 0
    masked_ms: int = 100
    ticks_max: int = 20
    ready_ms: int = 200
    run_ms: int = 0


_NO_WATCHDOG = Watchdog(masked_ms=0, ticks_max=0, ready_ms=0)


@frozen
class Vm:
    """`[vm.NAME]`. `fault_tolerant` defaults to the setting of the system, and is false for the management VM.

    `misuse_max` is how many calls may be refused within the window of `recovery`, 0: any number. `watchdog` None: the
    defaults, and none for the management VM, which may be busy for as long as a person asks for.

    `output` defaults to "commit" where there are checkpoints. `output_ms`: held output gets a checkpoint after so long,
    0: never. `missed_ticks_max`: periods of its timer that may wait for it (D10).

    A VM with `standby_for` takes over when that one fails: `every_ms` milliseconds apart the `regions` of the other one
    are duplicated into it (None: all of it, or its persistent memory if the guests differ).
    """

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
    misuse_max: int = 1000
    watchdog: Watchdog | None = None
    standby_for: str | None = None
    every_ms: int = EVERY_MS
    regions: Regions | None = None
    output: Output | None = None
    output_ms: int = 50
    missed_ticks_max: int = 1000


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

    def watchdog_of(self, vm: Vm) -> Watchdog:
        """Return what the VMM's watchdogs allow a VM."""
        return vm.watchdog or (_NO_WATCHDOG if vm.management else Watchdog())

    def is_fault_tolerant(self, vm: Vm) -> bool:
        """Tell whether the VM has checkpoints (R12, R13)."""
        if vm.management or not self.system.fault_tolerance:
            return False
        return True if vm.fault_tolerant is None else vm.fault_tolerant

    def generations(self, vm: Vm) -> int:
        """Return how many older checkpoints the VM keeps (D7): housekeeping takes them."""
        return vm.policy.generations if self.is_fault_tolerant(vm) and self.system.housekeeping_ms else 0

    def has_checksums(self, vm: Vm) -> bool:
        """Tell whether backups of the VM have checksums (D7)."""
        return vm.policy.checksum and self.is_fault_tolerant(vm)

    def holds_output(self, vm: Vm) -> bool:
        """Tell whether nothing leaves the VM before it is checkpointed (D9)."""
        return self.is_fault_tolerant(vm) and vm.output is not Output.IMMEDIATE

    def output_checks(self, vm: Vm) -> int:
        """At which housekeeping after it was written held output gets a checkpoint; 0: at none."""
        period_us = self.system.housekeeping_ticks * self.system.tick_us
        return -(-vm.output_ms * 1000 // period_us) if period_us else 0
