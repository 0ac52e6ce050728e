# SPDX-License-Identifier: Apache-2.0
"""What a guest says about itself: ready, or that it gives up; and what its calls and its image say about it."""

from itertools import pairwise

import pytest
from understudy.pytest_plugin import Boot
from understudy.target import Target

from . import machine, oracle, systems

VM = "trial"
REASON = 77  # FAULT_PANIC_REASON
QUIET = {"priority": 0, "slice_ticks": 255, "uart": 3, "recovery": systems.GENEROUS}


def boot(vmm_boot: Boot, name: str, guest: systems.Data, **settings: object) -> Target:
    vms = {**systems.healthy_vms(), VM: systems.vm(VM, **{**QUIET, **settings})}
    return vmm_boot(systems.system(f"test-reports-{name}", {VM: guest}, vms))


def stats(target: Target) -> str:
    return machine.ask(target, f"stats {VM}")


@pytest.mark.parametrize(("fault", "words"), [("panic", "queue.overrun of twenty"), ("panic_wild", "")])
def test_task_gives_up(vmm_boot: Boot, fault: str, words: str) -> None:
    """# D1 # D5 Reason and printable text are seen; a text that the task may not read is none."""
    target = boot(vmm_boot, fault, systems.faulty_guest(systems.faulty(0, fault), systems.worker()))
    machine.until(target, lambda: target.faults() and machine.printed(target, VM, lines=60))
    (record,) = target.faults()
    assert (record.vm, record.task, record.kind, record.fault_class) == (VM, "f0", "guest", "panic")
    assert (record.status, record.action) == (REASON, "vm rollback")
    target.console.expect(rf'reported in {VM}/f0, panic {REASON} "{words}"')
    assert f"last panic         {words}".rstrip() in stats(target)
    oracle.unbroken(target.uart(VM).lines, repeats=2)


def test_misuse(vmm_boot: Boot) -> None:
    """# D5 # R4 More refused calls than allowed: the task that makes them, at the first one too many."""
    allowed = 50
    guest = systems.faulty_guest(systems.faulty(0, "misuse"), systems.worker())
    target = boot(vmm_boot, "misuse", guest, misuse_max=allowed)
    machine.until(target, lambda: target.faults() and machine.printed(target, VM, lines=60))
    (record,) = target.faults()
    assert (record.task, record.kind, record.fault_class, record.status) == ("f0", "call", "misuse", 2)
    assert record.action == "task rollback"
    assert machine.counters(target, VM)["refused"] == allowed + 1
    oracle.unbroken(target.uart(VM).lines)


def test_rtos_and_console_report_ready(vmm_boot: Boot) -> None:
    """# R3 The guests that come with the project say when their boot is complete."""
    target = boot(vmm_boot, "ready", systems.faulty_guest(systems.worker()))
    machine.until(target, lambda: machine.printed(target, VM, lines=5))
    target.wait_for_prompt()
    for vm in ("vm0", "healthy1", VM):
        assert "  boot               ready" in machine.ask(target, f"stats {vm}")
    assert target.faults() == []


def test_boot_that_never_ends(vmm_boot: Boot) -> None:
    """# D5 A guest that promises to report, and does not within ready_ms, is started anew, and the list says why."""
    silent = {"kernel": "none", "sources": ["tests/system/apps/busy_kernel.S"], "reports_ready": True}
    silent["tasks"] = [
        {"name": "caller", "entry": "caller_task", "sources": ["tests/system/apps/caller.S"], "priority": 1}
    ]
    target = boot(vmm_boot, "never", silent, uart=None, watchdog={"ready_ms": 40}, recovery=systems.budgets())
    machine.until(target, lambda: machine.state(target, VM) == "stopped")
    faults = target.faults()
    assert {(fault.kind, fault.fault_class, fault.detail) for fault in faults} == {("watchdog", "boot", "timeout")}
    assert [fault.action for fault in faults] == ["cold restart", "cold restart", "vm stop"]
    for earlier, later in pairwise(faults):
        assert 40 < (later.time - earlier.time) / 100_000 <= 40 + 20 + 10
    assert "boot failed: not ready in time" in machine.ask(target, "list")


DAMAGE = {  # offset in the kernel's text, what is written there, and the words for it
    "magic": (0x20, 0x12345678, "no image header"),
    "version": (0x24, 99, "image of another VMI version"),
    "stack": (0x28, 0x00100000, "stack out of the image"),
    "entry": (0x00, 0xEA7FFFFF, "entry out of the image"),
    "crc": (0x2C, 0x80000000, "wrong checksum of the image"),
}


def test_damaged_image_is_not_loaded(vmm_boot: Boot) -> None:
    """# R3 # R38 # D8 Each kind of damage has its own words, in the answer, the list and the log; then all is well."""
    guest = systems.faulty_guest(systems.worker())
    target = boot(vmm_boot, "damage", guest, autostart=False)
    target.wait_for_prompt()
    segments = target.image.manifest["guests"][VM]["segments"]
    base = target.memory.address(next(s["symbol"] for s in segments if s["va"] == 0x00100000))
    for number, (name, (offset, value, words)) in enumerate(DAMAGE.items(), start=1):
        with target.debugger() as gdb:
            before, _ = gdb.write_physical(base + offset, value.to_bytes(4, "little"))
        assert machine.ask(target, f"boot {VM}") == f'boot: VM "{VM}": {words}'
        assert f"boot failed: {words}" in machine.ask(target, "list")
        assert machine.state(target, VM) == "empty"
        record = target.faults()[-1]
        assert (record.sequence, record.kind, record.fault_class, record.detail) == (number, "check", "boot", name)
        assert record.action == "log"
        with target.debugger() as gdb:
            gdb.write_physical(base + offset, before)
    assert machine.ask(target, f"boot {VM}") == f"{VM}: running"
    machine.until(target, lambda: machine.printed(target, VM, lines=20))
    oracle.unbroken(target.uart(VM).lines)
    assert len(target.faults()) == len(DAMAGE)
