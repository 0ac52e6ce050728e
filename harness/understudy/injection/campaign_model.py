# SPDX-License-Identifier: Apache-2.0
"""The model of a campaign file; docs/campaign-files.md says what each key means."""

from enum import StrEnum
from typing import Any

from attrs import Factory, field, frozen

from understudy.config.model import Names, Size

NONE = Names(())
VMM = "vmm"  # in `where.of`
VMM_SECTIONS = (
    *("text", "rodata", "data", "bss", "preserved", "stacks", "page_tables", "data_copy", "guest_images", "black_box"),
    "scheduler",
)
SEGMENTS = ("text", "rodata", "data", "stack", "persistent")  # of a guest
VM_SECTIONS = (*SEGMENTS, "page_tables", "checkpoint", "struct")
KERNEL_OR_SHARED = ("kernel", "shared")  # in `where.task`


class Kind(StrEnum):
    """`where.target`: what a fault is applied to."""

    REGISTER = "register"
    MEMORY = "memory"
    CODE = "code"
    INTERRUPT = "interrupt"
    TIMER = "timer"
    DEVICE = "device"


class Model(StrEnum):
    """`what.model`: what is done to it."""

    FLIP = "flip"
    BURST = "burst"
    STUCK_AT_0 = "stuck-at-0"
    STUCK_AT_1 = "stuck-at-1"
    SET = "set"
    RANDOM = "random"
    ADD = "add"
    SKIP = "skip"
    REPLACE = "replace"
    LOST = "lost"
    SPURIOUS = "spurious"
    STORM = "storm"
    LATE = "late"
    EARLY = "early"
    STUCK = "stuck"


class Phase(StrEnum):
    """What the machine does at a step."""

    TASK = "task"
    KERNEL = "kernel"
    VMM = "vmm"
    SWITCH = "switch"
    CHECKPOINT = "checkpoint"
    RECOVERY = "recovery"


class Access(StrEnum):
    """`when.kind`: which accesses count."""

    READ = "read"
    WRITE = "write"
    ANY = "any"


class Per(StrEnum):
    """`when.per`: what a fault is equally likely at."""

    INSTRUCTION = "instruction"
    TIME = "time"


class Sampling(StrEnum):
    """`stratum.sampling`: which experiments are made of a fault space."""

    UNIFORM = "uniform"
    PRUNED = "pruned"
    COMPLETE = "complete"


class Split(StrEnum):
    """`stratum.split`: what gets a stratum of its own for each value."""

    VM = "vm"
    TASK = "task"
    SECTION = "section"
    PHASE = "phase"
    REGISTER = "register"


@frozen(kw_only=True)
class Where:
    """`where`: the places that a fault may hit. A symbol is "name", "vm:name" or "vm/task:name", and "+0x10" behind."""

    target: Kind
    registers: Names = NONE
    of: Names = NONE  # whose memory: VMs, "vmm"
    task: Names = NONE  # whose memory in a VM: tasks, "kernel", "shared"
    section: Names = NONE
    symbol: Names = NONE
    address: int | None = None
    size: Size | None = None
    line: Names = NONE  # interrupts, timers
    device: Names = NONE  # "device.REGISTER"


@frozen(kw_only=True)
class What:
    """`what`: how the value is changed."""

    model: Model = Model.FLIP
    bits: int = 1
    adjacent: bool = False
    among: list[int] = field(factory=list)  # only these bits
    value: int | None = None
    by_us: int | None = None  # late, early
    every_instructions: int | None = None  # storm


@frozen(kw_only=True)
class When:
    """`when`: the instructions of the golden run before which a fault may be applied."""

    phase: Names = NONE
    vm: Names = NONE  # who runs
    task: Names = NONE
    function: Names = NONE  # symbols that are executed
    instruction: int | None = None
    pc: str | None = None
    access: str | None = None
    kind: Access = Access.ANY
    hit: int | None = None
    time_us: float | None = None
    from_us: float | None = None
    until_us: float | None = None
    per: Per = Per.INSTRUCTION


@frozen(kw_only=True)
class Lasts:
    """`lasts`: for how long; without any key the fault is applied once."""

    instructions: int | None = None
    us: float | None = None
    permanent: bool = False
    mtbf_us: float | None = None
    every_instructions: int | None = None


@frozen(kw_only=True)
class FaultSpec:
    """One fault, and the space that it is drawn from; `[[prelude]]` is one that the golden run has, too."""

    where: Where
    what: What = Factory(What)
    when: When = Factory(When)
    lasts: Lasts = Factory(Lasts)


@frozen(kw_only=True)
class Also:
    """`also`: one more fault of the same experiment, `after_us` the first one unless it has a `when` of its own."""

    where: Where
    what: What = Factory(What)
    when: When | None = None
    lasts: Lasts = Factory(Lasts)
    after_us: float | None = None


@frozen(kw_only=True)
class Stratum(FaultSpec):
    """`[[stratum]]`: a fault space, and how experiments are drawn from it."""

    name: str
    samples: int | None = None
    sampling: Sampling = Sampling.UNIFORM
    split: Split | None = None
    also: list[Also] = field(factory=list)


@frozen(kw_only=True)
class Limit:
    """A limit on the share of some outcomes: all strata together must show it, and none may show the contrary.

    Bounds are exact and one-sided, at `confidence`.
    """

    upper: float | None = None
    lower: float | None = None
    count: int | None = None  # at most so many experiments
    confidence: float = 0.95


@frozen(kw_only=True)
class CampaignInfo:
    """`[campaign]`. Times are virtual, from the reset; `watch_ms` is how long a fault is watched after the window."""

    name: str
    description: str
    system: str = "demo"
    healthy: bool = True  # what the system's guests do wrong on purpose they don't do
    autostart: bool = True  # all VMs start by themselves
    start_ms: int = 200
    window_ms: int = 10
    watch_ms: int = 20
    sync_ms: int = 1  # so often the state is compared with the golden run
    samples: int = 1000
    seed: int = 1


@frozen(kw_only=True)
class CampaignFile:
    """One campaign file."""

    campaign: CampaignInfo
    stratum: list[Stratum]
    prelude: list[FaultSpec] = field(factory=list)
    changes: dict[str, Any] = field(factory=dict)  # of the system, merged in as config/variant.py does
    limits: dict[str, Limit] = field(factory=dict)
