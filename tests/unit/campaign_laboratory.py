# SPDX-License-Identifier: Apache-2.0
"""A laboratory without QEMU, and the command line with it; a program too, so that it can be killed.

python campaign_laboratory.py SECONDS ARGUMENT...: `understudy campaign ARGUMENT...` whose experiments take that long.
"""

import itertools
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from attrs import define, evolve, field
from campaign_samples import experiment, meta, result
from understudy.errors import UnderstudyError
from understudy.image import Image
from understudy.injection.campaign_file import Campaign
from understudy.injection.commands import campaign_group
from understudy.injection.experiment import Experiment, History, Outcome, Result, Verdict
from understudy.injection.run_commands import add_run_commands
from understudy.injection.running import Judge, Plan
from understudy.injection.schema import Session
from understudy.injection.store import Store

BATCH = 7
CAMPAIGN = """
[campaign]
name = "made-up"
description = "Nothing is run."
seed = 7

[[stratum]]
name = "registers"
where.target = "register"
"""


@define
class FakeLaboratory:
    """All follows from the numbers of the experiments. `calls` has the options of each run."""

    seconds: float = 0.0
    build_id: str = "78be0998ecf2c19e"
    planned: int = 300
    broken_at: int | None = None
    calls: list[dict[str, object]] = field(factory=list)

    def build(self, campaign: Campaign) -> Image:
        return Image("demo", Path("nowhere"), {"build_id": self.build_id})

    def plan(self, campaign: Campaign, image: Image, seed: int, samples: int | None) -> Plan:
        plan = [experiment(number) for number in range(1, (samples or self.planned) + 1)]
        return Plan([evolve(one, weight=1 + seed) for one in plan], meta().golden, {}, "7.2.0")

    def run(
        self,
        store: Store,
        campaign: Campaign,
        *,
        workers: int,
        engine: str | None,
        scheduler: str | None,
        progress: Callable[[Sequence[Result]], None],
    ) -> None:
        self.calls.append({"workers": workers, "engine": engine, "scheduler": scheduler})
        count = 0
        pending = store.pending()
        try:
            while batch := [self._run(one) for one in itertools.islice(pending, BATCH)]:
                store.add_results(batch)
                count += len(batch)
                progress(batch)
        finally:
            store.add_session(Session(engine or "fork", workers, "2026-01-01T00:00:00Z", 1.5, count))

    def _run(self, pending: Experiment) -> Result:
        time.sleep(self.seconds)
        if pending.number == self.broken_at:
            raise UnderstudyError("QEMU can't fork")
        return result(pending.number)

    def judge(self, store: Store) -> Judge:
        def judge(experiment: Experiment, history: History) -> Verdict:
            verdict = result(experiment.number).verdict
            return Verdict(Outcome.LATENT, "other rules") if verdict.outcome is Outcome.MASKED else verdict

        return judge

    def replay(self, store: Store, number: int, *, gdb_port: int) -> None:
        click.echo(f"{store.experiment(number)[0].place.name} at port {gdb_port}")


def commands(laboratory: FakeLaboratory) -> click.Group:
    """Return `understudy campaign` with this laboratory."""
    group = click.Group("campaign", commands=dict(campaign_group.commands))
    add_run_commands(group, lambda: laboratory)
    return group


if __name__ == "__main__":
    # A shell that starts tests in the background lets all of them ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    commands(FakeLaboratory(float(sys.argv[1])))(sys.argv[2:])
