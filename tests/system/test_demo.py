# SPDX-License-Identifier: Apache-2.0
"""The demonstration of the paper as a command: what it prints, what it writes, and that it can fail."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from understudy import cli, demo, paths
from understudy.demo import first_act, second_act, stage
from understudy.demo.first_act import FirstAct
from understudy.demo.second_act import SecondAct
from understudy.image.elf import read_elf
from understudy.pytest_plugin import Build

KEYS = {"passed", "fault", "action", "recovery_instructions", "guests_undisturbed", "values_compared", "second_act"}


@pytest.fixture(scope="module")
def reference(vmm_build: Build) -> dict[str, list[str]]:
    """What the guests print without the fault."""
    return stage.record(vmm_build(stage.golden_variant(first_act.SYSTEM)), first_act.GUESTS)


@pytest.fixture(scope="module")
def second_reference(vmm_build: Build) -> dict[str, list[str]]:
    """The same, of the second act."""
    return stage.record(vmm_build(stage.golden_variant(second_act.SYSTEM)), second_act.GUESTS)


def test_demonstration_in_a_pipe(vmm_build: Build) -> None:
    """# R40 # D1 # D2 # R30 Three guests from the VM0 console; a task of guest 3 breaks OSTime; nobody else notices."""
    command = [str(Path(sys.executable).with_name("understudy")), "demo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout, "colour in a pipe"
    verdicts = re.findall(r"^(PASS|FAIL) ", done.stdout, re.MULTILINE)
    assert verdicts == ["PASS"]
    for told in ("boot guest1", "boot guest2", "boot guest3", "OSTime", "task rollback", "instructions"):
        assert told in done.stdout
    result = json.loads((paths.build_folder() / "results" / "demo.json").read_text())
    assert result.keys() >= KEYS
    image = vmm_build(first_act.SYSTEM)
    assert result["build_id"] == image.build_id
    assert (result["passed"], result["guests_undisturbed"], result["action"]) == (True, True, "task rollback")
    fault = result["fault"]
    assert (fault["vm"], fault["task"], fault["class"]) == ("guest3", "breaker", "domain")
    elf = read_elf(paths.root() / image.manifest["guests"][first_act.FAULTY_GUEST]["elf"])
    assert fault["address"] == elf.addresses()["OSTime"]
    assert 0x00300000 <= fault["pc"] < 0x00400000
    assert 100 < result["recovery_instructions"] < 10_000
    assert result["values_compared"] >= 2 * stage.VALUES


def play_first(monkeypatch: pytest.MonkeyPatch, recorded: dict[str, list[str]]) -> tuple[FirstAct, str]:
    monkeypatch.setattr(stage, "record", lambda image, vms: recorded)
    screen = Console(file=io.StringIO(), width=200)
    return first_act.play(screen), screen.file.getvalue()


def play_second(monkeypatch: pytest.MonkeyPatch, recorded: dict[str, list[str]]) -> tuple[SecondAct, str]:
    monkeypatch.setattr(stage, "record", lambda image, vms: recorded)
    screen = Console(file=io.StringIO(), width=200)
    return second_act.play(screen), screen.file.getvalue()


def test_one_wrong_value_of_a_healthy_guest_fails_it(
    monkeypatch: pytest.MonkeyPatch, reference: dict[str, list[str]]
) -> None:
    """# R40 A single value that differs from the golden run is a problem that names the guest."""
    wrong = {vm: list(lines) for vm, lines in reference.items()}
    wrong["guest1"][100] = "pc 100 deadbeef"
    result, text = play_first(monkeypatch, wrong)
    assert not result.passed
    assert not result.guests_undisturbed
    assert result.problems[0].startswith("guest1: line 100 is")
    assert "differs: line 100 is" in text


def test_too_few_values_fail_it(monkeypatch: pytest.MonkeyPatch, reference: dict[str, list[str]]) -> None:
    """# R40 Nothing is proven by a comparison with almost nothing."""
    result, _ = play_first(monkeypatch, {vm: lines[:10] for vm, lines in reference.items()})
    assert not result.passed
    assert "only 10 of" in result.problems[0]


def test_second_act_tells_each_fault(monkeypatch: pytest.MonkeyPatch, second_reference: dict[str, list[str]]) -> None:
    """# R29 # R30 # D5 # R46 A kernel, a hang, a VM that can't be helped: each is told, and treated as it should be."""
    result, text = play_second(monkeypatch, second_reference)
    assert result.problems == []
    assert result.faults["guest1"] == []
    for told in (
        "guest kernel",
        "vm rollback",
        "watchdog",
        "older generation",
        "the standby takes over",
        "abacus: stand-in",
    ):
        assert told in text
    assert set(result.recovery_instructions) == {"vm rollback", "older generation", "standby"}
    assert result.values_compared >= len(second_act.GUESTS) * stage.VALUES


def test_second_act_can_fail(monkeypatch: pytest.MonkeyPatch, second_reference: dict[str, list[str]]) -> None:
    """# R46 A value of the stand-in that differs, or a fault that was treated otherwise, is a problem."""
    wrong = {vm: list(lines) for vm, lines in second_reference.items()}
    wrong["guest3"][stage.VALUES + 20] = "pt 170 deadbeef"
    monkeypatch.setitem(second_act.WANTED, "guest2", second_act.WANTED["guest2"][::-1])
    result, _ = play_second(monkeypatch, wrong)
    assert any(problem.startswith("guest3: line ") for problem in result.problems)
    assert any(problem.startswith("guest2: expected ") for problem in result.problems)


def test_failure_is_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """# R40 The command ends with status 1 when one of the acts fails, and with 0 when both pass."""
    good = demo.DemoResult(FirstAct(True, "", None, None, None, True, 1), SecondAct("", {}, {}, 1))
    bad = demo.DemoResult(good.first, SecondAct("", {}, {}, 1, ["guest1: silent"]))
    for result, status in ((good, 0), (bad, 1)):
        monkeypatch.setattr(cli, "run_demo", lambda screen, result=result: result)
        assert CliRunner().invoke(cli.main, ["demo"]).exit_code == status
