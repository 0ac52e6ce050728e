# SPDX-License-Identifier: Apache-2.0
"""What is said of a campaign: shares, limits, summaries, exports, comparisons; all from a store."""

import csv
import json
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve
from campaign_samples import STRATA, experiment, made, meta, result, results
from pyarrow import parquet
from rich.console import Console
from understudy.errors import UnderstudyError
from understudy.injection import compare, statistics, summary
from understudy.injection.experiment import UNCAUGHT, Experiment, Outcome, Result, Verdict
from understudy.injection.export import COLUMNS, export
from understudy.injection.limits import violations
from understudy.injection.progress import CampaignProgress
from understudy.injection.statistics import Share
from understudy.injection.store import Session, Store
from understudy.injection.summary import Found
from understudy.injection.tally import Whole, tally

MASKED, RECOVERED, PROPAGATED = Outcome.MASKED, Outcome.RECOVERED, Outcome.PROPAGATED
WEIGHT = 0.25  # of all experiments but the one that stands for more


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with made(tmp_path / "made-up" / "results.sqlite", 900, 600) as store:
        store.add_session(Session("fork", 2, "2026-01-01T00:00:00Z", 1.5, 450))
        store.add_session(Session("snapshot", 1, "2026-01-01T01:00:00Z", 0.5, 150))
        yield store


def _filled(
    path: Path,
    outcomes: Iterable[tuple[str, Outcome, float]],
    *,
    limits: str = "",
    sizes: dict[str, float] | None = None,
) -> Store:
    """Return a store with these strata, outcomes and weights."""
    plan: list[Experiment] = []
    ran: list[Result] = []
    for number, (stratum, outcome, weight) in enumerate(outcomes, start=1):
        plan.append(evolve(experiment(number), stratum=stratum, weight=weight))
        ran.append(evolve(result(number), verdict=Verdict(outcome, "")))
    store = Store.create(path, meta(toml=limits, strata=sizes or {}), plan)
    store.add_results(ran)
    return store


def _count(outcome: Outcome, stratum: str | None = None) -> int:
    return sum(
        result(number).verdict.outcome is outcome and stratum in (None, experiment(number).stratum)
        for number in range(1, 601)
    )


def test_tally(store: Store) -> None:
    """Without weights all is as if one had counted."""
    whole = tally(store)
    applied = 600 - _count(Outcome.NOT_APPLIED)
    assert whole.applied == applied
    assert whole.counts == store.counts()
    assert [part.name for part in whole.strata] == ["guest1", "guest2", "vmm"]
    for part in whole.strata:
        assert part.count(MASKED) == _count(MASKED, part.name)
        assert part.share(MASKED) == statistics.share(part.count(MASKED), part.applied)
    assert whole.share(MASKED, RECOVERED).value == pytest.approx((_count(MASKED) + _count(RECOVERED)) / applied)
    assert whole.upper_bound(PROPAGATED) == pytest.approx(statistics.rule_of_three(applied))
    assert whole.lower_bound(PROPAGATED) == 0
    assert whole.share(*(outcome for outcome in Outcome if outcome is not Outcome.NOT_APPLIED)) == Share(
        1, pytest.approx(statistics.wilson(applied, applied)[0]), 1
    )


def test_nothing_has_run(tmp_path: Path) -> None:
    with made(tmp_path / "empty.sqlite", 3, 0) as store:
        whole = tally(store)
        assert (whole.applied, whole.share(MASKED)) == (0, Share(0, 0, 1))
        assert "No fault was applied yet." in summary.markdown(Found.of(store))
        assert summary.numbers([Found.of(store)])["experiments_per_second"] == 0


def test_weights_count(tmp_path: Path) -> None:
    """One pilot for half of the fault space counts as half of it, and makes the interval as long as it must be."""
    weighted = [("a", RECOVERED, WEIGHT * 100), *(("a", MASKED, WEIGHT) for _ in range(100))]
    with _filled(tmp_path / "a.sqlite", weighted) as store:
        part = tally(store).strata[0]
    assert (part.count(RECOVERED), part.applied) == (1, 101)
    assert part.share(RECOVERED).value == pytest.approx(0.5)
    assert part.share(RECOVERED).high > 0.8, "nearly all hangs on one experiment"


