# SPDX-License-Identifier: Apache-2.0
"""Start-up: the banner, many VMs with many tasks at once, the vectors of a guest, who gets the CPU."""

import re
from collections import Counter

import pytest
from understudy.pytest_plugin import Boot, Build
from understudy.target import Target

from . import machine, oracle, systems
from .tables import TASK_WINDOW

TASK_COUNTS = {"vm2": 2, "vm3": 3, "vm4": 4, "vm6": 6, "vm8": 8, "vm10": 10, "vm12": 12, "vm13": 13}


def crowd() -> systems.Data:
    """Eight VMs; every task of all of them is the same healthy worker."""
    guests = {
        name: systems.faulty_guest(*(systems.worker(20 + number, f"w{number}") for number in range(count)))
        for name, count in TASK_COUNTS.items()
    }
    vms = {name: systems.vm(name, slice_ticks=systems.LONG_SLICE) for name in TASK_COUNTS}
    return systems.system("test-crowd", guests, vms)


@pytest.fixture(scope="module")
def crowded(vmm_build: Build) -> machine.Recording:
    def done(target: Target) -> bool:
        return all(machine.printed(target, vm, lines=8 * count) for vm, count in TASK_COUNTS.items())

    return machine.record(vmm_build(crowd()), done, look=lambda target: target.virtual_ms())


def test_banner_names_version_build_system_and_board(vmm_boot: Boot) -> None:
    """# R39 The VMM alone initialises the machine, and says what it is before any guest says a word."""
    target = vmm_boot("demo")
    target.wait_for_prompt()
    first, second, *rest = target.console.lines
    assert first == f"[vmm] understudy VMI 1 build {target.image.build_id} system demo board vexpress-a9"
    assert re.fullmatch(r"[0-9a-f]{16}", target.image.build_id)
    assert second == "[vmm] 4 VMs, 4 guests, tick 1000 us, fault tolerance on"
    assert not any(line.startswith("[vmm]") for line in rest)


@pytest.mark.parametrize("vm", TASK_COUNTS)
def test_eight_vms_with_up_to_thirteen_tasks_run_at_once(crowded: machine.Recording, vm: str) -> None:
    """# R1 # R6 # R7 # R8 Every task of every VM runs, in its own memory, and loses nothing."""
    numbers = oracle.streams(crowded.lines[vm])["tb"]
    times_printed = Counter(numbers)
    first = min(numbers) + 1 if crowded.lines[vm][0] == oracle.LOST else 0
    complete = [times_printed[number] for number in range(first, max(numbers))]
    assert complete == [TASK_COUNTS[vm]] * len(complete)
    assert len(complete) >= 5
    assert crowded.states[vm] == "running"
    assert crowded.counters[vm]["faults"] == 0


def test_every_vm_and_task_is_switched_and_checkpointed(crowded: machine.Recording) -> None:
    """# R7 # R8 # R19 # R20 Each switch away from a VM or a task makes a checkpoint of it (period 1)."""
    for vm, created in TASK_COUNTS.items():  # the first checkpoint of a task is its creation
        seen = crowded.counters[vm]
        slices_ended = crowded.looked / systems.LONG_SLICE  # with nobody else ready: checkpoints without a switch
        assert 0 <= seen["checkpoints"] - seen["switches"] <= slices_ended, vm
        assert seen["switches"] >= 5, vm
        assert seen["task_checkpoints"] == seen["task_switches"] + created, vm


