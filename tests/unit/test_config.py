# SPDX-License-Identifier: Apache-2.0
"""Bad input is refused with file, line, key and reason; good input arrives unchanged."""

import contextlib
import re
import string
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from understudy import paths
from understudy.cli import main
from understudy.config.convert import structure, unstructure
from understudy.config.load import load_board, load_system, names, system_data
from understudy.config.model import Memory, System
from understudy.config.saving import Policy, SavePolicy, Schedule
from understudy.config.source import Source, dotted
from understudy.config.variant import variant
from understudy.errors import ConfigError


def system_file(toy: Path) -> Path:
    return toy / "qemu-configs/systems/toy.toml"


def refused(toy: Path, old: str, new: str) -> str:
    """Replace text in toy.toml and return the message that refuses it."""
    path = system_file(toy)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_system("toy")
    return str(caught.value)


def test_good_system_arrives(toy: Path) -> None:
    system, board = load_system("toy")
    assert [task.heap for task in system.guest["two"].tasks] == [8192, 64]
    assert system.guest["two"].pure_mask == 0b100001
    assert board.memory.ram_size == 128 << 20
    assert system.vm["right"].policy == Policy(data=SavePolicy.FULL)
    # R13: the management VM has no backup; the others do.
    assert [system.is_fault_tolerant(vm) for vm in system.vm.values()] == [False, True, True]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('board = "vexpress-a9"', 'board = "vexpres-a9"', r"toy\.toml:4: system\.board: .*did you mean 'vexpress-a9'"),
        ('board = "vexpress-a9"', "", r"toy\.toml:2: system\.board: is missing"),
        ("pure_calls =", "pure_cals =", r"toy\.toml:11: guest\.two\.pure_cals: unknown key; did you mean 'pure_calls'"),
        ("[0, 5]", "[0, 32]", r"guest\.two\.pure_calls: must be numbers"),
        ("[0, 5]", "5", r"guest\.two\.pure_calls: must be an array, not a whole number \(5\)"),
        ('name = "second"', 'name = "first"', r"guest\.two\.tasks: 2 tasks are named 'first'"),
        ("priority = 4", 'priority = "4"', r"tasks\[1\]\.priority: must be a whole number, not a string \('4'\)"),
        ("priority = 4", "priority = 64", r"tasks\[1\]\.priority: is 64: must be 0 to 63, 0 the most urgent"),
        ('entry = "work"', 'entry = "a b"', r"tasks\[0\]\.entry: 'a b' is no C function name"),
        ("heap = 64", "heap = -1", r"tasks\[1\]\.heap: must be a size in bytes"),
        ("heap = 64", 'heap = "2M"', r"tasks\[1\]\.stack: stack, its guard and heap .* exceed the window"),
        ("heap = 64", "stack = 100", r"tasks\[1\]\.stack: 100: must be a multiple of 4096"),
        ('"apps/work.c.j2" =', '"apps/none.c.j2" =', r"templates\.apps/none\.c\.j2: is no source of this guest"),
        ('kernel = "rtos"', 'kernel = "rots"', r"guest\.two\.kernel: no folder guests/rots; known: none, .*rtos"),
        ('kernel = "vm0"', "", r"guest\.vm0: has no code"),
        ("[guest.two]", "[guest.two_with_a_long_name]", r"has 20 characters; the VMM keeps at most 15"),
        ("management = true", "", r"vm: exactly one VM must have management = true.*found: none"),
        ("management = true", 'management = "yes"', r"vm\.vm0\.management: must be true or false, not a string"),
        ("uart = 0", "uart = 2", r"vm\.vm0\.uart: must be 0"),
        ("uart = 1", "uart = 0", r"vm\.left\.uart: UART 0 belongs to VM 'vm0' already"),
        ("uart = 1", "uart = 4", r"vm\.left\.uart: is 4: must be 0 to 3 on vexpress-a9"),
        ("uart = 1", 'memory = "1000K"', r"vm\.left\.memory: 1024000: must be a multiple of 1M"),
        ("uart = 1", 'memory = "1G"', r"vm: the VMs need \d+ bytes, the RAM of vexpress-a9 has \d+"),
        ("uart = 1", 'output = "held"', r"vm\.left\.output: must be one of commit, immediate, not a string"),
        ("uart = 1", "output_ms = -1", r"vm\.left\.output_ms: is -1: must be 0 to 60000"),
        ("uart = 1", "missed_ticks_max = 0", r"vm\.left\.missed_ticks_max: is 0: must be 1 to 1000000"),
        ("uart = 0", 'uart = 0\noutput = "commit"', r"vm\.vm0\.output: must be \"immediate\": without checkpoints"),
        ("uart = 1", "slice_ticks = 0", r"vm\.left\.slice_ticks: is 0: must be 1 to 255"),
        ("uart = 1", "recovery = { window_ms = 0 }", r"vm\.left\.recovery\.window_ms: is 0: must be 1 to 36000000"),
        (
            "uart = 1",
            "recovery.steps.vm_rollback.budget = -1",
            r"toy\.toml:30: vm\.left\.recovery\.steps\.vm_rollback\.budget: is -1: must be 0 to 4294967295",
        ),
        (
            "uart = 1",
            'recovery.steps.cold_restart.next = "vm_rollback"',
            r"steps\.cold_restart\.next: vm_rollback: must be more severe than cold_restart: standby, suspend, vm_stop",
        ),
        (
            "uart = 1",
            "recovery.steps.vm_stop.budget = 1",
            r"left\.recovery\.steps\.vm_stop: is always the last step: it has no budget",
        ),
        ("uart = 1", "recovery.steps.panic.budget = 1", r"recovery\.steps.*: must be one of ignore, log, .*'panic'"),
        ("uart = 1", 'recovery.on.hang = "reboot"', r"recovery\.on\.hang: must be one of ignore, log, task_rollback"),
        (
            "uart = 1",
            'recovery.on.loop = "log"',
            r"recovery\.on.*: must be one of alignment, .*, not a string \('loop'",
        ),
        ("uart = 1", 'recovery.on.execute = "ignore"', r"recovery\.on\.execute: ignore: there is no instruction to go"),
        ("uart = 1", 'recovery.tasks.none.hang = "log"', r"recovery\.tasks\.none: the guest has no such task; known: "),
        ('data = "full"', 'data = "lazy"', r"toy\.toml:35: vm\.right\.policy\.data: must be one of undo, eager, full"),
        ('data = "full"', "task_period = 0", r"vm\.right\.policy\.task_period: is 0: must be 1 to 65535"),
        ('data = "full"', 'task_period = "never"', r"policy\.task_period: must be a number of switches or \"request\""),
        (
            'data = "full"',
            "vm_period = 2, vm_period_ms = 9",
            r"policy\.vm_period_ms: vm_period is given, too",
        ),
        ('data = "full"', "task_period_ms = 0", r"policy\.task_period_ms: is 0: must be 1 to 10000"),
        ('data = "full"', "tasks = { third = { period = 2 } }", r"policy\.tasks\.third: .*known: first, second"),
        ('data = "full"', "tasks = { first = { period_ms = 0 } }", r"policy\.tasks\.first\.period_ms: is 0: must be"),
        (
            'data = "full"',
            'data = "none"',
            r"vm\.right\.policy\.data: none: a VM without checkpoints",
        ),
        ('data = "full"', 'regions = { third = { data = "none" } }', r"regions\.third: .*known: kernel, shared, first"),
        (
            'data = "full"',
            'regions = { first = { stack = "none" } }',
            r"regions\.first\.stack: none: registers",
        ),
        (
            'data = "full"',
            'regions = { kernel = { data = "none" } }',
            r"regions\.kernel\.data: none: the kernel",
        ),
        ('data = "full"', 'regions = { shared = { stack = "undo" } }', r"regions\.shared\.stack: there is no stack"),
        ('data = "full"', "generations = 4", r"vm\.right\.policy\.generations: is 4: must be 0 to 3"),
        ('data = "full"', "generation_ms = 0", r"vm\.right\.policy\.generation_ms: is 0: must be 1 to 36000000"),
        ('data = "full"', "checksum = 1", r"vm\.right\.policy\.checksum: must be true or false, not a whole number"),
        (
            "autostart = true",
            "policy.checksum = true",
            r"vm\.vm0\.policy\.checksum: must be false: without checkpoints there is no backup",
        ),
        ("uart = 1", 'recovery.on.backup = "log"', r"recovery\.on\.backup: log: there is no instruction to go"),
        ("autostart = true", "fault_tolerant = true", r"vm\.vm0\.fault_tolerant: must be false: .*R13"),
        ('guest = "vm0"', 'guest = "vmo"', r"vm\.vm0\.guest: no guest named 'vmo'; known: vm0, two"),
        ('["left", "right"]', '["left", "left"]', r"channel\[0\]\.between: must name two different VMs"),
        ('["left", "right"]', '["left", "middle"]', r"channel\[0\]\.between: no VM named 'middle'"),
        ('name = "toy"', 'name = "joy"', r"toy\.toml:3: system\.name: is 'joy', but the file is toy\.toml"),
        (
            'name = "toy"',
            'name = "toy"\nscrub_kib_per_s = 5',
            r"toy\.toml:4: system\.scrub_kib_per_s: is 5: must be 0, or at least 7",
        ),
        ('name = "toy"', 'name = "toy"\ntick_us = 7', r"toy\.toml:4: system\.tick_us: is 7: must be 50 to 1000000"),
        ("[system]", "[system", r"toy\.toml: not valid TOML"),
    ],
)
def test_bad_system_is_refused(toy: Path, old: str, new: str, message: str) -> None:
    assert re.search(message, refused(toy, old, new))


