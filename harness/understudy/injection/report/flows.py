# SPDX-License-Identifier: Apache-2.0
"""Escalations: which action followed which, and what came of it."""

from collections import defaultdict
from collections.abc import Sequence
from html import escape
from itertools import pairwise

from attrs import define, field

from understudy.injection.experiment import Outcome
from understudy.injection.report.data import Case, CaseCounts, grouped
from understudy.injection.report.outcomes import STYLES, WORST_FIRST
from understudy.injection.report.svg import Drawing, bar, filled, link, query, rect, to_cases, told
from understudy.page.figure import Figure

COLUMNS = 5
ARROW = " > "
_NODE, _HIGH, _GAP, _WIDTH, _SEQUENCES = 14, 340, 26, 1020, 15


@define
class _Node:
    """An action at its place in the sequence, or an outcome: the last column."""

    column: int
    name: str
    cases: list[Case] = field(factory=list)
    y: float = 0.0
    height: float = 0.0
    out: float = 0.0  # how much of its height is taken by flows to the right, and to the left
    into: float = 0.0


def flows(cases: Sequence[Case]) -> list[Figure]:
    """Return the figure; nothing, if no action was taken."""
    acted = [case for case in cases if case.path]
    if not acted:
        return []
    several = sum(len(case.path) > 1 for case in acted)
    text = (
        f"{len(acted):,} experiments led to actions of the VMM, {several:,} of them to more than one kind. These "
        "are drawn: from left to right the first action, what followed, and what came of it. An action that was "
        "repeated at once counts once."
    )
    escalated = [case for case in acted if len(case.path) > 1]
    pictures = (_picture(escalated),) if escalated else ()
    return [Figure("escalations", "Escalations", text, pictures=(*pictures, _sequences(acted)))]


def _edges(cases: Sequence[Case]) -> dict[tuple[int, str, int, str], list[Case]]:
    """Return the cases of each flow (column, name, next column, name); an outcome is in the last column."""
    last = min(COLUMNS, max(len(case.path) for case in cases))
    found: defaultdict[tuple[int, str, int, str], list[Case]] = defaultdict(list)
    for case in cases:
        path = case.path[:last]
        for column, (name, after) in enumerate(pairwise(path)):
            found[column, name, column + 1, after].append(case)
        found[len(path) - 1, path[-1], last, str(case.outcome)].append(case)
    return found


def _nodes(edges: dict[tuple[int, str, int, str], list[Case]]) -> dict[tuple[int, str], _Node]:
    nodes: dict[tuple[int, str], _Node] = {}
    for (column, name, after, follower), members in edges.items():
        source = nodes.setdefault((column, name), _Node(column, name))
        source.cases += members
        if after == _last(edges):
            nodes.setdefault((after, follower), _Node(after, follower)).cases += members
        else:
            nodes.setdefault((after, follower), _Node(after, follower))
    return nodes


def _last(edges: dict[tuple[int, str, int, str], list[Case]]) -> int:
    return max(after for _, _, after, _ in edges)


def _place(nodes: dict[tuple[int, str], _Node], total: int) -> float:
    """Give each node its place, the most frequent on top, outcomes from harmless to worst; return the height needed."""
    rank = {str(outcome): -number for number, outcome in enumerate(WORST_FIRST)}
    lowest = 0.0
    last = max(node.column for node in nodes.values())
    for column in range(last + 1):
        inside = [node for node in nodes.values() if node.column == column]
        inside.sort(
            key=lambda node: (rank.get(node.name, 0) if node.column == last else 0, -len(node.cases), node.name)
        )
        for node in inside:
            node.height = max(3.0, _HIGH * len(node.cases) / total)
        y = 24.0 if column < last else max(24.0, lowest - sum(node.height + _GAP for node in inside) + 60)
        for node in inside:
            node.y = y
            y += node.height + _GAP
        lowest = max(lowest, y)
    return lowest


