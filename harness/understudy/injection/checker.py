# SPDX-License-Identifier: Apache-2.0
"""The verdict on an experiment, from its stored history alone; it can be run again with other rules."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from understudy.injection.experiment import Experiment, History, Outcome, Verdict
from understudy.injection.golden import GoldenFacts
from understudy.injection.observation import STORED
from understudy.vmm_faults.output import difference

_LEVELS = {
    "task rollback": "task",
    "task restart": "task",
    "vm rollback": "VM",
    "older generation": "VM",
    "warm reset": "VM",
    "cold restart": "VM",
    "standby": "VM",
    "suspend": "VM",
    "vm stop": "VM",
    "system halt": "system",
}
"""Actions of the health monitor that do something, from the mildest to the most severe (enum vmi_action)."""
_STARTS_ANEW = ("warm reset", "cold restart", "standby")
_HALTED = ("SYSTEM STOPPED", "SYSTEM HALTED")
_VMM_LINE = "[vmm] "
_PROMPT = "vm0> "
_SHOWN = 100  # characters of each side of a comparison


@frozen
class Rules:
    """What counts as right output.

    `again` are lines that a stream may print once more. At the end a VM must have printed what the golden run had
    printed `late_ms` before; while recoveries went on nobody is expected to print anything.
    """

    again: int = 0
    late_ms: float = 12.0


def judge(experiment: Experiment, history: History, golden: GoldenFacts, rules: Rules | None = None) -> Verdict:
    """Return the verdict.

    Args:
        experiment: what was to be done.
        history: what was observed.
        golden: the run without the fault.
        rules: what counts as right.
    """
    verdict = _unusual(experiment, history)
    if verdict:
        return verdict
    return _judge_system(experiment, history, golden, rules or Rules())


def _unusual(experiment: Experiment, history: History) -> Verdict | None:
    """Ends before anything can be said of the system."""
    if history.end == "signal":
        how = f"exited with status {history.status - 256}" if history.status >= 256 else f"signal {history.status}"
        return Verdict(Outcome.QEMU_ABORTED, how)
    missing = [
        number
        for number, (fault, applied) in enumerate(zip(experiment.faults, history.applied, strict=True))
        if not applied.times or (fault.flip and not applied.changed and not fault.duration)
    ]
    if missing:
        return Verdict(Outcome.NOT_APPLIED, f"fault {missing[0]}: {_why_not(history, missing[0])}")
    if history.end == "stuck":
        return Verdict(Outcome.HANG, "exception after exception, without an instruction in between")
    return None


def _why_not(history: History, number: int) -> str:
    applied = history.applied[number]
    if not applied.times:
        return "its time never came, or there is no such place"
    return f"{applied.before:#x} was written to, and is still there"


@frozen
class _Found:
    """What one VM did."""

    vm: str
    wrong: str = ""  # where its output is not right
    late: str = ""
    anew: bool = False
    stopped: str = ""  # "paused", "stopped": it does not run, as it does in the golden run
    touched: str = ""  # its memory is another one


def _judge_system(experiment: Experiment, history: History, golden: GoldenFacts, rules: Rules) -> Verdict:
    records = [record for record in history.faults if record.get("action") in _LEVELS]
    actions = tuple(str(record["action"]) for record in records)
    facts = _recovery(history, records, golden)
    console = history.outputs.get(golden.management, "")
    if history.end == "stopped" or any(mark in console for mark in _HALTED):
        said = [line for line in console.splitlines() if line.startswith(_VMM_LINE)]
        why = _cut(said[0], 2 * _SHOWN) if said else "the VMM stopped the system without a word"
        return evolve(facts, outcome=Outcome.VMM_FAULT, why=why, actions=actions)
    found = [_look_at(vm, history, golden, records, rules) for vm in golden.outputs]
    return evolve(_combine(experiment, history, golden, found, facts, records), actions=actions)


def _recovery(history: History, records: Sequence[Mapping[str, Any]], golden: GoldenFacts) -> Verdict:
    """Return a verdict that has nothing but the facts of the recovery."""
    if not records:
        return Verdict(Outcome.MASKED, "")
    order = list(_LEVELS)
    worst = max(records, key=lambda record: order.index(record["action"]))
    since = records[0]["time_ns"] - history.applied[0].time if history.applied else 0
    return Verdict(
        Outcome.RECOVERED,
        "",
        action=worst["action"],
        level=_LEVELS[worst["action"]],
        vm=worst["vm"],
        latency=max(0, since // golden.instruction_ns),
        cost=worst["cost"],
        lost=max(0, history.executed - golden.executed),
    )


def _lines(text: str) -> tuple[list[str], str]:
    """Return the whole lines, and what the end has cut off behind them."""
    *lines, rest = text.split("\n")
    return lines, rest


def _without_vmm(text: str) -> str:
    """Return the output of the management VM alone.

    The VMM writes lines of its own between, and repeats the line that it has cut: the prompt, if nobody types.
    """
    lines = [line.rpartition("\r")[2].removeprefix(_PROMPT) for line in text.split("\n")]
    return "\n".join(line for line in lines if line and not line.startswith(_VMM_LINE.strip()))


def _look_at(
    vm: str, history: History, golden: GoldenFacts, records: Sequence[Mapping[str, Any]], rules: Rules
) -> _Found:
    mine = [record for record in records if record["vm"] == vm]
    anew = any(record["action"] in _STARTS_ANEW for record in mine)
    state = history.vms.get(vm, golden.vms[vm])["state"]
    stopped = state if state != golden.vms[vm]["state"] else ""
    wrong = late = ""
    if vm in history.outputs and history.end != "horizon":
        wrong = "its output is not that of the golden run"
    elif vm in history.outputs:
        texts = [history.outputs[vm], golden.boot[vm], golden.outputs[vm]]
        if vm == golden.management:
            texts = [_without_vmm(text) for text in texts]
        wrong = _compare(*texts, anew=anew, rules=rules)
        # Nobody types, so the management VM has nothing to say.
        late = "" if vm == golden.management else _late(texts[0], vm, history, golden, records, rules)
    windows = {name: count for name, count in history.memory.get(vm, {}).items() if name != STORED}
    touched = ", ".join(f"{count} pages of window {window}" for window, count in windows.items())
    return _Found(vm, wrong, "" if anew or stopped else late, anew, stopped, touched)


def _late(
    text: str,
    vm: str,
    history: History,
    golden: GoldenFacts,
    records: Sequence[Mapping[str, Any]],
    rules: Rules,
) -> str:
    """Return how many lines are missing, if that is too many."""
    allowed = int(rules.late_ms * 1_000_000)
    if records:
        last = records[-1]
        allowed += max(0, last["time_ns"] + last["cost"] * golden.instruction_ns - history.applied[0].time)
    past = [
        count for time, count in zip(golden.syncs_ns, golden.lines[vm], strict=True) if time <= golden.end_ns - allowed
    ]
    missing = (past[-1] if past else 0) - len(_lines(text)[0])
    return f"{missing} lines are missing" if missing > 0 else ""


def _compare(text: str, boot: str, golden: str, *, anew: bool, rules: Rules) -> str:
    """Return where output is wrong. The last line may have been cut short by the end."""
    ours, rest = _lines(text)
    right, cut = _lines(golden)
    if not anew and not rules.again:
        for number, line in enumerate(ours):
            if number >= len(right) or line != right[number]:
                expected = right[number] if number < len(right) else cut
                return f"{_quoted(line)} instead of {_quoted(expected)}"
        following = right[len(ours)] if len(ours) < len(right) else cut
        if not following.startswith(rest):
            return f"{_quoted(rest)} instead of {_quoted(following)}"
        return ""
    before = _lines(boot)[0]
    return _cut(difference([*before, *ours], [*before, *right], again=rules.again) or "", 2 * _SHOWN)


def _quoted(line: str) -> str:
    """Return a line as a reader can bear it: a guest may print kilobytes of nonsense. The history has all of it."""
    return _cut(repr(line), _SHOWN)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"


def _combine(
    experiment: Experiment,
    history: History,
    golden: GoldenFacts,
    found: Sequence[_Found],
    facts: Verdict,
    records: Sequence[Mapping[str, Any]],
) -> Verdict:
    aimed = experiment.place.vm
    same_time = history.executed == golden.executed  # else others are at another instruction, and so is their memory
    others = [one for one in found if aimed and one.vm != aimed]
    for one in others:
        why = one.wrong or one.late or (one.stopped and f"is {one.stopped}") or (one.anew and "was started anew")
        if not why and any(record["vm"] == one.vm for record in records):
            why = "was recovered"
        if not why and one.touched and same_time:
            why = f"{one.touched} differ"
        if why:
            return evolve(facts, outcome=Outcome.PROPAGATED, why=f"{one.vm}: {why}", vm=one.vm)
    return _judge_own([one for one in found if one not in others], history, facts, records)


def _judge_own(
    found: Sequence[_Found], history: History, facts: Verdict, records: Sequence[Mapping[str, Any]]
) -> Verdict:
    for outcome, reason in (
        (Outcome.SDC, "wrong"),
        (Outcome.DEGRADED, "stopped"),
        (Outcome.HANG, "late"),
    ):
        for one in found:
            if getattr(one, reason):
                why = f"{one.vm}: {getattr(one, reason)}"
                return evolve(facts, outcome=outcome, why=why, vm=one.vm)
    if records:
        last = records[0]
        who = "/".join(filter(None, (last["vm"], last["task"])))
        return evolve(facts, why=f"{who}: {last['fault_class']}, {', then '.join(r['action'] for r in records[:4])}")
    return _judge_silent(history, facts)


def _judge_silent(history: History, facts: Verdict) -> Verdict:
    """Nobody noticed anything."""
    if history.end == "equal":
        return evolve(facts, why="nothing differs from the golden run any more")
    if history.end == "dormant":
        return evolve(facts, outcome=Outcome.LATENT, why="what was hit is not used any more")
    places = [
        f"{count} pages of {vm} window {window}"
        for vm, parts in history.memory.items()
        for window, count in parts.items()
    ]
    places += ["registers"] if history.cpu_differs else []
    places += ["devices"] if history.devices_differ else []
    if places:
        return evolve(facts, outcome=Outcome.LATENT, why=f"at the end differ: {', '.join(places[:4])}")
    return evolve(facts, why="the same at the end")
