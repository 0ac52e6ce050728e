# SPDX-License-Identifier: Apache-2.0
"""The verdict on a history, outcome by outcome, and at the borders between them."""

from typing import Any

import pytest
from attrs import evolve
from understudy.injection.checker import Rules, judge
from understudy.injection.experiment import Applied, Experiment, Fault, History, Outcome, Place, Target, Verdict
from understudy.injection.golden import GoldenFacts

RUNNING = {"state": "running", "recoveries": 0, "starts": 1, "faults": 0, "refused": 0, "ticks_lost": 0}
VMS = ("vm0", "motor", "log")
GOLDEN = GoldenFacts(
    boot={"vm0": "[vmm] hello\nvm0> ", "motor": "m 0 v0\nm 1 v1\n", "log": "l 0 v0\n"},
    outputs={"vm0": "", "motor": "m 2 v2\nm 3 v3\nm 4 v4\nm 5 v5\n", "log": "l 1 v1\nl 2 v2\nl 3 v3\n"},
    lines={"vm0": (0,) * 5, "motor": (0, 1, 2, 3, 4), "log": (0, 1, 2, 3, 3)},
    syncs_ns=tuple(range(1_000_000, 41_000_001, 10_000_000)),
    executed=10_000,
    start_ns=1_000_000,
    end_ns=41_000_000,
    instruction_ns=32,
    timer_offset_ns=0,
    timer_tick_ns=10,
    faults=0,
    vms=dict.fromkeys(VMS, RUNNING),
    management="vm0",
    prelude=(),
)
FLIP = Fault(1_100_000, Target.CORE, 3, flip=8)
APPLIED = Applied(1_100_000, 0, 8, 1, 1, 0x1000, 0x10)
MOTOR = Experiment(7, "s", (FLIP,), Place("register", "r3", vm="motor"))
IN_VMM = Experiment(8, "s", (FLIP,), Place("register", "r3"))
QUIET = History("horizon", 0, 10_000, (APPLIED,))


def record(action: str, vm: str = "motor", task: str = "control", time: int = 1_103_200) -> dict[str, Any]:
    return {"vm": vm, "task": task, "fault_class": "translation", "action": action, "time_ns": time, "cost": 269}


def verdict(experiment: Experiment = MOTOR, rules: Rules | None = None, **changes: Any) -> Verdict:
    return judge(experiment, evolve(QUIET, **changes), GOLDEN, rules)


def outcome(experiment: Experiment = MOTOR, rules: Rules | None = None, **changes: Any) -> Outcome:
    return verdict(experiment, rules, **changes).outcome


def test_masked() -> None:
    assert outcome() is Outcome.MASKED
    assert outcome(end="equal") is Outcome.MASKED


@pytest.mark.parametrize(
    "change",
    [
        {"end": "dormant"},
        {"cpu_differs": True},
        {"devices_differ": True},
        {"memory": {"vmm": {"pages": 1}}},
        {"memory": {"motor": {"3": 1}}},
        {"memory": {"log": {"stored": 1}}},  # a table or a checkpoint of another VM, which it does not see
    ],
)
def test_latent(change: dict[str, Any]) -> None:
    assert outcome(**change) is Outcome.LATENT


def test_recovered() -> None:
    """# D6 With the facts of the most severe recovery, and the time from the fault to the first record."""
    found = verdict(faults=(record("task rollback"), record("vm rollback", time=1_200_000)), executed=12_500)
    assert found.outcome is Outcome.RECOVERED
    assert (found.action, found.level, found.vm) == ("vm rollback", "VM", "motor")
    assert (found.latency, found.cost, found.lost) == (100, 269, 2_500)
    assert found.actions == ("task rollback", "vm rollback")
    assert found.why == "motor/control: translation, task rollback, then vm rollback"


def test_restarted_vm_begins_anew() -> None:
    anew = {"motor": "m 2 v2\nm 0 v0\nm 1 v1\nm 2 v2\n"}
    assert outcome(outputs=anew, faults=(record("cold restart"),)) is Outcome.RECOVERED
    assert outcome(outputs=anew, faults=(record("vm rollback"),)) is Outcome.SDC
    assert outcome(outputs={"motor": "m 2 v2\nm 1 v1\n"}, faults=(record("cold restart"),)) is Outcome.SDC


@pytest.mark.parametrize("state", ["paused", "stopped"])
def test_degraded(state: str) -> None:
    stopped = {"motor": {**RUNNING, "state": state}}
    assert outcome(vms=stopped, outputs={"motor": "m 2 v2\n"}, faults=(record("vm stop"),)) is Outcome.DEGRADED


@pytest.mark.parametrize(
    "text",
    [
        "m 2 v2\nm 9 v9\nm 4 v4\nm 5 v5\n",
        "m 2 v2\nm 3 v3\nm 3 v3\nm 4 v4\nm 5 v5\n",
        "m 2 v2\nm 4 v4\nm 5 v5\n",
        "\0" * 40,
        "m 2 v2\nx",
    ],
)
def test_silent_data_corruption(text: str) -> None:
    assert outcome(outputs={"motor": text}) is Outcome.SDC


