# SPDX-License-Identifier: Apache-2.0
"""Silent corruption of text and constants (D8): bits are flipped in memory, and the scrubber finds and repairs them."""

import re
from collections.abc import Callable

import pytest
from understudy.image.layouts import read_layouts
from understudy.pytest_plugin import Boot
from understudy.target import Fault, Target

from . import machine, systems
from .tables import static

VM = "peaceful"
PAGE = 0x1000
KIB_PER_S = 1024
VALIDATION = 64  # bytes of each step that the check of the tables takes
LINES = 20


def description(name: str = "test-scrub", **settings: object) -> systems.Data:
    """The golden system, scrubbed so fast that a pass takes less than half a second of virtual time."""
    golden = systems.golden()
    golden["system"] = {**golden["system"], "name": name, "scrub_kib_per_s": KIB_PER_S, **settings}
    return golden


@pytest.fixture
def running(vmm_boot: Boot) -> Target:
    target = vmm_boot(description())
    machine.until(target, lambda: machine.printed(target, VM, *systems.HEALTHY, lines=LINES))
    return target


def scrub(target: Target) -> dict[str, int]:
    """What the command `scrub` says."""
    text = machine.ask(target, "scrub")
    patterns = {
        "step": r"(\d+) bytes every",
        "rate": r"(\d+) bytes/s",
        "size": r"one pass: (\d+) bytes",
        "latency_ms": r"within (\d+) ms",
        "passes": r"passes (\d+)",
        "pages": r"pages checked (\d+)",
        "repaired": r"repaired (\d+)",
        "damaged": r"damaged beyond repair (\d+)",
    }
    found = {name: re.search(pattern, text) for name, pattern in patterns.items()}
    return {name: int(match[1]) for name, match in found.items() if match}


def one_pass(target: Target) -> None:
    """Let the scrubber look at everything once from now on."""
    end = passes(target) + 2
    machine.until(target, lambda: passes(target) >= end, ms=3_000)


def passes(target: Target) -> int:
    """Complete passes of the scrubber so far."""
    layout = read_layouts(target.image.elf, ("vmi_scrub",))["structures"]["vmi_scrub"]["members"]["passes"]
    return target.memory.word(static(target, "totals") + layout[0])


def flip(target: Target, physical: int) -> None:
    """Flip one bit of physical memory, whatever protects it."""
    with target.debugger() as gdb:
        before, after = gdb.write_physical(physical, bytes([target.read_physical(physical, 1)[0] ^ 0x10]))
        assert before != after


def read_only(target: Target, window: int, *, executable: bool) -> dict[str, int]:
    """A segment of the guest of `VM` that must not change."""
    for segment in target.image.manifest["guests"][VM]["segments"]:
        if segment["window"] == window and not segment["writable"] and segment["executable"] == executable:
            return dict(segment)
    raise AssertionError(f"no such segment in window {window}")


def one_fault(target: Target) -> Fault:
    (fault,) = target.wait_for_fault(ms=2_000)
    return fault


@pytest.mark.parametrize(
    ("window", "executable", "task"), [(1, True, "kernel"), (1, False, "kernel"), (3, True, "f0"), (4, False, "worker")]
)
def test_flipped_bit_in_a_guest(
    running: Target, undisturbed: Callable[..., int], window: int, executable: bool, task: str
) -> None:
    """# D8 Text or constants of kernel or task: told with page and task, loaded again, and everybody goes on."""
    segment = read_only(running, window, executable=executable)
    last = segment["va"] + (segment["file_size"] - 1) // PAGE * PAGE
    where = last + PAGE - 1  # the page's padding: nobody uses it, so that nothing but the scrubber can notice
    right = running.memory.read(VM, last, PAGE)
    flip(running, running.memory.translate(VM, where))
    fault = one_fault(running)
    assert (fault.vm, fault.task, fault.kind, fault.fault_class) == (VM, task, "scrub", "text")
    assert (fault.action, fault.address, fault.status) == ("vm rollback", last, 0)
    assert running.memory.read(VM, last, PAGE) == right
    before = len(running.uart(VM).lines)
    machine.until(running, lambda: machine.printed(running, VM, lines=before + LINES), ms=3_000)
    recording = machine.keep(running)
    assert undisturbed(recording) >= 40
    assert len(recording.faults) == 1


