# SPDX-License-Identifier: Apache-2.0
"""The guest kernel: its API in a VM and on the bare board, from the same sources."""

import re
import subprocess

from understudy.image import build
from understudy.image.bare import build_bare

SYSTEM = "rtos-test"
RESULT = re.compile(r"rtos_test passed (\d+) failed (\d+)")
CHECKS = 500  # the conformance test makes at least that many
GUARD = 60  # seconds of real time


def test_rtos_in_a_vm(vmm_boot):
    # R1 R2 R4 R7 R35 R36 R37 R39: tasks, events and time over the VMI alone
    target = vmm_boot(SYSTEM)
    found = target.uart("tested").expect(RESULT.pattern, ms=60_000)
    assert int(found[1]) >= CHECKS
    assert int(found[2]) == 0, target.uart("tested").text
    assert target.faults() == []


def test_rtos_on_the_bare_board():
    # R43: the same kernel and tests without the VMM
    manifest = build(SYSTEM).manifest
    command = [*manifest["qemu"], "-icount", f"shift={manifest['icount_shift']},sleep=off"]
    command += ["-kernel", str(build_bare(SYSTEM, "rtos_test")), "-serial", "stdio", "-monitor", "none"]
    guarded = ["timeout", "--signal=KILL", str(GUARD), "setpriv", "--pdeathsig", "KILL", "--", *command]
    with subprocess.Popen(guarded, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as machine:
        assert machine.stdout
        found = next((match for line in machine.stdout if (match := RESULT.search(line))), None)
        machine.kill()
    assert found, "the test did not come to its end"
    assert int(found[1]) >= CHECKS
    assert int(found[2]) == 0
