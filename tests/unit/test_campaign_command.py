# SPDX-License-Identifier: Apache-2.0
"""`understudy campaign` with a laboratory that needs no QEMU."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from campaign_laboratory import BATCH, CAMPAIGN, FakeLaboratory, commands
from campaign_samples import result, results
from click.testing import CliRunner, Result
from understudy import paths
from understudy.errors import UnderstudyError
from understudy.injection.experiment import Outcome
from understudy.injection.places import find_store, store_name
from understudy.injection.store import PREVIOUS, Store

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep build/ of the checkout as it is."""
    monkeypatch.setattr(paths, "build_folder", lambda: tmp_path / "build")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.toml").write_text(CAMPAIGN)
    return tmp_path


def _call(*arguments: str, laboratory: FakeLaboratory | None = None, fails: bool = False) -> Result:
    called = CliRunner().invoke(commands(laboratory or FakeLaboratory()), [*arguments], catch_exceptions=False)
    assert (called.exit_code != 0) == fails, called.output
    return called


def _digest() -> str:
    with Store.open(find_store("made-up")) as store:
        return store.digest()


def test_run(folder: Path) -> None:
    laboratory = FakeLaboratory()
    shown = _call("run", "c.toml", "--workers", "3", "--engine", "snapshot", laboratory=laboratory).output
    assert laboratory.calls == [{"workers": 3, "engine": "snapshot", "scheduler": None}]
    assert "faults had effects that nothing caught" in shown
    results_folder = folder / "build/campaigns/made-up"
    for name in ("report.html", "report.md", "junit.xml"):
        assert "made-up" in (results_folder / name).read_text(encoding="utf-8")
    found = json.loads((folder / "build/results/campaign.json").read_text())
    assert (found["experiments"], found["engine"], found["workers"]) == (300, "snapshot", 3)
    with Store.open(results_folder / "results.sqlite") as store:
        assert list(store.results()) == results(range(1, 301))
        assert (store.meta.seed, store.meta.samples, store.meta.toml) == (7, None, CAMPAIGN)
        assert store.meta.versions["qemu"] == "7.2.0"


def test_options(folder: Path) -> None:
    laboratory = FakeLaboratory()
    how = ["--samples", "20", "--seed", "9", "--scheduler", "tcp://a:1", "--output", "out"]
    _call("run", "c.toml", *how, laboratory=laboratory)
    assert laboratory.calls[0]["scheduler"] == "tcp://a:1"
    with Store.open(folder / "out/made-up/results.sqlite") as store:
        assert (store.total(), store.meta.seed, store.meta.samples) == (20, 9, 20)


def test_limit_that_is_not_kept(folder: Path) -> None:
    (folder / "c.toml").write_text(CAMPAIGN + '[limits]\n"silent_data_corruption" = {count = 0}\n')
    shown = _call("run", "c.toml", fails=True).output
    assert "the limit is 0; experiments 2, 22, " in shown
    assert "understudy campaign replay " in shown


def test_run_again(folder: Path) -> None:
    """Without --resume it begins anew, and what was there is kept."""
    _call("run", "c.toml", "--seed", "1")
    assert f"the earlier results are kept in {folder / 'build/campaigns/made-up' / PREVIOUS}" in (
        _call("run", "c.toml", "--seed", "2").output
    )
    with Store.open(folder / "build/campaigns/made-up" / PREVIOUS) as store:
        assert (store.meta.seed, len(list(store.results()))) == (1, 300)


def test_resume_of_what_is_finished() -> None:
    laboratory = FakeLaboratory()
    _call("run", "c.toml", laboratory=laboratory)
    assert "all 300 experiments have run" in _call("run", "c.toml", "--resume", laboratory=laboratory).output
    assert len(laboratory.calls) == 1


def test_resume_of_nothing() -> None:
    _call("run", "c.toml", "--resume")
    assert "300 of 300" in _call("status").output


def test_error_leaves_what_was_done() -> None:
    with pytest.raises(UnderstudyError, match="QEMU can't fork"):
        _call("run", "c.toml", laboratory=FakeLaboratory(broken_at=100))
    status = _call("status").output
    assert f"made-up: {100 // BATCH * BATCH} of 300 experiments" in status
    assert f": fork, {os.cpu_count()} workers: {100 // BATCH * BATCH} in " in status
    _call("run", "c.toml", "--resume")
    assert "300 of 300" in _call("status").output


@pytest.mark.parametrize(
    ("arguments", "changes", "message"),
    [
        ([], {"build_id": "0123456789abcdef"}, "stale image"),
        (["--seed", "8"], {}, "made with another seed"),
        (["--samples", "8"], {}, "made with another number of samples"),
    ],
)
def test_resume_of_something_else(arguments: list[str], changes: dict[str, str], message: str) -> None:
    _call("run", "c.toml")
    with pytest.raises(UnderstudyError, match=message):
        _call("run", "c.toml", "--resume", *arguments, laboratory=FakeLaboratory(**changes))  # type: ignore[arg-type]
    _call("run", "c.toml", "--resume")  # nothing is locked