def test_schedules_and_regions(toy: Path) -> None:
    """# R24 When: by switches, by time or on request, for VM and task; what: by side and kind of memory."""
    path = system_file(toy)
    settings = 'vm_period = "request", task_period = 3, tasks = { first = { period_ms = 20 } }'
    regions = 'regions = { shared = { data = "none" }, second = { stack = "full" } }'
    path.write_text(path.read_text().replace('data = "full"', f"{settings}, {regions}"))
    policy = load_system("toy")[0].vm["right"].policy
    assert policy.schedule == Schedule()
    assert policy.task_schedule("first") == Schedule(interval_ms=20)
    assert policy.task_schedule("second") == policy.task_schedule() == Schedule(switches=3)
    assert policy.saving("shared", stack=False) is SavePolicy.NONE
    assert policy.saving("second", stack=True) is SavePolicy.FULL
    assert policy.saving("second", stack=False) is policy.data is SavePolicy.UNDO
    assert Policy().schedule == Policy().task_schedule("any") == Schedule(switches=1)


def test_all_problems_are_reported_at_once(toy: Path) -> None:
    assert len(refused(toy, "uart = 1", "uart = 9\nslice_ticks = 0\nmemory = 1").splitlines()) == 3


def test_unknown_names_are_refused(toy: Path) -> None:
    with pytest.raises(ConfigError, match="no system named 'to'; did you mean 'toy'"):
        load_system("to")
    with pytest.raises(ConfigError, match=r"/nowhere/x\.toml: No such file"):
        load_system("/nowhere/x.toml")
    with pytest.raises(ConfigError, match="no board named"):
        load_board("zx81")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("base = 0x1000a000", "base = 0x10009000", r"uart\[1\]\.base: .* overlaps uart\[0\]\.base"),
        ("size = 0x2000", "size = 0x100", r"device\[2\]\.base: .*whole pages"),
        ("ram_base = 0x60000000", "ram_base = 0", r"memory\.ram_base: 0x0: class FIXED"),
        ("icount_shift = 5", "icount_shift = 50", r"qemu\.icount_shift: must be 0 to 10"),
        ('name = "vexpress-a9"', 'name = "other"', r"board\.name: is 'other', but the file is vexpress-a9"),
    ],
)
def test_bad_board_is_refused(toy: Path, old: str, new: str, message: str) -> None:
    path = toy / "qemu-configs/boards/vexpress-a9.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ConfigError, match=message):
        load_board("vexpress-a9")


