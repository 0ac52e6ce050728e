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
from understudy.image.elf import read_elf
from understudy.pytest_plugin import Build

KEYS = {"passed", "fault", "action", "recovery_instructions", "guests_undisturbed", "values_compared"}


@pytest.fixture(scope="module")
def reference(vmm_build: Build) -> dict[str, list[str]]:
    """What the guests print without the fault."""
    return demo._record(vmm_build(demo.golden_variant()))


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
    image = vmm_build(demo.SYSTEM)
    assert result["build_id"] == image.build_id
    assert (result["passed"], result["guests_undisturbed"], result["action"]) == (True, True, "task rollback")
    fault = result["fault"]
    assert (fault["vm"], fault["task"], fault["class"]) == ("guest3", "breaker", "domain")
    elf = read_elf(paths.root() / image.manifest["guests"][demo.FAULTY_GUEST]["elf"])
    assert fault["address"] == elf.addresses()["OSTime"]
    assert 0x00300000 <= fault["pc"] < 0x00400000
    assert 100 < result["recovery_instructions"] < 10_000
    assert result["values_compared"] >= 2 * demo.VALUES


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recorded: dict[str, list[str]]) -> tuple[demo.DemoResult, str]:
    monkeypatch.setattr(demo, "_record", lambda image: recorded)
    screen = Console(file=io.StringIO(), width=200)
    result = demo.run_demo(screen, tmp_path / "demo.json")
    assert json.loads((tmp_path / "demo.json").read_text())["passed"] == result.passed
    return result, screen.file.getvalue()


def test_one_wrong_value_of_a_healthy_guest_fails_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reference: dict[str, list[str]]
) -> None:
    """# R40 A single value that differs from the golden run is a FAIL that names the guest."""
    wrong = {vm: list(lines) for vm, lines in reference.items()}
    wrong["guest1"][100] = "pc 100 deadbeef"
    result, text = run(monkeypatch, tmp_path, wrong)
    assert not result.passed
    assert not result.guests_undisturbed
    assert "FAIL guest1: line 100 is" in text
    assert "PASS" not in text


def test_too_few_values_fail_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reference: dict[str, list[str]]
) -> None:
    """# R40 Nothing is proven by a comparison with almost nothing."""
    result, text = run(monkeypatch, tmp_path, {vm: lines[:10] for vm, lines in reference.items()})
    assert not result.passed
    assert "only 10 of" in text


def test_failure_is_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reference: dict[str, list[str]]
) -> None:
    """# R40 The command ends with status 1 when the demonstration fails, and with 0 when it passes."""
    passed, _ = run(monkeypatch, tmp_path, reference)
    assert passed.passed
    monkeypatch.setattr(cli, "run_demo", lambda screen: demo.DemoResult(False, "", None, None, None, False, 0))
    assert CliRunner().invoke(cli.main, ["demo"]).exit_code == 1
    monkeypatch.setattr(cli, "run_demo", lambda screen: passed)
    assert CliRunner().invoke(cli.main, ["demo"]).exit_code == 0
