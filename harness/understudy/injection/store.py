# SPDX-License-Identifier: Apache-2.0
"""The store of a campaign: one SQLite file with the plan, what was observed, and what the checker says of it.

Experiments come first, all of them; results come in batches, each a transaction. So whatever ends a run, the store says
exactly which experiments are left. docs/campaign-store.md describes the tables.
"""

import fcntl
import hashlib
import json
import platform
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Self

from attrs import asdict, frozen

from understudy.errors import UnderstudyError
from understudy.injection import schema
from understudy.injection.experiment import Experiment, History, Outcome, Result, Verdict
from understudy.injection.schema import Session, canonical

PREVIOUS = "previous.sqlite"
_CHUNK = 1000  # rows at a time, so that a long campaign needs little memory


class StoreError(UnderstudyError):
    """A file that is no store, belongs to something else, or can't be read or written."""


@frozen(kw_only=True)
class Meta:
    """What a campaign is; all that its plan follows from, and what its results are compared with.

    `strata` has the size of the fault space of each stratum, where it is known. `golden` is all of the golden run that
    the checker needs, so that it can be run again without the machine.
    """

    name: str
    toml: str
    config_hash: str  # of the campaign file's content
    seed: int
    samples: int | None  # as asked on the command line
    build_id: str  # of the image
    system: dict[str, Any]
    golden: dict[str, Any]
    strata: dict[str, float]
    versions: dict[str, str]
    recovery: bool = True  # False: the system was built without fault tolerance


def versions(qemu: str) -> dict[str, str]:
    """Return the versions of what takes part."""
    return {"understudy": version("understudy"), "qemu": qemu, "python": platform.python_version()}


