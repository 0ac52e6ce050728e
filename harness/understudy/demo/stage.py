# SPDX-License-Identifier: Apache-2.0
"""What both acts do: boot guests from the console of VM0, tell, compare what they print with a run without faults."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console as Screen
from rich.markup import escape

from understudy import paths
from understudy.config.load import system_data
from understudy.image import Image
from understudy.image.elf import Symbol
from understudy.target import Fault, Target

VALUES = 150
"""Lines of output that each guest must deliver, before and after the fault together."""


def golden_variant(system: str) -> dict[str, Any]:
    """Return a system whose faulty guests never fail."""
    data = copy.deepcopy(system_data(system))
    data["system"]["name"] += "-golden"
    for guest in data["guest"].values():
        for parameters in guest.get("templates", {}).values():
            parameters["times"] = 0
    return data


def say(screen: Screen, who: str, what: str, colour: str = "blue") -> None:
    """Print one line of the story: who it is about, and what happens."""
    screen.print(f"[bold {colour}]{who:>7}[/]  {what}", soft_wrap=True, highlight=False)


def shown(path: Path) -> str:
    """Return the path as people in the checkout write it."""
    return str(path.relative_to(paths.root())) if path.is_relative_to(paths.root()) else str(path)


def instructions(image: Image, timer_ticks: int) -> int:
    """Return how many instructions a number of global timer ticks are under the image's -icount shift."""
    nanoseconds: float = timer_ticks * 1_000_000_000 / image.manifest["board"]["timer_hz"]
    return round(nanoseconds / (1 << int(image.manifest["icount_shift"])))


def boot(screen: Screen, target: Target, vms: Sequence[str], silent: Sequence[str] = ()) -> None:
    """Boot VMs from the management console, and show the first line of each; `silent` ones print nothing."""
    target.wait_for_prompt()
    for line in target.console.lines[:2]:
        say(screen, "boot", escape(line))
    for vm in (*vms, *silent):
        answer = target.vm0(f"boot {vm}").splitlines()[0]
        guest = target.image.manifest["vms"][vm]["guest"]
        say(screen, "vm0>", f"boot {vm}  [dim]->[/] {escape(answer)} ({guest})")
    for vm in vms:
        line = target.uart(vm).expect(r"([^\r\n]+)\r?\n")[1]
        say(screen, vm, f"runs; its first line: [cyan]{escape(line)}[/]")


def record(golden: Image, vms: Sequence[str]) -> dict[str, list[str]]:
    """Run a system without faults, and return what each guest printed."""
    with Target(golden) as target:
        target.wait_for_prompt()
        for vm in vms:
            target.vm0(f"boot {vm}")
        run_until_values(target, vms, VALUES * 3)
        return {vm: target.uart(vm).lines for vm in vms}


def run_until_values(target: Target, vms: Sequence[str], count: int) -> None:
    """Let the machine run until each of the VMs has printed so many lines."""
    while any(len(target.uart(vm).lines) < count for vm in vms):
        target.run_for(50)


def compare(seen: Sequence[str], expected: Sequence[str]) -> tuple[int, str]:
    """Compare as far as both go; return the number of values compared and the first difference ("" if none)."""
    compared = min(len(seen), len(expected))
    if compared < VALUES:
        return compared, f"only {compared} of {VALUES} values"
    for number, (one, other) in enumerate(zip(seen, expected, strict=False)):
        if one != other:
            return compared, f"line {number} is {one!r}, not {other!r}"
    return compared, ""


def tell_comparison(screen: Screen, vm: str, compared: int, difference: str) -> None:
    """Print what a comparison gave."""
    state = f"[red]differs: {escape(difference)}[/]" if difference else "the same as in the run without the fault"
    say(screen, vm, f"{compared} values compared: {state}", "red" if difference else "green")


def symbol_at(target: Target, fault: Fault) -> Symbol | None:
    """Return the guest's symbol that the fault's address lies in."""
    elf = target.memory.elf(target.image.manifest["vms"][fault.vm]["guest"])
    inside = (s for s in elf.symbols if s.address <= fault.address < s.address + s.size)
    return next(inside, None)
