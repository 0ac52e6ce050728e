# SPDX-License-Identifier: Apache-2.0
"""What the report is made from, and what it says of a set of experiments."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from understudy.injection.experiment import Experiment, Outcome, Place, Result, Verdict
from understudy.injection.report.outcomes import ESCAPED
from understudy.injection.statistics import wilson


@frozen
class CampaignData:
    """A campaign as its store holds it. Of `golden`, "outputs" is used: the text of each VM's UART by its name.

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


@frozen
class Case:
    """An experiment that has run. Within its stratum the weights have the mean 1."""

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


def cases(data: CampaignData) -> list[Case]:
    """Return the experiments that have run, in the order of the plan."""
    run = [
        (experiment, data.results[experiment.number])
        for experiment in data.experiments
        if experiment.number in data.results
    ]
    sums: defaultdict[str, float] = defaultdict(float)
    for experiment, _ in run:
        sums[experiment.stratum] += experiment.weight
    sizes = Counter(experiment.stratum for experiment, _ in run)
    scale = {stratum: sizes[stratum] / total if total else 1.0 for stratum, total in sums.items()}
    return [Case(experiment, result, experiment.weight * scale[experiment.stratum]) for experiment, result in run]


@define
class Tally:
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
        """Return the 95 % confidence interval of a share; with weights that of the effective number (Kish 1965)."""
        squares = sum(case.weight**2 for case in self.applied)
        effective = round(sum(case.weight for case in self.applied) ** 2 / squares) if squares else 0
        return wilson(round(self.share(outcomes) * effective), effective)

    @property
    def escaped(self) -> int:
        """Number of faults that were not caught."""
        return self.count(ESCAPED)


def grouped(found: Iterable[Case], key: Callable[[Case], str]) -> dict[str, Tally]:
    """Return a tally for each value of `key`, in the order of their first appearance."""
    groups: defaultdict[str, list[Case]] = defaultdict(list)
    for case in found:
        groups[key(case)].append(case)
    return {name: Tally(members) for name, members in groups.items()}
