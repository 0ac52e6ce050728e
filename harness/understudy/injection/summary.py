# SPDX-License-Identifier: Apache-2.0
"""What a campaign has found, for machines and in a page of text: Markdown, JUnit, campaign.json."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from attrs import frozen

from understudy.injection import statistics
from understudy.injection.experiment import UNCAUGHT, Outcome
from understudy.injection.limits import ALL, Violation, limits_of, named, percent, violations
from understudy.injection.schema import Session
from understudy.injection.store import Store
from understudy.injection.tally import Tally, Whole, tally

_MINUTE = 60


@frozen
class Found:
    """All that the summaries say, read from a store once."""

    store: Store
    whole: Whole
    sessions: list[Session]
    violations: list[Violation]

    @classmethod
    def of(cls, store: Store) -> "Found":
        """Read it."""
        whole = tally(store)
        return cls(store, whole, store.sessions(), violations(store, whole))

    @property
    def seconds(self) -> float:
        """How long the experiments took, in all runs."""
        return sum(session.seconds for session in self.sessions)

    @property
    def engines(self) -> str:
        """The engines that were used."""
        return ", ".join(dict.fromkeys(session.engine for session in self.sessions)) or "none"

    @property
    def workers(self) -> int:
        """How many worked at once, at most."""
        return max((session.workers for session in self.sessions), default=0)


def numbers(found: Sequence[Found]) -> dict[str, Any]:
    """Return campaign.json: of all these campaigns, and of each. Rates are of experiments whose time is known."""
    return {**_numbers(found), "campaigns": {one.whole.name: _numbers([one]) for one in found}}


def _numbers(found: Sequence[Found]) -> dict[str, Any]:
    seconds = sum(one.seconds for one in found)
    timed = sum(session.experiments for one in found for session in one.sessions)
    outcomes = {str(outcome): sum(one.whole.count(outcome) for one in found) for outcome in Outcome}
    return {
        "experiments": sum(outcomes.values()),
        "seconds": round(seconds, 3),
        "experiments_per_second": round(timed / seconds, 1) if seconds else 0.0,
        "engine": ", ".join(dict.fromkeys(one.engines for one in found)),
        "workers": max((one.workers for one in found), default=0),
        "outcomes": outcomes,
        "not_applied": outcomes[Outcome.NOT_APPLIED],
    }


def markdown(found: Found) -> str:
    """Return the summary that CI shows."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Found) -> Iterator[str]:
    whole, meta = found.whole, found.store.meta
    total, planned = sum(whole.counts.values()), found.store.total()
    yield f"# Campaign {meta.name}"
    yield ""
    yield f"**{headline(found)}**"
    yield ""
    rate = f" in {found.seconds:.1f} s ({total / found.seconds:.0f}/s)" if found.seconds else ""
    how = f", engine {found.engines}, {found.workers} workers" if found.sessions else ""
    yield f"{total} of {planned} experiments{rate}, seed {meta.seed}, build {meta.build_id}{how}."
    yield ""
    yield from _outcomes(whole)
    yield from _strata(whole)
    yield from _latencies(found.store)
    yield from _limits(found)
    yield from _uncaught(found)


def headline(found: Found) -> str:
    """Say in one sentence what came of it."""
    whole = found.whole
    if not whole.applied:
        return "No fault was applied yet."
    missed = whole.count(*UNCAUGHT)
    said = f"{missed} of {whole.applied} faults had effects that nothing caught"
    if not missed:
        said = f"None of {whole.applied} faults had an effect that nothing caught"
    share = f"at most {percent(whole.upper_bound(*UNCAUGHT))} at 95 % confidence"
    broken = len(found.violations)
    limits = (
        f"; limits that are not kept: {broken}" if broken else "; all limits are kept" if limits_of(found.store) else ""
    )
    return f"{said} ({share}){limits}."


def interval(part: Tally, *outcomes: Outcome) -> str:
    """Write a share with its interval."""
    share = part.share(*outcomes)
    return f"{percent(share.value)} ({percent(share.low)} to {percent(share.high)})"


