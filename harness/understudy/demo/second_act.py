# SPDX-License-Identifier: Apache-2.0
"""A guest kernel fails, a task hangs, and a VM that fails again and again is replaced by its standby."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from typing import Any

from attrs import asdict, field, frozen
from rich.console import Console as Screen
from rich.markup import escape

from understudy.demo import stage
from understudy.demo.stage import instructions, say
from understudy.image import build
from understudy.target import Fault, Target

SYSTEM = "rescue"
HEALTHY, BROKEN, HOPELESS, STANDBY = "guest1", "guest2", "guest3", "spare"
GUESTS = (HEALTHY, BROKEN, HOPELESS)
WANTED = {  # who failed, the class of the fault, and what was done, once or again and again
    BROKEN: [("kernel", "instruction", "vm rollback"), ("looper", "hang", "older generation")],
    HOPELESS: [("kernel", "instruction", "vm rollback"), ("kernel", "instruction", "standby")],
}
_LIMIT_MS = 10_000
_CAUSES = {
    "instruction": "its [b]guest kernel[/] executed an undefined instruction",
    "hang": "task [b]{task}[/] does not come back: it ran for longer than its watchdog allows",
}
_ACTIONS = {
    "vm rollback": "[b]vm rollback[/]: the VM is as it was when it was last left; {pages} pages taken back, "
    "[b]{cost} instructions[/]",
    "older generation": "[b]older generation[/]: the last checkpoint is in the loop, too, so the VM goes back to one "
    "before; {pages} pages taken back, [b]{cost} instructions[/]",
    "standby": "the fault comes back: [b]the standby takes over[/], another build with the same persistent memory, "
    "[b]{cost} instructions[/]",
}


@frozen
class SecondAct:
    """What happened: the faults of each VM as (who, class, action), and what all this disturbed."""

    build_id: str
    faults: dict[str, list[tuple[str, str, str]]]
    recovery_instructions: dict[str, int]
    values_compared: int
    problems: list[str] = field(factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "passed": not self.problems}


def play(screen: Screen) -> SecondAct:
    """Run it, and tell it on `screen`.

    Raises:
        UnderstudyError: the system could not be built or run to the end.

    """
    say(screen, "build", f"the system [b]{SYSTEM}[/] and its twin without any fault")
    image, golden = build(SYSTEM), build(stage.golden_variant(SYSTEM))
    with ThreadPoolExecutor(1) as pool:
        reference = pool.submit(stage.record, golden, GUESTS)
        with Target(image) as target:
            return _tell(screen, target, reference)


def _tell(screen: Screen, target: Target, reference: "Future[dict[str, list[str]]]") -> SecondAct:
    stage.boot(screen, target, GUESTS, silent=[STANDBY])
    told = 0
    while not _ended(target.faults()):
        target.run_for(20)
        told = _tell_new(screen, target, told)
    line = target.uart(HOPELESS).expect(r"(\w+: stand-in at \d+)\r?\n", ms=_LIMIT_MS)[1]
    say(screen, HOPELESS, f"goes on where it was, under the same name: [cyan]{escape(line)}[/]", "green")
    stage.run_until_values(target, GUESTS, 2 * stage.VALUES)
    _tell_new(screen, target, told)
    return _judge(screen, target, reference.result())


def _ended(log: Sequence[Fault]) -> bool:
    return {"hang", "standby"} <= {fault.fault_class for fault in log} | {fault.action for fault in log}


def _tell_new(screen: Screen, target: Target, told: int) -> int:
    for fault in target.faults()[told:]:
        _fault(screen, target, fault)
        told += 1
    return told


def _fault(screen: Screen, target: Target, fault: Fault) -> None:
    cause = _CAUSES.get(fault.fault_class, f"a {fault.fault_class} fault").format(task=fault.task)
    say(screen, fault.vm, f"{cause} (pc {fault.pc:#010x})", "red")
    cost = instructions(target.image, fault.cost)
    text = _ACTIONS.get(fault.action, fault.action).format(pages=fault.pages, cost=cost)
    say(screen, "vmm", text, "green")


def _judge(screen: Screen, target: Target, reference: dict[str, list[str]]) -> SecondAct:
    problems = []
    compared = 0
    for vm in GUESTS:
        count, difference = _compare(target.uart(vm).lines, reference[vm])
        stage.tell_comparison(screen, vm, count, difference)
        compared += count
        if difference:
            problems.append(f"{vm}: {difference}")
    log = target.faults()
    faults = {vm: [(f.task, f.fault_class, f.action) for f in log if f.vm == vm] for vm in GUESTS}
    for vm in GUESTS:
        if [fault for fault, _ in groupby(faults[vm])] != WANTED.get(vm, []):
            problems.append(f"{vm}: expected {WANTED.get(vm, [])}, saw {faults[vm]}")
    costs = {fault.action: instructions(target.image, fault.cost) for fault in log}
    return SecondAct(target.image.build_id, faults, costs, compared, problems)


def _compare(seen: Sequence[str], expected: Sequence[str]) -> tuple[int, str]:
    """Compare the values of each task: how the lines of several tasks lie between each other depends on time."""
    total, first = 0, ""
    streams = _streams(expected)
    for name, values in _streams(seen).items():
        compared, difference = stage.compare(values, streams.get(name, []))
        total += compared
        first = first or difference
    return total, first


def _streams(lines: Sequence[str]) -> dict[str, list[str]]:
    """Lines by their first word, repeated ones once: what had left before an older checkpoint is said again (D9).

    What a guest says of its starts is left out.
    """
    streams: dict[str, list[str]] = {}
    for line in lines:
        name = line.split(" ", 1)[0]
        if not name.endswith(":"):
            streams.setdefault(name, []).append(line)
    return {name: list(dict.fromkeys(values)) for name, values in streams.items()}
