# SPDX-License-Identifier: Apache-2.0
"""Boots the systems of tests/guest/systems and collects what their guest programs report."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from understudy.fuzz import run_fuzz
from understudy.pytest_plugin import Boot
from understudy.target import Fault, Target

SYSTEMS = Path(__file__).parent / "systems"
MS = 60_000  # of virtual time: no program needs a tenth of it
TASK, VM = "task rollback", "vm rollback"

# Kinds of tests/guest/fault_kinds.c, in its order: class, and whether guest kernels provoke them, too.
KINDS = {
    "alignment_load": ("alignment", True),
    "alignment_store": ("alignment", True),
    "alignment_exclusive": ("alignment", True),
    "null_read": ("translation", True),
    "null_write": ("translation", True),
    "hole_write": ("translation", True),
    "unmapped_read": ("translation", True),
    "kernel_read": ("domain", False),
    "kernel_write": ("domain", False),
    "other_task_read": ("domain", False),
    "text_write": ("permission", True),
    "constant_write": ("permission", True),
    "info_write": ("permission", True),
    "vmm_read": ("permission", True),
    "vmm_write": ("permission", True),
    "device_write": ("permission", True),
    "big_endian_write": ("translation", True),
    "stack_pointer_wild": ("translation", True),
    "null_jump": ("translation", True),
    "unmapped_jump": ("translation", True),
    "kernel_jump": ("domain", False),
    "data_jump": ("execute", True),
    "thumb_data_jump": ("execute", True),
    "vmm_jump": ("permission", True),
    "device_jump": ("permission", True),
    "high_jump": ("translation", True),
    "undefined": ("instruction", True),
    "undefined_thumb": ("instruction", True),
    "read_system_control": ("instruction", True),
    "write_translation_base": ("instruction", True),
    "secure_call": ("instruction", True),
    "return_from_exception": ("instruction", True),
    "banked_registers": ("instruction", True),
    "vfp_control": ("instruction", True),
}


def run(boot: Boot, system: str, *vms: str, changes: Mapping[str, Any] | None = None) -> Target:
    """Boot a system and wait until the programs of these VMs, which have UARTs, are done; check what they say."""
    target = boot(SYSTEMS / f"{system}.toml", changes)
    for vm in vms:
        target.uart(vm).expect(r"\nDONE\r?\n", ms=MS)
    for vm in vms:
        failures = re.findall(r"(?m)^TEST .* FAIL .*", target.uart(vm).text)
        assert not failures, f"{vm}: {failures}"
    assert "VMM FAULT" not in target.console.text
    return target


def passed(target: Target, vm: str) -> list[str]:
    """Names of the tests that a VM reports as passed; mirrored lines of other VMs have a prefix."""
    return re.findall(r"(?m)^TEST (\S+) PASS$", target.uart(vm).text)


def test_registers(vmm_boot: Boot) -> None:  # D4 R8 R33
    """Every register survives every kind of exception and VM switch, ARM and Thumb, both endiannesses."""
    vms = ("undo", "eager")
    target = run(vmm_boot, "registers", *vms)
    for vm in vms:
        assert passed(target, vm) == [
            *(f"kernel.{call}" for call in ("version", "time", "console_write", "yield", "irq_poll", "no_call")),
            *("kernel.guest_call", "kernel.interrupt", "kernel.start_tasks"),
            *(f"task.{call}" for call in ("version", "time", "console_write", "yield", "refused_call", "guest_call")),
            *(f"task.{event}" for event in ("exclusive", "ticks", "other_undefined", "other_prefetch", "other_data")),
        ]
    faults = target.faults()
    assert len(faults) == 2 * 3 * 24  # two VMs, three kinds, six rounds in four ways
    assert {(fault.task, fault.action) for fault in faults} == {("crasher", TASK)}


def test_virtual_interrupts(vmm_boot: Boot) -> None:  # R2 R35 R36 R39
    """Masking, nesting, return without a trap, timer, wait; with and without fault tolerance."""
    vms = ("protected", "unprotected")
    target = run(vmm_boot, "vcpu", *vms)
    assert passed(target, vms[0]) == passed(target, vms[1])
    assert len(passed(target, vms[0])) == 10
    assert target.faults() == []


def test_channel(vmm_boot: Boot) -> None:  # R4
    """Two VMs exchange thousands of words through their shared pages."""
    target = run(vmm_boot, "channel", "asker", "answerer")
    assert passed(target, "asker") == ["channel.information", "channel.ask"]
    assert passed(target, "answerer") == ["channel.information", "channel.answer"]


def test_channel_between_failing_vms(vmm_boot: Boot) -> None:  # D9
    """Hundreds of rollbacks at both ends: each word is answered once and in order, and none that was taken back."""
    vms = ("asker", "answerer", "seldom")
    target = run(vmm_boot, "channel_faults", *vms)
    assert passed(target, "asker") == passed(target, "seldom") == ["channel.ask"]
    assert passed(target, "answerer") == ["channel.answer"]
    rollbacks = Counter(fault.vm for fault in target.faults())
    assert {(fault.task, fault.action) for fault in target.faults()} == {("kernel", VM)}
    assert sum(rollbacks[vm] > 20 for vm in (*vms, "urgent")) >= 3, "so many that the log forgets the first ones"


def test_channel_without_commit(vmm_boot: Boot) -> None:  # D9
    """The same with what one asker says out at once: answers to words that were taken back."""
    target = vmm_boot(SYSTEMS / "channel_faults.toml", {"vm": {"seldom": {"output": "immediate"}}})
    target.uart("seldom").expect(r"TEST channel.ask FAIL answer", ms=MS)


def test_isolation(vmm_boot: Boot) -> None:  # R5 R9
    """A sweep over the whole address space from a task and from a guest kernel."""
    target = run(vmm_boot, "isolation", "isolation", "bystander")
    assert passed(target, "isolation") == ["isolation.kernel_reaches_tasks", "isolation.kernel", "isolation.task"]
    assert {(fault.task, fault.action) for fault in target.faults()} <= {("kernel", VM), ("prober", TASK)}


def test_hostile_guest(vmm_boot: Boot) -> None:  # R18 R46
    """Every call number with hostile arguments from kernel and task; the other VMs find their state untouched."""
    target = run(vmm_boot, "hostile", "hostile", "registers", "bystander")
    assert passed(target, "hostile") == [
        "hostile.pointers_of_kernel",
        "hostile.kernel",
        "hostile.start_tasks",
        "hostile.pointers_of_task",
        "hostile.task",
    ]
    assert passed(target, "bystander") == ["bystander"]
    assert {fault.task for fault in target.faults()} == {"crasher"}  # of the registers test, on purpose


def test_hostile_manager(vmm_boot: Boot) -> None:  # R3
    """Every call number with hostile arguments from the kernel of the management VM."""
    target = run(vmm_boot, "hostile_manager", "manager")
    assert passed(target, "manager") == ["hostile.refusals", "hostile.manager"]


@pytest.mark.parametrize(("who", "calls"), [("guest", 20_000), ("manager", 5_000)])
def test_fuzz(who: str, calls: int) -> None:  # invariant 2
    """Random calls from kernel and task of a guest ("fuzz"), and from the management VM ("fuzz_manager")."""
    result = run_fuzz(who, 1, calls)
    assert result.problems == [], result.repeat
    assert sum(map(int, re.findall(r"of the \w+ (\d+)", result.counts))) >= calls


def assert_faults(faults: list[Fault], thread: str, action: str, kinds: list[str]) -> None:
    """The records are two of each kind, in order."""
    assert [fault.fault_class for fault in faults] == [KINDS[kind][0] for kind in kinds for _ in range(2)]
    assert {(fault.task, fault.action) for fault in faults} == {(thread, action)}


FAULT_VMS = ["undo", "eager", "full"]


@pytest.mark.parametrize("vm", FAULT_VMS)
def test_faults(vmm_boot: Boot, vm: str) -> None:  # R21 R25 R26 R27 R28 R29 R30 R32 R33 D1 D4
    """Every kind of fault in task and kernel: class and action as logged, registers and memory as at the checkpoint."""
    others = {name: {"autostart": False} for name in FAULT_VMS if name != vm}
    target = run(vmm_boot, "faults", vm, changes={"vm": others})
    in_kernel = [kind for kind, (_, kernel) in KINDS.items() if kernel]
    assert passed(target, vm) == [
        *(f"kernel.{kind}" for kind in in_kernel),
        *(f"task.{kind}" for kind in KINDS),
        "task.others_untouched",
    ]
    log = target.faults()
    assert {fault.vm for fault in log} == {vm}
    assert_faults(log[: 2 * len(in_kernel)], "kernel", VM, in_kernel)
    assert_faults(log[2 * len(in_kernel) :], "victim", TASK, list(KINDS))
    assert "FAIL" not in target.vm0("log bystander")


def test_faults_after_leaving_the_vm(vmm_boot: Boot) -> None:  # R30 D4
    """As above for the task, whose VM was switched out and in between the task's checkpoint and the fault."""
    target = run(vmm_boot, "faults_seldom", "seldom")
    assert passed(target, "seldom") == [*(f"task.{kind}" for kind in KINDS), "task.others_untouched"]
    assert_faults(target.faults(), "victim", TASK, list(KINDS))


