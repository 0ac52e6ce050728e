# SPDX-License-Identifier: Apache-2.0
"""Compiles every tests/c/test_*.c for the host, with the address and undefined-behaviour sanitizers, and runs it.

The first lines of a test file say what it needs: `// sources: a.c b.c` the files under test, from the top of the
checkout, and `// include: folder ...` further folders for `#include "..."`, found first. `// flags: -x ...` goes to the
compiler, and `// wrap: f ...` lets `__wrap_f` of the test stand before the real `f` (see ld, --wrap).
`// like: test_a.c` stands for all that these lines of that test say.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "host-tests"
FLAGS = [
    "-std=c11",
    "-g",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fno-sanitize-recover=all",
    "-fsanitize=address,undefined",
]
TIMEOUT_S = 60.0


def words(text: str, key: str) -> list[str]:
    """The words in the comment lines `// key: word ...` of a test file."""
    lines = re.findall(rf"^// {key}:(.*)$", text, flags=re.MULTILINE)
    return [word for line in lines for word in line.split()]


def described(source: Path) -> str:
    """The text of a test, after that of the test that it is like."""
    text = source.read_text(encoding="utf-8")
    return "".join(described(HERE / name) for name in words(text, "like")) + text


def listed(text: str, key: str) -> list[Path]:
    """The same, for paths."""
    return [ROOT / path for path in words(text, key)]


def include_folders(sources: list[Path]) -> list[Path]:
    """Guests and VMM both have a `lib/`: the side that the first source belongs to comes first."""
    guests = [ROOT / "guests", ROOT / "guests/lib"]
    vmm = [ROOT / "vmm-c", ROOT / "vmm-c/include", ROOT / "vmm-c/boards/vexpress-a9"]
    return guests + vmm if sources and (ROOT / "guests") in sources[0].parents else vmm + guests


def compiler(source: Path) -> list[str]:
    """Returns the compiler and its options for a test and the files under test."""
    text = described(source)
    # Not -I: <string.h> must stay the host's.
    folders = listed(text, "include") + include_folders(listed(text, "sources"))
    wrapped = [f"-Wl,--wrap={function}" for function in words(text, "wrap")]
    return ["gcc", *FLAGS, *words(text, "flags"), *wrapped, *(f"-iquote{folder}" for folder in folders)]


def run_compiler(command: list[str]) -> None:
    """Fails the test with the compiler's words when it refuses."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stderr}"


def compile_test(source: Path) -> Path:
    """Returns the program; fails the test with the compiler's words when there is none."""
    program = BUILD / source.stem
    BUILD.mkdir(parents=True, exist_ok=True)
    sources = map(str, [source, *listed(described(source), "sources")])
    run_compiler([*compiler(source), *sources, "-lcmocka", "-o", str(program)])
    return program


def run_test(program: Path, settings: Mapping[str, str] | None = None) -> None:
    """Runs a program; fails the test with its words when it finds something."""
    environment = {
        **os.environ,
        "ASAN_OPTIONS": "detect_leaks=0",
        "CMOCKA_MESSAGE_OUTPUT": "stdout",
        **(settings or {}),
    }
    result = subprocess.run([program], capture_output=True, text=True, check=False, timeout=TIMEOUT_S, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("source", sorted(HERE.glob("test_*.c")), ids=lambda path: path.stem)
def test_host(source: Path) -> None:
    """One C test program: every cmocka test in it passes, and no sanitizer complains."""
    run_test(compile_test(source))