def test_sizes_of_strata_count(tmp_path: Path) -> None:
    outcomes = [("big", MASKED, 1.0)] * 100 + [("small", RECOVERED, 1.0)] * 100
    with _filled(tmp_path / "a.sqlite", outcomes, sizes={"big": 99, "small": 1}) as store:
        assert tally(store).share(RECOVERED).value == pytest.approx(0.01)
    with _filled(tmp_path / "b.sqlite", outcomes, sizes={"big": 99}) as store:
        assert tally(store).share(RECOVERED).value == pytest.approx(0.5), "not known of all: as they were sampled"


def _violations(path: Path, limits: str, outcomes: Iterable[tuple[str, Outcome]]) -> list[str]:
    with _filled(path, [(*one, 1.0) for one in outcomes], limits=f"[limits]\n{limits}\n") as store:
        return [str(broken) for broken in violations(store, tally(store))]


def test_limits_that_are_kept(tmp_path: Path) -> None:
    """No stratum has enough experiments to show 0.1 %; all together have."""
    outcomes = [(stratum, MASKED) for stratum in STRATA for _ in range(1_000)]
    limits = 'propagated = {upper = 0.001, count = 0}\n"masked+recovered" = {lower = 0.99}'
    assert _violations(tmp_path / "a.sqlite", limits, outcomes) == []


def test_too_few_experiments_for_a_limit(tmp_path: Path) -> None:
    (broken,) = _violations(tmp_path / "a.sqlite", "propagated = {upper = 0.001}", [("a", MASKED)] * 500)
    assert broken == (
        "all strata: propagated: 0 of 500: at most 0.597 % at 95 % confidence, the limit is 0.1 %, "
        "which takes more than 500 experiments to show"
    )


def test_broken_limits(tmp_path: Path) -> None:
    """The stratum to blame is named, with its experiments and a command that repeats one."""
    path = tmp_path / "a.sqlite"
    outcomes = [("a", MASKED)] * 500 + [("b", PROPAGATED)] * 12 + [("b", MASKED)] * 88
    limits = 'propagated = {upper = 0.001, count = 3}\n"masked+recovered" = {lower = 0.99, confidence = 0.9}'
    found = _violations(path, limits, outcomes)
    named = "experiments 501, 502, 503, 504, 505, 506, 507, 508, 509, 510 and 2 more"
    command = f"understudy campaign replay {path} 501"
    assert found == [
        f"all strata: propagated: 12 of 600, the limit is 3; {named}: {command}",
        f"all strata: propagated: 12 of 600: at most 3.22 % at 95 % confidence, the limit is 0.1 %; {named}: {command}",
        f"b: propagated: 12 of 100, the limit is 3; {named}: {command}",
        f"b: propagated: 12 of 100: more than 7.07 % at 95 % confidence, the limit is 0.1 %; {named}: {command}",
        "all strata: masked+recovered: 588 of 600: at least 97.1 % at 90 % confidence, the limit is 99 %; "
        f"{named}: {command}",
        f"b: masked+recovered: 88 of 100: less than 92 % at 90 % confidence, the limit is 99 %; {named}: {command}",
    ]


def test_numbers(store: Store) -> None:
    """campaign.json, of two campaigns."""
    found = summary.numbers([Found.of(store), Found.of(store)])
    assert json.loads(json.dumps(found)) == found
    assert (found["experiments"], found["seconds"], found["experiments_per_second"]) == (1200, 4.0, 300.0)
    assert (found["engine"], found["workers"]) == ("fork, snapshot", 2)
    assert found["outcomes"] == {str(outcome): 2 * _count(outcome) for outcome in Outcome}
    assert found["not_applied"] == 2 * _count(Outcome.NOT_APPLIED)
    assert found["campaigns"]["made-up"]["experiments"] == 600


def test_markdown(store: Store) -> None:
    text = summary.markdown(Found.of(store))
    missed, whole = sum(map(_count, UNCAUGHT)), tally(store)
    assert f"**{missed} of {whole.applied} faults had effects that nothing caught (at most" in text
    assert "600 of 900 experiments in 2.0 s (300/s), seed 7, build 78be0998ecf2c19e, engine fork, snapshot" in text
    assert f"| masked | {_count(MASKED)} | " in text
    assert f"| not applied | {_count(Outcome.NOT_APPLIED)} | | |" in text
    assert f"| task rollback | {_count(RECOVERED)} | " in text
    assert f"understudy campaign replay {store.path} {store.numbers(Outcome.SDC)[0]}" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_headline_without_a_miss(tmp_path: Path) -> None:
    limits = "[limits]\npropagated = {upper = 0.01}\n"
    with _filled(tmp_path / "a.sqlite", [("a", MASKED, 1.0)] * 1_000, limits=limits) as store:
        assert summary.headline(Found.of(store)) == (
            "None of 1000 faults had an effect that nothing caught (at most 0.299 % at 95 % confidence); "
            "all limits are kept."
        )


