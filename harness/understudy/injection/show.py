# SPDX-License-Identifier: Apache-2.0
"""One experiment as text: what was done, what was seen, what it means."""

import difflib
from collections.abc import Iterator

from attrs import NOTHING, asdict

from understudy.injection.experiment import Applied, Experiment, Fault, History, Place, Target, Verdict
from understudy.injection.places import replay_command
from understudy.injection.store import Store

_HEX = ("address", "flip", "keep", "set", "add")
_LINES = 12  # of an output that differs


def lines(store: Store, number: int) -> Iterator[str]:
    """Yield all that is known of an experiment.

    Raises:
        StoreError: there is no such number.
    """
    experiment, result = store.experiment(number)
    yield f"experiment {number} of {store.meta.name}, stratum {experiment.stratum}, weight {experiment.weight:g}"
    yield f"  aims at {_aim(experiment.place)}"
    yield f"  before {_moment(experiment)}"
    applied = result.history.applied if result else ()
    for index, fault in enumerate(experiment.faults):
        yield f"  fault {index + 1}: {_fault(fault)}"
        if index < len(applied):
            yield f"    applied: {_applied(applied[index])}"
        elif result:
            yield "    not applied"
    if result:
        yield from _verdict(result.verdict)
        yield from _history(result.history, store.meta.golden.get("outputs", {}))
        yield f"repeat: {replay_command(store.path, number)}"
    else:
        yield "has not run yet"


def _aim(place: Place) -> str:
    parts = [place.kind, place.name, place.model]
    parts += [f"bit {place.bit}"] if place.bit is not None else []
    parts += [f"at {place.address:#010x}"] if place.address is not None else []
    parts += [place.symbol] if place.symbol else []
    return ", ".join(parts)


def _moment(experiment: Experiment) -> str:
    place, when = experiment.place, min((fault.time for fault in experiment.faults), default=0)
    parts = [f"step {place.step}"] if place.step is not None else []
    parts += [f"pc {place.pc:#010x} {place.pc_symbol}".rstrip()] if place.pc is not None else []
    parts += [f"{name} {value}" for name in ("phase", "vm", "task") if (value := getattr(place, name))]
    return ", ".join([*parts, f"{when} ns after reset"])


def _fault(fault: Fault) -> str:
    told = asdict(fault, filter=lambda a, value: a.default is NOTHING or value != a.default)
    told["target"] = Target(fault.target).name
    return ", ".join(f"{name} {value:#x}" if name in _HEX else f"{name} {value}" for name, value in told.items())


def _applied(applied: Applied) -> str:
    times = f", {applied.times} times, {applied.changed} of them changed something" if applied.times > 1 else ""
    return (
        f"{applied.before:#010x} -> {applied.after:#010x} at {applied.time} ns, pc {applied.pc:#010x}, "
        f"CPSR {applied.cpsr:#010x}{times}"
    )


def _verdict(verdict: Verdict) -> Iterator[str]:
    yield f"{verdict.outcome}: {verdict.why}"
    for name, unit in (("action", ""), ("level", ""), ("vm", ""), ("latency", " instructions")):
        if getattr(verdict, name) not in ("", None):
            yield f"  {name}: {getattr(verdict, name)}{unit}"
    for name, unit in (("cost", " instructions"), ("lost", " instructions more than in the golden run")):
        if getattr(verdict, name) is not None:
            yield f"  {name}: {getattr(verdict, name)}{unit}"
    if len(verdict.actions) > 1:
        yield f"  actions: {' -> '.join(verdict.actions)}"


def _history(history: History, golden: dict[str, str]) -> Iterator[str]:
    yield f"observed: ended by {history.end} (status {history.status}) after {history.executed} instructions"
    for record in history.faults:
        yield f"  fault log: {', '.join(f'{name} {value}' for name, value in record.items())}"
    for vm, state in history.vms.items():
        yield f"  {vm}: {', '.join(f'{name} {value}' for name, value in state.items())}"
    for owner, windows in history.memory.items():
        yield f"  pages that differ in {owner}: {', '.join(f'{name} {count}' for name, count in windows.items())}"
    flags = {"CPU": history.cpu_differs, "devices": history.devices_differ}
    if any(flags.values()):
        yield f"  state that differs: {', '.join(name for name, differs in flags.items() if differs)}"
    for vm, text in history.outputs.items():
        yield f"  output of {vm} against the golden run:"
        before, after = golden.get(vm, "").splitlines(), text.splitlines()
        changed = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]  # without the names of two files
        yield from (f"    {_printable(line)}" for line in changed[:_LINES])
        if len(changed) > _LINES:
            yield f"    and {len(changed) - _LINES} more lines"


def _printable(line: str) -> str:
    return line.encode("unicode_escape").decode("ascii")
