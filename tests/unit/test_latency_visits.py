# SPDX-License-Identifier: Apache-2.0
"""Putting the plugin's records together."""

import struct
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from understudy import lint, paths
from understudy.errors import TargetError, ToolError
from understudy.latency.plugin import SOURCE, Kind, Record, read_records
from understudy.latency.visits import NOWHERE, Visit, Visits, assemble, matching
from understudy.target import plugin
from understudy.target.plugin import build_plugin

NS = 32
VECTORS = 0x60000000
MARKS = {0x100: "trace_saved_irq", 0x104: "trace_saved_irq_end", 0x200: "trace_restore_switch"}


def enter(executed: int, vector: int, came_from: int = 0x1000, idle: int = 0) -> Record:
    return Record(executed, idle, Kind.ENTER, VECTORS + vector, came_from, 0)


def leave(executed: int, went_to: int = 0x2000, idle: int = 0) -> Record:
    return Record(executed, idle, Kind.LEAVE, went_to, NOWHERE, 0)


def point(executed: int, address: int) -> Record:
    return Record(executed, 0, Kind.POINT, address, NOWHERE, 0)


def put(records: Iterable[Record], until_ns: int = 1 << 60) -> Visits:
    return assemble(records, MARKS, NS, until_ns, "")


def test_visits_and_the_guests_between() -> None:
    ran = put([leave(50), enter(60, 0x08), leave(100, 0x1004), enter(107, 0x18, 0x1020), leave(187)])
    assert list(ran) == [
        Visit(60, "call", 40, 0x1000, 0x1004, (), guest=10),
        Visit(107, "irq", 80, 0x1020, 0x2000, (), guest=7),
    ]
    assert (ran.boot, ran.vmm, ran.guest, ran.total) == (50, 120, 17, 187)
    assert ran.elapsed_ns == 187 * NS


def test_visit_that_does_not_end_is_none() -> None:
    assert len(put([leave(50), enter(60, 0x08), leave(100), enter(110, 0x18)])) == 1


def test_exception_that_was_pending_at_the_return() -> None:
    ran = put([leave(50), enter(60, 0x08), enter(100, 0x18, NOWHERE), leave(120)])
    assert [(v.length, v.went_to, v.came_from, v.guest) for v in ran] == [
        (40, NOWHERE, 0x1000, 10),
        (20, 0x2000, NOWHERE, 0),
    ]


def test_exception_that_was_pending_at_boot() -> None:
    ran = put([enter(50, 0x18, NOWHERE), leave(80)])
    assert (ran.boot, ran[0].start, ran[0].length, ran[0].guest) == (50, 50, 30, 0)


def test_marks_count_from_the_start_of_the_visit() -> None:
    records = [point(3, 0x200), leave(50), enter(60, 0x18), point(64, 0x100), point(70, 0x104), point(90, 0x200)]
    ran = put([*records, leave(100), enter(120, 0x18), leave(140)])
    assert [visit.marks for visit in ran] == [(("trace_saved_irq", 4), ("trace_restore_switch", 30)), ()]
    assert ran.points == (
        ("trace_restore_switch", 3),
        ("trace_saved_irq", 64),
        ("trace_saved_irq_end", 70),
        ("trace_restore_switch", 90),
    )
    assert matching(ran, passing="trace_saved_irq") == [ran[0]]


def test_sleep() -> None:
    ran = put([leave(50), enter(60, 0x18), leave(100, idle=5000), enter(110, 0x18, idle=5000), leave(120, idle=5600)])
    assert [(visit.idle_ns, visit.slept_ns) for visit in ran] == [(5000, 5000), (5600, 600)]
    assert ran.elapsed_ns == 120 * NS + 5600
    assert ran.time_ns(ran[0]) == 100 * NS + 5000


def test_visits_after_the_time_are_left_out() -> None:
    records = [leave(50), enter(60, 0x18), leave(100), enter(110, 0x18), leave(200)]
    assert len(put(records, 200 * NS)) == 2
    assert len(put(records, 200 * NS - 1)) == 1


def test_nothing_ran() -> None:
    with pytest.raises(TargetError, match="no exception was taken"):
        put([])


def test_matching() -> None:
    ran = put(
        [leave(0), *(r for n in range(6) for r in (enter(n * 10, 0x08 + 0x10 * (n % 2), n), leave(n * 10 + 9, n)))]
    )
    assert [v.start for v in matching(ran, vector="irq")] == [10, 30, 50]
    assert [v.start for v in matching(ran, came_from=range(2, 4))] == [20, 30]
    assert [v.start for v in matching(ran, went_to=range(3), vector="call")] == [0, 20]
    assert [v.start for v in matching(ran, limit=2)] == [0, 10]


def test_many_visits_are_quick(tmp_path: Path) -> None:
    """100,000 visits with two marks each."""
    one = struct.Struct("<QQIIII")
    with (tmp_path / "records").open("wb") as stream:
        stream.write(one.pack(*leave(0)))
        for n in range(100, 100_200):
            for record in (
                enter(n * 90, 0x18),
                point(n * 90 + 5, 0x100),
                point(n * 90 + 50, 0x200),
                leave(n * 90 + 80),
            ):
                stream.write(one.pack(*record))
    begin = time.process_time()
    ran = put(read_records(tmp_path / "records"))
    assert time.process_time() - begin < 10  # about one second; a slow host gets time
    assert len(ran) == 100_100
    assert ran[-1].marks == (("trace_saved_irq", 5), ("trace_restore_switch", 50))


def test_damaged_records(tmp_path: Path) -> None:
    (tmp_path / "records").write_bytes(bytes(33))
    with pytest.raises(TargetError, match="33 bytes"):
        read_records(tmp_path / "records")


def test_missing_compiler(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert paths.root() == toy
    monkeypatch.setenv("PATH", str(toy))
    with pytest.raises(ToolError, match=r"gcc \(for the host\) is missing: install it"):
        build_plugin([SOURCE])


def test_changed_source_is_compiled_again(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build_plugin([SOURCE])
    assert first.is_relative_to(toy)
    monkeypatch.setattr(plugin, "FLAGS", (*plugin.FLAGS, "-g"))
    assert build_plugin([SOURCE]) != first
    monkeypatch.setattr(plugin, "FLAGS", (*plugin.FLAGS, "-DNOWHERE=no"))
    with pytest.raises(ToolError, match=r"plugin: gcc refuses it:"):
        build_plugin([SOURCE])
    assert not [path for path in first.parent.iterdir() if path.is_dir()]


def test_lint_compiles_the_plugins(toy: Path) -> None:
    copy = toy / "harness" / "plugin" / "visits.c"
    copy.parent.mkdir(parents=True)
    copy.write_text(SOURCE.read_text() + "int wrong(int unused_parameter) { return 0; }\n")
    assert len([text for text in lint.compile_c() if "unused_parameter" in text]) == 2  # gcc and clang
