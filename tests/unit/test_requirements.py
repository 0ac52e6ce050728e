# SPDX-License-Identifier: Apache-2.0
"""Every requirement of the paper has a test that quotes its number; and the tool that finds out is right."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from understudy import cli
from understudy.coverage import REQUIRED, coverage, missing, numbers_in

# The samples here must not count as quotations.
R, D, WORD = "R", "D", "invariant"


@pytest.fixture(scope="module")
def covered() -> dict[str, list[str]]:
    return coverage()


@pytest.mark.parametrize("number", REQUIRED)
def test_each_number_has_a_test(covered: dict[str, list[str]], number: str) -> None:
    tests = [test for test in covered.get(number, []) if "::" in test]
    print(f"{number:12} {', '.join(tests)}")
    assert tests, f"no test quotes {number}"


def test_what_a_text_quotes() -> None:
    assert numbers_in(f"# {R}27 # {D}6: see {WORD}s 1 and 4, {R}25..{R}28") == {
        *(f"{R}{number}" for number in range(25, 29)),
        f"{D}6",
        *(f"Invariant {number}" for number in (1, 4)),
    }
    assert numbers_in(f"r12, R2D2, P{R}30, {WORD}, {D}") == set()


def test_numbers_belong_to_the_function_they_stand_in_or_above(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    python = f'# {R}1\n\n\n# {R}2\ndef test_one():  # {R}3\n    """{R}4"""\n\n\ndef helper():\n    "{R}5"\n'
    c = f"/* {R}6 */\nint x;\n\n/* {R}7 */\nstatic void test_two(void **s) {{\n  /* {D}1 */\n}}\n/* {R}8 */\n"
    (folder / "test_a.py").write_text(python)
    (folder / "test_b.c").write_text(c)
    found = coverage(folder)
    in_function = {number for number, tests in found.items() if any("::" in test for test in tests)}
    assert in_function == {*(f"{R}{number}" for number in (2, 3, 4, 7)), f"{D}1"}
    assert found[f"{R}2"] == ["tests/test_a.py::test_one"]
    assert found[f"{R}7"] == ["tests/test_b.c::test_two"]
    assert found[f"{R}5"] == ["tests/test_a.py"]
    assert list(found) == [*(f"{R}{number}" for number in range(1, 9)), f"{D}1"]
    assert f"{R}1" in missing(found)
    assert f"{R}2" not in missing(found)


def test_command_prints_the_table() -> None:
    result = CliRunner().invoke(cli.main, ["coverage"])
    rows = {line.split("  ")[0].strip(): line for line in result.output.splitlines()}
    assert set(REQUIRED) <= rows.keys()
    assert "tests/system/test_demo.py::test_demonstration_in_a_pipe" in rows[f"{R}40"]
    assert result.exit_code == 0
