# SPDX-License-Identifier: Apache-2.0
"""The instrument: what is counted is what was executed, in each run the same, and nothing is disturbed by it."""

import time
from itertools import pairwise

import pytest
from understudy.config.variant import variant
from understudy.errors import TargetTimeout, UnderstudyError
from understudy.image import Image
from understudy.image.elf import read_elf
from understudy.latency import timer
from understudy.latency.plugin import SOURCE
from understudy.latency.trace import Step, steps
from understudy.latency.visits import NOWHERE, VECTORS, Visit, Visits, matching, visits
from understudy.pytest_plugin import Build
from understudy.target import Target
from understudy.target.plugin import build_plugin

from . import machine, systems

LOOPS, STEP, AROUND = 200, 400, 3  # of apps/counted.c and counted.S: instructions of a loop but for subs and bne
MS = 60


@pytest.fixture(scope="module")
def counted(vmm_build: Build) -> Image:
    """One VM that runs loops of known length, prints the time, and switches the machine off. No tick comes between."""
    sources = [f"tests/system/apps/counted.{suffix}" for suffix in ("c", "S")]
    data = systems.system("test-counted", {}, {}, tick_us=1_000_000)
    data["guest"]["vm0"] = {"kernel": "none", "sources": sources}
    return vmm_build(data)


def busy_system() -> systems.Data:
    """VMs that never sleep, with ticks, switches of VMs and tasks, and first writes."""
    guests = {"spinning": systems.faulty_guest(systems.spinner())}
    vms = {"counting": systems.vm("prod_cons", uart=1), "spinning": systems.vm("spinning", uart=2)}
    return systems.system("test-busy", guests, vms)


@pytest.fixture(scope="module")
def busy(vmm_build: Build) -> Image:
    return vmm_build(busy_system())


@pytest.fixture(scope="module")
def found(busy: Image) -> Visits:
    return visits(busy, ms=MS)


def test_known_loop_is_counted_exactly(counted: Image) -> None:
    guest = read_elf(counted.folder / "guests" / "vm0.elf").addresses()
    ran = visits(counted, ms=1000)
    second = matching(ran, vector="call", came_from=range(guest["counted_second"], guest["counted_second"] + 4))
    # The call itself belongs to the guest.
    assert [visit.guest for visit in second] == [2 * STEP * n + AROUND for n in range(1, LOOPS + 1)]
    first = matching(ran, came_from=range(guest["counted_first"], guest["counted_first"] + 4))
    assert {visit.went_to for visit in first} == {guest["counted_first"] + 4}
    assert {visit.length for visit in first} == {visit.length for visit in second}


def test_machine_that_switches_itself_off_is_recorded_to_its_end(counted: Image) -> None:
    ran = visits(counted, ms=1000)
    assert f"loop {LOOPS} at" in ran.console
    assert ran.boot + ran.vmm + ran.guest == ran.total
    assert all(before.end + after.guest == after.start for before, after in pairwise(ran))


def test_plugin_does_not_disturb(counted: Image) -> None:
    """The guest prints the time of the board's timer after each loop: the same with the plugin as without."""
    with Target(counted) as target:
        assert target.wait_for_end() == 0
        alone = target.console.lines
    assert visits(counted, ms=1000).console.splitlines() == alone
    assert len([line for line in alone if line.startswith("loop ")]) == LOOPS


def test_count_is_that_of_the_clock(found: Visits) -> None:
    """Each access of the VMM to a device compares the plugin's count with the virtual clock, to the instruction.

    Among the visits are data aborts (whose instruction QEMU does not count) and accesses to devices (for which QEMU
    translates and starts an instruction again).
    """
    assert {visit.idle_ns for visit in found} == {0}
    kinds = {visit.vector for visit in found}
    assert {"call", "irq", "data", "undefined"} <= kinds <= set(VECTORS.values())
    assert len(found) > 300
    assert found.elapsed_ns <= MS * 1_000_000 < found.elapsed_ns + 1_000_000


def test_sleep_is_told_from_work(vmm_build: Build) -> None:
    """The management VM alone waits for input: the time that passes while it sleeps executes no instructions."""
    image = vmm_build(systems.system("test-sleeping", {}, {"counting": systems.vm("prod_cons", uart=1)}))
    ran = visits(image, ms=MS)
    assert ran.idle_ns > ran.elapsed_ns // 4
    assert ran.idle_ns == sum(visit.slept_ns for visit in ran)
    assert ran.total * ran.instruction_ns + ran.idle_ns == ran.elapsed_ns


