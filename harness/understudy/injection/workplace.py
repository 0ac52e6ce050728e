# SPDX-License-Identifier: Apache-2.0
"""Where experiments of a campaign are run: the image, its golden run, an engine. The same on any host."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from attrs import field, frozen

from understudy.config.load import load_board
from understudy.errors import TargetError, UnderstudyError
from understudy.image import Image
from understudy.injection.checker import Rules, judge
from understudy.injection.engine import Engine, Ground, Kind, start_engine
from understudy.injection.experiment import Experiment, Fault, Result
from understudy.injection.golden import Golden, GoldenFacts, golden_run
from understudy.injection.observation import Observer
from understudy.injection.protocol import PAGE, Report, Setup
from understudy.injection.scratch import scratch_folder


class JudgementError(UnderstudyError):
    """What is left of an experiment can't be read or judged. Pickled on its way from a worker."""

    def __init__(self, number: int, why: str) -> None:
        """`number` is that of the experiment."""
        super().__init__(number, why)
        self.number = number
        self.why = why

    def __str__(self) -> str:
        return f"experiment {self.number}: what is left of it can't be judged: {self.why}"


@frozen
class Job:
    """All that another process, or another host, needs to run experiments of a campaign."""

    manifest: dict[str, Any]
    elf: bytes
    start_ns: int
    setup: Setup
    prelude: tuple[Fault, ...]
    engine: Kind | None
    rules: Rules = field(factory=Rules)


def job_of(image: Image, start_ns: int, syncs: Sequence[int], prelude: Sequence[Fault], engine: Kind | None) -> Job:
    """Return the job of a campaign.

    Args:
        image: what runs.
        start_ns: virtual time of the start.
        syncs: virtual ns from there; the last is the end of each experiment.
        prelude: faults of the golden run.
        engine: which; None: the fastest that works.
    """
    setup = Setup(
        ram=observed_ram(image.manifest),
        devices=observed_devices(image.manifest),
        syncs=tuple(syncs),
        instruction_ns=1 << int(image.manifest["icount_shift"]),
    )
    return Job(image.manifest, image.elf.read_bytes(), start_ns, setup, tuple(prelude), engine)


def observed_ram(manifest: dict[str, Any]) -> tuple[tuple[int, int], ...]:
    """Return the RAM that the system uses: the black box, then the VMM and all partitions."""
    symbols = manifest["symbols"]
    low = symbols["__black_box_start"]
    high = -(-symbols["__black_box_end"] // PAGE) * PAGE
    base = manifest["ram"]["base"]
    end = max(vm["memory"]["base"] + vm["memory"]["size"] for vm in manifest["vms"].values())
    return ((low, high - low), (base, end - base))


def observed_devices(manifest: dict[str, Any]) -> tuple[tuple[int, int], ...]:
    """Return the device registers that are a part of the state and can be read without changing it.

    The timer that the VMM reads comes first; then the interrupt controller (ARM IHI 0048, 4.3: enabled, pending,
    active, priorities, targets; 4.4 without IAR), the SP804 (DDI 0271) and the PL011s (DDI 0183, without the data).
    """
    board = load_board(manifest["board"]["name"])
    bases = {device.name: device.base for device in board.device}
    ranges = [(board.timer.base, 0x18)]
    if "mpcore" in bases:
        cpu, distributor = bases["mpcore"] + 0x100, bases["mpcore"] + 0x1000
        ranges += [
            (cpu, 12),
            (cpu + 0x14, 8),
            (distributor, 4),
            (distributor + 0x100, 0x280),
            (distributor + 0x400, 0x60),
        ]
    if "sp804" in bases:
        ranges += [(bases["sp804"] + at, 12) for at in (0, 0x10, 0x20, 0x30)]
    for uart in board.uart:
        ranges += [(uart.base + 0x18, 4), (uart.base + 0x24, 0x20)]
    return tuple(ranges)


class Workplace:
    """A context manager: an engine, ready for experiments of a job."""

    golden: Golden

    def __init__(self, job: Job, notice: Callable[[str], None], *, traced: bool = False) -> None:
        """Trace the golden run only where something is planned."""
        self.job = job
        self._notice = notice
        self._traced = traced
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with self._exits:
            folder = scratch_folder()
            self._exits.callback(shutil.rmtree, folder, ignore_errors=True)
            ground = ground_of(self.job, folder)
            image = ground.image
            self.engine: Engine = start_engine(ground, self.job.engine, self._notice)
            self._exits.callback(self.engine.__exit__)
            self.golden = golden_run(
                image, self.engine, self.job.setup, ground.golden, self.job.prelude, traced=self._traced
            )
            self._exits.enter_context(self.golden.states)
            self._observer = Observer(image.manifest, self.golden.states, self.golden.facts)
            self._exits = self._exits.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    @property
    def facts(self) -> GoldenFacts:
        """What the checker must know of the golden run."""
        return self.golden.facts

    def run(self, experiment: Experiment) -> Result:
        """Run one experiment, and judge it."""
        faults = (*self.job.prelude, *experiment.faults)
        report = self._report(faults, experiment.dormant_after)
        try:
            history = self._observer.history(report, skip=len(self.job.prelude))
            return Result(experiment.number, history, judge(experiment, history, self.facts, self.job.rules))
        except Exception as error:  # whatever it is: a fault may leave behind what nobody has thought of
            raise JudgementError(experiment.number, f"{type(error).__name__}: {error}") from error

    def _report(self, faults: Sequence[Fault], dormant_after: int | None) -> Report:
        """A server that was killed from outside is started again, once."""
        try:
            return self.engine.run(faults, dormant_after=dormant_after)
        except TargetError as error:
            self._notice(f"{error}\nthe engine is started again")
        self.engine.restart()
        return self.engine.run(faults, dormant_after=dormant_after)


def ground_of(job: Job, folder: Path) -> Ground:
    """Put the image of a job into a folder, and say what all its experiments have in common."""
    image = Image(str(job.manifest["system"]), folder, job.manifest)
    image.elf.write_bytes(job.elf)
    watched, stop = (image.manifest["symbols"][name] for name in ("scheduler", "vmm_stop"))
    return Ground(image, job.setup, job.start_ns, folder / "golden", watched, stop)
