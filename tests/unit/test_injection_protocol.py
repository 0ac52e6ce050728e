# SPDX-License-Identifier: Apache-2.0
"""What the harness and the injector say to each other, and the file of the golden run: both sides agree."""

import subprocess
from pathlib import Path

import pytest
from understudy.errors import TargetError
from understudy.injection import protocol
from understudy.injection.engine import SOURCES
from understudy.injection.experiment import Applied, Fault, Target
from understudy.injection.golden import _RECORD
from understudy.injection.protocol import PAGE, End, Flag, Request, Setup, packed_run, unpack_report
from understudy.injection.states import EndOfExperiment, GoldenStates

STRUCTURES = {
    "request": protocol._REQUEST.size,
    "setup": protocol._SETUP.size,
    "range": protocol._RANGE.size,
    "run": protocol._RUN.size,
    "fault": protocol._FAULT.size,
    "report": protocol._REPORT.size,
    "applied": protocol._APPLIED.size,
    "page": protocol._PAGE.size,
    "trace_record": _RECORD.itemsize,
}
CONSTANTS = {
    **{f"REQUEST_{kind.name}": kind.value for kind in Request},
    **{f"RUN_{flag.name}": flag.value for flag in Flag if flag},
    **{f"TARGET_{target.name}": target.value for target in Target},
    **{f"END_{end.name}": end.value for end in End},
    "PROTOCOL_VERSION": protocol.VERSION,
}


def test_structures_and_constants_are_those_of_c(tmp_path: Path) -> None:
    shown = [f'printf("%zu ", sizeof(struct {name}));' for name in STRUCTURES]
    shown += [f'printf("%u ", (unsigned){name});' for name in CONSTANTS]
    program = tmp_path / "sizes.c"
    program.write_text('#include <stdio.h>\n#include "protocol.h"\nint main(void) {\n' + "\n".join(shown) + "\n}\n")
    command = ["gcc", "-I", str(SOURCES[0].parent), str(program), "-o", str(tmp_path / "sizes")]
    subprocess.run(command, check=True)
    said = subprocess.run([tmp_path / "sizes"], check=True, capture_output=True, text=True).stdout.split()
    assert dict(zip([*STRUCTURES, *CONSTANTS], map(int, said), strict=True)) == {**STRUCTURES, **CONSTANTS}


def test_faults_are_packed_as_they_are() -> None:
    fault = Fault(5, Target.RAM, 0x6000_0000, 1, flip=2, set=3, add=-4, duration=7, interval=8, restore=True)
    packed = packed_run([fault], Flag.EARLY, dormant_after=9)
    assert protocol._RUN.unpack_from(packed) == (Flag.EARLY, 1, 0, 9, 0)
    keep_all, minus_four = (1 << 64) - 1, (1 << 64) - 4
    expected = (5, 7, 8, 0x6000_0000, keep_all, 3, 2, minus_four, Target.RAM, 1, 1, 0)
    assert protocol._FAULT.unpack_from(packed, protocol._RUN.size) == expected


def test_reports_are_taken_apart() -> None:
    head = (End.HORIZON, 0, 3, 1, 1000, 99, 1, 0, 2, 1, *range(17), 2, 0, 3, 0, 0, 0, 0, 0)
    applied = (500, 8, 9, 1, 1, 0x1234, 0x10)
    data = protocol._REPORT.pack(*head) + protocol._APPLIED.pack(*applied)
    data += protocol._PAGE.pack(0x6000_1000, bytes([7]) * PAGE) + b"abxyz"
    report = unpack_report(data)
    assert (report.end, report.sync, report.executed, report.pages_differ) == (End.HORIZON, 3, 99, 2)
    assert report.cpu_differs
    assert not report.devices_differ
    assert report.applied == (Applied(*applied),)
    assert report.pages == {0x6000_1000: bytes([7]) * PAGE}
    assert report.outputs[:3] == (b"ab", b"", b"xyz")


RAM = ((0x9000_0000, PAGE), (0x6000_0000, 2 * PAGE))
SETUP = Setup(ram=RAM, devices=(), syncs=(100, 200), instruction_ns=32)


@pytest.fixture
def states(tmp_path: Path) -> GoldenStates:
    """Three pages, of 1, 2 and 3 at the start; the second is of 5 at the first sync, the third at the end."""
    flags, size = 4 * PAGE, 8 * PAGE
    content = bytearray(3 * size)
    for page in range(3):
        at = flags + PAGE + page * PAGE
        content[at : at + PAGE] = bytes([page + 1]) * PAGE
    for sync, page in ((1, 1), (2, 2)):
        content[sync * size + flags + page] = 1
        at = sync * size + flags + PAGE + page * PAGE
        content[at : at + PAGE] = bytes([5]) * PAGE
    (tmp_path / "golden").write_bytes(content)
    return GoldenStates(tmp_path / "golden", SETUP)


def test_states_of_the_golden_run(states: GoldenStates) -> None:
    assert states.read_start(0x9000_0000, 2) == b"\1\1"
    assert states.read_start(0x6000_0FFE, 4) == b"\2\2\3\3"
    assert states.read(1, 0x6000_0FFE, 4) == b"\5\5\3\3"
    assert states.read_end(0x6000_0FFE, 4) == b"\2\2\5\5"
    with pytest.raises(TargetError, match="0x70000000: no RAM that a campaign looks at"):
        states.read_end(0x7000_0000, 4)


def test_end_of_an_experiment(states: GoldenStates) -> None:
    end = EndOfExperiment(states, 1, {0x6000_1000: bytes([9]) * PAGE})
    assert end.read(0x6000_0FFE, 4) == b"\5\5\x09\x09"


def test_times_of_syncs() -> None:
    assert SETUP.times(1000) == (1032, 1100, 1200)
