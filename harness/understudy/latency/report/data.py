# SPDX-License-Identifier: Apache-2.0
"""The measurements of `latency.json` as typed values; what the file does not have is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from understudy.latency.report.reader import Node, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

SCHEMA = 1
MODES = ("off", "undo", "eager", "full")
PHASES = ("save", "switch", "restore")


@attrs.frozen
class Split:
    """The three parts of a path: saving registers, select + switch, restoring registers. Unit: that of its owner."""

    save: float
    switch: float
    restore: float

    def parts(self) -> list[tuple[str, float]]:
        """Return (phase, value) in the order in which they run."""
        return [("save", self.save), ("switch", self.switch), ("restore", self.restore)]

    def total(self) -> float:
        """Return the sum of the three."""
        return self.save + self.switch + self.restore


@attrs.frozen
class Stats:
    """Instructions of one path in one mode. `timer` is what the board's timer says of its middle part."""

    min: int
    median: int
    max: int
    count: int
    histogram: tuple[tuple[int, int], ...]
    split: Split | None
    timer: int | None
    agrees: bool | None


@attrs.frozen
class Sweep:
    """Instructions of one path against `x`; a point is (x, min, median, max)."""

    name: str
    title: str
    path: str
    mode: str
    x: str
    points: tuple[tuple[float, int, int, int], ...]


@attrs.frozen
class Instruction:
    """One line of an annotated listing; `count` is per visit of the VMM, `cycles` is modelled, for all `count`."""

    address: int
    opcode: int
    text: str
    symbol: str
    source: str
    count: int
    cycles: int
    phase: str


@attrs.frozen
class Rival:
    """Another system on the same QEMU."""

    system: str
    path: str
    instructions: int


@attrs.frozen
class Compute:
    """Instructions per loop of compute work, and how much slower it is inside a VM, in per cent by mode."""

    instructions: dict[str, float]
    slowdown: dict[str, float]


@attrs.frozen
class Results:
    """Everything that `latency.json` holds and the report shows."""

    build: dict[str, str]
    qemu: str
    note: str
    paths: dict[str, dict[str, Stats]]
    modelled_ns: dict[str, dict[str, float]]
    modelled_split_cycles: dict[str, dict[str, Split]]
    overhead_percent: dict[str, float]
    sweeps: tuple[Sweep, ...]
    lost_work: dict[str, tuple[tuple[float, ...], ...]]
    bare: dict[str, Stats]
    compute: dict[str, Compute]
    listing: dict[str, dict[str, tuple[Instruction, ...]]]
    paper: dict[str, dict[str, Split]]
    rivals: tuple[Rival, ...]

    def stats(self, path: str, mode: str) -> Stats | None:
        """Return what was measured of a path in a mode, or None."""
        return self.paths.get(path, {}).get(mode)

    def sweeps_of(self, x: str, *paths: str) -> list[Sweep]:
        """Return the sweeps over `x`; of the named paths, or of all."""
        return [sweep for sweep in self.sweeps if sweep.x == x and (not paths or sweep.path in paths)]


def load(file: Path) -> Results:
    """Read `latency.json`.

    Raises:
        UnderstudyError: it is missing, not JSON, of another schema, or one of its keys is malformed; the key is named.

    """
    top = read(file)
    schema = top.required("schema")
    if schema.whole() != SCHEMA:
        raise schema.wrong(f"{SCHEMA}, the schema that this report reads")
    return Results(
        build=_table(top, "build", Node.text),
        qemu=_text(top, "qemu"),
        note=_text(top, "note"),
        paths=top.required("paths").table(_by(_stats)),
        modelled_ns=_table(top, "modelled_arm920t_ns", _by(Node.number)),
        modelled_split_cycles=_table(top, "modelled_split_cycles", _by(_split)),
        overhead_percent=_table(top, "overhead_percent", Node.number),
        sweeps=_array(top, "sweeps", _sweep),
        lost_work=_lost_work(top),
        bare=_table(top, "bare", _stats),
        compute=_table(top, "compute", _compute),
        listing=_table(top, "listing", _by(_listing)),
        paper=_table(top, "paper", _by(_split)),
        rivals=_array(top, "rivals", _rival),
    )


