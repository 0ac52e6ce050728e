# SPDX-License-Identifier: Apache-2.0
"""Bugs planted into the VMM are found by a sample of a ready campaign: shares of its outcomes change.

A change without a meaning must not be found, although its code is another one.
"""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from attrs import evolve, frozen
from rich.console import Console
from understudy.image import Image
from understudy.injection import compare
from understudy.injection.campaign_file import Campaign, load_campaign
from understudy.injection.experiment import Outcome
from understudy.injection.laboratory import QemuLaboratory
from understudy.injection.running import Options, run_campaign
from understudy.injection.store import Store
from understudy.pytest_plugin import Build

from .reference.mutants import Mutation, Tree

CAMPAIGN, SEED, SAMPLES = "registers", 1, 400
ROLLBACK, UNDO = "vmm-c/recovery/rollback.c", "vmm-c/recovery/undo.c"
BEHIND = "  thread->unsaved = 1;\n  vm->unsaved = 1;\n  if (vm->owner == thread) {"
REGISTER = "  thread_frame(thread)->r[4] = kept;\n"
THREADS = "static void restore_threads(struct vm *vm) {"
MUTATIONS = {
    "a task rollback forgets a register": (
        Mutation(
            ROLLBACK,
            f"  thread_rollback(thread);\n{BEHIND}",
            f"  uint32_t kept = thread_frame(thread)->r[4];\n  thread_rollback(thread);\n{REGISTER}{BEHIND}",
        ),
        Outcome.SDC,
    ),
    "the first write to a page does not save what it held": (
        Mutation(UNDO, "  page_copy(twin, pte_frame(*page->active));", "  (void)page;\n  (void)twin;"),
        Outcome.HANG,
    ),
    "a VM rollback forgets the registers": (
        Mutation(ROLLBACK, THREADS, f"{THREADS}\n  if (vm != NULL) {{\n    return;\n  }}"),
        Outcome.HANG,
    ),
}
HARMLESS = Mutation(ROLLBACK, BEHIND, f"  stores_in_order();\n{BEHIND}")


@frozen
class Mutant(QemuLaboratory):
    """Runs campaigns on an image that is there already."""

    image: Image

    def build(self, campaign: Campaign) -> Image:
        """Return it."""
        return self.image


def results(image: Image, folder: Path) -> Store:
    options = Options(samples=SAMPLES, seed=SEED, workers=2, output=folder)
    found = run_campaign(Mutant(image), Console(file=StringIO()), CAMPAIGN, options)
    assert found is not None
    return Store.open(found.store.path)


@frozen
class Bench:
    """What the good VMM does, and where mutants are built."""

    good: Store
    system: Campaign
    tree: Tree
    folder: Path

    def worse(self, name: str, mutation: Mutation) -> dict[Outcome, list[str]]:
        """Return the outcomes whose share has changed in some stratum, or in all together, and in which."""
        folder = self.folder / name.replace(" ", "-")
        built = self.tree.build(self.system.system, folder.name, mutation)
        # Symbols and source lines are those of the program that the manifest names.
        image = evolve(built, manifest={**built.manifest, "elf": str(built.elf)})
        found: dict[Outcome, list[str]] = {}
        with results(image, folder) as store:
            assert store.meta.build_id != self.good.meta.build_id
            for change in compare.changes(self.good, store):
                if change.significant:
                    found.setdefault(change.outcome, []).append(change.stratum or "all strata")
        return found


@pytest.fixture(scope="module")
def bench(vmm_build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder, campaign = tmp_path_factory.mktemp("mutants"), load_campaign(CAMPAIGN)
    with results(vmm_build(campaign.system), folder / "good") as good:
        yield Bench(good, campaign, Tree(folder / "sources"), folder)


@pytest.mark.parametrize("name", MUTATIONS)
def test_planted_bug_is_found(bench: Bench, name: str) -> None:
    """# D7 By what it makes worse; and fewer faults are recovered."""
    mutation, worse = MUTATIONS[name]
    found = bench.worse(name, mutation)
    assert worse in found
    assert Outcome.RECOVERED in found


def test_change_without_a_meaning_is_not_found(bench: Bench) -> None:
    assert bench.worse("harmless", HARMLESS) == {}
