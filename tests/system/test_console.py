# SPDX-License-Identifier: Apache-2.0
"""The management console, by typing into it as a person does."""

import re
from collections.abc import Iterator

import pytest
from understudy.pytest_plugin import Boot
from understudy.target import Target

from . import machine, oracle

PATIENCE = 60_000  # virtual milliseconds: an idle machine makes 40 s of them in one of the host's
COMMANDS = [
    "help", "list", "guests", "boot", "create", "start", "stop", "pause", "resume", "destroy", "takeover", "stats",
    "tasks",
    "faults", "blackbox", "lastwords", "checkpoint", "rollback", "policy", "scrub", "log", "watch", "version",
    "shutdown",
]  # fmt: skip
WRONG = {  # command line: the one line that answers it
    "x": "x: not a command; try 'help'",
    "s": "s: the beginning of more than one command; try 'help'",
    "1": "1: not a command; try 'help'",
    "boot": "usage: boot VM",
    "log guest1 1 2": "usage: log VM [LINES]",
    "boot 9": "boot: no VM \"9\"; see 'list'",
    "boot guest": "boot: \"guest\" is the beginning of more than one VM; see 'list'",
    "create guest2 nothing": "create: no guest \"nothing\"; see 'guests'",
    "rollback guest1 nobody": "rollback: no task \"nobody\"; see 'tasks VM'",
    "log guest1 x": 'log: "x" is not a number',
    "faults last x": 'faults: "x" is not a number',
    "start guest2": 'start: not possible for VM "guest2" now (state: empty)',
    "pause guest2": 'pause: not possible for VM "guest2" now (state: empty)',
    "stop guest2": 'stop: not possible for VM "guest2" now (state: empty)',
    "destroy guest2": 'destroy: not possible for VM "guest2" now (state: empty)',
    "checkpoint guest2": 'checkpoint: not possible for VM "guest2" now (state: empty)',
    "rollback guest2": 'rollback: not possible for VM "guest2" now (state: empty)',
    "boot guest1": 'boot: not possible for VM "guest1" now (state: running)',
    "resume guest1": 'resume: not possible for VM "guest1" now (state: running)',
    "create guest1": 'create: not possible for VM "guest1" now (state: running)',
    "takeover guest1": 'takeover: VM "guest1" has no standby',
    "stop vm0": 'stop: VM "vm0" is the management VM and must keep running',
    "pause vm0": 'pause: VM "vm0" is the management VM and must keep running',
    "destroy vm0": 'destroy: VM "vm0" is the management VM and must keep running',
    "checkpoint vm0": 'checkpoint: not possible for VM "vm0" now (state: running)',
    "rollback vm0": 'rollback: not possible for VM "vm0" now (state: running)',
    " ".join("abcdefghijklmnopqrstuvwxyz"): "more than 20 words in one line",
}


@pytest.fixture
def console(vmm_boot: Boot) -> Iterator[Target]:
    """The demonstration system at the prompt, with guest 1 running."""
    target = vmm_boot("demo")
    target.wait_for_prompt()
    assert target.vm0("boot guest1") == "guest1: running"
    yield target
    assert target.vm0("version").startswith("VMI 1 "), "the console does not answer any more"


def numbers(text: str) -> dict[str, int]:
    """The lines `name   number` of `stats VM`."""
    return {name.strip(): int(value) for name, value in re.findall(r"^  (\S.*?)\s{2,}(\d+)$", text, re.MULTILINE)}


def table(text: str) -> dict[str, list[str]]:
    """The rows of a table by what stands in their column NAME."""
    head, *rows = text.splitlines()
    at = head.split().index("NAME")
    return {row.split()[at]: row.split() for row in rows}


def test_help_lists_every_command(console: Target) -> None:
    """# R3 One line per command, and more about one."""
    answer = console.vm0("help").splitlines()
    assert [line.split()[0] for line in answer[:-1]] == COMMANDS
    for command in COMMANDS:
        assert console.vm0(f"help {command}").startswith(command)


def test_wrong_input_gets_one_clear_line(console: Target) -> None:
    """# R3 Unknown, ambiguous, too few, too many, of the wrong kind, in the wrong state: one line, nothing done."""
    before = table(console.vm0("list"))
    for typed, answer in WRONG.items():
        assert console.vm0(typed).rstrip() == answer
    after = table(console.vm0("list"))
    assert {name: row[2] for name, row in before.items()} == {name: row[2] for name, row in after.items()}


def test_life_of_a_vm(console: Target) -> None:
    """# R3 A person creates, starts, pauses, resumes, stops, starts anew, destroys and boots a VM."""
    guest = console.uart("guest2")

    def grows() -> bool:
        before = len(guest.lines)
        console.run_for(60)
        return len(guest.lines) > before

    for command, wanted, runs in (
        ("create", "created", False),
        ("start", "running", True),
        ("pause", "paused", False),
        ("resume", "running", True),
        ("stop", "stopped", False),
        ("start", "running", True),
        ("destroy", "empty", False),
        ("boot", "running", True),
    ):
        assert console.vm0(f"{command} guest2") == f"guest2: {wanted}"
        assert table(console.vm0("list"))["guest2"][2] == wanted
        assert machine.state(console, "guest2") == wanted
        assert grows() == runs, f"after {command}"
    oracle.unbroken(guest.lines, starts=3)


