# SPDX-License-Identifier: Apache-2.0
"""`understudy campaign`: what builds, runs and judges."""

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from understudy.config.load import names
from understudy.injection.commands import print_found
from understudy.injection.engine import Kind
from understudy.injection.places import campaigns_folder, find_store
from understudy.injection.running import (
    Interrupted,
    Laboratory,
    Options,
    run_campaign,
    write_numbers,
    write_reports,
)
from understudy.injection.store import Store
from understudy.paths import campaigns_folder as ready_folder

_INTERRUPTED = 130  # as shells have it: 128 and the number of SIGINT


def add_run_commands(group: click.Group, laboratory: Callable[[], Laboratory]) -> None:
    """Add run, rejudge and replay to the group; `laboratory` is called when one of them is."""
    group.add_command(_run_command(laboratory))
    group.add_command(_rejudge_command(laboratory))
    group.add_command(_replay_command(laboratory))


def _run_command(laboratory: Callable[[], Laboratory]) -> click.Command:
    @click.command("run")
    @click.argument("campaigns", metavar="[FILE|NAME]...", nargs=-1)
    @click.option(
        "--samples", metavar="N", type=click.IntRange(1), help="Experiments in all, instead of what the file says."
    )
    @click.option("--seed", metavar="N", type=click.IntRange(0, 2**63 - 1), help="Chooses the experiments.")
    @click.option("--workers", metavar="N", type=click.IntRange(1), default=os.cpu_count(), help="At once; all CPUs.")
    @click.option(
        "--engine", type=click.Choice([kind.value for kind in Kind]), help="Default: the fastest that this QEMU can do."
    )
    @click.option("--resume", is_flag=True, help="Go on where a run was stopped.")
    @click.option(
        "--scheduler", metavar="tcp://HOST:PORT", help="Run on the workers of this dask.distributed scheduler."
    )
    @click.option("--output", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="For the results.")
    @click.option(
        "--without-recovery",
        is_flag=True,
        help="Of the same system without fault tolerance; the results are those of NAME-without-recovery.",
    )
    def run_command(campaigns: tuple[str, ...], output: Path | None, *, without_recovery: bool, **options: Any) -> None:
        """Run campaigns: files, names in qemu-configs/campaigns, or all that are there.

        Each leaves its results in build/campaigns/NAME, or DIR/NAME. Status 1 if a limit of a campaign is not kept, 130
        if it was stopped by Ctrl-C: --resume goes on then, also after it was killed.
        """
        chosen = Options(output=output or campaigns_folder(), recovery=not without_recovery, **options)
        sys.exit(_run(laboratory(), Console(), campaigns, chosen))

    return run_command


def _run(laboratory: Laboratory, console: Console, names_given: Sequence[str], options: Options) -> int:
    found = []
    try:
        for name in names_given or names(ready_folder()):
            one = run_campaign(laboratory, console, name, options)
            if one:
                found.append(one)
                print_found(console, one)
    except Interrupted as stopped:
        for line in (f"{stopped}; to go on:", f"  {_resume(names_given, options)}"):
            console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
        return _INTERRUPTED
    console.print(f"{write_numbers(found, recovery=options.recovery)}", highlight=False, soft_wrap=True)
    return 1 if any(one.violations for one in found) else 0


def _resume(campaigns: Sequence[str], options: Options) -> str:
    """Return the command that goes on."""
    given: dict[str, object] = {"samples": options.samples, "seed": options.seed, "scheduler": options.scheduler}
    given["output"] = None if options.output == campaigns_folder() else options.output
    words = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
    words += [] if options.recovery else ["--without-recovery"]
    return shlex.join(["understudy", "campaign", "run", *campaigns, *words, "--resume"])


def _rejudge_command(laboratory: Callable[[], Laboratory]) -> click.Command:
    @click.command("rejudge")
    @click.argument("store")
    def rejudge_command(store: str) -> None:
        """Let the checker judge all histories in STORE again, and write its reports anew."""
        with Store.open(find_store(store), write=True) as opened:
            changed = opened.rejudge(laboratory().judge(opened))
            click.echo(f"{changed} of {sum(opened.counts().values())} verdicts are another one now")
            print_found(Console(), write_reports(opened))

    return rejudge_command


def _replay_command(laboratory: Callable[[], Laboratory]) -> click.Command:
    @click.command("replay")
    @click.argument("store")
    @click.argument("number", metavar="ID", type=int)
    @click.option("--gdb", "gdb_port", metavar="PORT", type=click.IntRange(1, 65535))
    def replay_command(store: str, number: int, gdb_port: int) -> None:
        """Run experiment ID of STORE again with GDB attached, stopped just before its fault."""
        with Store.open(find_store(store)) as opened:
            laboratory().replay(opened, number, gdb_port=gdb_port)

    return replay_command
