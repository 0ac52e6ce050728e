# SPDX-License-Identifier: Apache-2.0
"""An experiment of a campaign once more under GDB, as a person at a terminal does it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from understudy import paths
from understudy.injection.experiment import Outcome
from understudy.injection.store import Store

UNDERSTUDY = str(Path(sys.executable).with_name("understudy"))
CAMPAIGN = Path(__file__).parent / "campaigns" / "small.toml"
PROMPT = r"\(gdb\) "


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("campaign")
    arguments = ["campaign", "run", str(CAMPAIGN), "--samples", "150", "--output", str(folder)]
    pexpect.run(" ".join([UNDERSTUDY, *arguments]), timeout=120, cwd=str(paths.root()))
    return folder / "small" / "results.sqlite"


@pytest.fixture
def recovered(store: Path) -> int:
    with Store.open(store) as opened:
        return opened.numbers(Outcome.RECOVERED)[0]


@pytest.fixture
def terminal(store: Path, recovered: int) -> Iterator["pexpect.spawn[str]"]:
    arguments = ["campaign", "replay", str(store), str(recovered)]
    child = pexpect.spawn(UNDERSTUDY, arguments, encoding="utf-8", timeout=60, dimensions=(60, 250), cwd=paths.root())
    child.expect(PROMPT)
    yield child
    child.close(force=True)


def test_the_fault_is_applied_by_continue(store: Path, recovered: int, terminal: "pexpect.spawn[str]") -> None:
    """GDB stands before the instruction that the plan says; the outcome is the stored one."""
    with Store.open(store) as opened:
        experiment, result = opened.experiment(recovered)
    assert result
    assert f"experiment {recovered}: paused before {experiment.place.pc:#010x}" in terminal.before
    terminal.sendline("print/x $pc")
    terminal.expect(rf"= {experiment.place.pc:#x}\s")
    terminal.expect(PROMPT)
    terminal.sendline(f"print/x ${experiment.place.name}")
    terminal.expect(rf"= {result.history.applied[0].before:#x}\s")
    terminal.expect(PROMPT)
    terminal.sendline("continue")
    terminal.expect(PROMPT)
    terminal.sendline("quit")
    terminal.expect(f"experiment {recovered}: recovered: {re.escape(result.verdict.why)}")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_leaving_gdb_lets_it_go_on(recovered: int, terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("quit")
    terminal.expect(f"experiment {recovered}: recovered")
    terminal.expect(pexpect.EOF)


def test_killing_the_machine(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("kill")
    terminal.expect(PROMPT)
    terminal.sendline("quit")
    terminal.expect("error: QEMU ended before an experiment did")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 1
