# SPDX-License-Identifier: Apache-2.0
"""What the report is made from, and what it says of a set of experiments."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from understudy.injection import statistics
from understudy.injection.experiment import UNCAUGHT, Experiment, Outcome, Place, Result, Verdict
from understudy.injection.statistics import Stratum


@frozen
class ReportData:
    """A campaign as its store holds it. Of `golden`, "outputs" is used: the text of each VM's UART by its name.

    `strata` has the size of the fault space of each stratum, if they are known: then each counts by it in all shares.
    `elves` are the programs for the disassembly, by name: "vmm", and the names of the VMs; several VMs may share a
    file. `store` is what a reader passes to `understudy campaign replay`.
    """

    name: str
    seed: int
    build_id: str
    engine: str
    workers: int
    seconds: float
    experiments: Sequence[Experiment]
    results: Mapping[int, Result]
    golden: Mapping[str, Any] = field(factory=dict)
    elves: Mapping[str, Path] = field(factory=dict)
    store: str = ""
    versions: Mapping[str, str] = field(factory=dict)
    strata: Mapping[str, float] = field(factory=dict)


@frozen
class Case:
    """An experiment that has run. `weight` is its part of the whole fault space; on average it is 1."""

    experiment: Experiment
    result: Result
    weight: float

    @property
    def number(self) -> int:
        """The experiment's number."""
        return self.experiment.number

    @property
    def place(self) -> Place:
        """What the fault aims at."""
        return self.experiment.place

    @property
    def verdict(self) -> Verdict:
        """What the checker says."""
        return self.result.verdict

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        return self.result.verdict.outcome

    @property
    def path(self) -> tuple[str, ...]:
        """The actions that were taken, each once where it is repeated at once."""
        actions = self.result.verdict.actions
        return (*actions[:1], *(after for before, after in pairwise(actions) if before != after))


def cases(data: ReportData) -> list[Case]:
    """Return the experiments that have run, in the order of the plan."""
    run = [
        (experiment, data.results[experiment.number])
        for experiment in data.experiments
        if experiment.number in data.results
    ]
    applied = [experiment for experiment, result in run if result.verdict.outcome is not Outcome.NOT_APPLIED]
    sizes: Mapping[str, float] = Counter(experiment.stratum for experiment in applied)
    if all(stratum in data.strata for stratum in sizes):
        whole = sum(data.strata[stratum] for stratum in sizes)
        sizes = {stratum: data.strata[stratum] / whole * len(applied) for stratum in sizes}
    sums: defaultdict[str, float] = defaultdict(float)
    for experiment in applied:
        sums[experiment.stratum] += experiment.weight
    scale = {stratum: size / sums[stratum] for stratum, size in sizes.items()}
    return [
        Case(experiment, result, experiment.weight * scale.get(experiment.stratum, 1.0)) for experiment, result in run
    ]


@define
class CaseCounts:
    """How often each outcome occurred. Shares are of the faults that were applied, by weight where weights differ."""

    cases: list[Case] = field(factory=list)

    @cached_property
    def counts(self) -> Counter[Outcome]:
        """Experiments by outcome."""
        return Counter(case.outcome for case in self.cases)

    @cached_property
    def applied(self) -> list[Case]:
        """Those whose fault was applied."""
        return [case for case in self.cases if case.outcome is not Outcome.NOT_APPLIED]

    @property
    def total(self) -> int:
        """Number of experiments, with those whose fault was not applied."""
        return len(self.cases)

    def count(self, outcomes: Iterable[Outcome]) -> int:
        """Return the number of experiments with one of the outcomes."""
        return sum(self.counts[outcome] for outcome in outcomes)

    def share(self, outcomes: Iterable[Outcome]) -> float:
        """Return the share of one of the outcomes in the faults that were applied; without any: 0."""
        wanted = frozenset(outcomes)
        whole = sum(case.weight for case in self.applied)
        return sum(case.weight for case in self.applied if case.outcome in wanted) / whole if whole else 0.0

    def interval(self, outcomes: Iterable[Outcome]) -> tuple[float, float]:
        """Return the 95 % confidence interval of a share (Wilson)."""
        return statistics.wilson(*self._effective(frozenset(outcomes)))

    def upper_bound(self, outcomes: Iterable[Outcome]) -> float:
        """Return what a share does not exceed with 95 % confidence (exact, one-sided)."""
        return statistics.upper_bound(*self._effective(frozenset(outcomes)))

    def _effective(self, wanted: frozenset[Outcome]) -> tuple[float, float]:
        """Return the numbers of hits and of experiments that would say as much in one plain sample."""
        return statistics.stratified(
            Stratum(sum(one.weight for one in members), *_alike(members, wanted)) for members in self._strata
        )

    @cached_property
    def _strata(self) -> list[list[Case]]:
        found: defaultdict[str, list[Case]] = defaultdict(list)
        for case in self.applied:
            found[case.experiment.stratum].append(case)
        return list(found.values())

    @property
    def escaped(self) -> int:
        """Number of faults that were not caught."""
        return self.count(UNCAUGHT)


def area(place: Place) -> str:
    """Return the name of the part of the memory that a fault hit; '' if it hit none."""
    if place.address is None or place.kind in {"register", "interrupt", "timer", "device"}:
        return ""
    return f"{place.vm or 'VMM'} · {place.name or place.kind}"


def shortened(text: str, most: int) -> str:
    """Return the beginning of what is longer than `most` characters: a guest may print anything after a fault."""
    return text if len(text) <= most else f"{text[:most]} …"


def grouped(found: Iterable[Case], key: Callable[[Case], str]) -> dict[str, CaseCounts]:
    """Return a tally for each value of `key`, in the order of their first appearance."""
    groups: defaultdict[str, list[Case]] = defaultdict(list)
    for case in found:
        groups[key(case)].append(case)
    return {name: CaseCounts(members) for name, members in groups.items()}


def _alike(members: Sequence[Case], wanted: frozenset[Outcome]) -> tuple[float, float]:
    weights = [case.weight for case in members]
    hits = sum(case.weight for case in members if case.outcome in wanted)
    return statistics.effective(hits, sum(weights), sum(weight**2 for weight in weights))
