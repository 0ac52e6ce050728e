# SPDX-License-Identifier: Apache-2.0
"""The tables of a store, and the rows that experiments and results become. docs/campaign-store.md describes them."""

import json
import zlib
from typing import Any

from attrs import asdict, frozen
from cattrs.preconf.json import make_converter

from understudy.injection.experiment import Experiment, Fault, History, Outcome, Place, Result, Verdict

VERSION = 1
APPLICATION = 0x75736372  # "uscr": what `file` and others find in the header of the database

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE experiment (
  number INTEGER PRIMARY KEY, stratum TEXT NOT NULL, weight REAL NOT NULL,
  kind TEXT NOT NULL, name TEXT NOT NULL, model TEXT NOT NULL, bit INTEGER,
  vm TEXT NOT NULL, task TEXT NOT NULL, phase TEXT NOT NULL, address INTEGER, symbol TEXT NOT NULL,
  pc INTEGER, pc_symbol TEXT NOT NULL, step INTEGER, dormant_after INTEGER, faults TEXT NOT NULL
) STRICT;
CREATE TABLE result (
  number INTEGER PRIMARY KEY REFERENCES experiment, end TEXT NOT NULL, status INTEGER NOT NULL,
  executed INTEGER NOT NULL, history BLOB NOT NULL,
  outcome TEXT NOT NULL, why TEXT NOT NULL, action TEXT NOT NULL, level TEXT NOT NULL, hit_vm TEXT NOT NULL,
  latency INTEGER, cost INTEGER, lost INTEGER, actions TEXT NOT NULL
) STRICT;
CREATE TABLE session (
  number INTEGER PRIMARY KEY, engine TEXT NOT NULL, workers INTEGER NOT NULL, started TEXT NOT NULL,
  seconds REAL NOT NULL, experiments INTEGER NOT NULL
) STRICT;
"""

PLACE = ("kind", "name", "model", "bit", "vm", "task", "phase", "address", "symbol", "pc", "pc_symbol", "step")
EXPERIMENT = ("number", "stratum", "weight", *PLACE, "dormant_after", "faults")
_VERDICT = ("outcome", "why", "action", "level", "vm", "latency", "cost", "lost", "actions")
VERDICT = tuple("hit_vm" if name == "vm" else name for name in _VERDICT)
"""Columns: as in `Verdict`, but for the VM, since experiments have one already: the one aimed at."""
RESULT = ("number", "end", "status", "executed", "history", *VERDICT)

Row = tuple[Any, ...]

_converter = make_converter()


@frozen
class Session:
    """One run of a campaign, or of what was left of it. Nothing else in a store depends on the clock on the wall."""

    engine: str
    workers: int
    started: str  # UTC, ISO 8601
    seconds: float
    experiments: int


def canonical(value: Any) -> str:
    """Return JSON that is the same for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def experiment_row(experiment: Experiment) -> Row:
    """Return the columns `EXPERIMENT`. What a fault leaves at its default is not stored."""
    place = experiment.place
    faults = [asdict(fault, filter=lambda a, value: value != a.default) for fault in experiment.faults]
    where = (getattr(place, name) for name in PLACE)
    return (
        experiment.number,
        experiment.stratum,
        float(experiment.weight),
        *where,
        experiment.dormant_after,
        canonical(faults),
    )


def experiment_of(row: Row) -> Experiment:
    """Return the experiment of such a row."""
    number, stratum, weight, *place, dormant, faults = row
    made = _converter.structure(json.loads(faults), tuple[Fault, ...])
    return Experiment(number, stratum, made, Place(*place), weight, dormant)


def history_json(history: History) -> str:
    """Return a history as text."""
    return canonical(_converter.unstructure(history))


def unpacked(history: bytes) -> str:
    """Return the text of a stored history."""
    return zlib.decompress(history).decode()


def history_of(history: bytes) -> History:
    """Return a stored history."""
    return _converter.loads(unpacked(history), History)


def verdict_row(verdict: Verdict) -> Row:
    """Return the columns `VERDICT`."""
    values = [getattr(verdict, name) for name in _VERDICT[1:-1]]
    return (str(verdict.outcome), *values, canonical(verdict.actions))


def result_row(result: Result) -> Row:
    """Return the columns `RESULT`."""
    history = result.history
    packed = zlib.compress(history_json(history).encode())
    return (result.number, history.end, history.status, history.executed, packed, *verdict_row(result.verdict))


def result_of(row: Row) -> Result:
    """Return the result of such a row."""
    number, _end, _status, _executed, history, *verdict = row
    columns = dict(zip(_VERDICT, verdict, strict=True))
    columns |= {"outcome": Outcome(columns["outcome"]), "actions": tuple(json.loads(columns["actions"]))}
    return Result(number, history_of(history), Verdict(**columns))
