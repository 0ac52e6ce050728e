# SPDX-License-Identifier: Apache-2.0
"""The injector: three engines with one result, faults that are proven, and a golden run that nothing disturbs."""

import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from understudy.errors import TargetError
from understudy.image import Image
from understudy.injection import engine
from understudy.injection.campaign_file import load_campaign
from understudy.injection.engine import Kind, SnapshotEngine
from understudy.injection.experiment import Experiment, Fault, Outcome, Place, Result, Target
from understudy.injection.golden import CP15_FIELDS
from understudy.injection.workplace import Job, Workplace, job_of
from understudy.pytest_plugin import Build

MS = 1_000_000
START, WINDOW, WATCH = 200 * MS, 10 * MS, 30 * MS
SYNCS = tuple(range(MS, WINDOW + WATCH + 1, MS))
EXPERIMENTS = 200


def job(image: Image, kind: Kind) -> Job:
    return job_of(image, START, SYNCS, (), kind)


@pytest.fixture(scope="module")
def image(vmm_build: Build) -> Image:
    return vmm_build(load_campaign("registers").system)


@pytest.fixture(scope="module")
def forks(image: Image) -> Iterator[Workplace]:
    with Workplace(job(image, Kind.FORK), pytest.fail, traced=True) as place:
        yield place


