# SPDX-License-Identifier: Apache-2.0
"""What builds, plans, runs and judges campaigns, with QEMU."""

from collections.abc import Callable, Sequence

import cattrs
import click
from attrs import asdict

from understudy.errors import TargetError
from understudy.image import Image, build
from understudy.injection.campaign_file import Campaign, parse_campaign
from understudy.injection.checker import judge
from understudy.injection.engine import Kind
from understudy.injection.experiment import Experiment, Fault, History, Result, Verdict
from understudy.injection.golden import GoldenFacts
from understudy.injection.plan import plan_prelude, plan_sized
from understudy.injection.replay import replay
from understudy.injection.runner import run
from understudy.injection.running import Judge, Plan
from understudy.injection.store import Store, StoreError
from understudy.injection.workplace import Job, Workplace, job_of
from understudy.latency.results import qemu_version


class QemuLaboratory:
    """A `Laboratory`."""

    def build(self, campaign: Campaign) -> Image:
        """Build the image under test."""
        return build(campaign.system)

    def plan(self, campaign: Campaign, image: Image, seed: int, samples: int | None) -> Plan:
        """Do the golden run and plan with it."""
        job = _job(campaign, image, _prelude(campaign, image, seed), None)
        with Workplace(job, _notice, traced=True) as place:
            experiments, sizes = plan_sized(campaign, place.golden, seed=seed, samples=samples)
            return Plan(experiments, asdict(place.facts), sizes, qemu_version())

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
        """Run what the store has no results of."""
        job = _job(campaign, self.build(campaign), _faults_of(store), Kind(engine) if engine else None)
        run(store, job, _facts(store), workers=workers, scheduler=scheduler, progress=progress)

    def judge(self, store: Store) -> Judge:
        """Return the checker for the histories of a store."""
        facts = _facts(store)

        def verdict(experiment: Experiment, history: History) -> Verdict:
            return judge(experiment, history, facts)

        return verdict

    def replay(self, store: Store, number: int, *, gdb_port: int | None) -> None:
        """Run an experiment again, paused just before its first fault, with GDB."""
        meta = store.meta
        campaign = parse_campaign(meta.toml, f"{store.path} (campaign file)", recovery=meta.recovery)
        image = self.build(campaign)
        if image.build_id != store.meta.build_id:
            raise StoreError(
                f"{store.path}: stale image: its experiments are of build {store.meta.build_id}, and the sources here "
                f"make build {image.build_id}; check out the sources of then, or run the campaign again"
            )
        experiment, before = store.experiment(number)
        job = _job(campaign, image, _faults_of(store), Kind.PROCESS)
        again = replay(job, experiment, gdb_port)
        click.echo(f"experiment {number}: {again.verdict.outcome}: {again.verdict.why}")
        if before and again.verdict != before.verdict:
            raise TargetError(
                f"the stored outcome is another one: {before.verdict.outcome}: {before.verdict.why}; a stop of GDB (a "
                "breakpoint, a step) shifts virtual time"
            )


def _prelude(campaign: Campaign, image: Image, seed: int) -> tuple[Fault, ...]:
    """Each prelude is planned with a golden run that has those before it."""
    found: tuple[Fault, ...] = ()
    for number in range(len(campaign.prelude)):
        with Workplace(_job(campaign, image, found, None), _notice, traced=True) as place:
            found += plan_prelude(campaign, place.golden, number=number, seed=seed)
    return found


def _job(campaign: Campaign, image: Image, prelude: Sequence[Fault], engine: Kind | None) -> Job:
    syncs = [time - campaign.start_ns for time in campaign.syncs_ns]
    return job_of(image, campaign.start_ns, syncs, prelude, engine)


def _facts(store: Store) -> GoldenFacts:
    return cattrs.structure(store.meta.golden, GoldenFacts)


def _faults_of(store: Store) -> tuple[Fault, ...]:
    return _facts(store).prelude


def _notice(text: str) -> None:
    click.secho(text, fg="yellow", err=True)
