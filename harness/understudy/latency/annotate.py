# SPDX-License-Identifier: Apache-2.0
"""The executed instructions of one passage: a listing with counts and modelled cycles, and sums by function."""

import re
import subprocess
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from understudy import paths
from understudy.errors import ToolError
from understudy.image import Image, build
from understudy.image.elf import read_elf
from understudy.latency.arm920t import cycles, nanoseconds
from understudy.latency.scenarios.scenario import WARM_UP, Key, Probe, Scenario
from understudy.latency.scenarios.select import Passage
from understudy.latency.scenarios.systems import Mode
from understudy.latency.statistics import LatencyError
from understudy.latency.trace import Step, steps
from understudy.latency.visits import Visit, visits

PHASES = ("save", "switch", "restore")
_REPETITIONS = 1000  # so that what is rare is among them
_DISASSEMBLY = re.compile(r"^\s*([0-9a-f]+):\s+(.*)$")


@frozen
class Traced:
    """One visit with its instructions."""

    image: Image
    visit: Visit
    steps: Sequence[Step]

    def phase(self, index: int) -> str:
        """Return the part of the path that an instruction belongs to; empty: the VMM has no trace points there."""
        saved = [executed for name, executed in self.visit.marks if name.startswith("trace_saved")]
        restore = [executed for name, executed in self.visit.marks if name.startswith("trace_restore")]
        if not saved or not restore:
            return ""
        return PHASES[(index >= saved[0]) + (index >= restore[-1])]


@frozen
class Functions:
    """Which function of the VMM an address belongs to."""

    names: Sequence[str]
    addresses: Sequence[int]

    @classmethod
    def of(cls, image: Image) -> "Functions":
        """Read the symbols of an image."""
        symbols = {symbol.address: symbol.name for symbol in read_elf(image.elf).symbols if symbol.kind == "func"}
        symbols[image.manifest["symbols"]["vectors"]] = "vectors"
        ordered = sorted(symbols)
        return cls([symbols[address] for address in ordered], ordered)

    def name(self, address: int) -> str:
        """Return the name of the last function that begins at or before an address."""
        return self.names[bisect_right(self.addresses, address) - 1]


def trace(scenario: Scenario, probe: Probe, *, longest: bool = False) -> list[Traced]:
    """Run a scenario, and log one passage of a probe, visit by visit: the longest, or one that is as long as most.

    Raises:
        LatencyError: the passage does not occur.

    """
    image = build(scenario.system)
    found = visits(image, ms=scenario.ms(_REPETITIONS))
    passages = probe.select(found)[WARM_UP:]
    if not passages:
        raise LatencyError(f"{image.name}: {probe.key.name} ({probe.key.mode}) does not occur")
    chosen = max(passages, key=lambda passage: passage.total) if longest else _typical(passages)
    return [Traced(image, visit, steps(image, visit)) for visit in chosen.visits]


def _typical(passages: Sequence[Passage]) -> Passage:
    """Return the first of those that are as long as most."""
    most = Counter(passage.total for passage in passages).most_common(1)[0][0]
    return next(passage for passage in passages if passage.total == most)


def of_path(scenarios: Sequence[Scenario], name: str, mode: Mode, *, longest: bool = False) -> list[Traced]:
    """Trace the path of this name and mode; see `trace`."""
    for scenario in scenarios:
        for probe in scenario.probes:
            if probe.key == Key(name, mode):
                return trace(scenario, probe, longest=longest)
    raise LatencyError(f"no scenario measures {name} ({mode})")


def by_function(traced: Sequence[Traced]) -> dict[str, int]:
    """Return how many instructions each function of the VMM executed, largest first."""
    counts: Counter[str] = Counter()
    for visit in traced:
        functions = Functions.of(visit.image)
        counts.update(functions.name(step.address) for step in visit.steps)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def modelled(traced: Sequence[Traced]) -> tuple[float, dict[str, int]]:
    """Return the modelled time in ns, and the modelled cycles of each part; the latter empty without trace points."""
    total = 0
    parts: Counter[str] = Counter()
    for visit in traced:
        for index, spent in enumerate(cycles(visit.steps)):
            total += spent
            parts[visit.phase(index)] += spent
    return nanoseconds(total), {} if "" in parts else {phase: parts[phase] for phase in PHASES}


def listing(traced: Sequence[Traced]) -> list[dict[str, Any]]:
    """Return each instruction that was executed, in the order of its first time."""
    lines: dict[int, dict[str, Any]] = {}
    for visit in traced:
        functions, texts = Functions.of(visit.image), _disassembly(visit.image)
        for index, (step, spent) in enumerate(zip(visit.steps, cycles(visit.steps), strict=True)):
            line = lines.setdefault(
                step.address,
                {
                    "address": step.address,
                    "opcode": step.opcode,
                    "text": texts.get(step.address, ""),
                    "symbol": functions.name(step.address),
                    "count": 0,
                    "cycles": 0,
                    "phase": visit.phase(index),
                },
            )
            line["count"] += 1
            line["cycles"] += spent
    for line, source in zip(lines.values(), _sources(traced[0].image, list(lines)), strict=True):
        line["source"] = source
    return list(lines.values())


def _disassembly(image: Image) -> dict[int, str]:
    symbols = image.manifest["symbols"]
    limits = [f"--start-address={symbols['__text_start']:#x}", f"--stop-address={symbols['__text_end']:#x}"]
    text = _tool("arm-none-eabi-objdump", "-d", "--no-show-raw-insn", *limits, str(image.elf))
    found = {}
    for line in text.splitlines():
        match = _DISASSEMBLY.match(line)
        if match:
            found[int(match[1], 16)] = re.sub(r"\s+", " ", match[2].split("@")[0]).strip()
    return found


def _sources(image: Image, addresses: Sequence[int]) -> list[str]:
    """Return file and line of each address; "?" where there is none."""
    top = f"{paths.root()}/"
    text = _tool("arm-none-eabi-addr2line", "-e", str(image.elf), *(f"{address:#x}" for address in addresses))
    found = [re.sub(r" \(discriminator \d+\)$", "", line) for line in text.splitlines()]
    return [line.removeprefix(top).removeprefix("./") if not line.startswith("?") else "?" for line in found]


def _tool(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolError(f"{command[0]}: {error}: run `understudy doctor` to see what to install") from None
