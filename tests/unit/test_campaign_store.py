# SPDX-License-Identifier: Apache-2.0
"""The store of a campaign: nothing is lost, nothing comes twice, and what is wrong is said with its remedy."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attrs import evolve, fields
from campaign_samples import experiment, made, meta, result, results
from understudy.injection import schema
from understudy.injection.experiment import Experiment, History, Outcome, Place, Verdict
from understudy.injection.store import PREVIOUS, Session, Store, StoreError

HERE = Path(__file__).parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made-up" / "results.sqlite"


def test_everything_comes_back(path: Path) -> None:
    made(path, 50).close()
    with Store.open(path) as store:
        assert store.meta == meta()
        assert list(store.experiments()) == [experiment(number) for number in range(1, 51)]
        assert list(store.results()) == results(range(1, 51))
        assert list(store.histories()) == [(number, result(number).history) for number in range(1, 51)]
        assert store.experiment(7) == (experiment(7), result(7))
        assert store.total() == sum(store.counts().values()) == 50
        found = store.numbers(Outcome.RECOVERED)
        assert store.numbers(Outcome.RECOVERED, stratum="vmm") == [number for number in found if number % 3 == 2]
        assert store.numbers(*Outcome) == list(range(1, 51))
    assert found == [number for number in range(1, 51) if result(number).verdict.outcome is Outcome.RECOVERED]
    assert not path.with_name(path.name + "-wal").exists()


def test_every_field_has_a_column() -> None:
    """Who adds one to an experiment, a place or a verdict must store it, too."""
    assert set(schema.PLACE) == {field.name for field in fields(Place)}
    assert set(schema.EXPERIMENT) - set(schema.PLACE) == {field.name for field in fields(Experiment)} - {"place"}
    assert set(schema.VERDICT) == {field.name for field in fields(Verdict)} - {"vm"} | {"hit_vm"}


def test_more_than_a_chunk(path: Path) -> None:
    with made(path, 2_500, done=1_200) as store:
        assert [pending.number for pending in store.pending()] == list(range(1_201, 2_501))
        assert len(list(store.results())) == 1_200


def test_results_may_come_while_the_rest_is_read(path: Path) -> None:
    with made(path, 2_100, done=0) as store:
        ran = []
        for pending in store.pending():
            ran.append(pending.number)
            store.add_results(results([pending.number]))
        assert ran == list(range(1, 2_101))
        assert list(store.pending()) == []


def test_result_that_comes_twice(path: Path) -> None:
    """As from two workers of a cluster, one of which was thought dead: the first counts."""
    with made(path, 10, done=4) as store:
        store.add_results(results([4, 5]))
        store.add_results([evolve(result(5), verdict=Verdict(Outcome.HANG, "late"))])
        assert list(store.results()) == results(range(1, 6))


def test_result_of_another_plan(path: Path) -> None:
    with made(path, 10, done=4) as store:
        with pytest.raises(StoreError, match="not in the plan"):
            store.add_results(results([5, 11]))
        assert store.total() == 10
        assert sum(store.counts().values()) == 4, "all or none"


def test_digest(path: Path, tmp_path: Path) -> None:
    """Equal whatever the order of the results and the sessions, another one if a bit differs."""
    with made(path, 40) as store:
        digest = store.digest()
    other = tmp_path / "other.sqlite"
    with Store.create(other, meta(), map(experiment, range(1, 41))) as store:
        assert store.digest() != digest
        for number in random.Random(1).sample(range(1, 41), 40):  # noqa: S311
            store.add_results(results([number]))
        store.add_session(Session("fork", 2, "2026-01-01T00:00:00Z", 1.5, 40))
        assert store.digest() == digest
    with sqlite3.connect(other) as database:
        database.execute("UPDATE result SET executed = executed + 1 WHERE number = 9")
    with Store.open(other) as store:
        assert store.digest() != digest


def test_sessions(path: Path) -> None:
    sessions = [
        Session("fork", 2, "2026-01-01T00:00:00Z", 1.5, 300),
        Session("process", 1, "2026-01-01T01:00:00Z", 2, 9),
    ]
    with made(path) as store:
        for session in sessions:
            store.add_session(session)
        assert store.sessions() == sessions


def test_rejudge(path: Path) -> None:
    """With other rules: what was masked is latent now; all else stays, histories too."""

    def judge(experiment: Experiment, history: History) -> Verdict:
        before = result(experiment.number)
        assert before.history == history
        if before.verdict.outcome is Outcome.MASKED:
            return Verdict(Outcome.LATENT, "other rules", lost=3, actions=("a", "b"))
        return before.verdict

    with made(path) as store:
        masked = store.numbers(Outcome.MASKED)
        assert store.rejudge(judge) == len(masked)
        assert store.experiment(masked[0])[1] == evolve(
            result(masked[0]), verdict=Verdict(Outcome.LATENT, "other rules", lost=3, actions=("a", "b"))
        )
        assert Outcome.MASKED not in store.counts()


def test_checker_that_fails_changes_nothing(path: Path) -> None:
    def judge(experiment: Experiment, history: History) -> Verdict:
        if experiment.number == 200:
            raise ZeroDivisionError
        return Verdict(Outcome.HANG, "")

    with made(path) as store:
        digest = store.digest()
        with pytest.raises(ZeroDivisionError):
            store.rejudge(judge)
        assert store.digest() == digest


def test_sums(path: Path) -> None:
    with made(path) as store:
        sums = list(store.sums())
    assert sum(count for _, _, count, _, _ in sums) == 300
    assert {stratum for stratum, *_ in sums} == {"guest1", "guest2", "vmm"}
    assert all(weight == squares == count for _, _, count, weight, squares in sums)


def test_begun_anew(path: Path) -> None:
    """Results that took hours are not thrown away."""
    made(path, 30, seed=1).close()
    made(path, 20, seed=2).close()
    with Store.open(path) as store, Store.open(path.with_name(PREVIOUS)) as previous:
        assert (store.meta.seed, store.total()) == (2, 20)
        assert (previous.meta.seed, previous.total(), len(list(previous.results()))) == (1, 30, 30)


def test_plan_that_fails_leaves_what_was_there(path: Path) -> None:
    made(path, 30).close()
    with pytest.raises(ZeroDivisionError):
        Store.create(path, meta(), (experiment(number // (3 - number)) for number in range(2, 9)))
    with Store.open(path) as store:
        assert store.total() == 30
    assert {file.name for file in path.parent.iterdir()} == {path.name, path.name + ".lock"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"build_id": "1111222233334444"}, "stale image.*78be0998ecf2c19e.*1111222233334444.*without --resume"),
        ({"config_hash": "4567"}, "another campaign file.*without --resume"),
        ({"seed": 8}, r"another seed \(7, now 8\)"),
        ({"samples": 500}, r"another number of samples \(None, now 500\)"),
    ],
)
def test_other_campaign(path: Path, changes: dict[str, object], message: str) -> None:
    with made(path, 3) as store:
        same = {"build_id": "78be0998ecf2c19e", "config_hash": "0123", "seed": None, "samples": None}
        store.belongs_to(**same)
        store.belongs_to(**same | {"seed": 7})
        with pytest.raises(StoreError, match=message):
            store.belongs_to(**same | changes)


def test_no_store(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no such store; `understudy campaign run`"):
        Store.open(path)
    text = tmp_path / "text"
    text.write_text("no database, but a long text " * 100)
    with pytest.raises(StoreError, match="not a campaign store"):
        Store.open(text)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE meta (key, value)")
    with pytest.raises(StoreError, match="an SQLite file, but not a campaign store"):
        Store.open(other, write=True)


@pytest.mark.parametrize(("found", "remedy"), [(2, "update understudy"), (0, "run the campaign again")])
def test_other_schema(path: Path, found: int, remedy: str) -> None:
    made(path, 3).close()
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {found}")
    with pytest.raises(StoreError, match=f"schema version {found}, this understudy reads 1; {remedy}"):
        Store.open(path)


def test_unknown_number(path: Path) -> None:
    with made(path, 3, done=2) as store:
        assert store.experiment(3) == (experiment(3), None)
        with pytest.raises(StoreError, match="no experiment 4; the last one is 3"):
            store.experiment(4)


def test_full_disk(path: Path) -> None:
    """SQLite says the same when its file may not grow; what was stored before stays, and the run can go on."""
    with made(path, 3_000, done=100) as store:
        pages = store._database.execute("PRAGMA page_count").fetchone()[0]
        store._database.execute(f"PRAGMA max_page_count = {pages + 5}")
        with pytest.raises(StoreError, match="the disk is full; make room and continue with --resume"):
            store.add_results(results(range(101, 3_001)))
        assert sum(store.counts().values()) == 100
    with Store.open(path, write=True) as store:
        store.add_results(results(range(101, 3_001)))
        assert list(store.pending()) == []


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/results.sqlite: .*([Nn]ot a directory|exists)"):
        made(tmp_path / "file" / "results.sqlite")


def test_read_only_folder_with_a_finished_store(path: Path) -> None:
    made(path, 5).close()
    path.parent.chmod(0o555)
    path.chmod(0o444)
    try:
        with Store.open(path) as store:
            assert store.total() == 5
    finally:
        path.parent.chmod(0o755)


_WRITER = """
import sys
from pathlib import Path
from campaign_samples import results
from understudy.injection.store import Store

