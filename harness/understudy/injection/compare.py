# SPDX-License-Identifier: Apache-2.0
"""Two campaigns side by side: two builds, or two policies."""

from collections.abc import Iterator

from attrs import frozen
from rich.table import Table

from understudy.injection.experiment import Outcome
from understudy.injection.limits import ALL, percent
from understudy.injection.statistics import Share, difference
from understudy.injection.store import Store
from understudy.injection.tally import Tally, tally


@frozen
class Change:
    """The share of an outcome in one campaign and in another, and the difference with its interval (Newcombe)."""

    stratum: str | None  # None: all together
    outcome: Outcome
    one: Share
    other: Share
    difference: Share

    @property
    def significant(self) -> bool:
        """Whether the interval is on one side of zero."""
        return self.difference.low > 0 or self.difference.high < 0


def changes(one: Store, other: Store) -> list[Change]:
    """Return all differences: of all strata together, and of each that both have."""
    first, second = tally(one), tally(other)
    strata = {stratum.name: stratum for stratum in second.strata}
    pairs: list[tuple[str | None, Tally, Tally]] = [(None, first, second)]
    pairs += [(part.name, part, strata[part.name]) for part in first.strata if part.name in strata]
    return [change for name, before, after in pairs for change in _changes(name, before, after)]


def _changes(name: str | None, before: Tally, after: Tally) -> Iterator[Change]:
    for outcome in Outcome:
        if outcome is not Outcome.NOT_APPLIED and before.count(outcome) + after.count(outcome):
            one, other = before.share(outcome), after.share(outcome)
            yield Change(name, outcome, one, other, difference(other, one))


def differences(one: Store, other: Store) -> Iterator[str]:
    """Say in what else than their results the campaigns differ."""
    for what in ("name", "config_hash", "seed", "samples", "build_id", "versions"):
        before, after = getattr(one.meta, what), getattr(other.meta, what)
        if before != after:
            yield f"{what}: {before}, {after}"


def table(found: list[Change]) -> Table:
    """Show the differences; those whose interval is on one side of zero are in bold."""
    shown = Table("stratum", "outcome")
    for title in ("A", "B", "B - A", "95 % (Newcombe)"):
        shown.add_column(title, no_wrap=True, justify="right")
    for change in found:
        delta = change.difference
        cells = (f"{100 * delta.value:+.2f} %", f"{100 * delta.low:+.2f} to {100 * delta.high:+.2f} %")
        style = "bold" if change.significant else ""
        one, other = percent(change.one.value), percent(change.other.value)
        shown.add_row(change.stratum or ALL, str(change.outcome), one, other, *cells, style=style)
    return shown
