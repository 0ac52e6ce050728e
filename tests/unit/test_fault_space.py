# SPDX-License-Identifier: Apache-2.0
"""From campaign files to experiments, with a made-up golden run."""

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import synthetic_golden as golden
from hypothesis import given
from hypothesis import strategies as st
from synthetic_golden import DATA, IRQ, KERNEL, PAGE, RAM, SCHEDULER, STEP, SVC, TASK, USR, VMM_TEXT, Machine, campaign
from understudy.errors import ConfigError
from understudy.injection.campaign_model import Lasts, Model, What
from understudy.injection.changes import Change, Duration, draw_change
from understudy.injection.experiment import Experiment, Target
from understudy.injection.plan import plan, plan_prelude
from understudy.injection.registers import GROUPS, expand, locate, physical
from understudy.injection.steps import Steps
from understudy.injection.tables import Tables

MASK = (1 << 64) - 1


@pytest.fixture
def machine() -> Machine:
    """A task of guest1, the VMM, the kernel of guest2, the VMM, and a task of guest2."""
    machine = Machine()
    for number in range(10):
        machine.step(TASK + 4 * number)
    machine.access(machine.frame("guest1", DATA), virtual=DATA, write=True)
    for offset in (0x100, 0x300, 0x200, 0x300):  # sched.c, lib, checkpoint.c, lib
        machine.step(VMM_TEXT + offset, SVC)
    machine.access(SCHEDULER, write=True)
    machine.resume("guest2", 13)
    for number in range(6):
        machine.step(KERNEL + 4 * number)
    machine.step(VMM_TEXT + 0x400, SVC)
    machine.resume("guest2", 1)
    for number in range(5):
        machine.step(TASK + 0x10_0000 + 4 * number)
    return machine


def planned(machine: Machine, text: str, samples: int = 100, seed: int | None = None) -> list[Experiment]:
    return plan(campaign(text, samples=samples), machine, seed=seed, symbols=machine.symbols)


def stratum(text: str, name: str = "s") -> str:
    return f'[[stratum]]\nname = "{name}"\n{text}\n'


