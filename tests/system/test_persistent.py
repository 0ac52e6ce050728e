# SPDX-License-Identifier: Apache-2.0
"""Persistent memory: where it lies, that a warm reset keeps it, and that a cold one does not."""

import pytest
from understudy.image import Image
from understudy.pytest_plugin import Build
from understudy.target import Target

from . import machine, oracle, systems

LINES = 12
VMS = {"undo": {}, "eager": {"policy": {"data": "eager"}}, "plain": {"fault_tolerant": False}}


@pytest.fixture(scope="module")
def image(vmm_build: Build) -> Image:
    """The same guest in VMs that save their memory in different ways, or not at all."""
    vms = {name: systems.vm("tally", uart=n, **settings) for n, (name, settings) in enumerate(VMS.items(), 1)}
    return vmm_build(systems.system("test-persistent", {}, vms))


def reset(target: Target, vm: str, how: str) -> None:
    """Reset a VM as the health monitor would, between two turns; `how`: function of the VMM."""
    with target.debugger() as gdb:
        gdb.break_at(target.memory.address("housekeeping"), once=True)
        gdb.resume()
        gdb.write_register("r0", target.memory.vm_address(vm))
        gdb.write_register("pc", target.memory.address(how))


def two_lives(image: Image, vm: str, how: str) -> tuple[list[str], list[str]]:
    """What a guest prints before and after a reset of its VM."""
    with Target(image) as target:
        machine.until(target, lambda: len(life(target, vm, 0)) > LINES)
        reset(target, vm, how)
        machine.until(target, lambda: len(life(target, vm, 1)) > LINES)
        return life(target, vm, 0), life(target, vm, 1)


def life(target: Target, vm: str, number: int) -> list[str]:
    """The lines of one life of a guest, from the line that it begins with."""
    lives: list[list[str]] = []
    for line in target.uart(vm).lines:
        if line.startswith("tally: "):
            lives.append([])
        lives[-1].append(line)
    return lives[number] if len(lives) > number else []


def values(lines: list[str]) -> list[int]:
    """The numbers of the values in the lines of one life, each with the right value and none left out."""
    numbers = oracle.streams(lines[1:])["pt"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return numbers


@pytest.mark.parametrize("vm", VMS)
def test_cold_reset_is_pristine(image: Image, vm: str) -> None:
    """# D5 Persistent memory is what the image says, whatever it held."""
    _, second = two_lives(image, vm, "vm_cold_start")
    assert second[0] == "tally: cold start at 0"
    assert values(second)[0] == 0


@pytest.mark.parametrize("vm", VMS)
def test_warm_reset_goes_on(image: Image, vm: str) -> None:
    """# D5 The guest begins anew with the totals that it had: each value once, or once more if not committed."""
    first, second = two_lives(image, vm, "vm_warm_start")
    begun = int(second[0].removeprefix("tally: warm start at "))
    assert values(second)[0] == begun
    assert 0 <= values(first)[-1] + 1 - begun <= 1


def test_persistent_memory_lies_where_every_build_has_it(image: Image) -> None:
    """Builds of one guest may exchange it: the same address in the window, and a hash of its layout."""
    segments = [s for s in image.manifest["guests"]["tally"]["segments"] if s["persistent"]]
    assert [(s["window"], s["va"] % 0x100000) for s in segments] == [(3, 0xE0000)]
