# SPDX-License-Identifier: Apache-2.0
"""Long runs: what `make test` does a little of, a thousand times over. Each is a line in `LONG_RUNS`."""

from collections.abc import Callable, Sequence

from rich.console import Console

from understudy.fuzz import run_fuzz
from understudy.vmm_faults.command import LONG_RUN, run_micro_reboots

VMI_RUNS, VMI_CALLS = 10, 100_000


def fuzz_vmi(screen: Console) -> bool:
    """A million calls of the VMI: half of the seeds from a guest and its task, half from the management VM."""
    good = True
    for seed in range(1, VMI_RUNS + 1):
        result = run_fuzz("guest" if seed % 2 else "manager", seed, VMI_CALLS)
        screen.print(f"seed {seed}: {result.counts or 'not finished'}")
        for problem in result.problems:
            screen.print(f"  {problem}", markup=False, style="red")
        if result.problems:
            screen.print(f"  repeat: {result.repeat}")
        good = good and not result.problems
    return good


def micro_reboot(screen: Console) -> bool:
    """Faults of the VMM itself. They are figures, no verdict: even a system that ends wrong is an outcome."""
    return len(run_micro_reboots(screen, LONG_RUN, 0)) == LONG_RUN


LONG_RUNS: dict[str, Callable[[Console], bool]] = {"vmi": fuzz_vmi, "micro-reboot": micro_reboot}


def run_long(screen: Console, names: Sequence[str]) -> bool:
    """Run these, or all; true if none found anything."""
    good = True
    for name in names or LONG_RUNS:
        screen.rule(name)
        good = LONG_RUNS[name](screen) and good
    return good
