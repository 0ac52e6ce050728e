# SPDX-License-Identifier: Apache-2.0
"""Each check of the C code can fail."""

import shutil
from pathlib import Path

import pytest
from understudy import lint

REAL = Path(__file__).resolve().parents[2]


@pytest.fixture
def code(toy: Path) -> Path:
    shutil.copy(REAL / ".clang-format", toy)
    return toy / "vmm-c/core/main.c"


def test_clean_code_passes(code: Path) -> None:
    assert code.is_file()
    assert lint.sizes() == []
    assert lint.compile_c() == []
    assert lint.cppcheck() == []


def test_format(code: Path) -> None:
    code.write_text("int  x ;\n")
    assert "vmm-c/core/main.c:1:4" in lint.format_c(check=True)[0]
    assert lint.format_c(check=False) == []
    assert lint.format_c(check=True) == []
    assert code.read_text() == "int x;\n"


def test_long_function_and_file(code: Path) -> None:
    body = "  x++;\n" * 60
    code.write_text(f"static void f(int x) {{\n{body}}}\n" + "\n" * 400)
    assert lint.sizes() == [
        "vmm-c/core/main.c: 462 lines; at most 400",
        "vmm-c/core/main.c:1: f has 62 lines; at most 60",
    ]


@pytest.mark.parametrize("path", ["guests/apps/unused.c", "tests/guest/unused.c"])
def test_sources_that_no_system_uses_are_compiled_too(code: Path, path: str) -> None:
    source = code.parents[2] / path
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text("int f(unsigned x);\nint f(unsigned x) {\n  return x;\n}\n")
    assert len([text for text in lint.compile_c() if "-Wsign-conversion" in text or "conversion" in text]) == 2


def test_what_only_clang_sees(code: Path) -> None:
    code.write_text(code.read_text() + "\nstatic int self = 1;\nvoid g(void);\nvoid g(void) {\n  self = self;\n}\n")
    assert any("-Wself-assign" in text for text in lint.compile_c())


def test_what_only_cppcheck_sees(code: Path) -> None:
    code.write_text("int f(void) {\n  int a[2] = {0, 0};\n  return a[2];\n}\n")
    assert any("arrayIndexOutOfBounds" in text or "out of bounds" in text for text in lint.cppcheck())
