# SPDX-License-Identifier: Apache-2.0
"""A task corrupts its own kernel, is rolled back, and nobody else notices (R40)."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from attrs import asdict, field, frozen
from rich.console import Console as Screen
from rich.markup import escape

from understudy.demo import stage
from understudy.demo.stage import instructions, say
from understudy.image import Image, build
from understudy.target import Fault, Target

SYSTEM = "demo"
FAULTY_VM, FAULTY_GUEST = "guest3", "tick_breaker"
HEALTHY_VMS = ("guest1", "guest2")
GUESTS = (*HEALTHY_VMS, FAULTY_VM)
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
class FirstAct:
    """What happened.

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


def play(screen: Screen) -> FirstAct:
    """Run it, and tell it on `screen`.

    Raises:
        UnderstudyError: the system could not be built or run to the end.

    """
    say(screen, "build", f"the system [b]{SYSTEM}[/] and its twin without the fault")
    image, golden = build(SYSTEM), build(stage.golden_variant(SYSTEM))
    with ThreadPoolExecutor(1) as pool:
        return _Story(screen, image, pool.submit(stage.record, golden, GUESTS)).tell()


class _Story:
    def __init__(self, screen: Screen, image: Image, reference: "Future[dict[str, list[str]]]") -> None:
        self._screen = screen
        self._image = image
        self._reference = reference

    def tell(self) -> FirstAct:
        with Target(self._image) as target:
            stage.boot(self._screen, target, GUESTS)
            fault = target.wait_for_fault(ms=5_000)[0]
            self._fault(target, fault)
            self._recovery(target, fault)
            target.run_for(AFTER_FAULT_MS)
            stage.run_until_values(target, GUESTS, stage.VALUES)
            return self._judge(target, fault)

    def _fault(self, target: Target, fault: Fault) -> None:
        access = "wrote to" if fault.write else "read"
        owner = "its own guest kernel" if fault.owner_window == 1 else f"window {fault.owner_window}"
        symbol = stage.symbol_at(target, fault)
        named = f" ([b]{symbol.name}[/], {owner})" if symbol else f" ({owner})"
        say(self._screen, fault.vm, f"task [b]{fault.task}[/] {access} [b]{fault.address:#010x}[/]{named}", "red")
        cause = (
            f"{fault.kind} abort, {fault.fault_class} fault" if fault.kind != "undefined" else "undefined instruction"
        )
        status = f"pc {fault.pc:#010x}, DFSR {fault.status:#05x}"
        say(self._screen, "vmm", f"{cause}, {status}: task [b]{fault.task}[/] executed, so it is at fault", "red")

    def _recovery(self, target: Target, fault: Fault) -> None:
        action = fault.action
        say(self._screen, "vmm", f"[b]{action}[/]: table {fault.old_table:#010x} <-> {fault.new_table:#010x}", "green")
        cost = instructions(self._image, fault.cost)
        say(
            self._screen,
            "vmm",
            f"{fault.pages} pages taken back without copying any, [b]{cost} instructions[/]",
            "green",
        )
        line = target.uart(fault.vm).expect(r"(ft 0 2\d [^\r\n]+)\r?\n")[1]
        say(self._screen, fault.vm, f"task {fault.task} goes on: [cyan]{escape(line)}[/]", "green")

    def _judge(self, target: Target, fault: Fault) -> FirstAct:
        reference = self._reference.result()
        counts = {vm: stage.compare(target.uart(vm).lines, reference[vm]) for vm in GUESTS}
        for vm, (compared, difference) in counts.items():
            stage.tell_comparison(self._screen, vm, compared, difference)
        problems = [f"{vm}: {difference}" for vm, (_, difference) in counts.items() if difference]
        undisturbed = not any(counts[vm][1] for vm in HEALTHY_VMS)
        problems += _unexpected(target, fault)
        return FirstAct(
            passed=not problems,
            build_id=self._image.build_id,
            fault=DemoFault(fault.vm, fault.task, fault.fault_class, fault.address, fault.pc),
            action=fault.action,
            recovery_instructions=instructions(self._image, fault.cost),
            guests_undisturbed=undisturbed,
            values_compared=sum(counts[vm][0] for vm in HEALTHY_VMS),
            problems=problems,
        )


def _unexpected(target: Target, fault: Fault) -> list[str]:
    problems = []
    if fault.vm != FAULTY_VM or fault.action != "task rollback":
        problems.append(f"expected a task rollback in {FAULTY_VM}, saw: {fault.action} in {fault.vm}")
    if len(target.faults()) != 1:
        problems.append(f"expected one fault, the log has {len(target.faults())}")
    return problems
