# SPDX-License-Identifier: Apache-2.0
"""The report of a campaign: its numbers are those of the summaries, and what a campaign lacks it says."""

import base64
import gzip
import json
import random
import re
from pathlib import Path

import pytest
from attrs import evolve
from campaign_sample import sample
from understudy.errors import UnderstudyError
from understudy.injection.experiment import UNCAUGHT, Outcome
from understudy.injection.report import ReportData, details, write_report
from understudy.injection.report.breakdown import breakdowns
from understudy.injection.report.data import CaseCounts, cases, grouped
from understudy.injection.report.disassembly import Locator
from understudy.injection.report.outcomes import STYLES, WORST_FIRST
from understudy.injection.report.page import page
from understudy.injection.report.svg import percent
from understudy.injection.running import report_data
from understudy.injection.store import Meta, Store
from understudy.injection.summary import Found
from understudy.injection.tally import tally


def weighted(data: ReportData) -> ReportData:
    chance = random.Random(3)  # noqa: S311 - repeatable on purpose
    return evolve(
        data,
        experiments=[evolve(one, weight=chance.choice((0.1, 1.0, 7.0))) for one in data.experiments],
        strata={"register": 1e6, "memory": 5e7, "code": 2e5, "interrupt": 1e3},
    )


def in_store(data: ReportData, path: Path) -> Store:
    meta = Meta(
        name=data.name,
        toml="samples = 3\n",
        config_hash="0",
        seed=data.seed,
        samples=None,
        build_id=data.build_id,
        system={},
        golden=dict(data.golden),
        strata=dict(data.strata),
        versions=dict(data.versions),
    )
    store = Store.create(path, meta, data.experiments)
    store.add_results(list(data.results.values()))
    return store


@pytest.mark.parametrize("change", [lambda data: data, weighted], ids=["plain", "weighted"])
def test_shares_are_those_of_the_summaries(tmp_path: Path, change) -> None:
    data = change(sample(600))
    with in_store(data, tmp_path / "results.sqlite") as store:
        whole = tally(store)
    ours = CaseCounts(cases(data))
    strata = grouped(ours.cases, lambda case: case.experiment.stratum)
    for theirs, mine in [(whole, ours), *((stratum, strata[stratum.name]) for stratum in whole.strata)]:
        for outcomes in (UNCAUGHT, (Outcome.RECOVERED,), (Outcome.PROPAGATED,)):
            share = theirs.share(*outcomes)
            assert mine.share(outcomes) == pytest.approx(share.value)
            assert mine.interval(outcomes) == pytest.approx((share.low, share.high))
            assert mine.upper_bound(outcomes) == pytest.approx(theirs.upper_bound(*outcomes))


def test_a_store_gives_the_same_page_as_its_experiments(tmp_path: Path) -> None:
    data = sample(120)
    with in_store(data, tmp_path / "results.sqlite") as store:
        found = report_data(Found.of(store))
    assert found.elves == {}  # an image of that name is not there
    known = evolve(data, engine=found.engine, workers=found.workers, seconds=found.seconds, store=found.store)
    assert page(found) == page(known)


def test_the_same_campaign_gives_the_same_page() -> None:
    assert page(sample(120)) == page(sample(120))


def test_what_has_not_run_and_what_was_not_applied_is_no_part_of_any_share() -> None:
    data = sample(300)
    absent = [number for number, result in data.results.items() if result.verdict.outcome is Outcome.MASKED][:5]
    results = {
        number: evolve(result, verdict=evolve(result.verdict, outcome=Outcome.NOT_APPLIED))
        if number in absent
        else result
        for number, result in data.results.items()
        if number > 20
    }
    cut = evolve(data, results=results)
    assert len(cases(cut)) == len(results)
    counted = CaseCounts(cases(cut))
    assert len(counted.applied) == counted.total - counted.counts[Outcome.NOT_APPLIED]
    assert sum(counted.share((outcome,)) for outcome in Outcome if outcome is not Outcome.NOT_APPLIED) == pytest.approx(
        1
    )
    assert "20 experiments of the plan have not run yet" in page(cut)


def test_a_campaign_without_results_has_a_page_that_says_so() -> None:
    text = page(evolve(sample(5), results={}))
    assert "No fault was applied." in text
    assert "5 experiments of the plan have not run yet" in text


def test_nothing_uncaught_is_no_proof() -> None:
    data = sample(200)
    results = {n: r for n, r in data.results.items() if r.verdict.outcome not in UNCAUGHT}
    text = page(evolve(data, results=results))
    assert "none went uncaught" in text
    assert "That is no proof" in text


def test_what_a_guest_prints_is_text_and_not_markup() -> None:
    data = sample(50)
    number = data.experiments[0].number
    evil = "</script><script>alert(1)</script>"
    verdict = evolve(data.results[number].verdict, outcome=Outcome.SDC, why=evil)
    experiments = [evolve(data.experiments[0], place=evolve(data.experiments[0].place, name=evil, vm=evil, phase=evil))]
    experiments += data.experiments[1:]
    results = {**data.results, number: evolve(data.results[number], verdict=verdict)}
    text = page(evolve(data, name=evil, store=evil, experiments=experiments, results=results))
    assert "<script>alert" not in text
    assert text.count("<script") == 4


def test_details_that_do_not_fit_are_left_out_mildest_first() -> None:
    data = sample(2_000)
    run = cases(data)
    full, none = details.details(run, data.golden)
    small, left_out = details.details(run, data.golden, limit=len(full) // 2)
    assert none == 0
    assert len(small) <= len(full) // 2
    assert 0 < left_out < len(run)
    kept = {int(number) for number in unpacked(small)}
    assert {case.number for case in run if case.outcome in UNCAUGHT} <= kept


def unpacked(text: str) -> dict[str, object]:
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_a_program_that_is_gone_costs_only_its_listing(tmp_path: Path) -> None:
    data = evolve(sample(100), elves={"vmm": tmp_path / "absent.elf"})
    assert Locator.of(data.elves).codes == {}
    assert "its code is not at hand" in page(data)


def test_a_page_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnderstudyError, match=re.escape(str(tmp_path / "file"))):
        write_report(sample(5), tmp_path / "file" / "report.html")


def test_dimensions_that_divide_alike_are_shown_once() -> None:
    figures = [figure.name for figure in breakdowns(cases(sample(300)))]
    assert figures == ["by-stratum", "by-name", "by-model", "by-phase", "by-vm", "by-task"]


def test_outcomes_differ_in_more_than_colour() -> None:
    assert set(STYLES) == set(WORST_FIRST) == set(Outcome)
    assert len({style.shape for style in STYLES.values()}) == len(STYLES)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.00015, "0.015 %"),
        (0.5, "50 %"),
        (0.996, "99.6 %"),
        (0.99999, "99.999 %"),
        (0.999999, "99.999 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, text: str) -> None:
    assert percent(share) == text