def problem(machine: Machine, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        planned(machine, stratum(text))
    (found,) = caught.value.problems
    assert found.startswith("test.toml:")
    return found


def value_after(experiment: Experiment, value: int, number: int = 0) -> int:
    fault = experiment.faults[number]
    return ((((value & fault.keep) | fault.set) ^ fault.flip) + fault.add) & ((1 << 8 * fault.size) - 1)


def test_who_runs_and_what_the_machine_does(machine: Machine) -> None:
    steps = Steps(machine, machine.symbols)
    seen = [(steps.vm_name(k), steps.task_name(k), steps.phase_name(k)) for k in range(len(machine.steps))]
    changes = [seen[0], *(b for a, b in pairwise(seen) if a != b)]
    assert changes == [
        ("guest1", "producer", "task"),
        ("", "", "switch"),
        ("", "", "checkpoint"),
        ("", "", "vmm"),
        ("guest2", "", "kernel"),
        ("", "", "recovery"),
        ("", "", "vmm"),
        ("guest2", "supervisor", "task"),
    ]


def test_register_flips(machine: Machine) -> None:
    found = planned(machine, stratum('where = { target = "register", registers = "r0-r3" }'), 400)
    assert len(found) == 400
    assert {one.place.name for one in found} == {"r0", "r1", "r2", "r3"}
    assert {one.place.bit for one in found} == set(range(32))
    assert {one.place.step for one in found} == set(range(len(machine.steps)))
    for one in found:
        (fault,) = one.faults
        assert fault.target is Target.CORE
        assert fault.flip == 1 << (one.place.bit or 0)
        assert fault.time == machine.steps[one.place.step or 0][0]
        assert one.place.pc == machine.steps[one.place.step or 0][1]
    assert sum(one.weight for one in found) == pytest.approx(1)


def test_pc_has_no_lowest_bits(machine: Machine) -> None:
    machine.steps = machine.steps[:2]
    machine.accesses = []
    machine.steps[1] = (*machine.steps[1][:2], USR | 0x20)
    found = planned(machine, stratum('where = { target = "register", registers = "pc" }'), 600)
    bits = {step: {one.place.bit for one in found if one.place.step == step} for step in (0, 1)}
    assert bits == {0: set(range(2, 32)), 1: set(range(1, 32))}
    text = 'where = { target = "register", registers = "pc" }\nwhat = { model = "set", value = 0x1003 }'
    assert {value_after(one, 0x8000) for one in planned(machine, stratum(text))} == {0x1000, 0x1002}
    only = 'where = { target = "register", registers = "pc" }\nwhat = { among = [0] }'
    assert "what.among: the pc has no bits below" in problem(machine, only)


def test_same_seed_same_plan(machine: Machine) -> None:
    text = stratum('where = { target = "register" }') + stratum(
        'where = { target = "memory", of = ["guest1", "vmm"] }', "t"
    )
    assert planned(machine, text, seed=5) == planned(machine, text, seed=5)
    assert planned(machine, text, seed=5) != planned(machine, text, seed=6)


def test_strata_do_not_depend_on_each_other(machine: Machine) -> None:
    one = stratum('where = { target = "register" }\nsamples = 50')
    both = planned(machine, one + stratum('where = { target = "code" }\nsamples = 50', "t"))
    alone = planned(machine, one)
    key = [(e.faults, e.place) for e in sorted(alone, key=lambda e: (e.faults[0].time, e.place.name, e.place.bit or 0))]
    same = [e for e in both if e.stratum == "s"]
    assert key == [
        (e.faults, e.place) for e in sorted(same, key=lambda e: (e.faults[0].time, e.place.name, e.place.bit or 0))
    ]


def test_numbers_are_shared(machine: Machine) -> None:
    text = stratum('where = { target = "register" }\nsplit = "phase"\nsamples = 50')
    text += stratum('where = { target = "code" }', "t") + stratum('where = { target = "code" }', "u")
    count = Counter(one.stratum for one in planned(machine, text, 151))
    assert count["t"] + count["u"] == 101
    assert sum(count[f"s: {phase}"] for phase in ("task", "kernel", "vmm", "switch", "checkpoint", "recovery")) == 50
    assert [one.number for one in planned(machine, text, 151)] == list(range(151))
    fewer = plan(campaign(text, samples=151), machine, samples=30, symbols=machine.symbols)
    assert len(fewer) == 30
    assert set(count) == {one.stratum for one in fewer}


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ('{ vm = "guest1" }', range(10)),
        ('{ vm = "guest2" }', [*range(15, 21), *range(23, 28)]),
        ('{ vm = "guest2", phase = "kernel" }', range(15, 21)),
        ('{ task = "supervisor" }', range(23, 28)),
        ('{ phase = ["switch", "checkpoint"] }', range(10, 14)),
        ('{ phase = "recovery", vm = "guest2" }', [21]),
        ('{ function = "guest2:os_call" }', range(15, 21)),
        ('{ function = ["sched_resume", "checkpoint_vm"] }', [10, 12]),
        ("{ instruction = 3 }", [3]),
        ("{ time_us = 0.1 }", [4]),
        ('{ pc = "memcpy" }', [11, 13]),
        ('{ pc = "memcpy", hit = 2 }', [13]),
        ('{ pc = "guest1/producer:task_main+8" }', [2]),
        ('{ access = "scheduler" }', [13]),
        ('{ access = "guest1:counter", kind = "write" }', [9]),
        ("{ from_us = 0.032, until_us = 0.096 }", [1, 2]),
    ],
)
def test_when(machine: Machine, when: str, expected: list[int]) -> None:
    found = planned(machine, stratum(f'where = {{ target = "register" }}\nwhen = {when}'), 300)
    assert {one.place.step for one in found} == set(expected)