store = Store.open(Path(sys.argv[1]), write=True)
print("ready", flush=True)
batch = []
for experiment in store.pending():
    batch.append(experiment.number)
    if len(batch) == 7:
        store.add_results(results(batch))
        batch = []
store.add_results(results(batch))
store.close()
"""


def _writer(path: Path) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HERE)},
    )
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    return child


def test_killed_again_and_again(path: Path, tmp_path: Path) -> None:
    """A writer that is killed at any time leaves whole batches, and others continue where it was."""
    count = 6_000
    with made(tmp_path / "whole.sqlite", count) as store:
        digest = store.digest()
    made(path, count, done=0).close()
    left, chance = [count], random.Random(3)  # noqa: S311
    while left[-1]:
        child = _writer(path)
        time.sleep(chance.uniform(0.01, 0.12) if len(left) < 8 else 0.2 * len(left))
        child.send_signal(signal.SIGKILL)
        child.wait()
        with Store.open(path) as store:
            left.append(sum(1 for _ in store.pending()))
        assert left[-1] == 0 or (count - left[-1]) % 7 == 0
    assert len(left) > 3, "it was killed in its work"
    assert left == sorted(left, reverse=True)
    with Store.open(path) as store:
        assert store.digest() == digest


def test_two_runs_at_once(path: Path) -> None:
    """The second one is refused; reading is not. What the first one has forked doesn't keep the lock."""
    made(path, 50_000, done=0).close()
    child = _writer(path)
    try:
        with pytest.raises(StoreError, match="another process is running this campaign"):
            Store.open(path, write=True)
        with pytest.raises(StoreError, match="another process is running this campaign"):
            made(path, 3)
        with Store.open(path) as store:
            assert store.total() == 50_000
    finally:
        child.kill()
        child.wait()
    with Store.open(path, write=True) as store:
        assert store.total() == 50_000
