# SPDX-License-Identifier: Apache-2.0
"""What a reader learns in ten seconds: three sentences, the bar, and the table of the outcomes."""

from attrs import frozen

from understudy.injection.experiment import UNCAUGHT, Outcome
from understudy.injection.report.data import CaseCounts
from understudy.injection.report.interval import axis, whisker
from understudy.injection.report.outcomes import HANDLED, HARMLESS, STYLES
from understudy.injection.report.svg import NUMBER, bar, filled, link, percent, query, shape

_GROUPS = {
    "harmless": HARMLESS,
    "handled": HANDLED,
    "not caught": UNCAUGHT,
    "not known": (Outcome.QEMU_ABORTED, Outcome.NOT_APPLIED),
}


@frozen
class Line:
    """One outcome in the table; `group` is set on the first line of its group, with its number of `lines`."""

    outcome: str
    symbol: str
    meaning: str
    count: str
    share: str
    interval: str
    group: str = ""
    lines: int = 0


@frozen
class Headline:
    """The top of the page; `lowest` is where the table's axis begins, in decades."""

    sentence: str
    says: tuple[str, ...]
    bar: str
    axis: str
    lines: tuple[Line, ...]
    escaped: bool


def headline(tally: CaseCounts) -> Headline:
    """Return what stands at the top."""
    fine = percent(tally.share((*HARMLESS, *HANDLED)))
    applied = len(tally.applied)
    if not applied:
        return Headline("No fault was applied.", (), bar(tally, height=44), axis(-1), (), escaped=False)
    # Never rounded up to 100 %.
    sentence = f"{NUMBER(applied)} faults: {fine} did no harm or were dealt with, {_escaped(tally)}."
    lowest = _lowest(applied)
    return Headline(
        sentence,
        tuple(_says(tally)),
        bar(tally, height=44),
        axis(lowest),
        tuple(_lines(tally, lowest)),
        tally.escaped > 0,
    )


def _escaped(tally: CaseCounts) -> str:
    if not tally.escaped:
        return "none went uncaught"
    return f"{NUMBER(tally.escaped)} {'was' if tally.escaped == 1 else 'were'} not caught"


def _says(tally: CaseCounts) -> list[str]:
    low, high = tally.interval(UNCAUGHT)
    found = [f"Not caught, at 95 % confidence: {percent(low)} to {percent(high)} of such faults."]
    most = tally.upper_bound((Outcome.PROPAGATED,))
    propagated = tally.counts[Outcome.PROPAGATED]
    if propagated:
        found.append(f"{NUMBER(propagated)} reached another VM (at most {percent(most)}).")
    else:
        found.append(f"None reached another VM; at 95 % confidence at most {percent(most)} do.")
    absent = tally.counts[Outcome.NOT_APPLIED]
    if absent:
        found.append(f"{NUMBER(absent)} more could not be applied and are counted in no share.")
    return found


def _lines(tally: CaseCounts, lowest: int) -> list[Line]:
    found = []
    for group, outcomes in _GROUPS.items():
        seen = [outcome for outcome in outcomes if group != "not known" or tally.counts[outcome]]
        for place, outcome in enumerate(seen):
            found.append(_line(tally, outcome, lowest, "" if place else group, 0 if place else len(seen)))
    return found


def _line(tally: CaseCounts, outcome: Outcome, lowest: int, group: str, lines: int) -> Line:
    count = tally.counts[outcome]
    swatch = f"{shape(8, 8, outcome)}{filled((18, 2, 22, 12), outcome)}"
    symbol = f'<svg class="swatch" width="40" height="16" aria-hidden="true">{swatch}</svg>'
    absent = outcome is Outcome.NOT_APPLIED
    low, high = tally.interval((outcome,))
    return Line(
        outcome=link_text(outcome, count),
        symbol=symbol,
        meaning=STYLES[outcome].meaning,
        count=NUMBER(count),
        share="" if absent else percent(tally.share((outcome,))),
        interval="" if absent else whisker(tally.share((outcome,)), low, high, lowest),
        group=group,
        lines=lines,
    )


def link_text(outcome: Outcome, count: int) -> str:
    """Return the name of an outcome, as a link to its experiments if there are any."""
    if not count:
        return str(outcome)
    return link(query(outcome=outcome), count, f"{outcome}: {count:,} experiments", str(outcome)).replace(
        "<title>", '<title class="x">'
    )


def _lowest(applied: int) -> int:
    """Return the decade below the bound of what never occurred, as a power of ten of a share."""
    return -1 - len(str(applied // 4 or 1))
