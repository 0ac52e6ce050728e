# SPDX-License-Identifier: Apache-2.0
"""The command `understudy`."""

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from understudy import paths
from understudy.config.load import load_board, names
from understudy.coverage import REQUIRED, coverage, missing
from understudy.demo import run_demo
from understudy.doctor import examine
from understudy.errors import UnderstudyError
from understudy.fuzz import SYSTEMS, run_fuzz
from understudy.image import build
from understudy.image.bare import build_bare
from understudy.injection.commands import campaign_group
from understudy.injection.run_commands import add_run_commands
from understudy.injection.running import Laboratory
from understudy.latency.command import run_latency
from understudy.long_run import LONG_RUNS, run_long
from understudy.run import run_interactively
from understudy.vmm_faults.command import run_micro_reboots


class _Group(click.Group):
    """Turns errors of the laboratory into one clear message and status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UnderstudyError as error:
            for line in str(error).splitlines():
                click.secho(f"error: {line}" if line else "", fg="red", err=True)
            sys.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Build, run and break the understudy virtual machine monitor."""


@main.command("build")
@click.argument("system")
@click.option("--bare", metavar="GUEST", help="Build one guest of SYSTEM for the bare board instead, without the VMM.")
def build_command(system: str, bare: str | None) -> None:
    """Build SYSTEM: a name in qemu-configs/systems, or a TOML file."""
    if bare:
        click.echo(build_bare(system, bare).relative_to(paths.root()))
        return
    image = build(system)
    where = image.elf.relative_to(paths.root())
    click.echo(f"{where}: build {image.build_id}, text {image.manifest['text_bytes']} bytes")


@main.command("run")
@click.argument("system")
@click.option("--deterministic", is_flag=True, help="Let virtual time run ahead when idle, as in tests.")
@click.option("--gdb", metavar="PORT", type=int, help="Wait for a GDB on this TCP port of localhost.")
def run_command(system: str, deterministic: bool, gdb: int | None) -> None:
    """Build SYSTEM and boot it, with the console of the management VM on this terminal."""
    sys.exit(run_interactively(build(system), deterministic=deterministic, gdb_port=gdb))


@main.command("demo")
def demo_command() -> None:
    """Break a task of one guest and see that nobody else notices; writes build/results/demo.json."""
    sys.exit(0 if run_demo(Console()).passed else 1)


@main.command("latency")
@click.argument("names", metavar="[PATH]...", nargs=-1)
@click.option("--quick", is_flag=True, help="Few repetitions, and no sweeps.")
@click.option("--output", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="For the results.")
@click.option("--html/--no-html", default=True, help="Whether to write the page, too.")
@click.option("--record", is_flag=True, help="Store in budgets.toml which functions the instructions are in now.")
@click.option("--figures", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="For two SVG files.")
def latency_command(
    names: tuple[str, ...], quick: bool, output: Path | None, html: bool, record: bool, figures: Path | None
) -> None:
    """Measure how long the paths of the VMM are, all or those named, and compare with budgets.toml.

    The name "overhead" measures what share of the processor fault tolerance takes of the demonstration.
    """
    good = run_latency(Console(), names, quick=quick, output=output, html=html, record=record, figures=figures)
    sys.exit(0 if good else 1)


@main.command("long-run")
@click.argument("names", metavar="[NAME]...", nargs=-1, type=click.Choice(list(LONG_RUNS)))
def long_run_command(names: tuple[str, ...]) -> None:
    """Run the long form of experiments, all or those named; status 1 if one found anything."""
    sys.exit(0 if run_long(Console(), names) else 1)


def _laboratory() -> Laboratory:
    # Imported when it is used: the demonstration does without what it needs.
    from understudy.injection.laboratory import QemuLaboratory  # noqa: PLC0415

    return QemuLaboratory()


add_run_commands(campaign_group, _laboratory)
main.add_command(campaign_group)


@main.command("fuzz")
@click.option("--who", type=click.Choice(list(SYSTEMS)), default="guest", help="Who makes the calls.")
@click.option("--seed", type=click.IntRange(1, 2**31 - 1), default=1, help="Chooses the calls.")
@click.option("--calls", type=click.IntRange(1, 10**8), default=20_000, help="How many.")
def fuzz_command(who: str, seed: int, calls: int) -> None:
    """Make random calls of the VMI and look for anything that changes outside the caller; status 1 if it does."""
    result = run_fuzz(who, seed, calls)
    click.echo(result.counts)
    for problem in result.problems:
        click.echo(problem, err=True)
    sys.exit(1 if result.problems else 0)


@main.command("micro-reboot")
@click.option("--count", type=click.IntRange(1, 10**6), default=40, help="How many faults.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, help="Of the first; each experiment follows from its seed."
)
def micro_reboot_command(count: int, seed: int) -> None:
    """Inject faults into the VMM itself and print how often a micro-reboot keeps the VMs."""
    run_micro_reboots(Console(), count, seed)


@main.command("boards")
def boards_command() -> None:
    """List the boards."""
    table = Table("board", "description", "RAM", "UARTs", "QEMU machine")
    for name in names(paths.boards_folder()):
        board = load_board(name)
        ram = f"{board.memory.ram_size >> 20} MiB at {board.memory.ram_base:#x}"
        table.add_row(name, board.board.description, ram, str(len(board.uart)), board.qemu.machine)
    Console().print(table)


@main.command("doctor")
def doctor_command() -> None:
    """Check the tools this needs, with their versions, and say what to do about missing ones."""
    findings = examine()
    table = Table("", "tool", "version", "for", "remedy")
    for finding in findings:
        mark = "[green]ok[/]" if finding.good else "[red]missing[/]"
        table.add_row(mark, finding.tool, finding.version, finding.purpose, "" if finding.good else finding.remedy)
    Console().print(table)
    sys.exit(0 if all(finding.good for finding in findings) else 1)


@main.command("lint")
@click.option("--format", "reformat", is_flag=True, help="Format the C code instead of checking anything.")
def lint_command(reformat: bool) -> None:
    """Check the C code: format, GCC, clang, cppcheck, length of functions and files."""
    # Imported here: only developers have what it needs.
    from understudy import lint  # noqa: PLC0415

    if reformat:
        failures = lint.format_c(check=False)
    else:
        failures = [*lint.format_c(check=True), *lint.sizes(), *lint.compile_c(), *lint.cppcheck()]
    for failure in failures:
        click.echo(failure, err=True)
    sys.exit(1 if failures else 0)


@main.command("coverage")
def coverage_command() -> None:
    """Print which tests quote each requirement, decision and invariant; status 1 if a required one has none."""
    covered = coverage()
    lacking = missing(covered)
    for number in dict.fromkeys((*REQUIRED, *covered)):
        click.echo(f"{number:13}{'  ' + ', '.join(covered.get(number, [])) if number not in lacking else '  no test'}")
    sys.exit(1 if lacking else 0)
