# SPDX-License-Identifier: Apache-2.0
"""A campaign that never ran, made by chance from a seed: outcomes, escalations and latencies as a real one has them."""

import random
from collections.abc import Mapping
from pathlib import Path

from attrs import define, evolve
from understudy.injection.experiment import (
    Applied,
    Experiment,
    Fault,
    History,
    Outcome,
    Place,
    Result,
    Target,
    Verdict,
)
from understudy.injection.report import ReportData
from understudy.injection.report.disassembly import Function, Instruction, read_code

GUESTS = ("guest1", "guest2", "guest3")
REGISTERS = (*(f"r{number}" for number in range(13)), "sp", "lr", "pc", "cpsr")
LADDER = ("task rollback", "task restart", "vm rollback", "older generation", "cold restart", "vm stop")
PHASES = {"task": 40, "kernel": 25, "vmm": 20, "switch": 6, "checkpoint": 6, "recovery": 3}
SECTIONS = {"": {"data": 0x60012000, "bss": 0x60014000, "page tables": 0x60040000, "svc stack": 0x60030000}} | {
    vm: {"data": base + 0x8000, "task memory": base + 0x10000, "checkpoint storage": base + 0x40000}
    for vm, base in zip(GUESTS, (0x61000000, 0x62000000, 0x63000000), strict=True)
}
START_NS, INSTRUCTION_NS = 200_000_000, 32
GOLDEN = {vm: "\n".join(f"{vm}: line {number} sum {number * 7919 % 10007}" for number in range(60)) for vm in GUESTS}
CORRUPTING = frozenset({"sp", "lr", "pc", "r0", "r1"})