class Store:
    """An open store. One process at a time may write; any number may read, also meanwhile."""

    def __init__(self, path: Path, database: sqlite3.Connection, lock: IO[str] | None) -> None:
        """Use `create` or `open`."""
        self.path = path
        self._database = database
        self._lock = lock
        self.meta = self._read_meta()

    @classmethod
    def create(cls, path: Path, meta: Meta, experiments: Iterable[Experiment]) -> "Store":
        """Make a new store with its whole plan; one that was at `path` is kept beside it, as previous.sqlite.

        Raises:
            StoreError: another process runs this campaign, or the file can't be written.
        """
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked(path)
        new = path.with_name(path.name + ".new")  # until it is whole, so that no half of a plan is ever resumed
        try:
            with _explained(path):
                _remove(new)
                with closing(sqlite3.connect(new)) as database, database:
                    _fill(database, meta, experiments)
                _set_aside(path)
                new.rename(path)
            return cls(path, _connected(path, write=True), lock)
        except BaseException:
            lock.close()
            _remove(new)
            raise

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> "Store":
        """Open a store, to read it or to add results.

        Raises:
            StoreError: there is none, it is of another version, or (to write) another process runs this campaign.
        """
        if not path.is_file():
            raise StoreError(f"{path}: no such store; `understudy campaign run` makes one")
        lock = _locked(path) if write else None
        try:
            return cls(path, _connected(path, write=write), lock)
        except BaseException:
            if lock:
                lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it. The last writer leaves one plain file, which can be copied and read from read-only media."""
        try:
            if self._lock:
                self._database.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError:
            pass  # somebody reads it, or the disk is full: the log beside it stays, and nothing is lost
        finally:
            self._database.close()
            if self._lock:
                self._lock.close()

    def belongs_to(self, build_id: str, config_hash: str, seed: int | None, samples: int | None) -> None:
        """Check that the results here are of this image and campaign file, and as asked for; None: as they are.

        Raises:
            StoreError: they are not.
        """
        remedy = "run without --resume to begin anew, or with --output elsewhere to keep both"
        if self.meta.build_id != build_id:
            raise StoreError(
                f"{self.path}: stale image: its results are of build {self.meta.build_id}, and now the sources make "
                f"build {build_id}; {remedy}"
            )
        for what, ours, theirs in (
            ("campaign file", self.meta.config_hash, config_hash),
            ("seed", self.meta.seed, seed),
            ("number of samples", self.meta.samples, samples),
        ):
            if theirs is not None and ours != theirs:
                raise StoreError(f"{self.path}: made with another {what} ({ours}, now {theirs}); {remedy}")

    def pending(self) -> Iterator[Experiment]:
        """Yield the experiments without a result, by number. Results may be added meanwhile."""
        done = "NOT EXISTS (SELECT 1 FROM result WHERE result.number = experiment.number)"
        yield from map(schema.experiment_of, self._rows("experiment", schema.EXPERIMENT, done))

    def experiments(self) -> Iterator[Experiment]:
        """Yield all experiments, by number."""
        yield from map(schema.experiment_of, self._rows("experiment", schema.EXPERIMENT))

    def results(self) -> Iterator[Result]:
        """Yield all results, by number."""
        yield from map(schema.result_of, self._rows("result", schema.RESULT))

    def histories(self) -> Iterator[tuple[int, History]]:
        """Yield what was observed, by number."""
        for number, history in self._rows("result", ("number", "history")):
            yield number, schema.history_of(history)

    def experiment(self, number: int) -> tuple[Experiment, Result | None]:
        """Return one experiment, and its result if it has run.

        Raises:
            StoreError: there is no such number.
        """
        rows = self._select("experiment", schema.EXPERIMENT, "number = ?", number)
        if not rows:
            (last,) = self._database.execute("SELECT max(number) FROM experiment").fetchone()
            raise StoreError(f"{self.path}: no experiment {number}; the last one is {last}")
        results = self._select("result", schema.RESULT, "number = ?", number)
        return schema.experiment_of(rows[0]), schema.result_of(results[0]) if results else None

    def numbers(self, *outcomes: Outcome, stratum: str | None = None) -> list[int]:
        """Return the experiments with one of these outcomes, of all or of one stratum."""
        query = (
            "SELECT number FROM result JOIN experiment USING (number) "
            "WHERE outcome IN (SELECT value FROM json_each(?)) AND (?2 IS NULL OR stratum = ?2) ORDER BY number"
        )
        return [number for (number,) in self._database.execute(query, (canonical(outcomes), stratum))]

    def counts(self) -> dict[Outcome, int]:
        """Return how often each outcome came; those that never came are missing."""
        found = dict(self._database.execute("SELECT outcome, count(*) FROM result GROUP BY outcome"))
        return {outcome: found[outcome] for outcome in Outcome if outcome in found}

    def total(self) -> int:
        """Return how many experiments the plan has."""
        (count,) = self._database.execute("SELECT count(*) FROM experiment").fetchone()
        return int(count)

    def sums(self) -> Iterator[tuple[str, Outcome, int, float, float]]:
        """Yield for each stratum, by name, and outcome: how many, sum of the weights, sum of their squares."""
        query = (
            "SELECT stratum, outcome, count(*), sum(weight), sum(weight * weight) FROM experiment JOIN result "
            "USING (number) GROUP BY stratum, outcome ORDER BY stratum"
        )
        for stratum, outcome, *numbers in self._database.execute(query):
            yield stratum, Outcome(outcome), *numbers

    def latencies(self) -> Iterator[tuple[str, int]]:
        """Yield recovery and latency of each experiment that has both."""
        query = "SELECT action, latency FROM result WHERE latency IS NOT NULL AND action != '' ORDER BY number"
        yield from self._database.execute(query)

    def recoveries(self) -> dict[str, list[tuple[int, int]]]:
        """Return cost and work lost of each recovery that was a success, in instructions, by action."""
        query = (
            "SELECT action, cost, lost FROM result WHERE outcome = ? AND cost IS NOT NULL AND lost IS NOT NULL "
            "ORDER BY number"
        )
        found: dict[str, list[tuple[int, int]]] = {}
        for action, cost, lost in self._database.execute(query, (str(Outcome.RECOVERED),)):
            found.setdefault(action, []).append((cost, lost))
        return found

    def add_results(self, results: Sequence[Result]) -> None:
        """Add results, all or none. An experiment that has a result already keeps it: both are the same.

        Raises:
            StoreError: the disk is full, or there is no such experiment.
        """
        marks = ", ".join("?" * len(schema.RESULT))
        add = f"INSERT INTO result VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        with _explained(self.path), self._database:
            self._database.executemany(add, map(schema.result_row, results))

    def add_session(self, session: Session) -> None:
        """Note how results were made."""
        with _explained(self.path), self._database:
            self._database.execute("INSERT INTO session VALUES (NULL, ?, ?, ?, ?, ?)", _session_row(session))

    def sessions(self) -> list[Session]:
        """Return how the results were made."""
        query = "SELECT engine, workers, started, seconds, experiments FROM session ORDER BY number"
        return [Session(*row) for row in self._database.execute(query)]

    def rejudge(self, judge: Callable[[Experiment, History], Verdict]) -> int:
        """Let a checker judge all histories again; return how many verdicts are another one now."""
        assignments = ", ".join(f"{name} = ?" for name in schema.VERDICT)
        changed = 0
        with _explained(self.path), self._database:
            for number, history in self.histories():
                experiment, before = self.experiment(number)
                verdict = judge(experiment, history)
                if before and verdict != before.verdict:
                    changed += 1
                    row = (*schema.verdict_row(verdict), number)
                    self._database.execute(f"UPDATE result SET {assignments} WHERE number = ?", row)  # noqa: S608
        return changed

    def digest(self) -> str:
        """Return a hash over all experiments and results: equal if and only if they are.

        It doesn't depend on how zlib packs, nor on the order or number of runs in which the results came.
        """
        total = hashlib.sha256()
        for row in self._rows("experiment", schema.EXPERIMENT):
            total.update(f"{canonical(row)}\n".encode())
        for row in self._rows("result", schema.RESULT):
            shown = [schema.unpacked(value) if isinstance(value, bytes) else value for value in row]
            total.update(f"{canonical(shown)}\n".encode())
        return total.hexdigest()

    def joined(self) -> Iterator[dict[str, Any]]:
        """Yield a flat row for each experiment that has run, as exports have it; histories are JSON."""
        for experiment, result in zip(
            self._rows("experiment", schema.EXPERIMENT, "number IN (SELECT number FROM result)"),
            self._rows("result", schema.RESULT),
            strict=True,
        ):
            row = dict(zip(schema.EXPERIMENT, experiment, strict=True)) | dict(zip(schema.RESULT, result, strict=True))
            yield row | {"history": schema.unpacked(row["history"])}

    def _select(self, table: str, columns: Sequence[str], condition: str, *values: Any) -> list[schema.Row]:
        query = f"SELECT {', '.join(columns)} FROM {table} WHERE {condition}"  # noqa: S608 - all three are ours
        return self._database.execute(query, values).fetchall()

    def _rows(self, table: str, columns: Sequence[str], condition: str = "TRUE") -> Iterator[schema.Row]:
        """Yield rows by number, with no query open in between: others may write."""
        after = -1
        while True:
            where = f"number > ? AND {condition} ORDER BY number LIMIT {_CHUNK}"
            rows = self._select(table, columns, where, after)
            if not rows:
                return
            yield from rows
            after = rows[-1][0]

    def _read_meta(self) -> Meta:
        return Meta(**{key: json.loads(value) for key, value in self._database.execute("SELECT * FROM meta")})


def _session_row(session: Session) -> schema.Row:
    return session.engine, session.workers, session.started, session.seconds, session.experiments


def _fill(database: sqlite3.Connection, meta: Meta, experiments: Iterable[Experiment]) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(schema.TABLES)
    database.executemany("INSERT INTO meta VALUES (?, ?)", [(k, canonical(v)) for k, v in asdict(meta).items()])
    marks = ", ".join("?" * len(schema.EXPERIMENT))
    database.executemany(f"INSERT INTO experiment VALUES ({marks})", map(schema.experiment_row, experiments))  # noqa: S608
    database.execute(f"PRAGMA application_id = {schema.APPLICATION}")
    database.execute(f"PRAGMA user_version = {schema.VERSION}")


def _connected(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the database and look whether it is a store."""
    try:
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode={'rw' if write else 'ro'}", uri=True, timeout=30)
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (found,) = database.execute("PRAGMA user_version").fetchone()
        if write:
            database.execute("PRAGMA journal_mode = WAL")
            # A process that is killed loses nothing; a power cut may lose the last batches, which then run again.
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("PRAGMA foreign_keys = ON")
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: not a campaign store ({error})") from None
    if application != schema.APPLICATION:
        raise StoreError(f"{path}: an SQLite file, but not a campaign store")
    if found != schema.VERSION:
        remedy = "update understudy to read it" if found > schema.VERSION else "run the campaign again"
        raise StoreError(f"{path}: schema version {found}, this understudy reads {schema.VERSION}; {remedy}")
    return database


def _locked(path: Path) -> IO[str]:
    """Take the lock of writers, which the system releases when the process ends, however it does.

    A lock of POSIX: processes that this one forks do not have it, so none of them can keep it.
    """
    with _explained(path):
        lock = path.with_name(path.name + ".lock").open("a+")
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreError(
            f"{path}: another process is running this campaign; wait for it, or use --output elsewhere"
        ) from None
    return lock


def _set_aside(path: Path) -> None:
    """Rename a store, with what a killed writer has left in its log."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise StoreError(f"{path}: somebody reads it; wait for that, or use --output elsewhere") from None
    previous = path.with_name(PREVIOUS)
    _remove(previous)
    path.rename(previous)
    _remove(path)  # logs of what was no database


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into ours, with a remedy."""
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        said = str(error)
        if "full" in said or "No space" in said:
            said = "the disk is full; make room and continue with --resume, nothing is lost"
        elif "FOREIGN KEY" in said:
            said = "a result for an experiment that is not in the plan"
        raise StoreError(f"{path}: {said}") from None