def test_time_counts_sleep(machine: Machine) -> None:
    woken = machine.step(TASK, sleep=1_000_000)
    found = planned(machine, stratum('where = { target = "register" }\nwhen = { per = "time" }'), 500)
    assert sum(one.place.step == woken for one in found) > 480
    found = planned(machine, stratum('where = { target = "register" }'), 500)
    assert sum(one.place.step == woken for one in found) < 60


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('where = { target = "register" }\nwhen = { pc = "sched_resum" }', "when.pc: no symbol 'sched_resum'"),
        ('where = { target = "register" }\nwhen = { pc = "sched_resum" }', "did you mean 'sched_resume'?"),
        ('where = { target = "register" }\nwhen = { pc = "guest1:nix" }', "no symbol 'nix' in guest1"),
        ('where = { target = "register" }\nwhen = { access = "gest1:counter" }', "did you mean 'guest1'?"),
        ('where = { target = "register" }\nwhen = { function = "a b" }', "is no place: write"),
        ('where = { target = "memory", symbol = "guest1/producr:counter" }', "did you mean 'producer'?"),
        ('where = { target = "memory", symbol = "scheduler+64" }', "lies behind the end of scheduler"),
        ('where = { target = "memory", address = 0x1000 }', "where.address: 0x1000 is not in RAM"),
        ('where = { target = "memory", of = "guest1", section = "persistent" }', "the fault space is empty"),
        ('where = { target = "register" }\nwhen = { vm = "guest1", phase = "recovery" }', "the fault space is empty"),
        ('where = { target = "register" }\nwhen = { pc = "memcpy", hit = 3 }', "there are only 2 hits"),
        ('where = { target = "register" }\nwhen = { instruction = 100 }', "the window has 28 instructions"),
        ('where = { target = "register" }\nwhen = { from_us = 500 }', "the CPU executes nothing from"),
        ('where = { target = "register", registers = "TTBR9" }', "no register 'TTBR9' in coprocessor 15; did you mean"),
        ('where = { target = "device", device = "gic.ICDDC" }', "did you mean 'gic.ICDDCR'?"),
        ('where = { target = "interrupt", line = "tack" }\nwhat = { model = "spurious" }', "did you mean 'tick'?"),
        ('where = { target = "interrupt" }\nwhat = { model = "lost" }', "the golden run has no interrupt"),
        ('where = { target = "register" }\nlasts = { mtbf_us = 0.001 }', "lasts.mtbf_us: is 0.001: up to about"),
        (
            'where = { target = "memory", of = "vmm", section = "page_tables" }\nsampling = "complete"',
            "walks page tables",
        ),
    ],
)
def test_what_does_not_fit_the_image(machine: Machine, text: str, said: str) -> None:
    assert said in problem(machine, text)


def test_banked_registers_follow_the_mode() -> None:
    state = Machine().state_fields
    assert physical("sp", SVC) == "sp_svc"
    assert physical("r8", 0x11) == "r8_fiq"
    assert locate("sp_svc", SVC, state, {}).target is Target.CORE
    assert locate("sp_svc", USR, state, {}).address == state["env.banked_r13"] << 32 | 4
    assert locate("spsr_irq", IRQ, state, {}).address == state["env.spsr"] << 32
    assert locate("spsr_irq", USR, state, {}).address == state["env.banked_spsr"] << 32 | 32
    assert locate("r12_fiq", USR, state, {}).address == state["env.fiq_regs"] << 32 | 16
    assert (locate("d5", USR, state, {}).address & 0xFFFFFFFF, locate("d5", USR, state, {}).size) == (8, 8)
    assert expand(["r2-r4", "r13", "sp"]) == ["r2", "r3", "r4", "sp"]
    for name in (*GROUPS["banked"], *GROUPS["vfp"]):
        locate(name, USR, state, {})


def test_memory_of_a_guest_follows_its_frame(machine: Machine) -> None:
    """The VMM gives a page another frame: it writes the entry, and the guest then finds the other one."""
    page = "guest1", DATA
    steps = [machine.step(TASK) for _ in range(4)]
    machine.accesses.append((steps[1], machine.frame(*page), DATA + 8, 4, False))
    change = machine.step(VMM_TEXT + 0x200, SVC)
    machine.access(machine.entry(*page), write=True)
    machine.resume("guest1", 0)
    machine.step(TASK)
    machine.access(machine.frame(*page, 1) + 8, virtual=DATA + 8)
    machine.accesses.sort(key=lambda access: access[0])
    tables = Tables(Steps(machine, machine.symbols))
    assert tables.pieces(*page) == [(0, machine.frame(*page)), (change + 1, machine.frame(*page, 1))]
    for one in planned(machine, stratum('where = { target = "memory", symbol = "guest1:counter" }'), 200):
        late = (one.place.step or 0) > change
        assert one.faults[0].address == machine.frame(*page, int(late))
        assert (one.place.vm, one.place.task, one.place.symbol[:7]) == ("guest1", "producer", "counter")


def test_sections_and_tables(machine: Machine) -> None:
    text = 'where = { target = "memory", of = ["guest1", "vmm"] }\nsplit = "section"'
    found = planned(machine, stratum(text), 2000)
    by = {one.stratum: one for one in found}
    assert {"s: page_tables", "s: checkpoint", "s: struct", "s: stacks", "s: scheduler", "s: data"} <= set(by)
    for one in found:
        if one.stratum == "s: page_tables" and one.place.vm:
            assert golden.PARTITION <= one.faults[0].address < golden.PARTITION + 0x6000
            assert one.place.kind == "page table"
        if one.stratum == "s: checkpoint":
            frames = [machine.frame("guest1", page, 1) for page in (DATA, DATA + 0x10_0000)]
            assert one.faults[0].address // PAGE * PAGE in frames
            assert one.place.kind == "checkpoint"


