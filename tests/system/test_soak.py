# SPDX-License-Identifier: Apache-2.0
"""Three guests fail at random for a long time, beside two healthy ones: no frame is lost, and all they print is right.

`make long-run` does an hour of virtual time. Each guest decides by a seed, the number of its value and its recoveries.
"""

from collections import Counter

import pytest
from understudy.pytest_plugin import Boot, Build
from understudy.target.ram import SharedRam

from . import machine, soak, systems

HOUR_MS, SHORT_MS = 3_600_000, 20_000


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_random_faults_for_a_long_time(
    vmm_build: Build,
    vmm_boot: Boot,
    golden: machine.Recording,
    *,
    long: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """# Invariant 1 # Invariant 2 # Invariant 3 # R1 # R28 # R29 # R30 # R46 # D5 # D6 # D8 # D9 No frame is lost."""
    image = vmm_build(soak.description())
    ms, flip_ms, looks = (HOUR_MS, 4_000, 60) if long else (SHORT_MS, 2_000, 5)
    with SharedRam(image.manifest) as ram:
        target = vmm_boot(image, extra=ram.arguments)
        done = soak.soak(target, ram, ms=ms, flip_ms=flip_ms, looks=looks)
        said = soak.lines(target)
    with capsys.disabled():
        print(f"\n{done.summary()}")
    actions = Counter(fault.action for fault in done.faults)
    assert {fault.vm for fault in done.faults} == soak.CHAOTIC.keys(), "all of them fail, and no other"
    assert actions["task rolled back"] >= done.seconds / 2
    assert actions["VM rolled back"] >= done.seconds / 4
    assert sum(fault.what.startswith("text") for fault in done.faults) == done.flips
    for vm in systems.HEALTHY:
        for stream in soak.STREAMS[vm]:
            first, wanted = (
                [line for line in all_lines[vm] if line.startswith(stream)] for all_lines in (said, golden.lines)
            )
            assert first[: len(wanted)] == wanted[: len(first)]
