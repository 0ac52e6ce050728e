# SPDX-License-Identifier: Apache-2.0
"""The main job, told as it happens: a task corrupts its own kernel, is rolled back, and nobody else notices (R40)."""

import copy
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen
from rich.console import Console as Screen
from rich.markup import escape

from understudy import paths
from understudy.config.load import system_data
from understudy.image import Image, build
from understudy.image.elf import Symbol
from understudy.target import Fault, Target

SYSTEM = "demo"
FAULTY_VM, FAULTY_TEMPLATE, FAULTY_GUEST = "guest3", "apps/faulty/faulty.c.j2", "tick_breaker"
HEALTHY_VMS = ("guest1", "guest2")
GUESTS = (*HEALTHY_VMS, FAULTY_VM)
VALUES = 150  # lines of output that each guest must deliver, before and after the fault together
AFTER_FAULT_MS = 500.0  # virtual time that the guests run on after the fault, at least


@frozen
class DemoFault:
    """Who failed, and where. Addresses are guest addresses."""

    vm: str
    task: str
    fault_class: str
    address: int
    pc: int


@frozen
class DemoResult:
    """What `build/results/demo.json` holds.

    `recovery_instructions` are instructions under QEMU's -icount, from the first C instruction of the fault handler
    to the way back into a guest; they are no time on silicon.
    """

    passed: bool
    build_id: str
    fault: DemoFault | None
    action: str | None
    recovery_instructions: int | None
    guests_undisturbed: bool
    values_compared: int
    problems: list[str] = field(factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return plain data; the fault's class is called `class` there."""
        data = asdict(self)
        if self.fault:
            data["fault"]["class"] = data["fault"].pop("fault_class")
        return data


def golden_variant() -> dict[str, Any]:
    """Return the demonstration system with a faulty task that never fails."""
    data = copy.deepcopy(system_data(SYSTEM))
    data["system"]["name"] = f"{SYSTEM}-golden"
    data["guest"][FAULTY_GUEST]["templates"][FAULTY_TEMPLATE]["times"] = 0
    return data


def instructions(image: Image, timer_ticks: int) -> int:
    """Return how many instructions a number of global timer ticks are under the image's -icount shift."""
    nanoseconds: float = timer_ticks * 1_000_000_000 / image.manifest["board"]["timer_hz"]
    return round(nanoseconds / (1 << int(image.manifest["icount_shift"])))


def run_demo(screen: Screen, results: Path | None = None) -> DemoResult:
    """Run the demonstration, tell its story on `screen`, write the result as JSON.

    Args:
        screen: colour on a terminal, plain text in a pipe.
        results: file to write; build/results/demo.json if None.

    Raises:
        UnderstudyError: the system could not be built or run to the end.

    """
    started = time.monotonic()
    _say(screen, "build", f"the system [b]{SYSTEM}[/] and its twin without the fault")
    image, golden = build(SYSTEM), build(golden_variant())
    with ThreadPoolExecutor(1) as pool:
        reference = pool.submit(_record, golden)
        result = _Story(screen, image, reference).tell()
    path = results or paths.build_folder() / "results" / "demo.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result.as_json(), indent=2) + "\n", encoding="utf-8")
    verdict = "[bold green]PASS[/]" if result.passed else "[bold red]FAIL[/]"
    ending = "a task broke its kernel's clock; it was rolled back, and nobody else noticed"
    screen.print(f"{verdict} {ending if result.passed else escape('; '.join(result.problems))}", soft_wrap=True)
    screen.print(f"[dim]{_shown(path)}, {time.monotonic() - started:.1f} s[/]", soft_wrap=True)
    return result


def _record(golden: Image) -> dict[str, list[str]]:
    """Run without the fault and return what each guest printed."""
    with Target(golden) as target:
        target.wait_for_prompt()
        for vm in GUESTS:
            target.vm0(f"boot {vm}")
        _run_until_values(target, VALUES * 3)
        return {vm: _values(target, vm) for vm in GUESTS}


class _Story:
    def __init__(self, screen: Screen, image: Image, reference: "Future[dict[str, list[str]]]") -> None:
        self._screen = screen
        self._image = image
        self._reference = reference

    def tell(self) -> DemoResult:
        with Target(self._image) as target:
            self._boot(target)
            fault = target.wait_for_fault(ms=5_000)[0]
            self._fault(target, fault)
            self._recovery(target, fault)
            target.run_for(AFTER_FAULT_MS)
            _run_until_values(target, VALUES)
            return self._judge(target, fault)

    def _boot(self, target: Target) -> None:
        target.wait_for_prompt()
        for line in target.console.lines[:2]:
            _say(self._screen, "boot", escape(line))
        for vm in GUESTS:
            answer = target.vm0(f"boot {vm}").splitlines()[0]
            guest = self._image.manifest["vms"][vm]["guest"]
            _say(self._screen, "vm0>", f"boot {vm}  [dim]->[/] {escape(answer)} ({guest})")
        for vm in GUESTS:
            line = target.uart(vm).expect(r"([^\r\n]+)\r?\n")[1]
            _say(self._screen, vm, f"runs; its first line: [cyan]{escape(line)}[/]")

    def _fault(self, target: Target, fault: Fault) -> None:
        access = "wrote to" if fault.write else "read"
        owner = "its own guest kernel" if fault.owner_window == 1 else f"window {fault.owner_window}"
        symbol = _symbol_at(target, fault)
        named = f" ([b]{symbol.name}[/], {owner})" if symbol else f" ({owner})"
        _say(self._screen, fault.vm, f"task [b]{fault.task}[/] {access} [b]{fault.address:#010x}[/]{named}", "red")
        cause = (
            f"{fault.kind} abort, {fault.fault_class} fault" if fault.kind != "undefined" else "undefined instruction"
        )
        status = f"pc {fault.pc:#010x}, DFSR {fault.status:#05x}"
        _say(self._screen, "vmm", f"{cause}, {status}: task [b]{fault.task}[/] executed, so it is at fault", "red")

    def _recovery(self, target: Target, fault: Fault) -> None:
        action = fault.action
        _say(self._screen, "vmm", f"[b]{action}[/]: table {fault.old_table:#010x} <-> {fault.new_table:#010x}", "green")
        cost = instructions(self._image, fault.cost)
        _say(
            self._screen,
            "vmm",
            f"{fault.pages} pages taken back without copying any, [b]{cost} instructions[/]",
            "green",
        )
        line = target.uart(fault.vm).expect(r"(ft 0 2\d [^\r\n]+)\r?\n")[1]
        _say(self._screen, fault.vm, f"task {fault.task} goes on: [cyan]{escape(line)}[/]", "green")

    def _judge(self, target: Target, fault: Fault) -> DemoResult:
        reference = self._reference.result()
        counts = {vm: _compare(_values(target, vm), reference[vm]) for vm in GUESTS}
        for vm, (compared, difference) in counts.items():
            state = (
                f"[red]differs: {escape(difference)}[/]" if difference else "the same as in the run without the fault"
            )
            _say(self._screen, vm, f"{compared} values compared: {state}", "red" if difference else "green")
        problems = [f"{vm}: {difference}" for vm, (_, difference) in counts.items() if difference]
        undisturbed = not any(counts[vm][1] for vm in HEALTHY_VMS)
        problems += _unexpected(target, fault)
        return DemoResult(
            passed=not problems,
            build_id=self._image.build_id,
            fault=DemoFault(fault.vm, fault.task, fault.fault_class, fault.address, fault.pc),
            action=fault.action,
            recovery_instructions=instructions(self._image, fault.cost),
            guests_undisturbed=undisturbed,
            values_compared=sum(counts[vm][0] for vm in HEALTHY_VMS),
            problems=problems,
        )


def _say(screen: Screen, who: str, what: str, colour: str = "blue") -> None:
    screen.print(f"[bold {colour}]{who:>7}[/]  {what}", soft_wrap=True, highlight=False)


def _shown(path: Path) -> str:
    return str(path.relative_to(paths.root())) if path.is_relative_to(paths.root()) else str(path)


def _symbol_at(target: Target, fault: Fault) -> Symbol | None:
    """Return the guest's symbol that the address lies in."""
    elf = target.memory.elf(target.image.manifest["vms"][fault.vm]["guest"])
    inside = (s for s in elf.symbols if s.address <= fault.address < s.address + s.size)
    return next(inside, None)


def _values(target: Target, vm: str) -> list[str]:
    return target.uart(vm).lines


def _run_until_values(target: Target, count: int) -> None:
    while any(len(_values(target, vm)) < count for vm in GUESTS):
        target.run_for(50)


def _compare(seen: list[str], expected: list[str]) -> tuple[int, str]:
    """Compare as far as both go; return the number of values compared and the first difference ("" if none)."""
    compared = min(len(seen), len(expected))
    if compared < VALUES:
        return compared, f"only {compared} of {VALUES} values"
    for number, (one, other) in enumerate(zip(seen, expected, strict=False)):
        if one != other:
            return compared, f"line {number} is {one!r}, not {other!r}"
    return compared, ""


def _unexpected(target: Target, fault: Fault) -> list[str]:
    problems = []
    if fault.vm != FAULTY_VM or fault.action != "task rollback":
        problems.append(f"expected a task rollback in {FAULTY_VM}, saw: {fault.action} in {fault.vm}")
    if len(target.faults()) != 1:
        problems.append(f"expected one fault, the log has {len(target.faults())}")
    return problems