@pytest.fixture
def output(vmm_boot: Boot) -> Target:
    """The system output.toml at the prompt; each test starts the VM that it needs."""
    target = vmm_boot(SYSTEMS / "output.toml")
    target.wait_for_prompt()
    return target


def test_more_output_than_can_be_held(output: Target) -> None:  # D9
    """The writer waits: with rollbacks in between each line comes once, in order and whole."""
    output.vm0("boot loud")
    console = output.uart("loud")
    console.expect(r"\nDONE\r?\n", ms=MS)
    lines = [f"line {n} of many, all of them in order and each of them once" for n in range(2000)]
    assert console.lines == [*lines, "DONE"]
    assert len(output.faults()) > 20
    assert all(fault.action == VM for fault in output.faults())


def test_last_words_are_with_their_fault(output: Target) -> None:  # D9
    """What was dropped is shown with the fault and by its own command, marked; the log has only what has left."""
    output.vm0("boot loud")
    output.uart("loud").expect(r"\nDONE\r?\n", ms=MS)
    said = output.vm0("lastwords loud").splitlines()
    number = int(re.fullmatch(r"loud: fault #(\d+)", said[0])[1])  # type: ignore[index]
    assert re.fullmatch(r"   last words, uncommitted, \d+ bytes dropped with it:", said[1])
    assert said[-1].startswith("   | line ")
    shown = output.vm0("faults loud").split(f"#{number} at ")[1].splitlines()
    first = shown.index(said[1])
    assert shown[first : first + len(said) - 1] == said[1:]
    assert output.vm0("log loud 1") == "DONE"
    assert output.vm0("lastwords once") == "once: none, all that it wrote has left, or will"


