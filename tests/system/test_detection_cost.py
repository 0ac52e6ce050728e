# SPDX-License-Identifier: Apache-2.0
"""What detection and the standby take of housekeeping, and the check of objects of a checkpoint: `pytest -s` prints it.

Each figure is a difference of two systems that differ in nothing else. Each tick has housekeeping here.
"""

from functools import cache
from statistics import median

from understudy.image import build
from understudy.latency.scenarios.paths import RTOS, pair, rtos_system
from understudy.latency.scenarios.systems import AsmGuest, AsmTask, Data, Mode, always, asm_system
from understudy.latency.visits import Visit, visits

TICK_MS = 10
RUN_MS = 500
BEGIN = 8  # ticks until the machine has warmed up
STEP_BYTES = 64  # of what the scrubber may read; vmm-c/recovery/validate_step.c
KIB_BYTES = 1024 * TICK_MS / 1000  # in each housekeeping, of scrub_kib_per_s = 1


def ticks(data: Data, ms: float = RUN_MS) -> list[Visit]:
    return [visit for visit in visits(build(data), ms=ms, seconds=200) if visit.vector == "irq"][BEGIN:]


@cache
def tick(vms: int = 1, tasks: int = 1, scrub: int = 0, housekeeping: int = TICK_MS, generations: int = 0) -> float:
    """Instructions of a tick; the VMs count in registers."""
    data = asm_system(Mode.UNDO, [AsmGuest(tasks=(AsmTask(),) * tasks)] * vms, tick_us=1000 * TICK_MS)
    data["system"] |= {"housekeeping_ms": housekeeping, "scrub_kib_per_s": scrub}
    data["system"]["name"] = f"test-detection-{vms}-{tasks}-{scrub}-{housekeeping}-{generations}"
    for n in range(vms):
        data["vm"][f"vm{n + 1}"]["policy"]["generations"] = generations
    return median(visit.length for visit in ticks(data))


def test_watchdogs() -> None:
    """# D5 A look at all VMs, each time: so much for a VM, and for a task; no fault is near."""
    rest = tick(housekeeping=0)
    one, more, tasks = tick(), tick(vms=5), tick(tasks=5)
    without = tick(vms=5, housekeeping=0) - rest
    vm, task = (more - one - without) / 4, (tasks - one) / 4
    print(
        f"\nhousekeeping of one VM with one task: {one - rest:.0f}; each VM more: {vm:.0f}; each task more: {task:.0f}"
    )
    assert 50 <= vm <= 400
    assert 5 <= task <= 40


def scrub_per_byte() -> float:
    few, many = tick(scrub=64), tick(scrub=128)
    return (many - few) / (64 * KIB_BYTES)


def test_scrubber() -> None:
    """# D8 So much for each byte of text and constants."""
    each = scrub_per_byte()
    print(f"\nscrub: {each:.2f} for each byte")
    assert 6 <= each <= 9


def test_validation() -> None:
    """# D7 A step looks at eight pages; it is taken off what the scrubber reads."""
    text = (64 * KIB_BYTES - STEP_BYTES) * scrub_per_byte()
    step = tick(scrub=64) - text - tick()
    print(f"\nvalidation: {step:.0f} for a step of 8 pages")
    assert 50 <= step <= 700, "64 bytes of the scrubber take about 500"


@cache
def duplicating(dirty: int, standby: bool) -> float:
    """A tick of a VM whose task writes so many pages all the time; a checkpoint is taken, and duplicated."""
    task = AsmTask("spin", dirty=dirty, region=8)
    data = pair(Mode.UNDO, AsmGuest(tasks=(task,), recovery=always("standby")))
    data["guest"]["vm0"] = {"kernel": "vm0"}
    if not standby:
        del data["vm"]["vm2"]
    data["system"]["name"] = f"test-detection-pair-{dirty}-{standby}"
    return median(visit.length for visit in ticks(data, 100))


def test_duplication() -> None:
    """# D5 So much for a duplicate, and for each page in it that has changed."""
    few, many = (duplicating(dirty, True) - duplicating(dirty, False) for dirty in (1, 7))
    each = (many - few) / 6
    print(f"\nduplicate: {few - each:.0f} + {each:.0f} for each page that changed")
    assert 80 <= each <= 250, "a copy alone takes 84"
    assert few <= 2500


def switches(check: bool) -> float:
    """How long a visit is in which the slice of a VM with the RTOS ends, after its kernel has run."""
    data = rtos_system(Mode.UNDO, "tick", slice_ticks=1)
    data["guest"]["tick"] = {**RTOS["tick"], "check_objects": check}
    data["system"]["name"] = f"test-detection-objects-{check}"
    lengths = [visit.length for visit in visits(build(data), ms=RUN_MS, seconds=200)][50:]
    return median(sorted(lengths)[-20:])


def test_objects() -> None:
    """# D7 All objects of an RTOS with two tasks, before a checkpoint is taken."""
    check = switches(check=True) - switches(check=False)
    print(f"\ncheck of the objects of a kernel with two tasks: {check:.0f}")
    assert 1000 <= check <= 5000
