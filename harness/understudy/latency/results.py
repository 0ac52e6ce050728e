# SPDX-License-Identifier: Apache-2.0
"""latency.json: everything that is measured, in the shape that docs/latency.md describes."""

import re
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from attrs import define, field

from understudy.config.load import load_board
from understudy.latency.agreement import agreement
from understudy.latency.annotate import listing, modelled, of_path
from understudy.latency.measure import WORKERS, Measured, measure
from understudy.latency.published import PAPER, RIVALS
from understudy.latency.scenarios.bare import bare_switches
from understudy.latency.scenarios.compute import compute
from understudy.latency.scenarios.overhead import overhead
from understudy.latency.scenarios.paths import PATHS, scenarios
from understudy.latency.scenarios.scenario import Key, Scenario
from understudy.latency.scenarios.sweeps import SWEEPS, Sweep, lost_work
from understudy.latency.scenarios.systems import Mode
from understudy.latency.statistics import Statistics

SCHEMA = 1
NOTE = "instructions under QEMU -icount; not cycles, and not time on silicon"
COMMIT = "checkpoint_commit"
LISTED = ("vm_switch_tick", "task_switch")
MODELLED = {"vm_switch": "vm_switch_tick", "task_switch": "task_switch_vmi", "task_switch_whole": "task_switch"}
_VERSION = re.compile(r"version (\S+)")

Step = Callable[[str], None]


class Campaign(NamedTuple):
    """What has run: latency.json, and what was not the same in two lives of a machine."""

    results: dict[str, Any]
    unequal: list[str]


@define
class _Parts:
    """The results while they grow."""

    quick: bool
    measured: Measured = field(factory=Measured)
    results: dict[str, Any] = field(factory=dict)
    unequal: list[str] = field(factory=list)

    def statistics(self, key: Key) -> dict[str, Any]:
        """Return the entry of one path and mode."""
        entry = Statistics.of(self.measured.series[key]).as_json()
        split = self.measured.splits.get(key)
        return {**entry, "split": split._asdict()} if split else entry

    def paths(self) -> None:
        """Add the paths; a checkpoint is what a switch takes more than the same one without fault tolerance."""
        series = self.measured.series
        off = max(series[Key("vm_switch_yield", Mode.OFF)])
        for key in [key for key in series if key.name in {COMMIT, "commit_dirty"}]:
            series[key] = [length - off for length in series[key]]
            self.measured.splits.pop(key, None)
        table: dict[str, dict[str, Any]] = {}
        for path in PATHS:
            modes = {str(mode): self.statistics(Key(path, mode)) for mode in Mode if Key(path, mode) in series}
            if modes:
                table[path] = modes
        self.results["paths"] = table

    def timer(self, made: Sequence[Scenario]) -> None:
        """Add what the second instrument says."""
        entries, unequal = agreement(made, self.measured.splits)
        self.unequal += unequal
        for key, entry in entries.items():
            self.results["paths"][key.name][str(key.mode)]["timer"] = entry

    def sweeps(self) -> None:
        """Add the curves, and the lost work."""
        self.results["sweeps"] = [
            {
                "name": sweep.name,
                "title": sweep.title,
                "path": sweep.path,
                "mode": str(mode),
                "x": sweep.x,
                "points": self._points(sweep, mode),
            }
            for sweep in SWEEPS
            for mode in sweep.modes
        ]
        for name, section in (("lost_vm_period", "lost_work"), ("lost_task_period", "lost_work_task_switches")):
            keys = sorted((key for key in self.measured.series if key.name == name), key=lambda key: key.x or 0)
            self.results[section] = [[key.x, *_range(self.measured.series[key])] for key in keys]

    def _points(self, sweep: Sweep, mode: Mode) -> list[list[int]]:
        return [[x, *_range(self.measured.series[sweep.key(mode, x)])] for x in sweep.values]

    def model(self, made: Sequence[Scenario]) -> None:
        """Add what the traces of the hot paths show."""
        nanoseconds: dict[str, dict[str, float]] = {name: {} for name in MODELLED}
        split: dict[str, dict[str, dict[str, int]]] = {name: {} for name in MODELLED}
        for name, path in MODELLED.items():
            for mode in (Mode.OFF, Mode.UNDO):
                nanoseconds[name][mode], parts = modelled(of_path(made, path, mode))
                if parts:
                    split[name][mode] = parts
        self.results["modelled_arm920t_ns"] = nanoseconds
        self.results["modelled_split_cycles"] = {name: modes for name, modes in split.items() if modes}
        self.results["listing"] = {
            path: {str(mode): listing(of_path(made, path, mode)) for mode in (Mode.OFF, Mode.UNDO)} for path in LISTED
        }


def _range(values: list[int]) -> tuple[int, int, int]:
    found = Statistics.of(values)
    return found.minimum, found.median, found.maximum


def stages(quick: bool) -> list[list[Scenario]]:
    """Return all scenarios: those of the paths, and those of the sweeps."""
    sweeps = [] if quick else [s for sweep in SWEEPS for s in sweep.scenarios()] + lost_work()
    return [scenarios(), sweeps]


def run(*, quick: bool, progress: Callable[[], None], stage: Step) -> Campaign:
    """Measure everything.

    Args:
        quick: few repetitions, no sweeps.
        progress: called after each scenario of `stages`.
        stage: called with the name of what is done next.

    Raises:
        UnderstudyError: something could not be measured.

    """
    parts = _Parts(quick)
    for name, made in zip(("paths", "sweeps"), stages(quick), strict=True):
        stage(name)
        found = measure(made, quick=quick, progress=progress)
        parts.measured.series.update(found.series)
        parts.measured.splits.update(found.splits)
        parts.measured.builds.update(found.builds)
        parts.unequal += found.unequal
    stage("demonstration, bare board")
    _others(parts)
    stage("timer, traces of the hot paths")
    parts.paths()
    parts.timer(scenarios())
    if not quick:
        parts.sweeps()
    parts.model(scenarios())
    return Campaign({**_head(parts), **parts.results}, parts.unequal)


def _others(parts: _Parts) -> None:
    """Measure what is no path of the VMM."""
    with ThreadPoolExecutor(WORKERS) as pool:
        demo = pool.submit(overhead, quick=parts.quick)
        bare = pool.submit(bare_switches, quick=parts.quick)
        work = None if parts.quick else pool.submit(compute)
        parts.results["overhead_percent"], parts.results["overhead_detail"], unequal = demo.result()
        series, unequal_bare = bare.result()
        parts.results["bare"] = {name: Statistics.of(values).as_json() for name, values in series.items()}
        parts.unequal += unequal + unequal_bare
        if work:
            parts.results["compute"], unequal = work.result()
            parts.unequal += unequal


def _head(parts: _Parts) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "note": NOTE,
        "qemu": qemu_version(),
        "build": dict(sorted(parts.measured.builds.items())),
        "repeated": "identical" if not parts.unequal else "different",
        "paper": PAPER,
        "rivals": [{"system": system, "path": path, "instructions": count} for system, path, count in RIVALS],
    }


def qemu_version() -> str:
    """Return the version of the QEMU that measures."""
    program = load_board("vexpress-a9").qemu.program
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = _VERSION.search(shown)
    return found[1] if found else shown.strip()