def test_paused_guest_loses_nothing(console: Target) -> None:
    """# R3 # D10 Ticks that passed while a VM was paused are delivered late; its sequence has no gap."""
    console.run_for(100)
    console.vm0("pause guest1")
    before = len(console.uart("guest1").lines)
    console.run_for(200)
    assert len(console.uart("guest1").lines) == before
    console.vm0("resume guest1")
    machine.until(console, lambda: len(console.uart("guest1").lines) > before + 20, ms=1_000)
    oracle.unbroken(console.uart("guest1").lines)


def test_vm_can_run_another_guest(console: Target) -> None:
    """# R3 `guests` names the images in the system; an empty VM can be created with any of them."""
    guests = table(console.vm0("guests"))
    assert list(guests) == ["vm0", "prod_cons", "control_loop", "tick_breaker"]
    assert console.vm0("create guest2 prod_cons") == "guest2: created"
    assert table(console.vm0("list"))["guest2"][3] == "prod_cons"
    console.vm0("start guest2")
    machine.until(console, lambda: machine.printed(console, "guest2", lines=20))
    assert oracle.unbroken(console.uart("guest2").lines).keys() == {"pc"}


def test_names_numbers_and_beginnings(console: Target) -> None:
    """# R3 A VM or command is named by its name, its number, or the beginning of its name."""
    assert console.vm0("pau guest1") == "guest1: paused"
    assert console.vm0("resume 1") == "guest1: running"
    assert console.vm0("st vm0").startswith("st: the beginning of more than one command")
    assert console.vm0("stats v").startswith("vm0: running")


def test_stats_are_the_counters_of_the_vmm(console: Target) -> None:
    """# R3 # R19 # R20 What is shown is what the VMM counts."""
    console.run_for(100)
    console.vm0("pause guest1")
    shown = numbers(console.vm0("stats guest1"))
    counted = machine.counters(console, "guest1")
    assert shown["VM switches"] == counted["switches"] > 0
    assert shown["task switches"] == counted["task_switches"] > 0
    assert shown["VM checkpoints"] == counted["checkpoints"] > 0
    assert shown["task checkpoints"] == counted["task_checkpoints"] > 0
    assert shown["pages saved"] == counted["saved_pages"] > 0
    assert shown["memory used, bytes"] < shown["memory, bytes"] == 2 << 20
    row = table(console.vm0("stats"))["guest1"]
    assert [int(word) for word in row[2:4]] == [counted["switches"], counted["task_switches"]]


def test_tasks_are_listed_with_state_and_priority(console: Target) -> None:
    """# R3 # R37 The tasks of a VM, their priorities in the VMM's table, and whether they wait."""
    console.run_for(50)
    tasks = table(console.vm0("tasks guest1"))
    assert {name: row[3] for name, row in tasks.items()} == {"producer": "12", "consumer": "11"}
    assert all(row[2] in ("ready", "waiting") for row in tasks.values())


def test_faults_are_shown_from_the_log(console: Target) -> None:
    """# R3 # D1 Who, what, where and what was done: all of a VM, the last ones, none."""
    assert console.vm0("faults") == "0 shown, 0 since the start"
    console.vm0("boot guest3")
    fault = console.wait_for_fault(ms=2_000)[0]
    shown = machine.ask(console, "faults guest3")
    assert "guest3, breaker" in shown
    assert "data abort, domain fault, write access" in shown
    assert f"pc 0x{fault.pc:08x}, address 0x{fault.address:08x} in window 1 (guest kernel)" in shown
    assert "task rolled back: first level of the policy" in shown
    assert shown.endswith("1 shown, 1 since the start")
    assert console.vm0("faults guest1") == "0 shown, 1 since the start"
    console.vm0("rollback guest1")
    assert machine.ask(console, "faults last 1").endswith("1 shown, 2 since the start")
    assert "request from the console" in console.vm0("faults last 1")


def test_checkpoint_and_rollback_on_request(console: Target) -> None:
    """# R3 # R24 A person takes a checkpoint, and restores a VM or one of its tasks from the last one."""
    console.run_for(100)
    before = machine.counters(console, "guest1")
    assert console.vm0("checkpoint guest1") == "guest1: checkpoint taken"
    assert machine.counters(console, "guest1")["checkpoints"] > before["checkpoints"]
    assert machine.ask(console, "rollback guest1") == "guest1: rolled back to its last checkpoint"
    answer = machine.ask(console, "rollback guest1 consumer")
    alone = console.faults()[-1].action == "task rollback"  # depends on what it did since its checkpoint (D6)
    assert answer.startswith("guest1/consumer: rolled back" if alone else "guest1: the whole VM was rolled back")
    after = machine.counters(console, "guest1")
    assert after["vm_rollbacks"] >= before["vm_rollbacks"] + 1
    assert after["vm_rollbacks"] + after["task_rollbacks"] == 2
    machine.until(console, lambda: len(console.uart("guest1").lines) > 60)
    oracle.unbroken(console.uart("guest1").lines)


