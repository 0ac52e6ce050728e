# SPDX-License-Identifier: Apache-2.0
"""How often each outcome came, by stratum and of all, with what that says of the fault space.

Shares are of the faults that were applied: what was not applied says nothing, and is counted apart. Weights count
within a stratum. Of all, each stratum counts by the size of its fault space if the plan knows it of all, otherwise by
its number of experiments.
"""

from collections.abc import Collection, Iterable
from functools import reduce
from operator import add

from attrs import field, frozen

from understudy.injection import statistics
from understudy.injection.experiment import Outcome
from understudy.injection.statistics import CONFIDENCE, Share, Stratum
from understudy.injection.store import Store

GOOD = (Outcome.MASKED, Outcome.LATENT, Outcome.RECOVERED)


@frozen
class Sum:
    """Of some experiments: how many, the sum of their weights, the sum of the squares of these."""

    count: int = 0
    weight: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.count + other.count, self.weight + other.weight, self.squares + other.squares)


@frozen
class Tally:
    """The outcomes of one stratum."""

    name: str
    sums: dict[Outcome, Sum] = field(factory=dict)

    def count(self, *outcomes: Outcome) -> int:
        """Return how many experiments had one of these outcomes."""
        return self._sum(outcomes).count

    @property
    def counts(self) -> dict[Outcome, int]:
        """How often each outcome came that did."""
        return {outcome: self.sums[outcome].count for outcome in Outcome if outcome in self.sums}

    @property
    def applied(self) -> int:
        """How many experiments say something."""
        return self._sum(_applied()).count

    def effective(self, *outcomes: Outcome) -> tuple[float, float]:
        """Return the numbers of hits and of experiments that would say as much if all weights were equal."""
        total = self._sum(_applied())
        return statistics.effective(self._sum(outcomes).weight, total.weight, total.squares)

    def share(self, *outcomes: Outcome, confidence: float = CONFIDENCE) -> Share:
        """Return the share of these outcomes, with its interval (Wilson)."""
        return statistics.share(*self.effective(*outcomes), confidence)

    def upper_bound(self, *outcomes: Outcome, confidence: float = CONFIDENCE) -> float:
        """Return what their share doesn't exceed, with this confidence (exact, one-sided)."""
        return statistics.upper_bound(*self.effective(*outcomes), confidence)

    def lower_bound(self, *outcomes: Outcome, confidence: float = CONFIDENCE) -> float:
        """Return what their share doesn't fall below, with this confidence (exact, one-sided)."""
        return statistics.lower_bound(*self.effective(*outcomes), confidence)

    def _sum(self, outcomes: Iterable[Outcome]) -> Sum:
        return reduce(add, (self.sums.get(outcome, Sum()) for outcome in outcomes), Sum())


@frozen
class Whole(Tally):
    """The outcomes of all strata. `sizes` is empty if those of the fault spaces are not known."""

    strata: tuple[Tally, ...] = ()
    sizes: dict[str, float] = field(factory=dict)

    def effective(self, *outcomes: Outcome) -> tuple[float, float]:
        """As of a stratum, each stratum with its part."""
        known = all(stratum.name in self.sizes for stratum in self.strata)
        return statistics.stratified(
            Stratum(self.sizes[stratum.name] if known else stratum.applied, *stratum.effective(*outcomes))
            for stratum in self.strata
        )

    def only(self, names: Collection[str]) -> "Whole":
        """Return the outcomes of some strata."""
        return _whole(self.name, tuple(part for part in self.strata if part.name in names), self.sizes)


def _whole(name: str, strata: tuple[Tally, ...], sizes: dict[str, float]) -> Whole:
    sums = {
        outcome: reduce(add, (part.sums.get(outcome, Sum()) for part in strata))
        for outcome in Outcome
        if any(outcome in part.sums for part in strata)
    }
    return Whole(name, sums, strata, sizes)


def tally(store: Store) -> Whole:
    """Count what a store has."""
    sums: dict[str, dict[Outcome, Sum]] = {}
    for stratum, outcome, count, weight, squares in store.sums():
        sums.setdefault(stratum, {})[outcome] = Sum(count, weight, squares)
    strata = tuple(Tally(name, found) for name, found in sums.items())
    return _whole(store.meta.name, strata, store.meta.strata)


def _applied() -> Iterable[Outcome]:
    return (outcome for outcome in Outcome if outcome is not Outcome.NOT_APPLIED)
