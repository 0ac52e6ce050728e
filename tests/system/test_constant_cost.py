# SPDX-License-Identifier: Apache-2.0
"""How many instructions a checkpoint takes, counted in a trace that does not disturb the machine."""

from pathlib import Path

import pytest
from understudy.image import Image
from understudy.pytest_plugin import Build
from understudy.target import Target

from . import machine, systems
from .trace import Trace, units

VMS = ("one", "two", "three")
# Without older generations, which the paper does not have: what a page is kept for costs a little now and then.
POLICIES = {
    "full": {"stack": "full", "data": "full", "generations": 0},
    "undo": {"stack": "undo", "data": "undo", "generations": 0},
}
COPY = "words_copy"  # copies pages of guests; registers of threads are copied by memcpy
COPIES = ("copy.S", "string.c")  # of vmm-c/lib
SAVING = ("checkpoint.c", "threads.c")  # of vmm-c/recovery
COUNTED = 10  # checkpoints at least


def build(vmm_build: Build, policy: str) -> Image:
    """VMs of the same guest: what is constant for one is the same number for all.

    One of its tasks runs at every tick, the other one at every third, so the slices write different numbers of pages.
    """
    guest = systems.faulty_guest(systems.faulty(0, "none", times=systems.NEVER, period=3), systems.worker())
    vms = {name: systems.vm("guest", policy=POLICIES[policy]) for name in VMS}
    return vmm_build(systems.system(f"test-cost-{policy}", {"guest": guest}, vms))


def checkpoints(image: Image, log: Path) -> list[tuple[int, int]]:
    """Instructions of each checkpoint of a VM, and of them those that copy memory."""
    trace = Trace(image, log)
    with Target(image, extra=trace.extra) as target:
        machine.until(target, lambda: machine.printed(target, *VMS, lines=12))
        executed = trace.run(target, 150)
    sources = units(image.elf, image.build_id)
    symbols = image.manifest["symbols"]
    start = symbols["checkpoint_vm"]
    pages = range(symbols[COPY], min(address for address in symbols.values() if address > symbols[COPY]))
    counted = []
    for path in trace.entries(executed):
        if path.count(start) == 1:
            executed_here = path[path.index(start) :]
            total = sum(Path(sources.get(address, "")).name in (*SAVING, *COPIES) for address in executed_here)
            counted.append((total, sum(address in pages for address in executed_here)))
    return counted


@pytest.fixture(scope="module")
def costs(vmm_build: Build, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[int, int]]]:
    folder = tmp_path_factory.mktemp("traces")
    return {policy: checkpoints(build(vmm_build, policy), folder / policy) for policy in POLICIES}


def test_full_copy_takes_constant_time(costs: dict[str, list[tuple[int, int]]]) -> None:
    """# R22 # R23 # D3 The paper's scheme: memory is copied with the very same number of instructions each time.

    What is around the copies depends on whose registers there are to keep, by a few percent.
    """
    totals, copied = zip(*costs["full"], strict=True)
    assert len(totals) >= COUNTED
    assert len(set(copied)) == 1
    assert copied[0] > 500
    assert max(totals) - min(totals) <= max(totals) / 20


def test_undo_log_takes_what_was_written(costs: dict[str, list[tuple[int, int]]]) -> None:
    """# R22 # D3 The same guests under the undo log: far fewer instructions, but not always the same number."""
    totals, copied = zip(*costs["undo"], strict=True)
    assert len(totals) >= COUNTED
    assert max(totals) < min(total for total, _ in costs["full"]) / 2
    assert max(totals) - min(totals) > max(totals) / 20
    assert max(copied) < 150, "a checkpoint by arming copies no page"
