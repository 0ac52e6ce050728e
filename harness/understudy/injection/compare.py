# SPDX-License-Identifier: Apache-2.0
"""Two campaigns side by side: two builds, or two policies."""

from collections.abc import Iterable, Iterator

from attrs import frozen
from rich.table import Table

from understudy.injection.experiment import Outcome
from understudy.injection.limits import ALL, percent
from understudy.injection.statistics import Share, difference, quantiles
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
    """Return all differences: of all strata that both have together, and of each of these."""
    first, second = tally(one), tally(other)
    both = {part.name for part in first.strata} & {part.name for part in second.strata}
    pairs: list[tuple[str | None, Tally, Tally]] = [(None, first.only(both), second.only(both))]
    strata = {stratum.name: stratum for stratum in second.strata}
    pairs += [(part.name, part, strata[part.name]) for part in first.strata if part.name in both]
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
    if one.meta.recovery != other.meta.recovery:
        yield f"recovery: {_on(one)}, {_on(other)}"
    strata = [{stratum.name for stratum in tally(store).strata if stratum.applied} for store in (one, other)]
    for name, only in (("A", strata[0] - strata[1]), ("B", strata[1] - strata[0])):
        if only:
            yield f"strata that only {name} has, and that don't count here: {', '.join(sorted(only))}"


def _on(store: Store) -> str:
    return "on" if store.meta.recovery else "off"


def recoveries(one: Store, other: Store) -> Table:
    """Return how often each action recovered, and the medians of what it cost and of what was done once more.

    Both are instructions; the latter are those that were executed more than in the golden run.
    """
    found = [store.recoveries() for store in (one, other)]
    shown = Table("recovered by")
    for title in ("A", "B", "cost A", "cost B", "done again A", "done again B"):
        shown.add_column(title, no_wrap=True, justify="right")
    for action in sorted({action for side in found for action in side}):
        sides = [side.get(action, []) for side in found]
        costs = [_median(cost for cost, _ in side) for side in sides]
        lost = [_median(more for _, more in side) for side in sides]
        shown.add_row(action, *(str(len(side)) for side in sides), *costs, *lost)
    return shown


def _median(values: Iterable[int]) -> str:
    known = list(values)
    return f"{quantiles(known, (0.5,))[0]:,}" if known else ""


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