@define
class Maker:
    """Makes experiments and results; all that it does follows from `chance`."""

    chance: random.Random
    code: dict[str, list[Function]]

    def place(self, stratum: str) -> Place:
        phase = self.chance.choices(list(PHASES), list(PHASES.values()))[0]
        vm = self.chance.choice(GUESTS)
        in_vmm = phase not in {"task", "kernel"}
        function = self.chance.choices(*self._weighted("vmm" if in_vmm else vm))[0]
        offset = 4 * int(len(function.instructions) * self.chance.random() ** 2)
        step = self.chance.randrange(25_000)
        common = Place(
            kind=stratum,
            name="",
            vm=vm,
            task=self.chance.choice(("producer", "consumer", "logger")) if phase == "task" else "",
            phase=phase,
            pc=function.address + offset,
            pc_symbol=f"{function.name}+{offset:#x}",
            step=step,
        )
        return getattr(self, f"_{stratum}")(common, function, offset)

    def _weighted(self, image: str) -> tuple[list[Function], list[float]]:
        functions = self.code[image]
        return functions, [1 / (rank + 1) for rank in range(len(functions))]

    def _register(self, common: Place, _function: Function, _offset: int) -> Place:
        name = self.chance.choice(REGISTERS)
        if self.chance.random() < 0.04:
            return evolve(common, name=name, model="stuck-at-0")
        return evolve(common, name=name, bit=self.chance.randrange(32))

    def _memory(self, common: Place, _function: Function, _offset: int) -> Place:
        vm = self.chance.choice(list(SECTIONS))
        name = self.chance.choice(list(SECTIONS[vm]))
        address = SECTIONS[vm][name] + self.chance.randrange(0x1800) ** 2 // 0x1800
        symbol = f"{name.split()[0]}_{address >> 9 & 7}+{address & 0x1FF:#x}"
        model = self.chance.choices(("flip", "burst", "stuck-at-1"), (8, 1, 1))[0]
        return evolve(
            common, name=name, vm=vm, address=address, symbol=symbol, bit=self.chance.randrange(8), model=model
        )

    def _code(self, common: Place, function: Function, offset: int) -> Place:
        model = self.chance.choice(("flip", "skip", "replace"))
        vm = "" if common.phase not in {"task", "kernel"} else common.vm
        return evolve(
            common,
            name="text",
            model=model,
            vm=vm,
            address=function.address + offset,
            symbol=f"{function.name}+{offset:#x}",
            bit=self.chance.randrange(32) if model == "flip" else None,
        )

    def _interrupt(self, common: Place, _function: Function, _offset: int) -> Place:
        return evolve(
            common, name=self.chance.choice(("tick", "uart0")), model=self.chance.choice(("lost", "spurious", "storm"))
        )

    def experiment(self, number: int) -> Experiment:
        stratum = self.chance.choices(("register", "memory", "code", "interrupt"), (45, 30, 20, 5))[0]
        place = self.place(stratum)
        time = START_NS + (place.step or 0) * INSTRUCTION_NS
        targets = {"register": Target.CORE, "interrupt": Target.DEVICE}
        address = REGISTERS.index(place.name) if stratum == "register" else place.address or 0x1E001200
        flip = 0 if place.bit is None else 1 << place.bit
        fault = Fault(time, targets.get(stratum, Target.RAM), address, flip=flip, keep=0xFFFFFFFF if flip else 0)
        return Experiment(number, stratum, (fault,), place)

    def result(self, experiment: Experiment) -> Result:
        outcome = self._outcome(experiment.place)
        actions = self._actions(outcome)
        number, place = experiment.number, experiment.place
        before = self.chance.getrandbits(32)
        applied = Applied(
            experiment.faults[0].time, before, before ^ experiment.faults[0].flip, 1, 1, place.pc or 0, 19
        )
        vm = place.vm or "guest1"
        verdict = Verdict(
            outcome,
            self._why(outcome, vm),
            action=actions[-1] if actions else "",
            level="" if not actions else "task" if actions[-1].startswith("task") else "VM",
            vm=vm if actions else "",
            latency=int(10 ** self.chance.gauss(2.6, 0.7)) if actions else None,
            cost=int(10 ** self.chance.gauss(2.7 + 0.35 * LADDER.index(actions[-1]), 0.12)) if actions else None,
            lost=self.chance.randrange(10_000, 40_000) if actions else None,
            actions=actions,
        )
        return Result(number, self._history(outcome, vm, actions, applied), verdict)

    def _outcome(self, place: Place) -> Outcome:
        danger = 0.25 + 0.5 * (place.name in CORRUPTING) + 0.3 * (place.kind == "code") - 0.1 * (place.kind == "memory")
        if place.bit is not None and place.kind == "register":
            danger *= 0.5 + place.bit / 40
        if self.chance.random() > danger:
            return Outcome.MASKED
        odds = {
            Outcome.LATENT: 120,
            Outcome.RECOVERED: 800,
            Outcome.DEGRADED: 40,
            Outcome.VMM_FAULT: 60 if place.phase not in {"task", "kernel"} else 2,
            Outcome.SDC: 6,
            Outcome.HANG: 3,
            Outcome.PROPAGATED: 0.3,
            Outcome.QEMU_ABORTED: 0.5,
            Outcome.NOT_APPLIED: 1,
        }
        return self.chance.choices(list(odds), list(odds.values()))[0]

    def _actions(self, outcome: Outcome) -> tuple[str, ...]:
        if outcome not in {Outcome.RECOVERED, Outcome.DEGRADED}:
            return ()
        rung = self.chance.choices((0, 2, 4), (80, 15, 5))[0]
        actions = [LADDER[rung]] * self.chance.choice((1, 1, 1, 1, 2, 3))
        while rung < len(LADDER) - 2 and self.chance.random() < 0.12:
            rung += self.chance.choice((1, 2)) if rung < len(LADDER) - 3 else 1
            actions.append(LADDER[rung])
        return (*actions, "vm stop") if outcome is Outcome.DEGRADED else tuple(actions)

    def _why(self, outcome: Outcome, vm: str) -> str:
        line = self.chance.randrange(60)
        return {
            Outcome.MASKED: "",
            Outcome.LATENT: "output right; pages of memory differ at the end",
            Outcome.RECOVERED: f"{vm}: output right after recovery",
            Outcome.DEGRADED: f"{vm} stopped by its policy; the others print what they should",
            Outcome.VMM_FAULT: "the VMM stopped the system: sealed data changed",
            Outcome.SDC: f"{vm}: '{'_x00' * line}', line {line} is not that of the golden run; no record",
            Outcome.HANG: f"{vm} prints no more after line {line}",
            Outcome.PROPAGATED: f"fault in {vm}, but memory of {GUESTS[line % 3]} differs",
            Outcome.QEMU_ABORTED: "QEMU died of signal 6",
            Outcome.NOT_APPLIED: "the trigger was never reached",
        }[outcome]

    def _history(self, outcome: Outcome, vm: str, actions: tuple[str, ...], applied: Applied) -> History:
        wrong = outcome in {Outcome.SDC, Outcome.PROPAGATED, Outcome.HANG}
        line = self.chance.randrange(55)
        lines = GOLDEN[vm].splitlines()
        if outcome is Outcome.HANG:
            lines = lines[:line]
        elif wrong:
            lines[line] = lines[line].replace("sum ", "sum 9")
        return History(
            end="signal" if outcome is Outcome.QEMU_ABORTED else "equal" if outcome is Outcome.MASKED else "horizon",
            status=6 if outcome is Outcome.QEMU_ABORTED else 0,
            executed=self.chance.randrange(20_000, 60_000),
            applied=() if outcome is Outcome.NOT_APPLIED else (applied,),
            outputs={vm: "\n".join(lines)} if wrong else {},
            faults=tuple(self._record(vm, action, applied) for action in actions),
            vms={vm: {"state": "running", "rollbacks": len(actions)}} if actions else {},
            memory={vm: {"data": self.chance.randrange(1, 9)}} if outcome is Outcome.LATENT or wrong else {},
        )

    def _record(self, vm: str, action: str, applied: Applied) -> dict[str, object]:
        return {
            "sequence": 1,
            "time_ns": applied.time,
            "vm": vm,
            "task": self.chance.choice(("kernel", "producer", "consumer")),
            "kind": self.chance.choice(("data", "prefetch", "undefined")),
            "fault_class": self.chance.choice(("translation", "permission", "alignment")),
            "pc": applied.pc,
            "address": self.chance.getrandbits(32),
            "action": action,
            "reason": "policy",
            "cost": self.chance.randrange(30, 300),
            "pages": self.chance.randrange(9),
            "detail": "",
        }


