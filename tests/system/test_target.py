# SPDX-License-Identifier: Apache-2.0
"""The laboratory itself, on a real machine: life cycle, consoles, GDB, injection, what a failure leaves behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from understudy.errors import InjectionError, TargetError, TargetTimeout
from understudy.image import Image
from understudy.pytest_plugin import Boot, Build
from understudy.target import Target
from understudy.target.leaks import qemu_children

pytest_plugins = ["pytester"]

ALL = {"vm": {name: {"autostart": True} for name in ("guest1", "guest2", "guest3")}}


def running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_console_takes_commands(vmm_boot: Boot) -> None:
    target = vmm_boot("hello")
    target.wait_for_prompt()
    assert "vm0" in target.vm0("list")


def test_stale_image_is_refused(vmm_build: Build) -> None:
    image = vmm_build("hello")
    stale = Image(image.name, image.folder, {**image.manifest, "build_id": "0" * 16})
    with pytest.raises(TargetError, match=f"runs build {image.build_id}, not 0{{16}}"), Target(stale):
        pass
    assert not qemu_children()


def test_wrong_argument_is_reported_at_once(vmm_build: Build) -> None:
    start = time.monotonic()
    with pytest.raises(TargetError, match="no-such-option"), Target(vmm_build("hello"), extra=("-no-such-option",)):
        pass
    assert time.monotonic() - start < 5


def test_deadline_is_in_virtual_time(vmm_boot: Boot) -> None:
    target = vmm_boot("hello")
    before = target.virtual_ms()
    with pytest.raises(TargetTimeout, match="not within 300 ms of virtual time; the last lines were"):
        target.console.expect("never said", ms=300)
    assert target.virtual_ms() - before >= 300


def test_paused_machine_stands_still(vmm_boot: Boot) -> None:
    target = vmm_boot("hello")
    target.pause()
    before = target.virtual_ms()
    with pytest.raises(TargetTimeout, match="did not pass within"):
        target.run_for(1, seconds=0.2)
    assert target.virtual_ms() == before
    target.resume()
    target.run_for(10)


def test_virtual_time_goes_on_when_its_fast_counter_wraps(vmm_boot: Boot) -> None:
    """Of a machine that does next to nothing: 179 s are 2^32 ticks of 24 MHz."""
    idle = {"system": {"name": "hello-idle", "tick_us": 50_000, "housekeeping_ms": 0, "scrub_kib_per_s": 0}}
    target = vmm_boot("hello", idle)
    target.run_for(185_000)
    assert target.virtual_ms() >= 185_000


def test_fault_log_of_memory_and_console_agree(vmm_boot: Boot) -> None:
    target = vmm_boot("demo", ALL)
    target.wait_for_prompt()
    fault = target.wait_for_fault()[0]
    assert (fault.vm, fault.task, fault.kind, fault.action) == ("guest3", "breaker", "data", "task rollback")
    assert fault.address == target.memory.symbol("guest3", "OSTime").address
    assert fault.write
    shown = target.vm0("faults")
    assert f"{fault.address:#010x}" in shown
    assert f"{fault.pc:#010x}" in shown


def test_stop_in_one_of_several_guests(vmm_boot: Boot) -> None:
    target = vmm_boot("demo", ALL)
    target.run_for(100)
    address = target.memory.symbol("guest2", "os_call").address
    with target.debugger() as gdb:
        stop = target.stop_in(gdb, "guest2", address, hit=2)
        assert (stop.pc, target.memory.current_vm()) == (address, "guest2")
        assert gdb.registers()["pc"] == address
        assert gdb.step().pc != address
        with pytest.raises(TargetTimeout, match=r"guest2 did not come to 0x0fff0000"):
            target.stop_in(gdb, "guest2", 0x0FFF0000, seconds=0.5)
    target.run_for(50)


def test_injection_is_proven(vmm_boot: Boot) -> None:
    target = vmm_boot("demo", ALL)
    target.run_for(100)
    clock = target.memory.symbol("guest1", "OSTime").address
    call = target.memory.symbol("guest1", "os_call").address
    with target.debugger() as gdb:
        target.stop_in(gdb, "guest1", call)
        old = target.memory.read("guest1", clock, 4)
        before, after = target.inject_memory(gdb, "guest1", clock, b"\x00\x00\x00\x40")
        assert (before, after) == (old, b"\x00\x00\x00\x40")
        assert target.memory.read("guest1", clock, 4) == after
        with pytest.raises(InjectionError, match="nothing injected"):
            target.inject_memory(gdb, "guest1", clock, after)
        value = gdb.registers()["r4"]
        assert target.inject_register(gdb, "r4", value ^ 1) == (value, value ^ 1)
        assert gdb.registers()["r4"] == value ^ 1
    target.run_for(100)
    assert int.from_bytes(target.memory.read("guest1", clock, 4), "little") > 0x40000000


def test_unmapped_memory_is_an_error(vmm_boot: Boot) -> None:
    target = vmm_boot("demo", ALL)
    target.run_for(50)
    with pytest.raises(TargetError, match="guest1: nothing is mapped at 0x00000000"):
        target.memory.read("guest1", 0, 4)
    with pytest.raises(TargetError, match="no task 'nobody'; known: producer, consumer"):
        target.memory.task("guest1", "nobody")


def test_machine_dies_with_its_parent(vmm_build: Build) -> None:
    vmm_build("hello")
    code = (
        "import time\n"
        "from understudy.image import build\n"
        "from understudy.target import Target\n"
        "with Target(build('hello')) as target:\n"
        "    print(target.process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        qemu = int(parent.stdout.readline())
        assert running(qemu)
        parent.send_signal(signal.SIGKILL)
    guard = time.monotonic() + 10
    while running(qemu) and time.monotonic() < guard:
        os.sched_yield()
    assert not running(qemu)


def test_failing_test_leaves_what_one_needs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_bad(vmm_boot):
            target = vmm_boot("hello")
            target.wait_for_prompt()
            with target.debugger() as gdb:
                gdb.step()
            assert False
    """)
    result = pytester.runpytest_subprocess("--vmm-artifacts=kept", "-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*repeat: pytest*test_bad*", "*understudy run --deterministic *system.json*"])
    kept = next((pytester.path / "kept").rglob("uart0.log")).parent
    assert b"[vmm] understudy VMI" in (kept / "uart0.log").read_bytes()
    assert "-exec-step-instruction" in (kept / "gdb.log").read_text()
    assert (kept / "memory.core").read_bytes()[:4] == b"\x7fELF"


def test_test_that_loses_a_machine_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from understudy.target import Target
        def test_careless(vmm_boot, vmm_build):
            vmm_boot("hello")
            Target(vmm_build("hello")).__enter__()
    """)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*QEMU left behind: process*"])