def _picture(cases: Sequence[Case]) -> str:
    edges = _edges(cases)
    nodes = _nodes(edges)
    last = _last(edges)
    height = _place(nodes, len(cases))
    drawing = Drawing(_WIDTH, height, "Escalations")
    step = (_WIDTH - 190 - _NODE) / last
    for column in range(last + 1):
        title = "outcome" if column == last else "first action" if column == 0 else f"action {column + 1}"
        drawing.text(column * step, 12, title, "note")
    for (column, name, after, follower), members in sorted(
        edges.items(), key=lambda item: (item[0][2], nodes[item[0][2:]].y, nodes[item[0][:2]].y)
    ):
        source, target = nodes[column, name], nodes[after, follower]
        filters = (
            {"end": f"{column}:{name}{ARROW}{follower}"}
            if after == last
            else {"hop": f"{column}:{name}{ARROW}{follower}"}
        )
        kind = f"c-{STYLES[Outcome(follower)].key}" if after == last else "plain"
        ribbon = _ribbon(source, target, len(members), step, kind)
        said = f"{name}, then {follower}: {len(members):,}"
        drawing.put(to_cases(members, query(**filters), said, ribbon))
    for node in nodes.values():
        _node(drawing, node, node.column * step, last=node.column == last)
    return drawing.svg()


def _ribbon(source: _Node, target: _Node, count: int, step: float, kind: str) -> str:
    thick = max(1.2, source.height * count / len(source.cases))
    thin = max(1.2, target.height * count / len(target.cases))
    x1, x2 = source.column * step + _NODE, target.column * step
    y1, y2 = source.y + source.out, target.y + target.into
    source.out += thick
    target.into += thin
    bend = min(110.0, (x2 - x1) / 2)
    path = (
        f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}v{thin:.1f}"
        f"C{x2 - bend:.1f} {y2 + thin:.1f} {x1 + bend:.1f} {y1 + thick:.1f} {x1:.1f} {y1 + thick:.1f}z"
    )
    return f'<path d="{path}" class="ribbon {kind}"/>'


def _node(drawing: Drawing, node: _Node, x: float, *, last: bool) -> None:
    said = f"{node.name}: {len(node.cases):,}"
    place = (x, node.y, _NODE, node.height)
    inside = filled(place, Outcome(node.name)) if last else rect(*place, "node")
    filters = {"outcome": node.name} if last else {"act": f"{node.column}:{node.name}"}
    drawing.put(link(query(**filters, escalated=1), len(node.cases), said, inside))
    y = node.y + min(node.height / 2 + 4, 40) if node.height > 12 else node.y + node.height + 4
    drawing.put(
        f'<text x="{x + _NODE + 6:.1f}" y="{y:.1f}" class="label haloed">{escape(node.name)} '
        f'<tspan class="count">{len(node.cases):,}</tspan></text>'
    )


def _sequences(cases: Sequence[Case]) -> str:
    groups = grouped(cases, lambda case: ARROW.join(case.path))
    ordered = sorted(groups.items(), key=lambda item: (-item[1].total, item[0]))
    most = ordered[0][1].total
    rows = "".join(_sequence(name, tally, most) for name, tally in ordered[:_SEQUENCES])
    rest = len(ordered) - _SEQUENCES
    more = f'<p class="soft">{rest} rarer sequences are left out.</p>' if rest > 0 else ""
    return f'<h4>All sequences of actions, and their outcomes</h4><ul class="bars sequences">{rows}</ul>{more}'


def _sequence(name: str, tally: CaseCounts, most: int) -> str:
    chips = ' <span class="soft">→</span> '.join(f"<span>{escape(action)}</span>" for action in name.split(ARROW))
    width = 100 * tally.total / most
    return (
        f'<li><a href="{escape(query(path=name))}" data-n="{tally.total}" title="{escape(told(tally))}">{chips}</a>'
        f'<span><span class="part" style="width:{width:.2f}%">{bar(tally, height=14)}</span></span>'
        f"<span><b>{tally.total:,}</b></span></li>"
    )