@pytest.mark.parametrize("change", [{}, {"faults": (record("cold restart"),)}])
def test_why_is_short(change: dict[str, Any]) -> None:
    """A guest may print kilobytes of nonsense; the history has all of it."""
    found = verdict(outputs={"motor": "\0" * 5000 + "\n"}, **change)
    assert found.outcome is Outcome.SDC
    assert "\\x00\\x00" in found.why
    assert " characters)" in found.why
    assert len(found.why) < 300


def test_corruption_that_healed_is_still_one() -> None:
    """The state is that of the golden run again, but what was printed can't be taken back."""
    assert outcome(end="equal", outputs={"motor": "m 9 v9\n"}) is Outcome.SDC


def test_corruption_after_a_recovery() -> None:
    found = verdict(outputs={"motor": "m 2 v2\nm 7 v7\n"}, faults=(record("task rollback"),))
    assert (found.outcome, found.action) == (Outcome.SDC, "task rollback")


def test_late_output() -> None:
    """What the golden run had printed 12 ms before the end must be there; a line cut off by the end is no hang."""
    assert outcome(outputs={"motor": "m 2 v2\nm 3 v3\nm 4 v4\nm"}, memory={"vmm": {"pages": 1}}) is Outcome.LATENT
    assert outcome(outputs={"motor": "m 2 v2\nm 3 v3\n"}) is Outcome.MASKED
    assert outcome(outputs={"motor": "m 2 v2\n"}) is Outcome.HANG
    assert outcome(outputs={"motor": "m 2 v2\nm 3 v3\n"}, rules=Rules(late_ms=5)) is Outcome.HANG


def test_nobody_prints_during_recoveries() -> None:
    """After a restart of the VMM, 20 ms after the fault, less is expected; but not nothing for ever."""
    restart = (record("vm rollback"), record("vm rollback", time=21_000_000))
    assert outcome(outputs={"motor": "m 2 v2\n", "log": "l 1 v1\n"}, faults=restart) is Outcome.RECOVERED
    assert outcome(outputs={"motor": ""}, faults=(record("vm rollback"),)) is Outcome.HANG


def test_rules_may_allow_repeated_lines() -> None:
    text = "m 2 v2\nm 2 v2\nm 3 v3\nm 4 v4\nm 5 v5\n"
    assert outcome(outputs={"motor": text}, faults=(record("vm rollback"),)) is Outcome.SDC
    assert outcome(outputs={"motor": text}, faults=(record("vm rollback"),), rules=Rules(again=1)) is Outcome.RECOVERED


@pytest.mark.parametrize(
    "change",
    [
        {"outputs": {"log": "l 9 v9\n"}},
        {"outputs": {"log": ""}},
        {"vms": {"log": {**RUNNING, "state": "stopped"}}},
        {"faults": (record("task rollback", vm="log"),)},
        {"faults": (record("task rollback"), record("cold restart", vm="log"))},
        {"memory": {"log": {"3": 1}}},
    ],
)
def test_propagated(change: dict[str, Any]) -> None:
    """Whatever reaches another VM than the one aimed at; of a fault in the VMM all VMs are victims."""
    found = verdict(**change)
    assert (found.outcome, found.vm) == (Outcome.PROPAGATED, "log")
    assert outcome(IN_VMM, **change) is not Outcome.PROPAGATED


def test_shifted_time_is_no_propagation() -> None:
    """When more was executed than in the golden run the others are at another instruction at the end."""
    shifted = {"memory": {"log": {"3": 1}}, "executed": 10_500}
    assert outcome(**shifted) is Outcome.LATENT
    assert outcome(faults=(record("vm rollback"),), **shifted) is Outcome.RECOVERED


def test_lines_of_the_vmm_are_not_output() -> None:
    text = "\n[vmm] fault 1: data abort in motor/control\n\rvm0> "
    assert outcome(outputs={"vm0": text}, faults=(record("task rollback"),)) is Outcome.RECOVERED


@pytest.mark.parametrize("end", ["stopped", "horizon"])
def test_vmm_fault(end: str) -> None:
    said = "[vmm] VMM FAULT: data abort in the VMM itself\n[vmm] SYSTEM STOPPED\n"
    found = verdict(end=end, outputs={"vm0": said})
    assert (found.outcome, found.why) == (Outcome.VMM_FAULT, "[vmm] VMM FAULT: data abort in the VMM itself")
    assert outcome(end="stopped") is Outcome.VMM_FAULT


def test_qemu_aborted() -> None:
    assert verdict(end="signal", status=6) == Verdict(Outcome.QEMU_ABORTED, "signal 6")
    assert verdict(end="signal", status=257).why == "exited with status 1"


def test_stuck_in_exceptions() -> None:
    assert outcome(end="stuck") is Outcome.HANG


@pytest.mark.parametrize(
    ("applied", "why"),
    [
        (evolve(APPLIED, times=0, changed=0), "its time never came"),
        (evolve(APPLIED, after=0, changed=0), "0x0 was written to, and is still there"),
    ],
)
def test_not_applied(applied: Applied, why: str) -> None:
    """Never counted as masked; but a bit that is stuck at the value it has anyway is applied, and masked."""
    found = verdict(applied=(applied,))
    assert found.outcome is Outcome.NOT_APPLIED
    assert why in found.why
    stuck = evolve(MOTOR, faults=(evolve(FLIP, flip=0, set=8, duration=320, interval=32),))
    assert outcome(stuck, applied=(evolve(APPLIED, before=8, changed=0),)) is Outcome.MASKED
