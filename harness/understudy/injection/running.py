# SPDX-License-Identifier: Apache-2.0
"""Running a campaign from its file to its reports."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from attrs import field, frozen
from rich.console import Console

from understudy import paths
from understudy.errors import UnderstudyError
from understudy.image import Image
from understudy.injection import summary
from understudy.injection.campaign_file import Campaign, load_campaign
from understudy.injection.experiment import Experiment, History, Result, Verdict
from understudy.injection.places import STORE, campaigns_folder, store_name
from understudy.injection.progress import CampaignProgress
from understudy.injection.report import ReportData, write_report
from understudy.injection.store import PREVIOUS, Meta, Store, StoreError, versions
from understudy.injection.summary import Found

_MANIFEST = "manifest.json"
_WITHOUT = "without_recovery"  # in campaign.json

Judge = Callable[[Experiment, History], Verdict]


@frozen
class Plan:
    """What a golden run leads to; see `Meta`."""

    experiments: Sequence[Experiment]
    golden: dict[str, Any]
    strata: dict[str, float]
    qemu: str  # its version


class Laboratory(Protocol):
    """What builds, plans, runs and judges. Tests have one without QEMU."""

    def build(self, campaign: Campaign) -> Image:
        """Build the image under test."""

    def plan(self, campaign: Campaign, image: Image, seed: int, samples: int | None) -> Plan:
        """Do the golden run and plan with it; all follows from the arguments."""

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
        """Run what `store.pending()` has, add the results to it and then tell `progress`.

        However it ends, it adds a session to the store, too; Ctrl-C raises KeyboardInterrupt as usual.
        """

    def judge(self, store: Store) -> Judge:
        """Return the checker for the histories of a store."""

    def replay(self, store: Store, number: int, *, gdb_port: int) -> None:
        """Run an experiment again, held before its first fault for a GDB on this port."""


@frozen(kw_only=True)
class Options:
    """How to run; None: what the campaign file or the store says, or the fastest engine that there is."""

    samples: int | None = None
    seed: int | None = None
    workers: int = 1
    engine: str | None = None
    resume: bool = False
    scheduler: str | None = None
    output: Path = field(factory=campaigns_folder)
    recovery: bool = True


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, and how far the campaign is; the store has all results so far."""


def run_campaign(laboratory: Laboratory, console: Console, name: str | Path, options: Options) -> Found | None:
    """Run a campaign, or the rest of it, and write its reports; None: nothing of it makes sense without recovery.

    Raises:
        Interrupted: by Ctrl-C.
        UnderstudyError: the file has problems, the store belongs to something else, or it can't be run.
    """
    campaign = load_campaign(name, recovery=options.recovery)
    for left_out in campaign.left_out if campaign.strata else ("all of it",):
        line = f"{campaign.name}: {left_out} is left out: it aims at recovery, which this system does not have"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if not campaign.strata:
        return None
    with _opened(laboratory, console, campaign, options) as store:
        try:
            _run(laboratory, console, campaign, store, options)
        except KeyboardInterrupt:
            done = f"{sum(store.counts().values())} of {store.total()} experiments are stored"
            raise Interrupted(f"{campaign.name}: stopped; {done}") from None
        return write_reports(store)


def _opened(laboratory: Laboratory, console: Console, campaign: Campaign, options: Options) -> Store:
    """Open the store to be continued, or make one with a new plan."""
    path = options.output / campaign.name / STORE
    with console.status(f"{campaign.name}: building the image"):
        image = laboratory.build(campaign)
    if options.resume and path.is_file():
        store = Store.open(path, write=True)
        try:
            store.belongs_to(image.build_id, campaign.hash, options.seed, options.samples)
        except StoreError:
            store.close()
            raise
        return store
    seed = campaign.info.seed if options.seed is None else options.seed
    with console.status(f"{campaign.name}: golden run and plan"):
        plan = laboratory.plan(campaign, image, seed, options.samples)
    meta = Meta(
        name=campaign.name,
        toml=campaign.text,
        config_hash=campaign.hash,
        seed=seed,
        samples=options.samples,
        build_id=image.build_id,
        system=campaign.system,
        golden=plan.golden,
        strata=plan.strata,
        versions=versions(plan.qemu),
        recovery=campaign.recovery,
    )
    if path.is_file():
        console.print(f"the earlier results are kept in {path.with_name(PREVIOUS)}", highlight=False, soft_wrap=True)
    return Store.create(path, meta, plan.experiments)


def _run(laboratory: Laboratory, console: Console, campaign: Campaign, store: Store, options: Options) -> None:
    before, total = store.counts(), store.total()
    if sum(before.values()) == total:
        console.print(f"{campaign.name}: all {total} experiments have run")
        return
    with CampaignProgress(console, campaign.name, total, before) as progress:
        laboratory.run(
            store,
            campaign,
            workers=options.workers,
            engine=options.engine,
            scheduler=options.scheduler,
            progress=progress.add,
        )


def write_reports(store: Store) -> Found:
    """Write report.html, report.md and junit.xml beside a store."""
    found = Found.of(store)
    try:
        summary.write(found, store.path.parent)
    except OSError as error:
        raise UnderstudyError(f"{store.path.parent}: the report can't be written: {error.strerror or error}") from None
    write_report(report_data(found), store.path.parent / "report.html")
    return found


def report_data(found: Found) -> ReportData:
    """Return all that the page shows."""
    store, meta = found.store, found.store.meta
    return ReportData(
        name=meta.name,
        seed=meta.seed,
        build_id=meta.build_id,
        engine=found.engines,
        workers=found.workers,
        seconds=found.seconds,
        experiments=list(store.experiments()),
        results={result.number: result for result in store.results()},
        golden=meta.golden,
        elves=_elves(meta),
        store=store_name(store.path),
        versions=meta.versions,
        strata=meta.strata,
    )


def _elves(meta: Meta) -> dict[str, Path]:
    """Return the programs of the image, if it is still there and the same."""
    folder = paths.build_folder() / "systems" / str(meta.system.get("system", {}).get("name"))
    if not (folder / _MANIFEST).is_file():
        return {}
    image = Image.load(folder)
    if image.build_id != meta.build_id:
        return {}
    guests = image.manifest["guests"]
    found = {name: paths.root() / guests[vm["guest"]]["elf"] for name, vm in image.manifest["vms"].items()}
    return {"vmm": image.elf, **found}


def write_numbers(found: Sequence[Found], *, recovery: bool = True) -> Path:
    """Write build/results/campaign.json; without recovery the numbers join those that are there, under a key."""
    path = paths.build_folder() / "results" / "campaign.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = summary.numbers(found)
    if not recovery:
        numbers = {**_with_recovery(path), _WITHOUT: numbers}
    path.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return path


def _with_recovery(path: Path) -> dict[str, Any]:
    """Return what the file says of the campaigns with recovery: nothing ran if it is not there, or is damaged."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = None
    return known if isinstance(known, dict) else summary.numbers([])
