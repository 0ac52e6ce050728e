# SPDX-License-Identifier: Apache-2.0
"""Running the experiments of a store on this machine, or on a cluster of dask.distributed."""

import atexit
import ctypes
import datetime
import importlib
import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any

from attrs import fields

from understudy.errors import TargetError, ToolError, UnderstudyError
from understudy.injection.experiment import Experiment, Result
from understudy.injection.golden import GoldenFacts
from understudy.injection.places import replay_command
from understudy.injection.schema import Session
from understudy.injection.store import Store
from understudy.injection.workplace import Job, JudgementError, Workplace

BATCH = 20  # experiments at a time
_AHEAD = 3  # batches that are given out for each worker
_PR_SET_PDEATHSIG = 1  # prctl(2)
_RETRIES = 10  # of a batch whose worker has gone

Progress = Callable[[Sequence[Result]], None]
Batch = list[Experiment]
Done = tuple[str, list[Result]]  # with which engine
Keep = Callable[[Done], None]

_workplaces: dict[int, Workplace] = {}  # of this process
_turn = threading.Lock()


def run(
    store: Store, job: Job, facts: GoldenFacts, *, workers: int, scheduler: str | None, progress: Progress
) -> Session:
    """Run all experiments of a store that have no result.

    Args:
        store: open for writing; results are added in batches as they come.
        job: what to run.
        facts: of the golden run that was planned with; that of each worker must be the same.
        workers: processes on this machine; of a cluster all are used.
        scheduler: address of the scheduler of a dask.distributed cluster; None: this machine.
        progress: is called with each batch of results.

    Raises:
        TargetError: QEMU can't be started, or the golden run of a worker is another one.
        ToolError: there is no such scheduler.
        KeyboardInterrupt: as usual, after all results that are there were stored.
    """
    begin = time.monotonic()
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    count = 0
    engines: set[str] = set()

    def keep(done: Done) -> None:
        nonlocal count
        engine, results = done
        store.add_results(results)
        engines.add(engine)
        count += len(results)
        progress(results)

    try:
        if scheduler:
            workers = _on_cluster(store, job, facts, scheduler, keep)
        else:
            _here(store, job, facts, workers, keep)
    except JudgementError as error:
        again = replay_command(store.path, error.number)
        raise UnderstudyError(f"{error}\nrepeat it: {again}\nall other results so far are stored") from error
    finally:
        engine = ", ".join(sorted(engines)) or "none"  # hosts of a cluster may differ
        store.add_session(Session(engine, workers, started, time.monotonic() - begin, count))
    return store.sessions()[-1]


def _batches(store: Store) -> Iterator[Batch]:
    pending = store.pending()
    while batch := list(itertools.islice(pending, BATCH)):
        yield batch


def _here(store: Store, job: Job, facts: GoldenFacts, workers: int, keep: Keep) -> None:
    context = multiprocessing.get_context("spawn")
    turns = context.Value("i")
    pool = ProcessPoolExecutor(workers, context, _begin_worker, (job, facts, turns))
    batches = _batches(store)
    waiting: set[Future[Done]] = set()
    try:
        for batch in itertools.islice(batches, workers * _AHEAD):
            waiting.add(pool.submit(_run_here, batch))
        while waiting:
            finished = wait(waiting, return_when=FIRST_COMPLETED).done
            for future in finished:
                waiting.remove(future)
                keep(future.result())
            for batch in itertools.islice(batches, len(finished)):
                waiting.add(pool.submit(_run_here, batch))
    except BrokenProcessPool:
        raise TargetError(
            "a worker process was killed; what it did is lost, nothing else: go on with --resume"
        ) from None
    except (KeyboardInterrupt, JudgementError):
        _keep_finished(waiting, keep)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _keep_finished(waiting: Set[Future[Done]], keep: Keep) -> None:
    """Let what has begun come to its end, and keep it; another experiment that can't be judged is left for later."""
    for future in waiting:
        future.cancel()
    for future in waiting:
        with suppress(JudgementError):
            if not future.cancelled():
                keep(future.result())


def _begin_worker(job: Job, facts: GoldenFacts, turns: Any) -> None:
    """Ctrl-C is for the main process; without that there is nobody to work for.

    A worker and its QEMU take turns, so one processor is enough for both, and keeps its caches.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    processors = sorted(os.sched_getaffinity(0))
    with turns.get_lock():
        os.sched_setaffinity(0, {processors[turns.value % len(processors)]})
        turns.value += 1
    _workplaces[0] = _enter(job, facts)


def _run_here(batch: Batch) -> Done:
    return _run_at(_workplaces[0], batch)


def _run_at(place: Workplace, batch: Batch) -> Done:
    return place.engine.kind, [place.run(experiment) for experiment in batch]


def _enter(job: Job, facts: GoldenFacts) -> Workplace:
    place = Workplace(job, print)
    place.__enter__()
    atexit.register(place.__exit__)
    names = [field.name for field in fields(GoldenFacts)]
    other = [name for name in names if getattr(place.facts, name) != getattr(facts, name)]
    if other:
        raise TargetError(f"the golden run of this worker is another one ({', '.join(other)}): is it another QEMU?")
    return place


def _on_cluster(store: Store, job: Job, facts: GoldenFacts, scheduler: str, keep: Keep) -> int:
    try:
        distributed: Any = importlib.import_module("distributed")  # only a cluster needs it, and it has no types
    except ImportError:
        raise ToolError("dask.distributed is missing: pip install 'understudy[cluster]'") from None
    try:
        client = distributed.Client(scheduler, timeout="10s")
    except (OSError, ValueError) as error:
        raise ToolError(f"no scheduler answers at {scheduler}: {error}") from None
    with client:
        shared = client.submit(_both, job, facts, pure=False)  # not scattered: that would be lost with its workers
        ahead = max(1, len(client.scheduler_info()["workers"])) * _AHEAD
        batches = _batches(store)

        def submit(batch: Batch) -> Any:
            return client.submit(_run_there, shared, batch, pure=False, retries=_RETRIES)

        running = distributed.as_completed(map(submit, itertools.islice(batches, ahead)))
        for future in running:
            keep(future.result())
            for batch in itertools.islice(batches, 1):
                running.add(submit(batch))
        return len(client.scheduler_info()["workers"])


def _both(job: Job, facts: GoldenFacts) -> tuple[Job, GoldenFacts]:
    return job, facts


def _run_there(shared: tuple[Job, GoldenFacts], batch: Batch) -> Done:
    """A worker of a cluster has threads, and may work for several campaigns, one after the other."""
    job, facts = shared
    key = hash((job.elf, job.setup, job.prelude, job.engine))
    with _turn:
        if key not in _workplaces:
            while _workplaces:
                _workplaces.popitem()[1].__exit__()
            _workplaces[key] = _enter(job, facts)
        return _run_at(_workplaces[key], batch)
