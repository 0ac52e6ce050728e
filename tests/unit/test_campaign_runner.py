# SPDX-License-Identifier: Apache-2.0
"""What runs experiments: an experiment that can't be judged, and folders that a killed run has left behind."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from campaign_samples import experiment, made, result
from understudy.errors import TargetError, UnderstudyError
from understudy.injection import observation, runner, scratch
from understudy.injection.experiment import Experiment
from understudy.injection.schema import Session
from understudy.injection.scratch import remove_left_over, scratch_folder
from understudy.injection.workplace import JudgementError, Workplace

BROKEN = 57


def test_what_cannot_be_judged_is_named() -> None:
    """Whatever the checker or the observer stumble over, and also after the way from another process."""
    place = Workplace(SimpleNamespace(prelude=()), print)  # type: ignore[arg-type]
    place.engine = SimpleNamespace(run=lambda *_, **__: None)  # type: ignore[assignment]
    place._observer = SimpleNamespace(history=lambda *_, **__: {}["gone"])  # type: ignore[assignment]
    with pytest.raises(JudgementError) as caught:
        place.run(experiment(BROKEN))
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert str(again) == f"experiment {BROKEN}: what is left of it can't be judged: KeyError: 'gone'"
    assert again.number == BROKEN


def test_vm_that_damage_has_moved_out_of_the_ram(monkeypatch: pytest.MonkeyPatch) -> None:
    """The VMM's pointer to it was hit: nothing is known of it, and the pages of the VMM tell that they differ."""

    def vm_facts(_memory: object, vm: str) -> dict[str, Any]:
        if vm == "guest1":
            raise TargetError("0x40030734: no RAM")
        return {"state": "stopped"}

    monkeypatch.setattr(observation, "vm_facts", vm_facts)
    known = SimpleNamespace(vms={vm: {"state": "running"} for vm in ("guest1", "guest2")})
    observer = object.__new__(observation.Observer)
    observer._manifest, observer._facts = {"vms": known.vms}, known  # type: ignore[assignment]
    memory: Any = None
    assert observer._vms(memory) == {
        "guest1": {"state": "running", "unreadable": "0x40030734: no RAM"},
        "guest2": {"state": "stopped"},
    }


class Pool:
    """A pool that does at once what it is asked to."""

    def __init__(self, *_: Any) -> None:
        """Take what the real one takes."""

    def submit(self, _work: Any, batch: list[Experiment]) -> "Future[runner.Done]":
        future: Future[runner.Done] = Future()
        if any(one.number == BROKEN for one in batch):
            future.set_exception(JudgementError(BROKEN, "KeyError: 'gone'"))
        else:
            future.set_result(("fork", [result(one.number) for one in batch]))
        return future

    def shutdown(self, **_: Any) -> None:
        """Nothing runs."""


def test_error_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what finished at the same time; --resume goes on with the rest."""
    monkeypatch.setattr(runner, "ProcessPoolExecutor", Pool)
    job: Any = None
    with made(tmp_path / "results.sqlite", 100, 0) as store:
        with pytest.raises(UnderstudyError) as caught:
            runner.run(store, job, job, workers=2, scheduler=None, progress=lambda _: None)
        assert f"experiment {BROKEN}: what is left" in str(caught.value)
        assert f"understudy campaign replay {tmp_path / 'results.sqlite'} {BROKEN}\n" in str(caught.value)
        left = [one.number for one in store.pending()]
        assert left == list(range(41, 61))
        assert [session.experiments for session in store.sessions()] == [80]
        assert isinstance(store.sessions()[0], Session)


def _dead() -> int:
    """Return the number of a process that is gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_folders_of_the_dead_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_MEMORY", tmp_path)
    mine = scratch_folder()
    prefix = mine.name.removesuffix(mine.name.split("-", 2)[2])
    others = [f"{prefix}1-alive", "us-old", f"us-1-{_dead()}-other", f"{prefix}x-y", "something"]
    dead = tmp_path / f"{prefix}{_dead()}-abc"
    for name in (*others, dead.name):
        (tmp_path / name).mkdir()
    (dead / "golden").write_text("much")
    remove_left_over(tmp_path)
    assert not dead.exists()
    assert {path.name for path in tmp_path.iterdir()} == {mine.name, *others}


def test_killed_process_leaves_nothing_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_MEMORY", tmp_path)
    program = (
        "import os, pathlib, signal; from understudy.injection import scratch; "
        f"scratch._MEMORY = pathlib.Path({str(tmp_path)!r}); scratch.scratch_folder(); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    (left,) = tmp_path.iterdir()
    mine = scratch_folder()
    assert list(tmp_path.iterdir()) == [mine]
    assert f"-{os.getpid()}-" in mine.name
    assert left != mine