def test_resume_of_another_file(folder: Path) -> None:
    """Comments don't count."""
    _call("run", "c.toml")
    (folder / "c.toml").write_text(f"# more\n{CAMPAIGN}")
    _call("run", "c.toml", "--resume")
    (folder / "c.toml").write_text(CAMPAIGN.replace("Nothing", "Something"))
    with pytest.raises(UnderstudyError, match="made with another campaign file"):
        _call("run", "c.toml", "--resume")


def test_standard_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without names: all that are ready. The numbers are those of all."""
    ready = folder / "ready"
    ready.mkdir()
    for name in ("a", "b"):
        (ready / f"{name}.toml").write_text(CAMPAIGN.replace("made-up", name))
    for module in ("run_commands.ready_folder", "commands.ready_folder", "campaign_file.paths.campaigns_folder"):
        monkeypatch.setattr(f"understudy.injection.{module}", lambda: ready)
    assert _call("list").output == "a\nb\n"
    _call("run")
    found = json.loads((folder / "build/results/campaign.json").read_text())
    assert (found["experiments"], list(found["campaigns"])) == (600, ["a", "b"])
    assert (folder / "build/campaigns/b/report.html").is_file()


def test_report() -> None:
    _call("run", "c.toml")
    path = find_store("made-up").with_name("report.md")
    path.write_text("old")
    _call("report", "made-up")
    assert path.read_text().startswith("# Campaign made-up")


def test_status(folder: Path) -> None:
    assert "no campaign has run yet" in _call("status").output
    _call("run", "c.toml")
    digest = f"digest {_digest()}"
    assert digest not in _call("status").output
    for name in ("made-up", "build/campaigns/made-up", "build/campaigns/made-up/results.sqlite"):
        assert digest in _call("status", name, "--digest").output
    with pytest.raises(UnderstudyError, match="no results of a campaign at 'other'"):
        _call("status", "other")


def test_show() -> None:
    _call("run", "c.toml")
    with Store.open(find_store("made-up")) as store:
        wrong, recovered = store.numbers(Outcome.SDC)[0], store.numbers(Outcome.RECOVERED)[0]
    shown = _call("show", "made-up", str(wrong)).output
    assert f"experiment {wrong} of made-up, stratum vmm" in shown
    assert "  aims at register, r2, flip, bit 2" in shown
    assert f"  before step {wrong}, pc 0x00008008, vm vmm, 200000064 ns after reset" in shown
    assert "  fault 1: time 200000064, target CORE, address 0x2, flip 0x4" in shown
    assert "    applied: 0x00000001 -> 0x00000003 at 200000000 ns" in shown
    assert f"silent data corruption: because of {wrong}" in shown
    assert "  output of guest1 against the golden run:\n    @@ -1 +1 @@\n    -a 1\n    +a\n" in shown
    assert "    +b \\x00\\ufffd\n" in shown
    assert f"repeat: understudy campaign replay made-up {wrong}" in shown
    shown = _call("show", "made-up", str(recovered)).output
    assert "  action: task rollback\n  level: task\n  vm: guest1\n" in shown
    assert "  fault log: action task rollback, cost 300" in shown
    with pytest.raises(UnderstudyError, match="no experiment 301"):
        _call("show", "made-up", "301")


def test_show_what_has_not_run() -> None:
    with pytest.raises(UnderstudyError):
        _call("run", "c.toml", laboratory=FakeLaboratory(broken_at=10))
    assert _call("show", "made-up", "300").output.endswith("has not run yet\n")


def test_compare() -> None:
    _call("run", "c.toml", "--output", "one")
    _call("run", "c.toml", "--output", "other", "--samples", "200")
    shown = _call("compare", "one/made-up", "other/made-up").output
    assert "all strata" in shown
    assert "differs, too: samples: None, 200" in shown


def _numbers(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "build/results/campaign.json").read_text())
    return found


def test_without_recovery(folder: Path) -> None:
    """The results lie beside those with recovery, and in campaign.json under a key of their own."""
    _call("run", "c.toml")
    before = _numbers(folder)
    _call("run", "c.toml", "--without-recovery", "--samples", "100")
    assert {**before, "without_recovery": {}} == {**_numbers(folder), "without_recovery": {}}
    assert _numbers(folder)["without_recovery"]["experiments"] == 100
    assert list(_numbers(folder)["without_recovery"]["campaigns"]) == ["made-up-without-recovery"]
    with Store.open(find_store("made-up-without-recovery")) as store:
        assert (store.meta.name, store.meta.recovery) == ("made-up-without-recovery", False)
        assert store.meta.system["system"]["fault_tolerance"] is False
    assert "all 100 experiments have run" in _call("run", "c.toml", "--without-recovery", "--resume").output
    for command in ("report", "rejudge"):
        assert "made-up-without-recovery/report.html" in _call(command, "made-up-without-recovery").output
    _call("run", "c.toml")  # what ran without it belongs to another state
    assert "without_recovery" not in _numbers(folder)


def test_without_recovery_alone(folder: Path) -> None:
    _call("run", "c.toml", "--without-recovery")
    assert (_numbers(folder)["experiments"], _numbers(folder)["without_recovery"]["experiments"]) == (0, 300)


def test_limits_are_about_recovery(folder: Path) -> None:
    (folder / "c.toml").write_text(CAMPAIGN + '[limits]\n"silent_data_corruption" = {count = 0}\n')
    _call("run", "c.toml", fails=True)
    _call("run", "c.toml", "--without-recovery")


def test_what_makes_no_sense_without_recovery(folder: Path) -> None:
    (folder / "c.toml").write_text(CAMPAIGN + 'when = { phase = "recovery" }\n')
    shown = _call("run", "c.toml", "--without-recovery").output
    assert "made-up-without-recovery: all of it is left out: it aims at recovery" in shown
    assert not (folder / "build/campaigns").exists()


def test_compare_with_and_without_recovery() -> None:
    assert "no campaign has run with recovery and without" in _call("compare").output
    _call("run", "c.toml")
    _call("run", "c.toml", "--without-recovery")
    for arguments in ((), ("made-up",), ("made-up", "made-up-without-recovery")):
        shown = _call("compare", *arguments).output
        assert "A: made-up, B: made-up-without-recovery" in shown
        assert "recovered by" in shown
        assert "differs, too: recovery: on, off" in shown
    assert "two campaigns can be compared" in _call("compare", "a", "b", "c", fails=True).output


def test_sample_size() -> None:
    assert _call("sample-size", "0.01").output == (
        "9604 experiments for +-1 % at 95 % confidence\n299 without a hit show at most 1 % at 95 % confidence\n"
    )
    assert _call("sample-size", "0.01", "--space", "1000").output.startswith("906 ")
    with pytest.raises(UnderstudyError, match=r"margin must be between 0 and 1 \(1 % is 0.01\), not 5"):
        _call("sample-size", "5")


def test_export() -> None:
    _call("run", "c.toml")
    assert _call("export", "made-up", "out.parquet").output == "out.parquet: 300 experiments\n"


def test_rejudge() -> None:
    _call("run", "c.toml")
    masked = sum(result(number).verdict.outcome is Outcome.MASKED for number in range(1, 301))
    assert f"{masked} of 300 verdicts are another one now" in _call("rejudge", "made-up").output
    assert "0 of 300 verdicts" in _call("rejudge", "made-up").output
    assert "| masked | 0 |" in find_store("made-up").with_name("report.md").read_text()


def test_names_of_stores(folder: Path) -> None:
    """As short as can be, and understood."""
    _call("run", "c.toml")
    _call("run", "c.toml", "--output", "out")
    assert store_name(find_store("made-up")) == "made-up"
    assert store_name(folder / "out/made-up/results.sqlite") == "out/made-up/results.sqlite"
    assert store_name(Path("/elsewhere/results.sqlite")) == "/elsewhere/results.sqlite"
    assert find_store(store_name(folder / "out/made-up/results.sqlite")).samefile("out/made-up/results.sqlite")


def test_replay() -> None:
    _call("run", "c.toml")
    assert _call("replay", "made-up", "5", "--gdb", "4321").output == "r5 at port 4321\n"


def _started(folder: Path, seconds: float, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(HERE / "campaign_laboratory.py"), str(seconds), "run", str(folder / "c.toml"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HERE), "UNDERSTUDY_ROOT": str(paths.root())},
    )


def _stored(path: Path) -> int:
    """Return how many results there are, while it runs."""
    try:
        with Store.open(path) as store:
            return sum(store.counts().values())
    except UnderstudyError:
        return 0


def _wait_for(path: Path, count: int) -> None:
    guard = time.monotonic() + 60
    while _stored(path) < count:
        assert time.monotonic() < guard
        time.sleep(0.02)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_stopped_and_continued(folder: Path, stop: signal.Signals) -> None:
    """Stopped twice and continued: nothing is lost, nothing comes twice, and all is as if nothing had happened."""
    _call("run", "c.toml", "--output", "whole")
    path = folder / "out/made-up/results.sqlite"
    for wanted in (50, 150):
        child = _started(folder, 0.03, "--output", str(folder / "out"), "--resume")
        _wait_for(path, wanted)
        child.send_signal(stop)
        shown, errors = child.communicate(timeout=30)
        stored = _stored(path)
        assert wanted <= stored < 300
        if stop is signal.SIGINT:
            assert child.returncode == 130, errors
            assert f"made-up: stopped; {stored} of 300 experiments are stored; to go on:" in shown
            command = f"understudy campaign run {folder / 'c.toml'} --output {folder / 'out'} --resume"
            assert command in shown
    laboratory = FakeLaboratory()
    _call("run", "c.toml", "--output", "out", "--resume", laboratory=laboratory)
    with Store.open(path) as store, Store.open(folder / "whole/made-up/results.sqlite") as whole:
        assert store.digest() == whole.digest()
        sessions = store.sessions()
    if stop is signal.SIGINT:
        assert sum(session.experiments for session in sessions) == 300, "each has run once"
    else:
        assert [session.experiments for session in sessions] == [300 - stored]
