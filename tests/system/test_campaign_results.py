# SPDX-License-Identifier: Apache-2.0
"""A small campaign with QEMU, in pytest and on the command line: what `make campaign` does a hundred times over."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from understudy.errors import UnderstudyError
from understudy.injection.places import STORE
from understudy.injection.pytest_fixtures import CampaignResults
from understudy.injection.store import Store

SAMPLES = 400
UNDERSTUDY = str(Path(sys.executable).with_name("understudy"))

CAMPAIGN = Path(__file__).parent / "campaigns" / "small.toml"

pytestmark = pytest.mark.campaign(CAMPAIGN)


def test_faults_of_a_guest_stay_there(campaign_results: CampaignResults) -> None:
    """# R46 Whatever becomes of the guest that was hit, no other one notices."""
    assert not campaign_results.ids("propagated")
    assert campaign_results.upper_bound("propagated") < 0.01  # 3 / 400, and a little for the weights


def test_all_faults_are_applied(campaign_results: CampaignResults) -> None:
    assert campaign_results.ids("not applied") == []
    assert sum(campaign_results.outcomes.values()) == campaign_results.applied == SAMPLES


def test_most_faults_do_no_harm(campaign_results: CampaignResults) -> None:
    """The rest are wrong values that a program has computed, which nothing outside of it can tell from right ones."""
    assert campaign_results.lower_bound("masked", "latent", "recovered") > 0.7
    assert campaign_results.outcomes["recovered"] > 0
    assert not campaign_results.ids("QEMU aborted", "VMM fault")


def _run(output: Path, *, workers: int, engine: str) -> "subprocess.Popen[str]":
    how = ["--workers", str(workers), "--engine", engine, "--output", str(output), "--resume"]
    # A shell that starts tests in the background lets all of them ignore SIGINT.
    heed = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", heed, UNDERSTUDY, "campaign", "run", str(CAMPAIGN), *how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _stored(path: Path) -> int:
    try:
        with Store.open(path) as store:
            return sum(store.counts().values())
    except UnderstudyError:  # it is not there yet
        return 0


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_stopped_and_continued(
    campaign_results: CampaignResults, tmp_path: Path, stop: signal.Signals, status: int
) -> None:
    """Nothing is lost and nothing comes twice; one worker has the same results, bit for bit, as several.

    The engine that is stopped is the slowest, so that it is stopped in time on any host.
    """
    path = tmp_path / "small" / STORE
    child, guard = _run(tmp_path, workers=1, engine="process"), time.monotonic() + 120
    while _stored(path) < SAMPLES // 10:
        assert time.monotonic() < guard
        time.sleep(0.05)
    child.send_signal(stop)
    child.communicate(timeout=60)
    assert child.returncode == status
    assert SAMPLES // 10 <= _stored(path) < SAMPLES
    child = _run(tmp_path, workers=2, engine="fork")
    shown = child.communicate(timeout=240)[0]
    assert child.returncode == 0, shown
    with Store.open(path) as store:
        assert store.digest() == campaign_results.store.digest()
