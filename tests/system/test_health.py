# SPDX-License-Identifier: Apache-2.0
"""The health monitor: what is done is what the policy of the VM says, in the TOML and at run time (D5)."""

from collections.abc import Callable

import pytest
from understudy.pytest_plugin import Boot, Build
from understudy.target import Fault, Target

from . import machine, oracle, systems

CONSOLE_MS = 60_000


def failing(fault: str = "null_write", **parameters: object) -> systems.Data:
    return systems.faulty_guest(systems.faulty(0, fault, **parameters), systems.worker())


def on(action: str, fault: str = "translation", **steps: object) -> systems.Data:
    return {"on": {fault: action}, "steps": steps}


GUESTS = {
    "undefined": failing("undefined"),
    "null": failing(),
    "jump": failing("jump_null"),
    "mutex": failing(mutex=True),
    "two": systems.faulty_guest(
        systems.faulty(0, "null_write"), systems.faulty(1, "null_write", skip=1), systems.worker()
    ),
}
VMS = {
    "ignored": ("undefined", on("ignore", "instruction")),
    "logged": ("undefined", on("log", "instruction", log={"budget": 2, "next": "vm_rollback"})),
    "unfit": ("jump", on("log")),
    "restarted": ("null", on("task_restart")),
    "entangled": ("mutex", on("task_restart")),
    "warm": ("null", on("warm_reset")),
    "suspended": ("null", on("suspend")),
    "stopped": ("null", on("vm_stop")),
    "nobody": ("null", on("standby", standby={"next": "suspend"})),
    "single": ("two", {"tasks": {"f1": {"translation": "cold_restart"}}}),
}
WANTED = {  # action and reason of each fault, in order
    "ignored": [],
    "logged": [("log", "policy")] * 2 + [("vm rollback", "budget")],
    "unfit": [("task rollback", "unavailable")],
    "restarted": [("task restart", "policy")],
    "entangled": [("vm rollback", "shared state")],  # D6
    "warm": [("warm reset", "policy")],
    "suspended": [("suspend", "policy")],
    "stopped": [("vm stop", "policy")],
    "nobody": [("suspend", "unavailable")],
    "single": [("task rollback", "policy"), ("cold restart", "policy")],
}
STATES = {"suspended": "paused", "stopped": "stopped", "nobody": "paused"}
RUNNING = [vm for vm in VMS if vm not in STATES]


def description() -> systems.Data:
    vms = {
        name: systems.vm(guest, recovery=recovery, slice_ticks=systems.LONG_SLICE)
        for name, (guest, recovery) in VMS.items()
    }
    return systems.system("test-health", GUESTS, {**systems.healthy_vms(), **vms})


@pytest.fixture(scope="module")
def recorded(vmm_build: Build) -> machine.Recording:
    count = sum(len(faults) for faults in WANTED.values())

    def done(target: Target) -> bool:
        return len(target.faults()) >= count and machine.printed(target, *systems.HEALTHY, *RUNNING, lines=60)

    return machine.record(vmm_build(description()), done)


def faults_of(recording: machine.Recording, vm: str) -> list[Fault]:
    return [fault for fault in recording.faults if fault.vm == vm]


@pytest.mark.parametrize("vm", VMS)
def test_the_policy_chooses(recorded: machine.Recording, vm: str) -> None:
    """# D5 Action and reason of each fault are those of the TOML, and the VM is left as the action says."""
    assert [(fault.action, fault.reason) for fault in faults_of(recorded, vm)] == WANTED[vm]
    assert recorded.states[vm] == STATES.get(vm, "running")


def test_ignored_faults_leave_a_count_only(recorded: machine.Recording) -> None:
    """# D5 The guest goes on behind each of them; nothing is in the log."""
    assert recorded.counters["ignored"]["faults"] >= 10
    assert not faults_of(recorded, "ignored")
    assert recorded.vms["ignored"]["recoveries"] == 0


def test_a_restarted_task_begins_anew_and_no_other(recorded: machine.Recording) -> None:
    """# D5 # R30 It counts from 0 again with its pristine memory; the other task of the VM goes on without a gap."""
    lines = recorded.lines["restarted"]
    numbers = [int(line.split()[2]) for line in lines if line.startswith("ft 0 ")]
    begins = [at for at, number in enumerate(numbers) if number == 0]
    assert len(begins) == 2
    assert numbers[: begins[1]] == list(range(begins[1]))
    assert numbers[begins[1] :] == list(range(len(numbers) - begins[1]))
    oracle.unbroken([line for line in lines if line.startswith("tb ")], repeats=0)
    counters = recorded.counters["restarted"]
    assert (counters["task_restarts"], counters["task_rollbacks"], counters["cold_restarts"]) == (1, 0, 0)