def test_no_bit_outside_of_what_is_named(machine: Machine) -> None:
    text = f'where = {{ target = "memory", address = {RAM + 0x4002}, size = 3 }}\nwhat = {{ bits = 3 }}'
    hit = {
        8 * (one.faults[0].address - RAM - 0x4000) + bit
        for one in planned(machine, stratum(text), 600)
        for bit in range(32)
        if one.faults[0].flip >> bit & 1
    }
    assert hit == set(range(16, 40))


def test_dormant(machine: Machine) -> None:
    def after(where: str) -> set[int | None]:
        text = f'where = {{ target = "memory", {where} }}\nwhen = {{ instruction = 0 }}'
        return {one.dormant_after for one in planned(machine, stratum(text), 50)}

    time = [step[0] for step in machine.steps]
    assert after('symbol = "guest1:counter"') == {time[9] + STEP}
    assert after('symbol = "guest1:counter+4"'.replace("counter+4", "0x301004")) == {0}
    assert after(f"address = {SCHEDULER}") == {time[13] + STEP}
    assert after(f"address = {VMM_TEXT + 0x400}") == {time[21] + STEP}  # executed
    assert after(f"address = {machine.frame('guest1', TASK)}") == {time[0] + STEP}
    assert after(f"address = {machine.entry('guest2', KERNEL)}") == {time[20] + STEP}  # walked
    assert after('of = "vmm", section = "page_tables"') == {None}
    assert {one.dormant_after for one in planned(machine, stratum('where = { target = "register" }'))} == {None}


