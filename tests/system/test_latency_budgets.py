# SPDX-License-Identifier: Apache-2.0
"""budgets.toml holds: no path that it names takes more instructions, without fault tolerance and with the undo log."""

import pytest
from understudy.latency.budget import Budgets, Finding
from understudy.latency.command import explanation
from understudy.latency.measure import Measured, measure
from understudy.latency.scenarios.paths import scenarios
from understudy.latency.scenarios.systems import Mode
from understudy.latency.statistics import Statistics

MODES = (Mode.OFF, Mode.UNDO)
BUDGETS = Budgets.load()


@pytest.fixture(scope="module")
def measured() -> Measured:
    made = [s for s in scenarios(MODES) if any(probe.key.name in BUDGETS.paths for probe in s.probes)]
    return measure(made, quick=True)


def test_two_lives_are_identical(measured: Measured) -> None:
    """# R41 The same number of instructions, each time."""
    assert measured.unequal == []


@pytest.mark.parametrize("path", BUDGETS.paths)
def test_budget(measured: Measured, path: str) -> None:
    """# R42 # R43 What exceeds its budget is named, with the functions that the instructions are in."""
    entries = {str(k.mode): Statistics.of(v).as_json() for k, v in measured.series.items() if k.name == path}
    findings = BUDGETS.check({"paths": {path: entries}})
    assert findings, f"{path} was not measured"
    exceeded = [finding for finding in findings if finding.exceeded]
    assert not exceeded, "\n".join(line for finding in exceeded for line in _said(finding))


def _said(finding: Finding) -> list[str]:
    return [str(finding), *(f"    {line}" for line in explanation(finding, BUDGETS))]
