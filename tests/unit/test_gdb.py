# SPDX-License-Identifier: Apache-2.0
"""The GDB session without a machine: numbers, and a real GDB that is given nonsense."""

from pathlib import Path

import pytest
from understudy.errors import GdbError, TargetTimeout
from understudy.target.gdb import Gdb, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", 42),
        ("0x8000 <reset+4>", 0x8000),
        ("(int *) 0x10", 16),
        ("-7", -7),
        ("(void (*)(void)) 0x60000000 <f>", 0x60000000),
    ],
)
def test_numbers(text: str, number: int) -> None:
    assert parse_number(text) == number


def test_no_number() -> None:
    with pytest.raises(GdbError, match="is no number"):
        parse_number("<optimized out>")


def test_no_machine(tmp_path: Path) -> None:
    with pytest.raises(GdbError, match=r"-target-select remote .*none"):
        Gdb(tmp_path / "none", Path("/bin/true"), tmp_path / "gdb.log")
    assert "-target-select" in (tmp_path / "gdb.log").read_text()


class Offline(Gdb):
    """A GDB that is connected to nothing."""

    def __init__(self, folder: Path) -> None:
        plain = Gdb.command
        Gdb.command = lambda *_, **__: {}  # type: ignore[assignment, method-assign]
        try:
            super().__init__(folder / "none", folder / "none", folder / "gdb.log")
        finally:
            Gdb.command = plain  # type: ignore[method-assign]


def test_commands_wait_for_their_own_answer(tmp_path: Path) -> None:
    gdb = Offline(tmp_path)
    assert [gdb.value(f"{number} * 2") for number in range(50)] == [number * 2 for number in range(50)]
    with pytest.raises(GdbError, match="No symbol"):
        gdb.value("no_such_thing")
    with pytest.raises(GdbError, match="not being run"):
        gdb.resume()
    gdb.close()


def test_missing_stop_is_a_timeout(tmp_path: Path) -> None:
    gdb = Offline(tmp_path)
    assert gdb.value("1") == 1  # it is up: the time below is for the command alone
    with pytest.raises(TargetTimeout, match=r"no stop within 0\.1 s"):
        gdb.command("-gdb-version", stop=True, seconds=0.1)
    gdb.close()


def test_dead_gdb_is_an_error(tmp_path: Path) -> None:
    gdb = Offline(tmp_path)
    gdb.command("-gdb-exit")
    with pytest.raises(GdbError, match=r"died|gone"):
        gdb.command("-gdb-version")
    gdb.close()