def test_command_line_shows_no_traceback(toy: Path) -> None:
    refused(toy, "uart = 1", "uart = 9")
    result = CliRunner().invoke(main, ["build", "toy"])
    assert result.exit_code == 1
    assert result.output.startswith("error: qemu-configs/systems/toy.toml:30: vm.left.uart: is 9")
    assert "Traceback" not in result.output


def test_variant_merges_and_gets_a_name_of_its_own(toy: Path) -> None:
    data = variant("toy", {"vm": {"left": {"uart": None, "policy": {"data": "eager"}}}})
    assert data["vm"]["left"] == {"guest": "two", "priority": 2, "policy": {"data": "eager"}}
    assert re.fullmatch("toy-[0-9a-f]{8}", data["system"]["name"])
    assert system_data("toy")["vm"]["left"]["uart"] == 1
    assert load_system(data)[0].vm["left"].policy.data is SavePolicy.EAGER


def test_systems_of_the_project_are_valid() -> None:
    assert names(paths.systems_folder())
    for name in names(paths.systems_folder()):
        load_system(name)


def test_model_survives_a_round_trip() -> None:
    system, _ = load_system("demo")
    again, problems = structure(unstructure(system), System)
    assert (again, problems) == (system, [])


@given(number=st.integers(0, 1 << 20), unit=st.sampled_from(["", "K", "M", "k", "MiB", "KB"]))
def test_sizes(number: int, unit: str) -> None:
    factor = {"": 1, "K": 1 << 10, "M": 1 << 20}[unit[:1].upper()]
    memory, problems = structure({"ram_base": 0, "ram_size": f"{number}{unit}"}, Memory)
    assert not problems
    assert memory
    assert memory.ram_size == number * factor


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(string.ascii_letters, max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(string.ascii_letters, max_size=5), inner),
    max_leaves=8,
)


@given(key=st.sampled_from(["system", "guest", "vm", "channel"]), value=junk)
def test_junk_never_escapes_as_another_error(key: str, value: Any) -> None:
    with contextlib.suppress(ConfigError):
        load_system({**system_data("demo"), key: value})


@given(text=st.text(max_size=60), key=st.lists(st.text(max_size=4) | st.integers(0, 3), max_size=4))
def test_a_place_is_found_or_left_out(text: str, key: list[str | int]) -> None:
    shown = Source("x.toml", text, {}).problem(tuple(key), "reason")
    assert shown.startswith("x.toml")
    assert shown.endswith("reason")


def test_dotted() -> None:
    assert dotted(("guest", "a", "tasks", 1, "stack")) == "guest.a.tasks[1].stack"
