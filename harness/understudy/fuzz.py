# SPDX-License-Identifier: Apache-2.0
"""The fuzzer of the VMI (invariant 2): it runs inside a guest; here it is started, and everybody else is compared.

The guest checks each call where it is made (tests/guest/fuzz.h): the answer, registers, its own memory. From outside it
is checked that nothing else has changed: the whole memory of a VM that does nothing, the tables that say where it is,
what the VMM never changes of itself, and that a third VM says an unbroken sequence.
"""

import re
import time
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from understudy import paths
from understudy.config.variant import variant
from understudy.image import Image, build
from understudy.target import Target
from understudy.target.console import Console

SYSTEMS = {"guest": "fuzz", "manager": "fuzz_manager"}
BYSTANDER, SPEAKER = "bystander", "speaker"
SETTLED_MS = 200.0  # of virtual time: by then the bystander has written all it ever writes
MS_PER_CALL = 10.0  # of virtual time, at most; what takes longer has stopped
FINISHED, FAULT = "\nDONE", "VMM FAULT"
_POLL = 0.02  # seconds
_CONSTANT = (("__text_start", "__text_end"), ("__rodata_start", "__rodata_end"))
_STEADY = "active_pt backup_pt task_backup_pt pages positions index run_state tracked config guest recoveries starts"
_COUNTS = re.compile(r"(?m)calls of .*$")


@frozen
class FuzzResult:
    """What a run came to: no problems, and how many calls were made, in the guest's words."""

    problems: list[str]
    counts: str
    repeat: str


def fuzz_image(who: str, seed: int, calls: int) -> Image:
    """Build the system in which `who` ("guest": kernel and task of an ordinary VM; "manager") makes the calls."""
    name = SYSTEMS[who]
    source = paths.root() / "tests" / "guest" / "systems" / f"{name}.toml"
    program = "fuzz_kernel" if who == "guest" else "fuzz_manager"
    guest = "fuzz" if who == "guest" else "manager"
    parameters = {f"tests/guest/{program}.c.j2": {"seed": seed, "calls": calls}}
    return build(variant(source, {"guest": {guest: {"templates": parameters}}}))


def run_fuzz(who: str, seed: int, calls: int, *, seconds: float = 600) -> FuzzResult:
    """Run the fuzzer and compare everything; see `fuzz_image`. `seconds` is the last guard, in real time.

    Raises:
        UnderstudyError: the machine could not be built or run.
    """
    repeat = f"understudy fuzz --who {who} --seed {seed} --calls {calls}"
    with Target(fuzz_image(who, seed, calls)) as target:
        console = target.uart("fuzz" if who == "guest" else "manager")
        target.run_for(SETTLED_MS)
        before = _look(target, who)
        finished = _wait(target, console, SETTLED_MS + calls * MS_PER_CALL, seconds)
        target.pause()
        found = list(_said(target, who))
        if not finished and not found:
            found.append(f"stopped: {console.text[-500:]!r}")
        found += [f"changed: {what}" for what, was in _look(target, who).items() if was != before[what]]
        counts = _COUNTS.findall(console.text)
        return FuzzResult(found, counts[-1] if counts else "", repeat)


def _wait(target: Target, console: Console, ms: float, seconds: float) -> bool:
    """Wait for the end of the calls; false when it does not come: a fault of the VMM stops all clocks."""
    guard = time.monotonic() + seconds
    while True:
        late = target.virtual_ms() > ms or time.monotonic() > guard  # before the look, which then is the last one
        if FINISHED in console.text:
            return True
        if late or FAULT in target.console.text:
            return False
        time.sleep(_POLL)


def _look(target: Target, who: str) -> dict[str, Any]:
    """Return all that no call of the fuzzer may change."""
    symbols = target.image.manifest["symbols"]
    found: dict[str, Any] = {
        f"the VMM from {first}": target.read_physical(symbols[first], symbols[last] - symbols[first])
        for first, last in _CONSTANT
    }
    if who == "guest":
        fields = target.memory.vm(BYSTANDER)
        base = target.image.manifest["vms"][BYSTANDER]["memory"]["base"]
        found["memory of the bystander"] = target.read_physical(base, fields["memory_next"] - base)
        found |= {f"{name} of the bystander": fields[name] for name in _STEADY.split()}
    return found


def _said(target: Target, who: str) -> Iterator[str]:
    """What is wrong by the words of the machine."""
    yield from re.findall(r"(?m)^TEST .* FAIL .*", target.uart("fuzz" if who == "guest" else "manager").text)
    if FAULT in target.console.text:
        yield target.console.text[target.console.text.index(FAULT) :]
    if who == "guest":
        numbers = [int(line) for line in target.uart(SPEAKER).lines]
        if len(numbers) < 2 or numbers != list(range(len(numbers))):
            yield f"{SPEAKER}: the sequence is broken: {numbers[-20:]}"
        others = sorted({fault.vm for fault in target.faults()} - {"fuzz"})
        if others:
            yield f"faults of {', '.join(others)}"