def _text(top: Node, key: str) -> str:
    found = top.child(key)
    return found.text() if found else ""


def _table(top: Node, key: str, kind: Callable[[Node], T]) -> dict[str, T]:
    found = top.child(key)
    return found.table(kind) if found else {}


def _array(top: Node, key: str, kind: Callable[[Node], T]) -> tuple[T, ...]:
    found = top.child(key)
    return tuple(kind(item) for item in found.items()) if found else ()


def _lost_work(top: Node) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Return the curves by name; one curve may stand there without a name."""
    found = top.child("lost_work")
    if found is None:
        return {}
    return {"lost work": _curve(found)} if isinstance(found.value, list) else found.table(_curve)


def _curve(node: Node) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(item.number() for item in row.items(at_least=2)) for row in node.items())


def _by(kind: Callable[[Node], T]) -> Callable[[Node], dict[str, T]]:
    return lambda node: node.table(kind)


def _stats(node: Node) -> Stats:
    low, median, high = (node.required(key) for key in ("min", "median", "max"))
    if not low.whole() <= median.whole() <= high.whole():
        raise median.wrong(f"between min {low.whole()} and max {high.whole()}")
    split, timer, histogram = node.child("split"), node.child("timer"), node.child("histogram")
    agrees = timer.child("agrees") if timer else None
    return Stats(
        min=low.whole(),
        median=median.whole(),
        max=high.whole(),
        count=node.required("count").whole(),
        histogram=tuple(_pair(item) for item in histogram.items()) if histogram else (),
        split=_split(split) if split else None,
        timer=timer.required("save_to_restore").whole() if timer else None,
        agrees=agrees.flag() if agrees else None,
    )


def _pair(node: Node) -> tuple[int, int]:
    value, count = node.items(2)
    return value.whole(), count.whole()


def _split(node: Node) -> Split:
    return Split(*(node.required(phase).number() for phase in PHASES))


def _sweep(node: Node) -> Sweep:
    return Sweep(
        name=node.required("name").text(),
        title=node.required("title").text(),
        path=node.required("path").text(),
        mode=node.required("mode").text(),
        x=node.required("x").text(),
        points=tuple(sorted(_point(item) for item in node.required("points").items(at_least=1))),
    )


def _point(node: Node) -> tuple[float, int, int, int]:
    x, low, median, high = node.items(4)
    return x.number(), low.whole(), median.whole(), high.whole()


def _rival(node: Node) -> Rival:
    return Rival(node.required("system").text(), node.required("path").text(), node.required("instructions").whole())


def _compute(node: Node) -> Compute:
    slowdown = node.child("slowdown_percent")
    counts = {key: child.number() for key, child in node.members() if key in {"bare", *MODES}}
    return Compute(counts, slowdown.table(Node.number) if slowdown else {})


def _listing(node: Node) -> tuple[Instruction, ...]:
    """Convert the lines, and give each the phase that its place between the trace points says."""
    lines: list[Instruction] = []
    phase = "save"
    marked = any(item.required("symbol").text().startswith("trace_") for item in node.items())
    for item in node.items():
        symbol = item.required("symbol").text()
        if symbol.startswith("trace_saved"):
            phase = "switch"
        elif symbol.startswith("trace_restore"):
            phase = "restore"
        own = item.child("phase")
        lines.append(_instruction(item, own.text() if own else phase if marked else ""))
    return tuple(lines)


def _instruction(node: Node, phase: str) -> Instruction:
    return Instruction(
        address=node.required("address").whole(),
        opcode=node.required("opcode").whole(),
        text=node.required("text").text(),
        symbol=node.required("symbol").text(),
        source=node.required("source").text(),
        count=node.required("count").whole(),
        cycles=node.required("cycles").whole(),
        phase=phase,
    )
