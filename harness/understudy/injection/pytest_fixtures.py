# SPDX-License-Identifier: Apache-2.0
"""Campaigns in a user's own tests.

    @pytest.mark.campaign("registers", samples=500)
    def test_recovery(campaign_results):
        assert not campaign_results.ids("propagated")
        assert campaign_results.lower_bound("masked", "latent", "recovered") > 0.99

The marker takes the name or the file of a campaign, and `samples`, `seed`, `workers` and `engine` as the command line
does. A campaign runs once per session, whatever number of tests ask for it. A test that fails shows which experiments
there are to look at, and the commands that repeat them.
"""

import difflib
import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import define, field, frozen

from understudy.errors import UnderstudyError
from understudy.injection.experiment import Outcome

if TYPE_CHECKING:
    from understudy.injection.running import Laboratory
    from understudy.injection.store import Store
    from understudy.injection.tally import Whole

_MARKER = "campaign(name, samples=, seed=, workers=, engine=): the campaign whose results `campaign_results` has"
_OPTIONS = ("samples", "seed", "workers", "engine")
_FINE = (Outcome.MASKED, Outcome.LATENT, Outcome.RECOVERED)
_RESULTS = pytest.StashKey["CampaignResults"]()


class Figure(float):
    """A share or a bound, between 0 and 1, that says in a failed assertion what it is of."""

    meaning: str

    def __new__(cls, value: float, meaning: str) -> "Figure":
        """Make one."""
        figure = super().__new__(cls, value)
        figure.meaning = meaning
        return figure

    def __repr__(self) -> str:
        return f"{float(self):.6g} ({self.meaning})"


@frozen
class CampaignResults:
    """What a campaign has found. Outcomes are named as in reports: "silent data corruption", or members of `Outcome`.

    Shares are of the experiments whose faults were applied, with weights where the plan has them.
    """

    store: "Store"
    whole: "Whole"

    @property
    def outcomes(self) -> dict[Outcome, int]:
        """How often each outcome came; 0 for those that never came."""
        return {outcome: self.whole.count(outcome) for outcome in Outcome}

    @property
    def applied(self) -> int:
        """How many experiments say something."""
        return self.whole.applied

    def ids(self, *outcomes: str) -> list[int]:
        """Return the experiments with one of these outcomes."""
        return self.store.numbers(*_named(outcomes))

    def share(self, *outcomes: str) -> Figure:
        """Return the share of these outcomes."""
        return self._figure(self.whole.share(*_named(outcomes)).value, outcomes)

    def interval(self, *outcomes: str, confidence: float = 0.95) -> tuple[float, float]:
        """Return the interval of their share (Wilson)."""
        share = self.whole.share(*_named(outcomes), confidence=confidence)
        return share.low, share.high

    def upper_bound(self, *outcomes: str, confidence: float = 0.95) -> Figure:
        """Return what their share doesn't exceed (exact, one-sided): about 3 / n without any in n."""
        return self._figure(self.whole.upper_bound(*_named(outcomes), confidence=confidence), outcomes)

    def lower_bound(self, *outcomes: str, confidence: float = 0.95) -> Figure:
        """Return what their share doesn't fall below (exact, one-sided)."""
        return self._figure(self.whole.lower_bound(*_named(outcomes), confidence=confidence), outcomes)

    def _figure(self, value: float, outcomes: tuple[str, ...]) -> Figure:
        count = self.whole.count(*_named(outcomes))
        return Figure(value, f"{' or '.join(map(str, outcomes))}: {count} of {self.applied}")

    def trouble(self) -> str:
        """Name what was not masked, latent or recovered, with commands that repeat it."""
        from understudy.injection.limits import named  # noqa: PLC0415 - only when a test has failed

        lines = [f"results: {self.store.path}"]
        for outcome in (outcome for outcome in Outcome if outcome not in _FINE):
            numbers = self.ids(outcome)
            if numbers:
                lines.append(f"{outcome}: {named(self.store, numbers)}")
        return "\n".join(lines)


def _named(outcomes: tuple[str, ...]) -> list[Outcome]:
    known = [str(outcome) for outcome in Outcome]
    for name in outcomes:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
            raise UnderstudyError(f"no outcome {name!r}; {hint}")
    return [Outcome(name) for name in outcomes]


@define
class _Campaigns:
    """The campaigns of a session, each run once."""

    laboratory: "Laboratory"
    folder: Path
    _exits: ExitStack = field(factory=ExitStack)
    _found: dict[tuple[object, ...], CampaignResults] = field(factory=dict)

    def results(self, name: str, options: dict[str, Any]) -> CampaignResults:
        key = (name, *(options.get(option) for option in _OPTIONS))
        if key not in self._found:
            self._found[key] = self._run(name, len(self._found), options)
        return self._found[key]

    def close(self) -> None:
        self._exits.close()

    def _run(self, name: str, number: int, options: dict[str, Any]) -> CampaignResults:
        from rich.console import Console  # noqa: PLC0415 - all this only where a test asks for it

        from understudy.injection.running import Options, run_campaign  # noqa: PLC0415
        from understudy.injection.store import Store  # noqa: PLC0415
        from understudy.injection.tally import tally  # noqa: PLC0415

        chosen = Options(output=self.folder / str(number), **{"workers": os.cpu_count() or 1} | options)
        found = run_campaign(self.laboratory, Console(), name, chosen)
        assert found is not None  # noqa: S101 - only without recovery there may be nothing to run
        store = self._exits.enter_context(Store.open(found.store.path))
        return CampaignResults(store, tally(store))


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def vmm_laboratory() -> "Laboratory":
    """Return what runs campaigns."""
    from understudy.injection.laboratory import QemuLaboratory  # noqa: PLC0415

    return QemuLaboratory()


@pytest.fixture(scope="session")
def vmm_campaigns(vmm_laboratory: "Laboratory") -> Iterator[_Campaigns]:
    """Return the campaigns of this session; their results are kept in build/campaigns/tests."""
    from understudy.injection.places import campaigns_folder  # noqa: PLC0415

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    campaigns = _Campaigns(vmm_laboratory, campaigns_folder() / "tests" / worker)
    yield campaigns
    campaigns.close()


@pytest.fixture
def campaign_results(request: pytest.FixtureRequest, vmm_campaigns: _Campaigns) -> CampaignResults:
    """Return the results of the campaign that the test's marker names."""
    marker = request.node.get_closest_marker("campaign")
    if marker is None or len(marker.args) != 1 or set(marker.kwargs) - set(_OPTIONS):
        given = f", not {marker.args} {marker.kwargs}" if marker else ""
        raise pytest.UsageError(f"{request.node.nodeid}: campaign_results needs a marker: {_MARKER}{given}")
    results = vmm_campaigns.results(str(marker.args[0]), dict(marker.kwargs))
    request.node.stash[_RESULTS] = results
    return results


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Name experiments to look at when a test fails."""
    report = yield
    if call.when == "call" and report.failed and _RESULTS in item.stash:
        report.sections.append(("campaign", item.stash[_RESULTS].trouble()))
    return report