def _outcomes(whole: Whole) -> Iterator[str]:
    yield "| outcome | experiments | share of those applied (95 %, Wilson) | upper bound (95 %, exact) |"
    yield "|---|---|---|---|"
    for outcome in Outcome:
        if outcome is Outcome.NOT_APPLIED:
            yield f"| {outcome} | {whole.count(outcome)} | | |"
        else:
            bound = percent(whole.upper_bound(outcome))
            yield f"| {outcome} | {whole.count(outcome)} | {interval(whole, outcome)} | {bound} |"
    yield ""


def _strata(whole: Whole) -> Iterator[str]:
    came = [outcome for outcome in Outcome if whole.count(outcome)]
    yield f"| stratum | applied | {' | '.join(came)} |"
    yield "|---|---|" + "---|" * len(came)
    for part in whole.strata:
        cells = [str(part.count(o)) if o is Outcome.NOT_APPLIED else _cell(part, o) for o in came]
        yield f"| {part.name} | {part.applied} | {' | '.join(cells)} |"
    yield ""


def _cell(part: Tally, outcome: Outcome) -> str:
    return f"{part.count(outcome)}: {interval(part, outcome)}" if part.count(outcome) else "0"


def _latencies(store: Store) -> Iterator[str]:
    by_action: dict[str, list[int]] = {}
    for action, latency in store.latencies():
        by_action.setdefault(action, []).append(latency)
    if not by_action:
        return
    yield "Instructions from the fault to its detection, by recovery:"
    yield ""
    yield "| recovery | experiments | median | 95 % | 99 % | most |"
    yield "|---|---|---|---|---|---|"
    for action, values in sorted(by_action.items()):
        shown = " | ".join(f"{value:,}" for value in statistics.quantiles(values, (0.5, 0.95, 0.99, 1)))
        yield f"| {action} | {len(values)} | {shown} |"
    yield ""


def _limits(found: Found) -> Iterator[str]:
    if found.violations:
        yield "Limits that are not kept:"
        yield ""
        yield from (f"- {broken}" for broken in found.violations)
        yield ""


def _uncaught(found: Found) -> Iterator[str]:
    if found.whole.count(*UNCAUGHT):
        yield "Not caught:"
        yield ""
        for outcome in UNCAUGHT:
            if found.whole.count(outcome):
                yield f"- {outcome}: {named(found.store, found.store.numbers(outcome))}"
        yield ""


def junit(found: Sequence[Found]) -> str:
    """Return JUnit XML: a suite per campaign, a test for all of it and one for each of its strata."""
    root = ET.Element("testsuites", name="understudy campaign")
    for one in found:
        _suite(root, one)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ET.Element, found: Found) -> None:
    whole, meta = found.whole, found.store.meta
    suite = ET.SubElement(root, "testsuite", name=meta.name, time=f"{found.seconds:.3f}", errors="0", skipped="0")
    properties = ET.SubElement(suite, "properties")
    facts = {"seed": meta.seed, "build_id": meta.build_id, "config_hash": meta.config_hash, "engine": found.engines}
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=str(value))
    for part in (whole, *whole.strata):
        stratum = None if part is whole else part.name
        case = ET.SubElement(suite, "testcase", classname=f"campaign.{meta.name}", name=stratum or ALL)
        for broken in found.violations:
            if broken.stratum == stratum:
                ET.SubElement(case, "failure", type="limit", message=f"{broken.limit}: {broken.why}")
        said = ET.SubElement(case, "system-out")
        said.text = ", ".join(f"{outcome}: {count}" for outcome, count in part.counts.items())
    failed = sum(case.find("failure") is not None for case in suite.iter("testcase"))
    suite.set("tests", str(1 + len(whole.strata)))
    suite.set("failures", str(failed))


def write(found: Found, folder: Path) -> None:
    """Write the summaries of one campaign."""
    (folder / "report.md").write_text(markdown(found), encoding="utf-8")
    (folder / "junit.xml").write_text(junit([found]), encoding="utf-8")