def made_up(count: int, base: int) -> list[Function]:
    """Return functions without instructions of a program that does not exist."""
    return [
        Function(
            f"function_{number}",
            base + 64 * number,
            tuple(Instruction(base + 64 * number + 4 * at, "nop", "") for at in range(16)),
        )
        for number in range(count)
    ]


def sample(count: int = 20_000, seed: int = 7, elves: Mapping[str, Path] | None = None) -> ReportData:
    """Return a campaign of `count` experiments; `elves` gives it real code ("vmm" and guest1 to guest3)."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    code = {}
    for place, name in enumerate(("vmm", *GUESTS)):
        read = read_code(elves[name]) if elves else None
        functions = read.functions if read else made_up(40, 0x60000000 if name == "vmm" else 0x100000)
        code[name] = random.Random(seed + place).sample(functions, len(functions))  # noqa: S311
    maker = Maker(chance, code)
    experiments = [maker.experiment(number) for number in range(1, count + 1)]
    return ReportData(
        name="registers",
        seed=seed,
        build_id="0123456789abcdef",
        engine="fork",
        workers=2,
        seconds=38.4,
        experiments=experiments,
        results={experiment.number: maker.result(experiment) for experiment in experiments},
        golden={"outputs": GOLDEN},
        elves=elves or {},
        store="build/campaigns/registers/results.sqlite",
        versions={"understudy": "0.1.0", "QEMU": "7.2.22"},
    )
