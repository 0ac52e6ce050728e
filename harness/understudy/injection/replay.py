# SPDX-License-Identifier: Apache-2.0
"""One experiment once more, paused just before its first fault, under GDB."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import click

from understudy import paths
from understudy.errors import ToolError
from understudy.image import Image
from understudy.injection.checker import judge
from understudy.injection.engine import DebugEngine
from understudy.injection.experiment import Experiment, Result
from understudy.injection.golden import golden_run
from understudy.injection.observation import Observer
from understudy.injection.workplace import Job, ground_of

GDB = "gdb-multiarch"
_SETTINGS = Path(__file__).with_name("replay.gdb")


def replay(job: Job, experiment: Experiment, gdb_port: int | None) -> Result:
    """Run an experiment again; its result is the same as before unless GDB stopped the machine in between.

    Args:
        job: of the campaign.
        experiment: which.
        gdb_port: wait for a GDB at this TCP port of this machine; None: start GDB on this terminal.

    Raises:
        ToolError: there is no GDB.
        TargetError: QEMU was ended before the experiment was.
    """
    if gdb_port is None and not shutil.which(GDB):
        raise ToolError(f"{GDB} is missing: run `understudy doctor` to see what to install")
    with tempfile.TemporaryDirectory(prefix="us-") as folder:
        ground = ground_of(job, Path(folder))
        with DebugEngine(ground, gdb_port) as engine:
            golden = golden_run(ground.image, engine, job.setup, ground.golden, job.prelude, traced=False)
            with golden.states:
                report = engine.debug(
                    (*job.prelude, *experiment.faults),
                    len(job.prelude),
                    lambda: _attend(engine, ground.image, experiment),
                )
                observer = Observer(ground.image.manifest, golden.states, golden.facts)
                history = observer.history(report, skip=len(job.prelude))
        return Result(experiment.number, history, judge(experiment, history, golden.facts, job.rules))


def _attend(engine: DebugEngine, image: Image, experiment: Experiment) -> None:
    """Let a person look; the machine goes on when GDB lets it, or when GDB is left."""
    place = experiment.place
    where = f" before {place.pc:#010x} {place.pc_symbol}" if place.pc is not None else ""
    click.echo(f"experiment {experiment.number}: paused{where}; next: {place.model} of {place.kind} {place.name}")
    click.echo("`continue` applies the fault and runs to the end; `detach` or `quit` does so, too.")
    symbols = _symbol_files(image, place.vm)
    if engine.gdb_port is not None:
        click.echo("waiting for: " + " ".join([GDB, *symbols[:1], f"-ex 'target remote localhost:{engine.gdb_port}'"]))
        return
    command = [GDB, "--nx", "--quiet", "--command", str(_SETTINGS), symbols[0]]
    for symbol in symbols[1:]:
        command += ["-ex", f"add-symbol-file {symbol}"]
    subprocess.run([*command, "-ex", f"target remote {engine.gdb_socket}"], cwd=paths.root(), check=False)


def _symbol_files(image: Image, vm: str) -> list[str]:
    """Return the ELF file of the VMM, then that of the guest which was hit: all guests have the same addresses."""
    vms, guests = image.manifest["vms"], image.manifest["guests"]
    return [str(image.elf), *([str(guests[vms[vm]["guest"]]["elf"])] if vm in vms else [])]