def test_held_output_leaves_in_bounded_time(output: Target) -> None:  # D9
    """A VM that never stops and is hardly ever checkpointed: its line is there after output_ms all the same."""
    output.vm0("boot once")
    output.uart("once").expect(r"once\r?\n", ms=1_000)
    stats = output.vm0("stats once")
    assert re.search(r"VM checkpoints +1\n", stats)
    assert re.search(r"output +commit\n", stats)


def test_without_a_limit_output_waits(vmm_boot: Boot) -> None:  # D9
    """The same with output_ms = 0: nothing is seen until a checkpoint is asked for, but the VMM knows of it."""
    target = vmm_boot(SYSTEMS / "output.toml", {"vm": {"once": {"output_ms": 0}}})
    target.wait_for_prompt()
    target.vm0("boot once")
    target.run_for(1_000)
    assert target.uart("once").text == ""
    assert target.vm0("log once") == ""
    assert re.search(r"output held, bytes +5\n", target.vm0("stats once"))
    target.vm0("checkpoint once")
    target.uart("once").expect(r"once\r?\n", ms=1_000)


def test_orderly_end_lets_output_out(vmm_boot: Boot) -> None:  # D9
    """A person stops the VM: nothing will be taken back any more."""
    target = vmm_boot(SYSTEMS / "output.toml", {"vm": {"once": {"output_ms": 0}}})
    target.wait_for_prompt()
    target.vm0("boot once")
    target.run_for(1_000)
    assert target.vm0("stop once") == "once: stopped"
    target.uart("once").expect(r"once\r?\n", ms=1_000)


def test_time_after_rollbacks(output: Target) -> None:  # D10
    """The guest's count of periods follows the clock through rollbacks; what it may miss has a limit."""
    output.vm0("boot ticks")
    console = output.uart("ticks")
    console.expect(r"\nDONE\r?\n", ms=MS)
    assert passed(output, "ticks") == ["output.ticks"]
    assert len(output.faults()) > 5
    assert re.search(r"timer periods lost +0\n", output.vm0("stats ticks"))
    output.vm0("pause ticks")
    output.run_for(200)
    output.vm0("resume ticks")
    missed, count, elapsed = map(int, console.expect(r"missed (\d+) count (\d+) of (\d+)", ms=1_000).groups())
    assert missed == 20
    lost = int(re.search(r"timer periods lost +(\d+)", output.vm0("stats ticks"))[1])  # type: ignore[index]
    assert abs(elapsed - count - lost) <= 2


def test_input(vmm_boot: Boot) -> None:  # D9
    """Input read since the checkpoint comes again after the rollback; what was said before is its last words."""
    target = vmm_boot(SYSTEMS / "input.toml")
    console = target.uart("input")
    for character in "hello":
        console.expect(r"TYPE\r?\n")
        console.send(character)
    console.expect(r"DONE\r?\n")
    assert "READ" not in console.text
    assert "   | READ hello" in target.vm0("lastwords input").splitlines()
    assert passed(target, "input") == ["input.read_again"]
    assert [(fault.task, fault.action) for fault in target.faults()] == [("kernel", VM)]


@pytest.mark.parametrize("system", [path.stem for path in sorted(SYSTEMS.glob("*.toml"))])
def test_is_covered(system: str) -> None:
    """Each system here is run by a test above."""
    assert re.search(rf'"{system}(\.toml)?"', Path(__file__).read_text(encoding="utf-8"))