def test_code(machine: Machine) -> None:
    for one in planned(machine, stratum('where = { target = "code" }\nwhen = { vm = "guest2" }')):
        pc = one.place.pc or 0
        assert one.faults[0].address == machine.frame("guest2", pc // PAGE * PAGE) + pc % PAGE
    for one in planned(machine, stratum('where = { target = "code" }\nwhat = { model = "skip" }')):
        assert (one.faults[0].target, one.faults[0].address, value_after(one, 0x100)) == (Target.CORE, 15, 0x104)
    text = 'where = { target = "code" }\nwhat = { model = "replace" }\nlasts = { instructions = 1 }'
    for one in planned(machine, stratum(text)):
        assert value_after(one, 0x12345678) == golden.NOP
        assert (one.faults[0].duration, one.faults[0].restore) == (STEP, True)


def test_thumb_code() -> None:
    """A halfword, then a word that begins in the middle of another one."""
    machine = Machine()
    machine.put(machine.frame("guest1", TASK), 0xF3AF_BF00)
    machine.put(machine.frame("guest1", TASK) + 4, 0x0000_8000)
    for offset in (0, 2):
        machine.step(TASK + offset, flags=0x20)
    for model, expected in (("skip", {0: 0x102, 1: 0x104}), ("replace", {0: 0xBF00, 1: 0x8000F3AF})):
        found = planned(machine, stratum(f'where = {{ target = "code" }}\nwhat = {{ model = "{model}" }}'))
        assert {one.place.step: value_after(one, 0x100) for one in found} == expected
    text = f'where = {{ target = "memory", address = {machine.frame("guest1", TASK) + 4} }}'
    assert {one.dormant_after for one in planned(machine, stratum(text))} == {machine.steps[1][0] + STEP}


def test_interrupts_and_timers(machine: Machine) -> None:
    for _ in range(5):
        machine.step(VMM_TEXT + 0x100, SVC, sleep=1_000_000 - STEP)
    where = 'where = { target = "interrupt", line = "tick" }\n'
    lost = planned(machine, stratum(where + 'what = { model = "lost" }'))
    assert {one.place.step for one in lost} == set(range(28, 33))
    assert {(one.faults[0].address, one.faults[0].set, one.faults[0].keep) for one in lost} == {(0x1001100C, 1, 0)}
    (masked, *_) = planned(machine, stratum(where + 'what = { model = "lost" }\nlasts = { us = 100 }'))
    assert [fault.address for fault in masked.faults] == [0x1E001184, 0x1E001104]
    assert masked.faults[1].time - masked.faults[0].time == 100_000
    (spurious, *_) = planned(machine, stratum(where + 'what = { model = "spurious" }'))
    assert (spurious.faults[0].address, spurious.faults[0].set) == (0x1E001204, 4)
    late = planned(machine, stratum('where = { target = "timer" }\nwhat = { model = "late", by_us = 400 }'))
    for one in late:
        load, again = one.faults
        tick = load.time + (load.set - 400) * 1000
        first = machine.steps[28][0]
        assert 0 <= (first - tick) % 1_000_000 < 1000 or first == tick
        assert (load.address, again.address, again.set) == (0x10011000, 0x10011018, 1000)
    (stuck, *_) = planned(
        machine, stratum('where = { target = "timer" }\nwhat = { model = "stuck" }\nlasts = { us = 50 }')
    )
    assert value_after(stuck, 0xE2) == 0x62
    assert (stuck.faults[0].duration, stuck.faults[0].restore) == (50_000, True)


def test_faults_that_last(machine: Machine) -> None:
    where = 'where = { target = "register", registers = "r1" }\n'
    (one, *_) = planned(machine, stratum(where + 'what = { model = "stuck-at-0" }\nlasts = { instructions = 9 }'))
    assert (one.faults[0].duration, one.faults[0].interval, one.faults[0].restore) == (9 * STEP, STEP, False)
    assert value_after(one, 0xFFFFFFFF) == 0xFFFFFFFF & ~(1 << (one.place.bit or 0))
    (one, *_) = planned(machine, stratum(where + 'what = { model = "stuck-at-1" }\nlasts = { permanent = true }'))
    assert one.faults[0].time + one.faults[0].duration == machine.end_ns
    machine.watch_ns = 1_000_000
    many = planned(machine, stratum(where + "lasts = { mtbf_us = 50 }"), 50)
    assert {len({fault.flip for fault in one.faults}) for one in many} == {1}
    gaps = [b.time - a.time for one in many for a, b in pairwise(one.faults)]
    assert 40_000 < np.mean(gaps) < 60_000


def test_several_faults(machine: Machine) -> None:
    text = """where = { target = "register" }
when = { phase = "task", until_us = 0.2 }
[[stratum.also]]
where = { target = "memory", symbol = "scheduler" }
after_us = 0.064
[[stratum.also]]
where = { target = "register", registers = "pc" }
when = { phase = "kernel" }
"""
    for one in planned(machine, stratum(text)):
        first, second, third = one.faults
        assert (second.time - first.time, second.target) == (64, Target.RAM)
        assert machine.steps[15][0] <= third.time <= machine.steps[20][0]


def test_prelude(machine: Machine) -> None:
    prelude = '[[prelude]]\nwhere = { target = "register", registers = "pc" }\n'
    prelude += 'what = { model = "set", value = 0 }\nwhen = { phase = "kernel", hit = 2, pc = "guest2:0x100004" }\n'
    made = campaign(prelude.replace("hit = 2, ", "") + stratum('where = { target = "register" }'))
    (fault,) = plan_prelude(made, machine, symbols=machine.symbols)
    assert (fault.time, fault.address, fault.set) == (machine.steps[16][0], 15, 0)
    with pytest.raises(ConfigError, match=r"test\.toml:\d+: prelude\[0\]\.when\.hit: is 2, but"):
        plan_prelude(campaign(prelude + stratum('where = { target = "register" }')), machine, symbols=machine.symbols)


@given(st.integers(1, 32), st.booleans(), st.integers(), st.sampled_from([Model.FLIP, Model.STUCK_AT_0, Model.BURST]))
def test_changes(bits: int, adjacent: bool, seed: int, model: Model) -> None:
    change = draw_change(What(model=model, bits=bits, adjacent=adjacent), random.Random(seed), 32)  # noqa: S311
    hit = change.flip if model is not Model.STUCK_AT_0 else ~change.keep & MASK
    assert 0 < hit < 1 << 32
    if model is Model.BURST:
        assert hit.bit_length() - (hit & -hit).bit_length() + 1 == bits
    else:
        assert hit.bit_count() == bits
        if adjacent:
            assert hit // (hit & -hit) + 1 == 1 << bits
    assert (change.bit is None) == (hit.bit_count() > 1)


def test_duration_of_an_intermittent_fault() -> None:
    assert Duration(32, 100, 100 + 129_000).problem(Lasts(mtbf_us=1.0))
    assert Duration(32, 100, 100 + 127_000).problem(Lasts(mtbf_us=1.0)) is None
    assert Change(keep=MASK).bit is None
