# SPDX-License-Identifier: Apache-2.0
"""The limits of a campaign file against what was found.

All strata together must show that a limit is kept. One stratum alone, which may have few experiments, fails if it
shows that it is not.
"""

import tomllib
from collections.abc import Iterator, Sequence

from attrs import frozen

from understudy.config.convert import structure
from understudy.errors import UnderstudyError
from understudy.injection.campaign_check import limit_outcomes
from understudy.injection.campaign_model import Limit
from understudy.injection.experiment import Outcome
from understudy.injection.places import replay_command
from understudy.injection.store import Store
from understudy.injection.tally import Tally, Whole

ALL = "all strata"
_IDS = 10  # that a message names


@frozen
class Violation:
    """A limit that is not kept: in which stratum (None: all together), and why."""

    stratum: str | None
    limit: str
    why: str

    def __str__(self) -> str:
        return f"{self.stratum or ALL}: {self.limit}: {self.why}"


def limits_of(store: Store) -> dict[str, Limit]:
    """Return the limits of the campaign file in a store; they are about the system with its recovery."""
    if not store.meta.recovery:
        return {}
    found, problems = structure(tomllib.loads(store.meta.toml).get("limits", {}), dict[str, Limit])
    if found is None:
        raise UnderstudyError(f"{store.path}: the limits of the campaign: {problems[0][1]}")
    return found


def violations(store: Store, whole: Whole) -> list[Violation]:
    """Return every limit that is not kept."""
    found = []
    for key, limit in limits_of(store).items():
        check = _Check(store, limit, limit_outcomes(key))
        found += [Violation(None, key, why) for why in check.unproven(whole)]
        for stratum in whole.strata:
            found += [Violation(stratum.name, key, why) for why in check.contradicted(stratum)]
    return found


def named(store: Store, numbers: Sequence[int]) -> str:
    """Name experiments, and how to repeat one."""
    if not numbers:
        return ""
    more = f" and {len(numbers) - _IDS} more" if len(numbers) > _IDS else ""
    shown = ", ".join(map(str, numbers[:_IDS]))
    return f"experiments {shown}{more}: {replay_command(store.path, numbers[0])}"


def percent(share: float) -> str:
    """Write a share with three significant digits: 99.7 %, 0.0307 %."""
    return f"{100 * share:.3g} %"


@frozen
class _Check:
    """One limit."""

    store: Store
    limit: Limit
    outcomes: tuple[Outcome, ...]

    def unproven(self, whole: Whole) -> Iterator[str]:
        """Say why all strata together don't show that it is kept."""
        upper, lower = self._bounds(whole)
        yield from self._counted(whole, None)
        if self.limit.upper is not None and upper > self.limit.upper:
            few = f", which takes more than {whole.applied} experiments to show"
            why = self._hits(None) if whole.count(*self.outcomes) else few
            yield f"{self._seen(whole)}: at most {self._of(upper, self.limit.upper)}{why}"
        if self.limit.lower is not None and lower < self.limit.lower:
            yield f"{self._seen(whole)}: at least {self._of(lower, self.limit.lower)}{self._others(None)}"

    def contradicted(self, stratum: Tally) -> Iterator[str]:
        """Say why one stratum shows that it is not kept."""
        upper, lower = self._bounds(stratum)
        yield from self._counted(stratum, stratum.name)
        if self.limit.upper is not None and lower > self.limit.upper:
            yield f"{self._seen(stratum)}: more than {self._of(lower, self.limit.upper)}{self._hits(stratum.name)}"
        if self.limit.lower is not None and upper < self.limit.lower:
            yield f"{self._seen(stratum)}: less than {self._of(upper, self.limit.lower)}{self._others(stratum.name)}"

    def _bounds(self, tally: Tally) -> tuple[float, float]:
        """Return the upper and the lower bound."""
        confidence = self.limit.confidence
        return (
            tally.upper_bound(*self.outcomes, confidence=confidence),
            tally.lower_bound(*self.outcomes, confidence=confidence),
        )

    def _counted(self, tally: Tally, stratum: str | None) -> Iterator[str]:
        if self.limit.count is not None and tally.count(*self.outcomes) > self.limit.count:
            yield f"{self._seen(tally)}, the limit is {self.limit.count}{self._hits(stratum)}"

    def _seen(self, tally: Tally) -> str:
        return f"{tally.count(*self.outcomes)} of {tally.applied}"

    def _of(self, bound: float, limit: float) -> str:
        return f"{percent(bound)} at {percent(self.limit.confidence)} confidence, the limit is {percent(limit)}"

    def _hits(self, stratum: str | None) -> str:
        return self._named(self.outcomes, stratum)

    def _others(self, stratum: str | None) -> str:
        return self._named([o for o in Outcome if o not in (*self.outcomes, Outcome.NOT_APPLIED)], stratum)

    def _named(self, outcomes: Sequence[Outcome], stratum: str | None) -> str:
        shown = named(self.store, self.store.numbers(*outcomes, stratum=stratum))
        return f"; {shown}" if shown else ""
