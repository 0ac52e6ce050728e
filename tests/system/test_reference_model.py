# SPDX-License-Identifier: Apache-2.0
"""Random programs on the machine: memory, registers and devices of every VM are those of a model after each rollback.

The programs follow from the seeds 0, 1, ... and from the addresses of the build; `make long-run` tries more of them.
Hypothesis makes most programs of one seed by changing others, so there are many seeds with few programs each. A program
that fails is shrunk, printed, and kept in build/artifacts/reference-model.txt.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from understudy import paths
from understudy.image import Image
from understudy.pytest_plugin import Build

from .reference.bench import Bench, description
from .reference.mutants import Mutation, Tree
from .reference.random_programs import RandomPrograms, Wrong

PROGRAMS = 25  # of one seed
FIXED = settings(
    max_examples=PROGRAMS,
    database=None,
    deadline=None,
    print_blob=False,
    stateful_step_count=50,
    suppress_health_check=list(HealthCheck),
)
MUTATIONS = {
    "the VMM's own write is not marked dirty": Mutation(
        "vmm-c/core/guest_access.c", "    recovery_first_write(vm, va);", "    (void)0;"
    ),
    "a missed TLB invalidation": Mutation(
        "vmm-c/recovery/rollback.c",
        "  vm->active_pt[WINDOW_TASK + task] = is;\n  tlb_forget_space(vm->asid);",
        "  vm->active_pt[WINDOW_TASK + task] = is;",
    ),
    "a generation mixed up": Mutation(
        "vmm-c/recovery/rollback.c",
        "  uint32_t is = vm->task_backup_pt[task];",
        "  uint32_t is = vm->backup_pt[WINDOW_TASK + task];",
    ),
}
ENOUGH = 16  # seeds within which each of them must be found


def explore(bench: Bench, how: settings, seeds: int, report: Path | None = None) -> dict[str, int]:
    """Try random programs of so many seeds; return what they have exercised."""
    totals: dict[str, int] = {}

    def keep(text: str) -> None:
        if report:
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_text(text + "\n", encoding="utf-8")

    for number in range(seeds):
        members = {"bench": bench, "totals": totals, "report": staticmethod(keep)}
        machine = seed(number)(type("Programs", (RandomPrograms,), members))
        run_state_machine_as_test(machine, settings=how)
    return totals


@pytest.fixture(scope="module")
def image(vmm_build: Build) -> Image:
    return vmm_build(description())


@pytest.fixture(scope="module")
def bench(image: Image) -> Iterator[Bench]:
    with Bench(image) as bench:
        yield bench


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_machine_does_what_the_model_does(bench: Bench, *, long: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """# Invariant 1 # Invariant 3 # Invariant 4 # R19 # R20 # R28 # R29 # R30 # D4 # D6 # D10"""
    report = paths.build_folder() / "artifacts" / "reference-model.txt"
    totals = explore(bench, FIXED, 200 if long else 5, report)
    with capsys.disabled():
        print(f"\n{totals}")
    assert totals["task rollback, policy"] > totals["programs"] // 4
    assert totals["vm rollback, kernel fault"] > totals["programs"] // 4
    assert totals["vm rollback, shared state"] > totals["programs"] // 20


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("mutants"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MUTATIONS)
def test_planted_bug_is_found(image: Image, tree: Tree, name: str) -> None:
    """# Invariant 1 # Invariant 4 # D7 The same programs find each of them, within so many seeds."""
    assert image, "the guests of the mutants are looked up in its folder"
    mutant = tree.build(description(), str(list(MUTATIONS).index(name)), MUTATIONS[name])
    with Bench(mutant) as bench, pytest.raises(Wrong, match="the machine differs from the model"):
        explore(bench, settings(FIXED, phases=[Phase.generate]), ENOUGH)