def sample(place: Workplace, count: int, seed: int) -> list[Experiment]:
    """Faults of all kinds that the plugin applies, at any instruction of the window."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    trace, golden = place.golden.trace, place.golden
    ram = place.job.setup.ram[1]
    last = int((trace.time < START + WINDOW).sum())
    found = []
    for number in range(count):
        time = int(trace.time[chance.randrange(last)])
        kind = ("core", "ram", "cp15", "state", "stuck", "skip")[number % 6]
        fault = {
            "core": Fault(time, Target.CORE, chance.randrange(17), flip=1 << chance.randrange(32)),
            "ram": Fault(time, Target.RAM, ram[0] + chance.randrange(ram[1]), 1, flip=1 << chance.randrange(8)),
            "cp15": Fault(time, Target.CP15, chance.choice([*CP15_FIELDS.values()]), flip=1 << chance.randrange(32)),
            "state": Fault(
                time,
                Target.STATE,
                golden.state_fields["env.banked_r13"] << 32 | 4 * chance.randrange(6),
                flip=1 << chance.randrange(32),
            ),
            "stuck": Fault(
                time,
                Target.CORE,
                chance.randrange(13),
                set=1 << chance.randrange(32),
                duration=3200,
                interval=32,
                restore=True,
            ),
            "skip": Fault(time, Target.CORE, 15, add=4),
        }[kind]
        found.append(Experiment(number, kind, (fault,), Place("test", kind)))
    return found


def outcomes(place: Workplace, experiments: list[Experiment]) -> list[Result]:
    return [place.run(experiment) for experiment in experiments]


@pytest.mark.timeout(600)
def test_all_engines_agree(image: Image, forks: Workplace) -> None:
    """One by one: the same end, values before and after, output, memory, fault log and verdict."""
    experiments = sample(forks, EXPERIMENTS, 1)
    expected = outcomes(forks, experiments)
    assert len({result.verdict.outcome for result in expected}) >= 5
    assert outcomes(forks, experiments) == expected
    for kind in (Kind.SNAPSHOT, Kind.PROCESS):
        with Workplace(job(image, kind), pytest.fail) as place:
            assert place.facts == forks.facts
            assert outcomes(place, experiments) == expected


def test_without_a_fault_nothing_changes(forks: Workplace) -> None:
    """Of a hundred runs to the end each one has executed what the golden run has, to the instruction."""
    for _ in range(100):
        report = forks.engine.run((), early=False)
        assert (report.executed, report.pages_differ) == (forks.facts.executed, 0)
        assert not report.cpu_differs
        assert not report.devices_differ


def test_the_trace_is_what_an_injection_finds(forks: Workplace) -> None:
    trace = forks.golden.trace
    steps = random.Random(2).sample(range(len(trace.time)), 100)  # noqa: S311 - repeatable on purpose
    for step in steps:
        fault = Fault(int(trace.time[step]), Target.CORE, 0, flip=1)
        applied = forks.engine.run((fault,)).applied[0]
        assert (applied.time, applied.pc, applied.cpsr) == (fault.time, trace.pc[step], trace.cpsr[step])


@pytest.mark.parametrize(
    ("fault", "changed"),
    [
        (Fault(0, Target.CORE, 3, flip=0x10), 0x10),
        (Fault(0, Target.CORE, 16, flip=0x8000_0000), 0x8000_0000),
        (Fault(0, Target.CP15, CP15_FIELDS["TPIDRPRW"], flip=2), 2),
        (Fault(0, Target.RAM, 0x6000_0000, 4, flip=0x100), 0x100),
        (Fault(0, Target.RAM, 0x6000_0000, 1, flip=0x80), 0x80),
    ],
)
def test_what_is_applied_is_read_back(forks: Workplace, fault: Fault, changed: int) -> None:
    fault = evolve(fault, time=int(forks.golden.trace.time[500]))
    applied = forks.engine.run((fault,)).applied[0]
    assert applied.before ^ applied.after == changed
    assert (applied.times, applied.changed) == (1, 1)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(0, Target.STATE, 0xFFFF << 32, flip=1),  # no such field
        Fault(0, Target.CP15, 15 << 16 | 15 << 11 | 7, flip=1),  # no such register
        Fault(0, Target.RAM, 0x4000_0000, flip=1),  # flash, which does not take it
        Fault(10**12, Target.CORE, 0, flip=1),  # long after the end
    ],
)
def test_what_is_not_applied_is_not_masked(forks: Workplace, fault: Fault) -> None:
    fault = evolve(fault, time=fault.time or int(forks.golden.trace.time[500]))
    result = forks.run(Experiment(0, "", (fault,), Place("test", "nowhere")))
    assert result.verdict.outcome is Outcome.NOT_APPLIED


def test_stuck_bits_are_put_back(forks: Workplace) -> None:
    """A register of the sleeping machine: stuck for ten instructions, then as before, and the run is the golden one."""
    time = int(forks.golden.trace.time[500])
    fault = Fault(time, Target.CP15, CP15_FIELDS["TPIDRPRW"], set=8, duration=320, interval=32, restore=True)
    report = forks.engine.run((fault,), early=False)
    assert report.applied[0].times == 10
    assert not report.cpu_differs


def test_memory_that_is_not_used_any_more(forks: Workplace) -> None:
    """Such a fault ends early, as latent; the same fault is latent at the end, too."""
    unused = forks.job.setup.ram[1][0] + forks.job.setup.ram[1][1] - 64  # the end of the last partition
    fault = Fault(int(forks.golden.trace.time[500]), Target.RAM, unused, 1, flip=1)
    short = forks.run(Experiment(0, "", (fault,), Place("memory", ""), dormant_after=0))
    whole = forks.run(Experiment(0, "", (fault,), Place("memory", "")))
    assert (short.history.end, whole.history.end) == ("dormant", "horizon")
    assert {short.verdict.outcome, whole.verdict.outcome} == {Outcome.LATENT}
    assert short.history.executed < whole.history.executed


def test_exceptions_for_ever_are_ended(forks: Workplace) -> None:
    """The vectors are not executable any more: each fetch aborts, and no instruction is executed."""
    fault = Fault(int(forks.golden.trace.time[500]), Target.CP15, CP15_FIELDS["VBAR"], set=0xF000_0000)
    result = forks.run(Experiment(0, "", (fault,), Place("register", "VBAR")))
    assert (result.history.end, result.verdict.outcome) == ("stuck", Outcome.HANG)


def test_server_that_is_killed_is_started_again(image: Image) -> None:
    notices: list[str] = []
    with Workplace(job(image, Kind.FORK), notices.append, traced=True) as place:
        experiment = sample(place, 1, 3)[0]
        expected = place.run(experiment)
        os.kill(place.engine._server.process.pid, signal.SIGKILL)
        assert place.run(experiment) == expected
    assert "started again" in notices[0]


def test_snapshots_survive_an_experiment_that_is_stuck(image: Image, forks: Workplace) -> None:
    fault = Fault(int(forks.golden.trace.time[500]), Target.CP15, CP15_FIELDS["VBAR"], set=0xF000_0000)
    with Workplace(job(image, Kind.SNAPSHOT), pytest.fail) as place:
        assert isinstance(place.engine, SnapshotEngine)
        assert place.engine.run((fault,)).end.name == "STUCK"
        assert place.engine.run((), early=False).executed == place.facts.executed


def test_qemu_that_cannot_fork(image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a function of QEMU that it needs the fork server says so, and the next engine is taken."""
    folder = tmp_path / "plugin"
    shutil.copytree(engine.SOURCES[0].parent, folder)
    header = folder / "internals.h"
    header.write_text(header.read_text().replace("USE(icount_start_warp_timer,", "USE(no_such_function,"))
    (folder / "idle.c").write_text(
        (folder / "idle.c").read_text().replace("icount_start_warp_timer", "no_such_function")
    )
    monkeypatch.setattr(engine, "SOURCES", tuple(folder / source.name for source in engine.SOURCES))
    notices: list[str] = []
    with Workplace(evolve(job(image, Kind.FORK), engine=None), notices.append) as place:
        assert isinstance(place.engine, SnapshotEngine)
    assert "this QEMU does not have no_such_function" in notices[0]
    assert "so the engine is snapshot, which is slower" in notices[0]
    with pytest.raises(TargetError, match="engine fork: "), Workplace(job(image, Kind.FORK), pytest.fail):
        pass