def test_code_that_runs_is_repaired(running: Target, undisturbed: Callable[..., int]) -> None:
    """# D8 An instruction of the worker's loop becomes undefined: once its page is loaded again the task goes on."""
    where = running.memory.symbol(VM, "worker_task", "worker").address
    right = running.memory.read(VM, where, 4)
    with running.debugger() as gdb:
        running.inject_memory(gdb, VM, where, b"\xf0\x00\xf0\xe7")
    fault = one_fault(running)
    assert (fault.task, fault.fault_class, fault.address) == ("worker", "text", where // PAGE * PAGE)
    assert running.memory.read(VM, where, 4) == right
    assert undisturbed(machine.keep(running)) >= 40


def test_found_in_the_time_that_the_console_says(running: Target) -> None:
    """# D8 Detection latency: the size of all that is checked, divided by the rate."""
    running.wait_for_prompt()
    machine.until(running, lambda: passes(running) >= 1, ms=3_000)
    said = scrub(running)
    assert said["step"] == KIB_PER_S * 1024 // 100 + 1 - VALIDATION
    assert said["rate"] == said["step"] * 100
    assert said["latency_ms"] == said["size"] * 1000 // said["rate"]
    flip(running, running.memory.translate(VM, read_only(running, 1, executable=True)["va"] + PAGE - 1))
    start = running.virtual_ms()
    fault = one_fault(running)
    passed = fault.time * 1000 / running.image.manifest["board"]["timer_hz"] - start
    assert passed <= said["latency_ms"] * 1.1 + 20
    after = scrub(running)
    assert after["repaired"] == said["repaired"] + 1 == 1
    assert after["pages"] > said["pages"]


def test_golden_copy(running: Target, undisturbed: Callable[..., int]) -> None:
    """# D8 The copy to load from differs: said once, nothing loaded; if the VM's page differs too, the image is bad."""
    segment = read_only(running, 1, executable=True)
    golden = running.memory.address(segment["symbol"])
    flip(running, golden + PAGE - 1)
    fault = one_fault(running)
    assert (fault.vm, fault.kind, fault.fault_class, fault.status) == (VM, "scrub", "text", 1)
    assert (fault.action, fault.address) == ("log", golden)
    one_pass(running)
    assert len(running.faults()) == 1
    flip(running, running.memory.translate(VM, segment["va"] + PAGE - 2))
    faults = running.wait_for_fault(count=2, ms=2_000)
    assert (faults[1].vm, faults[1].fault_class, faults[1].detail, faults[1].status) == (VM, "boot", "crc", 2)
    running.console.expect(r"scrubber in \S+/kernel, boot: wrong checksum of the image, ")
    assert faults[1].address == segment["va"]
    assert scrub(running)["damaged"] >= 2
    assert undisturbed(machine.keep(running)) >= 40


@pytest.mark.parametrize("where", ["text", "constant", "crc of a guest", "crc of the VMM"])
def test_flipped_bit_in_the_vmm(running: Target, where: str) -> None:
    """# R31 # D8 Text, constants and checksums of the VMM: a fault of the VMM, told as such."""
    physical = {
        "text": running.memory.address("board_power_off"),
        "constant": running.memory.address("config_build_id"),
        "crc of a guest": static(running, f"{read_only(running, 1, executable=True)['symbol']}_sums"),
        "crc of the VMM": running.memory.address("__checksums_start"),
    }[where]
    flip(running, physical)
    running.console.expect(r"VMM FAULT: ", ms=3_000)


def test_no_false_alarm(vmm_boot: Boot) -> None:
    """# D8 Rollbacks, restarts, pauses, another guest in the same VM, at a high rate: nothing is found."""
    target = vmm_boot(description("test-scrub-soak", scrub_kib_per_s=1024))
    target.wait_for_prompt()
    for guest in ("control_loop", "peaceful", "prod_cons", "peaceful"):
        for command in (
            f"rollback {VM}",
            f"rollback {VM} 0",
            f"pause {VM}",
            f"resume {VM}",
            f"stop {VM}",
            f"start {VM}",
            f"stop {VM}",
            f"destroy {VM}",
            f"create {VM} {guest}",
            f"start {VM}",
        ):
            machine.ask(target, command)
            target.run_for(20)
    assert {fault.fault_class for fault in target.faults()} <= {"request"}
    said = scrub(target)
    assert said["passes"] >= 3
    assert said["repaired"] == said["damaged"] == 0


def test_off(vmm_boot: Boot) -> None:
    """A rate of 0: nothing is checked, and the console says so."""
    target = vmm_boot(description("test-scrub-off", scrub_kib_per_s=0))
    target.wait_for_prompt()
    assert "off" in machine.ask(target, "scrub")


def test_default_is_small(vmm_boot: Boot) -> None:
    """# D8 Without any setting 16 KiB a second; what the tables take of it is no text, and not said to be."""
    target = vmm_boot(systems.golden())
    target.wait_for_prompt()
    said = scrub(target)
    assert said["step"] == 164 - VALIDATION
    assert said["rate"] == 10_000
    before, start = said["pages"], target.virtual_ms()
    target.run_for(8_000)
    took = (target.virtual_ms() - start) / 1000
    assert (scrub(target)["pages"] - before) * PAGE == pytest.approx(said["rate"] * took, abs=1.5 * PAGE)
