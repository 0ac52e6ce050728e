# SPDX-License-Identifier: Apache-2.0
"""`understudy micro-reboot`: many experiments, and how often each outcome came."""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console
from rich.table import Table

from understudy.image import build
from understudy.injection.statistics import wilson
from understudy.vmm_faults.experiment import Experiment, Kind, Outcome, experiment, golden_lines, system

LONG_RUN = 400  # experiments of `make long-run`
SURVIVED = (Outcome.RECOVERED, Outcome.DEGRADED)
NOTICED = (*SURVIVED, Outcome.STOPPED, Outcome.FAILED)


def run_experiments(seeds: Sequence[int], *, workers: int = 2) -> Iterable[Experiment]:
    """Yield the experiments of these seeds, in their order; each has a machine of its own."""
    image = build(system())
    golden = golden_lines(image)
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda seed: experiment(image, golden, seed), seeds)


def run_micro_reboots(screen: Console, count: int, first: int) -> list[Experiment]:
    """Run experiments with the seeds from `first` on, print each and then the figures."""
    found = []
    for done in run_experiments(range(first, first + count)):
        found.append(done)
        line = f"seed {done.seed}: {done.kind}, {done.what}: [b]{done.outcome}[/], {done.why}"
        screen.print(line, style="red" if done.outcome is Outcome.FAILED else "", highlight=False, soft_wrap=True)
    screen.print(_by_kind(found))
    screen.print(_figures(found))
    screen.print("repeat one: understudy micro-reboot --seed SEED --count 1")
    return found


def _by_kind(found: Sequence[Experiment]) -> Table:
    table = Table("flipped in", *map(str, Outcome), title="experiments")
    for kind in Kind:
        counts = Counter(done.outcome for done in found if done.kind is kind)
        table.add_row(str(kind), *(str(counts[outcome]) for outcome in Outcome))
    return table


def _figures(found: Sequence[Experiment]) -> Table:
    counts = Counter(done.outcome for done in found)
    noticed = sum(counts[outcome] for outcome in NOTICED)
    table = Table("", "of", "share", "95 % confidence (Wilson)", title="figures")
    for outcome in Outcome:
        _figure(table, str(outcome), counts[outcome], len(found))
    _figure(table, "not masked: all VMs went on", counts[Outcome.RECOVERED], noticed)
    _figure(table, "not masked: the system went on", sum(counts[outcome] for outcome in SURVIVED), noticed)
    return table


def _figure(table: Table, name: str, hits: int, total: int) -> None:
    low, high = wilson(hits, total)
    share = f"{100 * hits / total:.1f} %" if total else "-"
    table.add_row(name, f"{hits} of {total}", share, f"{100 * low:.1f} % to {100 * high:.1f} %")