def test_vectors_are_the_first_words_of_the_guest(vmm_boot: Boot) -> None:
    """# R38 The vectors lie at the first address of the guest's memory, and the VMM enters it only through them."""
    target = vmm_boot(systems.golden())
    machine.until(target, lambda: machine.printed(target, "healthy1", lines=3))
    elf = target.memory.elf("prod_cons")
    segment = next(segment for segment in elf.segments if segment.address == 0x00100000)
    image = elf.path.read_bytes()[segment.offset : segment.offset + 0x20]
    assert target.memory.read("healthy1", 0x00100000, 0x20) == image
    with target.debugger() as gdb:
        for vm, vector in (("healthy1", 0x08), ("healthy2", 0x18)):
            stop = target.stop_in(gdb, vm, 0x00100000 + vector)
            registers = gdb.registers()
            assert stop.pc == 0x00100000 + vector
            assert registers["cpsr"] & 0x1F == 0x10, "a guest runs in USR mode only"
            assert registers["sp"] == target.memory.vm(vm)["stack_top"]


def test_translation_and_protection_follow_the_running_thread(vmm_boot: Boot) -> None:
    """# R7 # R8 # R9 # R14 # R17 TTBR0 is the active table of the VM that runs, DACR that of the task or kernel."""
    target = vmm_boot(systems.golden())
    machine.until(target, lambda: machine.printed(target, *systems.HEALTHY, lines=3))
    threads = (("healthy1", 0), ("healthy2", 0), ("healthy1", 1))
    sites = {(vm, task): machine.call_site(target, vm, task) for vm, task in threads}
    with target.debugger() as gdb:
        for vm, task in (*threads, threads[1]):
            machine.stop_in_task(target, gdb, vm, task, sites[vm, task])
            assert gdb.value("$TTBR0_EL1_S") & 0xFFFFFC00 == target.memory.vm(vm)["active_pt"]
            assert gdb.value("$DACR_S") == client(0) | client(2) | client(TASK_WINDOW + task)
        target.stop_in(gdb, "healthy1", 0x00100008)
        assert gdb.value("$DACR_S") == 0x55555555, "the kernel reaches all windows of its VM"


def client(domain: int) -> int:
    """The bits of DACR that let a domain's pages be accessed by their permissions (ARM ARM B4.1.43)."""
    return 1 << 2 * domain


def priorities() -> systems.Data:
    vms = {
        "urgent": systems.vm("prod_cons", priority=5, uart=1),
        "spin_a": systems.vm("spinner", priority=10),
        "spin_b": systems.vm("spinner", priority=10),
        "late": systems.vm("spinner", priority=20),
    }
    return systems.system("test-priorities", {"spinner": systems.faulty_guest(systems.spinner())}, vms)


def test_cpu_goes_to_the_most_urgent_vm(vmm_boot: Boot) -> None:
    """# R10 # R37 The next VM is the most urgent one that is ready; equal ones take turns; the console is above all."""
    target = vmm_boot(priorities())
    target.run_for(300)
    target.pause()
    numbers = {vm: oracle.streams(machine.log_lines(target, vm)) for vm in ("urgent", "spin_a", "spin_b", "late")}
    a, b = (max(numbers[vm]["tb"]) for vm in ("spin_a", "spin_b"))
    assert min(a, b) > 500
    assert abs(a - b) < max(a, b) // 10, "equal priorities do not take turns"
    assert numbers["late"] == {}, "runs although more urgent VMs are ready"
    assert len(target.uart("urgent").lines) >= 30, "waits for less urgent VMs"
    target.resume()
    assert "spin_a" in target.vm0("list")


def test_next_task_is_the_most_urgent_that_is_ready(vmm_build: Build) -> None:
    """# R7 # R11 # R37 Thirteen tasks wake up at the same tick; the VMM's table runs them by their priorities."""
    count = 13
    tasks = [systems.faulty(number, "none", times=systems.NEVER) for number in reversed(range(count))]
    data = systems.system("test-order", {"order": systems.faulty_guest(*tasks)}, {"order": systems.vm("order", uart=1)})
    recording = machine.record(vmm_build(data), lambda target: machine.printed(target, "order", lines=20 * count))
    oracle.unbroken(recording.lines["order"])
    turns = [tuple(int(word) for word in line.split()[1:3]) for line in recording.lines["order"][: 20 * count]]
    assert turns == [(task, turn) for turn in range(20) for task in range(count)]
