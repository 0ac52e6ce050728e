# SPDX-License-Identifier: Apache-2.0
"""The marker `campaign` and the fixture `campaign_results`, in test suites of users."""

from pathlib import Path

import pytest
from campaign_laboratory import CAMPAIGN
from campaign_samples import results
from understudy import paths
from understudy.injection.experiment import Outcome

HERE = Path(__file__).parent
CONFTEST = f"""
import sys
from pathlib import Path
import pytest
from understudy import paths

sys.path.insert(0, {str(HERE)!r})
from campaign_laboratory import FakeLaboratory

paths.build_folder = lambda: Path.cwd() / "build"

@pytest.fixture(scope="session")
def vmm_laboratory():
    laboratory = FakeLaboratory()
    yield laboratory
    print("campaigns:", len(laboratory.calls))
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("UNDERSTUDY_ROOT", str(paths.root()))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    (pytester.path / "c.toml").write_text(CAMPAIGN)
    pytester.makeconftest(CONFTEST)
    return pytester


def test_results(suite: pytest.Pytester) -> None:
    """One campaign for all tests that ask for the same one."""
    suite.makepyfile("""
import pytest

pytestmark = pytest.mark.campaign("c.toml", samples=500)

def test_good(campaign_results):
    assert not campaign_results.ids("propagated")
    assert campaign_results.upper_bound("propagated") < 0.01
    good = ("masked", "latent", "recovered")
    assert 0.85 < campaign_results.lower_bound(*good) < campaign_results.share(*good) < 0.95
    low, high = campaign_results.interval(*good)
    assert low < campaign_results.share(*good) < high

def test_counts(campaign_results):
    assert sum(campaign_results.outcomes.values()) == 500
    assert campaign_results.outcomes["not applied"] == 500 - campaign_results.applied
    assert campaign_results.outcomes["propagated"] == 0

@pytest.mark.campaign("c.toml", samples=20, seed=3, workers=2, engine="process")
def test_other(campaign_results):
    assert sum(campaign_results.outcomes.values()) == 20
    assert campaign_results.store.meta.seed == 3
    assert (campaign_results.store.sessions()[0].workers, campaign_results.store.sessions()[0].engine) == (2, "process")
""")
    run = suite.runpytest_subprocess("-s")
    run.assert_outcomes(passed=3)
    run.stdout.fnmatch_lines(["*campaigns: 2*"])


def test_failure_names_experiments(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
import pytest

@pytest.mark.campaign("c.toml")
def test_bad(campaign_results):
    assert campaign_results.upper_bound("silent data corruption", "hang") < 0.01
""")
    run = suite.runpytest_subprocess()
    run.assert_outcomes(failed=1)
    wrong = [one.number for one in results(range(1, 301)) if one.verdict.outcome is Outcome.SDC]
    hung = [one.number for one in results(range(1, 301)) if one.verdict.outcome is Outcome.HANG]
    applied = sum(one.verdict.outcome is not Outcome.NOT_APPLIED for one in results(range(1, 301)))
    said = f"silent data corruption or hang: {len(wrong) + len(hung)} of {applied}"
    text = run.stdout.str()
    assert f"({said}) < 0.01" in text
    assert "--- campaign ---" in text
    assert f"silent data corruption: experiments {wrong[0]}, {wrong[1]}" in text
    store = "build/campaigns/tests/main/0/made-up/results.sqlite"
    assert f"understudy campaign replay {store} {wrong[0]}" in text


def test_mistakes(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
import pytest

def test_no_marker(campaign_results):
    pass

@pytest.mark.campaign("c.toml", sample=3)
def test_wrong_option(campaign_results):
    pass

@pytest.mark.campaign("registres")
def test_no_such_campaign(campaign_results):
    pass

@pytest.mark.campaign("c.toml")
def test_no_such_outcome(campaign_results):
    campaign_results.ids("propagate")
""")
    run = suite.runpytest_subprocess()
    run.assert_outcomes(errors=3, failed=1)
    text = run.stdout.str()
    assert "test_no_marker: campaign_results needs a marker: campaign(name, samples=" in text
    assert "{'sample': 3}" in text
    assert "no campaign named 'registres'; did you mean 'registers'?" in text
    assert "no outcome 'propagate'; did you mean 'propagated'?" in text
