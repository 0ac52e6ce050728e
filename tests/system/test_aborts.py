# SPDX-License-Identifier: Apache-2.0
"""The VMM fails at every instruction of a checkpoint, a rollback and a first write: each time all VMs go on (R31).

`make test` takes some instructions of each, `make long-run` all. test_interrupted.py looks at the memory there.
"""

import pytest
from understudy.pytest_plugin import Boot

from . import aborts

FUNCTIONS = {  # and the VM for which it works then
    "recovery_rollback_task": "tasks",
    "checkpoint_vm": "tasks",
    "recovery_rollback_vm": "whole",
    "checkpoint_task": "healthy1",
    "recovery_first_write": "healthy1",
}
SOME = 5


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_abort_at_every_instruction(
    vmm_boot: Boot, function: str, *, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """# Invariant 3 # R31 # R19 # R20 # R29 # R30 # D9 All VMs go on, and print nothing twice, wrong, or not at all."""
    target = vmm_boot(aborts.description())
    instructions, valid = aborts.run(target, function, FUNCTIONS[function], None if long else SOME)
    with capsys.disabled():
        print(f"\n{function}: {instructions} instructions, aborted at {valid} places, all ended in a valid state")
    assert valid >= (instructions if long else SOME)
