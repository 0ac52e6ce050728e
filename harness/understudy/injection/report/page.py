# SPDX-License-Identifier: Apache-2.0
"""The page: all figures in their order, the experiments as data, and the template that holds them."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen
from markupsafe import Markup

from understudy.injection.experiment import UNCAUGHT, Outcome
from understudy.injection.report import details, outcomes
from understudy.injection.report.breakdown import breakdowns
from understudy.injection.report.code import LISTED, functions
from understudy.injection.report.data import Case, CaseCounts, ReportData, cases, shortened
from understudy.injection.report.delays import delays
from understudy.injection.report.disassembly import Locator, Struck
from understudy.injection.report.flows import COLUMNS, flows
from understudy.injection.report.headline import headline
from understudy.injection.report.memory import memory
from understudy.injection.report.outcomes import SEVERITY, STYLES
from understudy.injection.report.registers import registers
from understudy.injection.report.svg import filled
from understudy.injection.report.timeline import timeline
from understudy.page import environment, write
from understudy.page.theme import COLOURS, variables

_WHY = 160  # characters of a reason in the table
_UNCAUGHT, _FIRST = 100, 15  # rows of the table, and those that are open; all are in the list of the experiments


@frozen
class Uncaught:
    """A fault that was not caught, in the table."""

    number: int
    outcome: Outcome
    key: str
    what: str
    where: str
    when: str
    why: str
    replay: str


def write_report(data: ReportData, path: Path) -> None:
    """Write the page of a campaign, complete in itself; experiments without a result are left out and counted.

    Raises:
        UnderstudyError: `path` can't be written.

    """
    write(path, page(data))


def page(data: ReportData) -> str:
    """Return the page as HTML; it refers to no other file."""
    run = cases(data)
    tally = CaseCounts(run)
    locator = Locator.of(data.elves)
    struck = {case.number: locator.find(case) for case in run}
    packed, left_out = details.details(run, data.golden)
    return (
        environment()
        .get_template("campaign.html.j2")
        .render(
            data=data,
            total=len(run),
            missing=len(data.experiments) - len(run),
            weighted=len({round(case.weight, 6) for case in run}) > 1,
            style=Markup(f"{variables({**COLOURS, **outcomes.colours()})}\n{outcomes.rules()}"),  # noqa: S704 - our own
            definitions=Markup(outcomes.definitions()),  # noqa: S704 - our own
            headline=headline(tally),
            sections={
                "Outcome by target": breakdowns(run),
                "Registers": registers(run),
                "Memory": memory(run),
                "Time": timeline(run),
                "Recovery": [*delays(run), *flows(run)],
            },
            functions=functions(run, struck, locator),
            listed=LISTED,
            uncaught=_uncaught(run, struck, data.store or data.name),
            first=_FIRST,
            escaped=tally.escaped,
            styles={str(outcome): style for outcome, style in STYLES.items()},
            swatches={str(outcome): filled((16, 1, 20, 12), outcome) for outcome in STYLES},
            counts=tally.counts,
            columns=details.columns(run, struck),
            details=packed,
            left_out=left_out,
            settings={
                "store": shlex.quote(data.store or data.name),
                "columns": COLUMNS,
                "record": details.RECORD,
                "severity": {str(outcome): rank for outcome, rank in SEVERITY.items()},
                "keys": {str(outcome): style.key for outcome, style in STYLES.items()},
            },
        )
    )


def _uncaught(run: Sequence[Case], struck: Mapping[int, Struck], store: str) -> list[Uncaught]:
    found = sorted((case for case in run if case.outcome in UNCAUGHT), key=lambda c: (-SEVERITY[c.outcome], c.number))
    return [_row(case, struck[case.number], store) for case in found[:_UNCAUGHT]]


def _row(case: Case, where: Struck, store: str) -> Uncaught:
    place = case.place
    bit = f" bit {place.bit}" if place.bit is not None else ""
    address = f" {place.symbol or f'{place.address:#x}'}" if place.address is not None else ""
    return Uncaught(
        number=case.number,
        outcome=case.outcome,
        key=STYLES[case.outcome].key,
        what=f"{place.model} {place.name}{bit}{address}",
        where=place.pc_symbol or where.function,
        when=" ".join(part for part in (place.vm, place.task, place.phase) if part),
        why=shortened(case.verdict.why, _WHY),
        replay=f"understudy campaign replay {shlex.quote(store)} {case.number}",
    )