def test_machine_that_returns_to_no_guest_any_more(vmm_build: Build) -> None:
    """The management console waits for input, alone: the VMM sleeps until the time is over."""
    image = vmm_build(systems.system("test-alone", {}, {}))
    seen: list[float] = []
    ran = visits(image, ms=MS, seconds=20, inspect=lambda target: seen.append(target.virtual_ms()))
    assert 0 < len(ran) < 20
    assert seen[0] >= MS
    assert visits(image, ms=MS, seconds=20) == ran


def test_two_runs_are_identical(busy: Image, found: Visits) -> None:
    assert visits(busy, ms=MS) == found


def test_data_abort_comes_from_the_instruction_that_is_executed_again(busy: Image, found: Visits) -> None:
    again = [v for v in matching(found, vector="data") if v.went_to == v.came_from]
    assert len(again) > 5


def samples(found: Visits) -> list[Visit]:
    """One visit of each vector, the longest, and the last."""
    left = [visit for visit in found if visit.guest and visit.went_to != NOWHERE]
    chosen = {visit.vector: visit for visit in left}
    return list({v.start: v for v in (*chosen.values(), max(left, key=lambda v: v.length), left[-1])}.values())


def test_log_has_each_instruction_of_a_visit(busy: Image, found: Visits) -> None:
    chosen = samples(found)
    assert len(chosen) >= 4
    for visit in chosen:
        log = steps(busy, visit)
        assert len(log) == visit.length
        vector = next(offset for offset, name in VECTORS.items() if name == visit.vector)
        assert log[0].address == busy.manifest["symbols"]["vectors"] + vector
        assert all(step.registers[15] == step.address for step in log)
        check_flow(log)


def check_flow(log: list[Step]) -> None:
    """After an instruction that is no branch comes the next one; a MOV of a constant changes its register."""
    moved = 0
    for step, after in pairwise(log):
        kind = step.opcode >> 25 & 7
        if kind == 1 and step.opcode >> 12 & 15 != 15:
            assert after.address == step.address + 4
        if step.opcode & 0xFFFF0F00 == 0xE3A00000:  # MOV rd, #0..255
            assert after.registers[step.opcode >> 12 & 15] == step.opcode & 0xFF
            moved += 1
    assert moved or len(log) < 100


def test_visit_of_another_run_is_refused(busy: Image, found: Visits) -> None:
    visit = samples(found)[0]
    other = Visit(visit.start, visit.vector, visit.length + 1, visit.came_from, visit.went_to, (), visit.guest)
    with pytest.raises(UnderstudyError, match="another one this time"):
        steps(busy, other)


def test_visit_without_a_guest_before_it_is_refused(busy: Image, found: Visits) -> None:
    assert found[0].guest == 0
    with pytest.raises(UnderstudyError, match="came from a guest"):
        steps(busy, found[0])


def test_time_that_does_not_pass(busy: Image) -> None:
    begin = time.monotonic()
    with pytest.raises(TargetTimeout, match=r"did not pass: .* within"):
        visits(busy, ms=1e9, seconds=0.5)
    assert time.monotonic() - begin < 60


def test_plugin_is_built_once() -> None:
    library = build_plugin([SOURCE])
    before = library.stat().st_mtime_ns
    assert build_plugin([SOURCE]) == library
    assert library.stat().st_mtime_ns == before


def test_timer_agrees_with_the_plugin(vmm_build: Build) -> None:
    """The VMM's own times at its trace points are the plugin's counts, at each point of each visit."""
    image = vmm_build(variant(busy_system(), {"system": {"trace_points": True}}))
    rings: list[timer.Ring] = []
    ran = visits(image, ms=MS, inspect=lambda target: rings.append(timer.read_ring(target)))
    intervals = timer.compare(ran, rings[0])
    assert len(intervals) > 100
    assert set(timer.calibrate(ran)) == {name for name, _ in rings[0].records}
    assert all(interval.instructions > 0 for interval in intervals)


def test_image_without_trace_points(busy: Image) -> None:
    with Target(busy) as target:
        machine.settle(target)
        with pytest.raises(UnderstudyError, match="trace_points = true"):
            timer.read_ring(target)
