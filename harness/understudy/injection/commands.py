# SPDX-License-Identifier: Apache-2.0
"""`understudy campaign`: what only reads stores. `run_commands` has the commands that need QEMU."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from understudy.config.load import names
from understudy.injection import compare, statistics
from understudy.injection.campaign_file import WITHOUT_RECOVERY
from understudy.injection.experiment import Outcome
from understudy.injection.export import export
from understudy.injection.limits import percent
from understudy.injection.places import STORE, campaigns_folder, find_store
from understudy.injection.running import write_reports
from understudy.injection.show import lines
from understudy.injection.store import Store
from understudy.injection.summary import Found, headline, interval
from understudy.injection.tally import Whole
from understudy.paths import campaigns_folder as ready_folder


@click.group("campaign")
def campaign_group() -> None:
    """Inject faults by the thousand, each at an exact instruction and repeatable.

    STORE is the name of a campaign that has run, the folder of its results, or its results.sqlite.
    """


@campaign_group.command("list")
def list_command() -> None:
    """List the campaigns that are ready to run."""
    for name in names(ready_folder()):
        click.echo(name)


@campaign_group.command("status")
@click.argument("stores", metavar="[STORE]...", nargs=-1)
@click.option("--digest", is_flag=True, help="Show a hash over plan and results, too: equal if they are.")
def status_command(stores: tuple[str, ...], digest: bool) -> None:
    """Show how far campaigns are, all in build/campaigns or those named; also while they run."""
    found = [find_store(name) for name in stores] or sorted(campaigns_folder().glob(f"*/{STORE}"))
    if not found:
        click.echo("no campaign has run yet: understudy campaign run")
    for path in found:
        with Store.open(path) as store:
            _status(store, digest=digest)


def _status(store: Store, *, digest: bool) -> None:
    counts, meta = store.counts(), store.meta
    click.secho(f"{meta.name}: {sum(counts.values())} of {store.total()} experiments", bold=True)
    click.echo(f"  {store.path}: seed {meta.seed}, build {meta.build_id}")
    click.echo(f"  {', '.join(f'{outcome}: {count}' for outcome, count in counts.items())}")
    for session in store.sessions():
        rate = session.experiments / session.seconds if session.seconds else 0
        how = f"{session.experiments} in {session.seconds:.1f} s, {rate:.0f}/s"
        click.echo(f"  {session.started}: {session.engine}, {session.workers} workers: {how}")
    if digest:
        click.echo(f"  digest {store.digest()}")


@campaign_group.command("report")
@click.argument("store")
def report_command(store: str) -> None:
    """Write report.html, report.md and junit.xml of STORE anew, beside it."""
    with Store.open(find_store(store)) as opened:
        print_found(Console(), write_reports(opened))


@campaign_group.command("show")
@click.argument("store")
@click.argument("number", metavar="ID", type=int)
def show_command(store: str, number: int) -> None:
    """Show one experiment: the fault, what it changed, what was observed, and the verdict."""
    with Store.open(find_store(store)) as opened:
        for line in lines(opened, number):
            click.echo(line)


@campaign_group.command("compare")
@click.argument("stores", metavar="[A [B]]", nargs=-1)
def compare_command(stores: tuple[str, ...]) -> None:
    """Show the differences of two campaigns, such as of two builds or two policies, with confidence intervals.

    Without B: those of A and the same without recovery. Without A: those of all campaigns that ran with and without it.
    """
    if len(stores) > 2:
        raise click.UsageError("two campaigns can be compared, not more")
    if len(stores) == 2:
        _compare(*stores)
        return
    pairs = [(name, name + WITHOUT_RECOVERY) for name in stores or _without_recovery()]
    if not pairs:
        click.echo("no campaign has run with recovery and without: understudy campaign run --without-recovery")
    for pair in pairs:
        _compare(*pair)


def _without_recovery() -> list[str]:
    """Return the names of the campaigns that ran with recovery and without."""
    found = sorted(path.parent.name for path in campaigns_folder().glob(f"*/{STORE}"))
    return [name for name in found if name + WITHOUT_RECOVERY in found]


def _compare(store_a: str, store_b: str) -> None:
    console = Console()
    with Store.open(find_store(store_a)) as one, Store.open(find_store(store_b)) as other:
        console.print(f"A: {one.meta.name}, B: {other.meta.name}", style="bold", highlight=False, soft_wrap=True)
        console.print(compare.table(compare.changes(one, other)))
        console.print(compare.recoveries(one, other))
        for line in compare.differences(one, other):
            console.print(f"differs, too: {line}", highlight=False, soft_wrap=True, markup=False)


@campaign_group.command("sample-size")
@click.argument("margin", type=float)
@click.option("--confidence", type=float, default=statistics.CONFIDENCE, show_default=True, help="Of the interval.")
@click.option("--space", type=click.IntRange(1), help="How many faults there are; without it more than one can count.")
@click.option("--expected", type=float, default=0.5, show_default=True, help="The share that is expected.")
def sample_size_command(margin: float, confidence: float, space: int | None, expected: float) -> None:
    """Print how many experiments tell a share within MARGIN (0.01: plus or minus 1 %), after Leveugle 2009.

    And how many show without a single hit that a share is at most MARGIN.
    """
    needed = statistics.sample_size(margin, confidence=confidence, space=space, proportion=expected)
    click.echo(f"{needed} experiments for +-{percent(margin)} at {percent(confidence)} confidence")
    without = statistics.without_hit(margin, confidence)
    click.echo(f"{without} without a hit show at most {percent(margin)} at {percent(confidence)} confidence")


@campaign_group.command("export")
@click.argument("store")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export_command(store: str, file: Path) -> None:
    """Write the experiments of STORE to FILE, .csv or .parquet."""
    with Store.open(find_store(store)) as opened:
        click.echo(f"{file}: {export(opened, file)} experiments")


def print_found(console: Console, found: Found) -> None:
    """Show the result of a campaign."""
    store = found.store
    console.print(_table(found.whole))
    console.print(headline(found), style="bold", highlight=False, soft_wrap=True)
    for broken in found.violations:
        console.print(str(broken), style="red", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{store.path.parent / 'report.html'}", highlight=False, soft_wrap=True)


def _table(whole: Whole) -> Table:
    table = Table("outcome", "experiments", "share (95 %)", title=whole.name)
    for outcome in Outcome:
        share = "" if outcome is Outcome.NOT_APPLIED else interval(whole, outcome)
        table.add_row(str(outcome), str(whole.count(outcome)), share)
    return table