@pytest.mark.parametrize(("vm", "starts"), [("warm", 2), ("single", 2), ("restarted", 1)])
def test_resets_start_the_image_again(recorded: machine.Recording, vm: str, starts: int) -> None:
    """# D5 A reset starts the guest again, a restart of a task does not."""
    assert recorded.vms[vm]["starts"] == starts


def test_healthy_guests_notice_nothing(recorded: machine.Recording, undisturbed: Callable[..., int]) -> None:
    """# R1 # R46 Value by value the same as in the golden run."""
    assert undisturbed(recorded, least=40) >= 80


def test_policy_is_shown_and_changed_at_run_time(vmm_boot: Boot) -> None:
    """# D5 # R3 A person sees the table, changes it for one task and for a step, and the next faults are treated so."""
    guest = systems.faulty_guest(
        systems.faulty(0, "null_write", times=systems.FOR_EVER, after=4, period=20), systems.worker()
    )
    vms = {"trial": systems.vm("trial", uart=3, autostart=False, recovery=systems.budgets())}
    target = vmm_boot(systems.system("test-health-console", {"trial": guest}, vms))
    target.wait_for_prompt()
    shown = machine.ask(target, "policy trial")
    assert "  task_rollback     alignment translation domain" in shown
    assert "  task_rollback          0          3       1000  vm_rollback" in shown
    assert machine.ask(target, "policy trial transl task_restart f0") == "trial: policy changed"
    assert machine.ask(target, "policy trial step task_restart 2 60000 suspend") == "trial: policy changed"
    shown = machine.ask(target, "policy trial")
    assert "  task_restart      translation by f0" in shown
    assert "  task_restart           0          2      60000  suspend" in shown
    target.vm0("boot trial")
    machine.until(target, lambda: machine.state(target, "trial") == "paused")
    assert [fault.action for fault in target.faults()] == ["task restart", "task restart", "suspend"]
    assert "  task_restart           2          2      60000  suspend" in machine.ask(target, "policy trial")
    assert "task restarts               2" in machine.ask(target, "stats trial")
    # A tick that came meanwhile draws its kernel into the next fault, and so other steps may come first.
    target.vm0("resume trial")
    machine.until(target, lambda: machine.state(target, "trial") == "paused")
    assert len(target.faults()) >= 4
    assert target.faults()[-1].action == "suspend"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("policy", "usage: policy VM [CHANGE]"),
        ("policy guest1 hang", "usage: policy VM CLASS ACTION [TASK | kernel]"),
        ("policy guest1 loop log", "policy: no class of faults \"loop\", or more than one begins so; see 'policy VM'"),
        ("policy guest1 hang reboot", "policy: no action \"reboot\", or more than one begins so; see 'policy VM'"),
        ("policy guest1 hang log nobody", "policy: no task \"nobody\"; see 'tasks VM'"),
        ("policy guest1 step log 1", "usage: policy VM step ACTION BUDGET WINDOW_MS NEXT"),
        ("policy guest1 step log x 1 vm_stop", 'policy: "x" is not a number'),
        ("policy guest1 step vm_rollback 1 1 log", "policy: refused: the next action must be a more severe one"),
        ("policy guest1 step vm_stop 1 1 system_halt", "policy: refused: "),
        ("policy guest1 step log 1 0 vm_stop", "policy: refused: "),
    ],
)
def test_wrong_changes_are_refused(console: Target, command: str, answer: str) -> None:
    """# R3 One line says what is wrong."""
    before = machine.ask(console, "policy guest1")
    assert machine.ask(console, command).startswith(answer)
    assert machine.ask(console, "policy guest1") == before


@pytest.fixture(scope="module")
def console(vmm_build: Build) -> object:
    with Target(vmm_build("demo")) as target:
        target.wait_for_prompt()
        yield target


def test_system_halt_stops_everything(vmm_build: Build) -> None:
    """# D5 The last words tell the fault; then nobody prints any more."""
    vms = {**systems.healthy_vms(), "last": systems.vm("null", recovery=on("system_halt"))}
    image = vmm_build(systems.system("test-health-halt", {"null": GUESTS["null"]}, vms))
    with Target(image) as target:
        target.console.expect(r"\[vmm\] fault 1: data abort in last/f0.*: system halted", ms=CONSOLE_MS)
        target.console.expect(r"\[vmm\] SYSTEM HALTED by policy", ms=CONSOLE_MS)
        lines = [len(target.uart(vm).lines) for vm in systems.HEALTHY]
        target.run_for(200)
        assert [len(target.uart(vm).lines) for vm in systems.HEALTHY] == lines
