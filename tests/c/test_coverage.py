# SPDX-License-Identifier: Apache-2.0
"""Branch coverage of vmm-c/recovery/ by the host tests that use it: printed for each file, at least 95 % together."""

import gzip
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from .test_host import BUILD, HERE, ROOT, compiler, described, listed, run_compiler, run_test

RECOVERY = ROOT / "vmm-c" / "recovery"
FLAGS = ["-O0", "-fno-sanitize=all", "-fprofile-abs-path"]
# Fewer sequences than test_host.py runs: enough to come everywhere. Stepping would put the counters back.
FEWER = {"RECOVERY_SEQUENCES": "1500", "INTERRUPTED_SEQUENCES": "0"}
EXHAUSTIVE = {"test_page_states"}  # long, and comes nowhere where test_recovery does not
SUMMARY = BUILD / "coverage" / "summary.txt"  # shown by conftest.py
LEAST_PERCENT = 95.0
LEAST_PERCENT_OF_FILE = 90.0  # a file of few branches may have one that is only there to be safe

Branch = tuple[str, int, int]  # file, line, number within the line


def uses_recovery(source: Path) -> bool:
    """Tell whether a test has files of the recovery engine among its sources."""
    return source.stem not in EXHAUSTIVE and any(
        path.parent == RECOVERY for path in listed(described(source), "sources")
    )


def build(source: Path, folder: Path) -> Path:
    """Build a test with counters in the files of the recovery engine only."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    command = [*compiler(source), *FLAGS]
    others = [source]
    for path in listed(described(source), "sources"):
        if path.parent == RECOVERY:
            made = folder / f"{path.stem}.o"
            run_compiler([*command, "--coverage", "-c", str(path), "-o", str(made)])
            others.append(made)
        else:
            others.append(path)
    program = folder / source.stem
    run_compiler([*command, *map(str, others), "-lcmocka", "-lgcov", "-o", str(program)])
    return program


def branches(folder: Path) -> Counter[Branch]:
    """How often each branch of the recovery engine was taken in the program that was built in a folder."""
    command = ["gcov", "--branch-probabilities", "--json-format", *(path.name for path in folder.glob("*.gcda"))]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    found: Counter[Branch] = Counter()
    for path in folder.glob("*.gcov.json.gz"):
        data: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
        for file in data["files"]:
            name = Path(file["file"])
            if name.parent == RECOVERY and name.suffix == ".c":
                for line in file["lines"]:
                    for number, branch in enumerate(line["branches"]):
                        found[name.name, line["line_number"], number] += branch["count"]
    return found


def percent(counts: Counter[Branch], file: str = "") -> float:
    """The share of the branches that were taken, of one file or of all."""
    taken = [count > 0 for (name, _, _), count in counts.items() if file in ("", name)]
    return 100.0 * sum(taken) / len(taken) if taken else 100.0


def test_branches_of_the_recovery_engine() -> None:
    """Each file is named with its figure; what is below the limit with the lines whose branches no test takes."""
    SUMMARY.unlink(missing_ok=True)
    counts: Counter[Branch] = Counter()
    for source in filter(uses_recovery, sorted(HERE.glob("test_*.c"))):
        folder = BUILD / "coverage" / source.stem
        run_test(build(source, folder), FEWER)
        counts.update(branches(folder))
    files = sorted(path.name for path in RECOVERY.glob("*.c"))
    shares = {file: percent(counts, file) for file in files}
    lacking = {
        file: sorted({line for (name, line, _), count in counts.items() if name == file and count == 0})
        for file in files
    }
    lines = [f"vmm-c/recovery/: {percent(counts):.1f} %"]
    for file, share in shares.items():
        missed = ", ".join(map(str, lacking[file]))
        lines.append(f"  {file:16}{share:6.1f} %" + (f"  not all of line {missed}" if missed else ""))
    SUMMARY.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert {name for name, _, _ in counts} >= {"checkpoint.c", "rollback.c", "undo.c", "complete.c"}
    low = {file: share for file, share in shares.items() if share < LEAST_PERCENT_OF_FILE}
    assert not low, low
    assert percent(counts) >= LEAST_PERCENT
