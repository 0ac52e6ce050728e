# SPDX-License-Identifier: Apache-2.0
"""The golden run, once per worker process."""

from collections.abc import Callable

import pytest
from understudy.pytest_plugin import Build

from . import machine, systems

GOLDEN_LINES = 400


@pytest.fixture(scope="session")
def golden(vmm_build: Build) -> machine.Recording:
    """The healthy guests in a system without any fault."""
    recording = machine.record(
        vmm_build(systems.golden()), lambda target: machine.printed(target, *systems.HEALTHY, lines=GOLDEN_LINES)
    )
    assert recording.faults == []
    return recording


@pytest.fixture(scope="session")
def undisturbed(golden: machine.Recording) -> Callable[..., int]:
    """A check that both healthy guests of a recording printed, value by value, what they print in the golden run."""

    def check(recording: machine.Recording, *, least: int = 40) -> int:
        compared = 0
        for vm in systems.HEALTHY:
            pairs = list(zip(recording.lines[vm], golden.lines[vm], strict=False))
            assert len(pairs) >= least, f"{vm} printed only {len(recording.lines[vm])} lines"
            for number, (line, wanted) in enumerate(pairs):
                assert line == wanted, f"{vm}: line {number} is {line!r}, in the golden run {wanted!r}"
            assert recording.counters[vm]["faults"] == 0
            compared += len(pairs)
        return compared

    return check