def test_log_shows_the_last_lines(console: Target) -> None:
    """# R3 What a guest wrote can be read later: so many lines, in order."""
    console.run_for(100)
    console.vm0("pause guest1")
    lines = console.uart("guest1").lines
    assert console.vm0("log guest1 3").splitlines() == lines[-3:]
    assert console.vm0("log guest1").splitlines() == lines[-20:]
    first, *kept = console.vm0("log guest1 9999").splitlines()
    assert kept == lines[-len(kept) :]
    assert first in (lines[-len(kept) - 1], lines[-len(kept) - 1][-len(first) :]), "the oldest line may be cut"
    assert len(kept) >= 20


def test_watch_mirrors_guests_with_a_prefix(console: Target) -> None:
    """# R3 The multiplexed view: whole lines, with the name of their VM, only of the VMs that are watched."""
    for vm in ("guest2", "guest3"):
        console.vm0(f"boot {vm}")
    assert console.vm0("watch") == "watched: none"
    assert console.vm0("watch guest1 guest2").startswith("watched: guest1 guest2")
    console.run_for(300)
    console.console.send_line("watch off")  # mirrored lines come between the letters of its echo
    console.console.expect("watched: none", ms=PATIENCE)
    console.run_for(50)
    text = console.console.lines
    seen = {
        vm: [line.removeprefix(f"[{vm}] ") for line in text if line.startswith(f"[{vm}] ")]
        for vm in ("guest1", "guest2", "guest3")
    }
    assert seen["guest3"] == [], "not watched"
    for vm in ("guest1", "guest2"):
        lines, count = console.uart(vm).lines, len(seen[vm])
        first = lines.index(seen[vm][0])
        assert count >= 25
        assert seen[vm] == lines[first : first + count], "a line is missing or not whole"
        assert len(lines) > first + count, "still watched"


def test_shutdown_ends_the_machine(vmm_boot: Boot) -> None:
    """# R3 # R39 The power-off of the board ends QEMU with status 0."""
    target = vmm_boot("demo")
    target.wait_for_prompt()
    target.console.send_line("shutdown")
    assert target.wait_for_end() == 0
    assert target.console.lines[-2:] == ["shutdown: the system stops", "[vmm] halted by vm0"]


EDITING = {  # what is typed before the return key; the line must then be `version`
    "backspace": "versixx\x7f\x7fon",
    "control H": "versix\bon",
    "left and insert": "verion\x1b[D\x1b[D\x1b[Ds",
    "home and delete": "xversion\x01\x1b[3~",
    "erase to the start": "rubbish \x15version",
    "erase a word": "version rubbish\x17",
    "erase to the end": "versionrubbish\x01" + "\x06" * 7 + "\x0b",
    "end of the line": "ersion\x1b[Hv\x1b[F",
    "unknown sequences": "ver\x1b[99;5Xsion\x1bOQ",
}


@pytest.mark.parametrize("keys", EDITING)
def test_line_editing(vmm_boot: Boot, keys: str) -> None:
    """# R3 The keys of a terminal edit the line before it is executed."""
    target = vmm_boot("hello")
    target.wait_for_prompt()
    target.console.send_line(EDITING[keys])
    target.console.expect(r"\nVMI 1 \(console built for VMI 1\), tick 1000 us\r?\n", ms=PATIENCE)


def test_history_walks_through_earlier_lines(vmm_boot: Boot) -> None:
    """# R3 Up and down bring back what was typed; Ctrl-C drops a line."""
    target = vmm_boot("hello")
    target.wait_for_prompt()
    target.vm0("version")
    target.vm0("nonsense")
    target.console.send_line("\x1b[A\x1b[A")
    target.console.expect(r"\nVMI 1 \(console", ms=PATIENCE)
    target.wait_for_prompt()
    target.console.send_line("\x1b[A\x1b[A\x1b[B\x1b[A")
    target.console.expect("nonsense: not a command", ms=PATIENCE)
    target.wait_for_prompt()
    target.console.send("shutdown\x03")
    target.console.expect(r"\^C", ms=PATIENCE)
    target.wait_for_prompt()
    assert target.vm0("list").startswith("VM  NAME")


def test_line_longer_than_the_buffer(vmm_boot: Boot) -> None:
    """# R3 # R4 What does not fit is refused with a bell; the console goes on."""
    target = vmm_boot("hello")
    target.wait_for_prompt()
    target.console.send("y" * 200)
    target.console.expect("\a", ms=PATIENCE)
    target.console.send_line("\x15version")
    target.console.expect(r"\nVMI 1 \(console", ms=PATIENCE)