def test_junit(tmp_path: Path) -> None:
    """A test for each stratum, and one for all; limits make them fail."""
    outcomes = [("a", MASKED, 1.0)] * 500 + [('<"b">', PROPAGATED, 1.0)] * 5
    limits = "[limits]\npropagated = {count = 4}\n"
    with _filled(tmp_path / "a.sqlite", outcomes, limits=limits) as store:
        root = ET.fromstring(summary.junit([Found.of(store)]))  # noqa: S314 - our own
    suite = root[0]
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("made-up", "3", "2")
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert set(cases) == {"all strata", "a", '<"b">'}
    assert cases["a"].find("failure") is None
    failure = cases['<"b">'].find("failure")
    assert failure is not None
    assert "5 of 5, the limit is 4; experiments 501, 502, 503, 504, 505" in failure.get("message", "")
    assert cases["a"].findtext("system-out") == "masked: 500"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_export(store: Store, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    assert export(store, path) == 600
    if suffix == "csv":
        rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
        assert rows[6]["number"] == "7"
    else:
        table = parquet.read_table(path)
        assert str(table.schema.field("latency").type) == "int64"
        rows = table.to_pylist()
    assert list(rows[0]) == list(COLUMNS)
    row, ran = rows[6], result(7)
    assert (row["outcome"], row["vm"], row["hit_vm"]) == (ran.verdict.outcome, experiment(7).place.vm, ran.verdict.vm)
    assert json.loads(row["history"])["executed"] == ran.history.executed
    assert json.loads(row["faults"])[0]["time"] == experiment(7).faults[0].time


def test_export_to_nowhere(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UnderstudyError, match=r"exports are \.csv or \.parquet"):
        export(store, tmp_path / "out.xlsx")
    with pytest.raises(UnderstudyError, match="No such file or directory"):
        export(store, tmp_path / "none" / "out.csv")


def test_compare(tmp_path: Path) -> None:
    """With recovery, and without: the example of Newcombe, as a campaign."""
    on = [("a", RECOVERED, 1.0)] * 56 + [("a", Outcome.SDC, 1.0)] * 14
    off = [("a", RECOVERED, 1.0)] * 48 + [("a", Outcome.SDC, 1.0)] * 32 + [("b", Outcome.NOT_APPLIED, 1.0)] * 9
    with _filled(tmp_path / "on.sqlite", on) as one, _filled(tmp_path / "off.sqlite", off) as other:
        found = compare.changes(other, one)
        assert list(compare.differences(one, other)) == []
    assert [(change.stratum, change.outcome) for change in found] == [
        (stratum, outcome) for stratum in (None, "a") for outcome in (RECOVERED, Outcome.SDC)
    ]
    assert found[2].difference == Share(
        pytest.approx(0.2), pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5)
    )
    assert found[2].significant
    console = Console(file=StringIO(), width=120)
    console.print(compare.table(found))
    assert "+20.00 % │ +5.24 to +33.39 %" in console.file.getvalue()  # type: ignore[attr-defined]


def test_what_else_differs(tmp_path: Path) -> None:
    with made(tmp_path / "a.sqlite", 3) as one, made(tmp_path / "b.sqlite", 3, seed=8, build_id="1") as other:
        assert list(compare.differences(one, other)) == ["seed: 7, 8", "build_id: 78be0998ecf2c19e, 1"]


def test_progress_bar() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=160)
    with CampaignProgress(console, "registers", 300, {MASKED: 100}) as progress:
        progress.add(results(range(1, 101)))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "200/300" in shown
    assert f"masked {100 + sum(r.verdict.outcome is MASKED for r in results(range(1, 101)))}" in shown
    assert progress.count == 100


def test_progress_in_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines at times, not one for each batch."""
    monkeypatch.setattr("understudy.injection.progress._LINE_SECONDS", 0)
    console = Console(file=StringIO(), width=200)
    with CampaignProgress(console, "registers", 300, {}) as progress:
        progress.add(results(range(1, 101)))
    (line,) = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert line.startswith("registers: 100 of 300, ")
    assert " s left; masked " in line


def test_whole_of_strata_of_one_mind() -> None:
    assert Whole("nothing").upper_bound(PROPAGATED) == 1.0
