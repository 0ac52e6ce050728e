# SPDX-License-Identifier: Apache-2.0
"""Def/use classes: they tile the fault space, and all faults of a class have the same effect.

The second is tried out: random programs are run with each fault there is, by a processor of a few lines.
"""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_golden import (
    ABT,
    DATA,
    NOP,
    RAM,
    SVC,
    TASK,
    USR,
    VMM_TEXT,
    Machine,
    campaign,
)
from understudy.errors import UnderstudyError
from understudy.injection.defuse import (
    OVERWRITTEN,
    UNUSED,
    Cell,
    FaultClass,
    Key,
    MemoryClasses,
    RegisterClasses,
    checked,
)
from understudy.injection.experiment import Experiment
from understudy.injection.pilots import classes_of
from understudy.injection.plan import plan
from understudy.injection.register_use import WRITE, RegisterUse, _uses
from understudy.injection.space import Ground, Space
from understudy.injection.steps import Steps

Z = 1 << 30
MANY = 10_000_000
BITS = (0, 31)


def mov(d: int, value: int) -> int:
    return 0xE3A0_0000 | d << 12 | value


def movt(d: int, value: int) -> int:
    return 0xE340_0000 | d << 12 | value


def add(d: int, n: int, m: int) -> int:
    return 0xE080_0000 | n << 16 | d << 12 | m


def store(n: int, d: int) -> int:
    return 0xE580_0000 | n << 16 | d << 12


def unequal(word: int) -> int:
    """The same instruction, on a condition that does not hold."""
    return word & 0x0FFF_FFFF | 0x1000_0000


REGISTER = st.integers(0, 3)
WORDS = st.one_of(
    st.builds(mov, REGISTER, st.integers(0, 255)),
    st.builds(movt, REGISTER, st.integers(0, 255)),
    st.builds(add, REGISTER, REGISTER, REGISTER),
    st.builds(store, REGISTER, REGISTER),
    st.builds(unequal, st.builds(mov, REGISTER, st.integers(0, 255))),
    st.just(NOP),
)


def execute(words: Sequence[int], fault: tuple[int, int, int] | None = None) -> tuple[list[tuple[int, int]], list[int]]:
    """Return what a program stores, and its registers at the end; a fault is (step, register, bit)."""
    registers, stored = [0, 0x1234, 0x8000_0001, 0xFFFF_FFFF], []
    for step, word in enumerate(words):
        if fault and fault[0] == step:
            registers[fault[1]] ^= 1 << fault[2]
        n, d, m = word >> 16 & 15, word >> 12 & 15, word & 15
        if word >> 28 != 0xE or word == NOP:
            continue
        if word & 0x0FF0_0000 == 0x03A0_0000:
            registers[d] = word & 0xFF
        elif word & 0x0FF0_0000 == 0x0340_0000:
            registers[d] = registers[d] & 0xFFFF | (word & 0xFF) << 16
        elif word & 0x0FF0_0000 == 0x0080_0000:
            registers[d] = (registers[n] + registers[m]) & 0xFFFF_FFFF
        else:
            stored.append((registers[n], registers[d]))
    return stored, registers


def running(words: Sequence[int]) -> Machine:
    machine = Machine()
    machine.code("guest1", TASK, list(words))
    for number in range(len(words)):
        machine.step(TASK + 4 * number, flags=Z)
    return machine


def space(machine: Machine, text: str) -> Space:
    made = campaign(f'[[stratum]]\nname = "s"\n{text}\n')
    return Space(Ground(made, machine, machine.symbols), made.strata[0])


def by_key(classes: list[FaultClass]) -> dict[Key, FaultClass]:
    return {one.key: one for one in classes}


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=14))
def test_faults_of_a_class_have_the_same_effect(words: list[int]) -> None:
    words.append(NOP)  # of the last instruction of a trace nobody knows whether it was executed
    machine = running(words)
    text = 'where = { target = "register", registers = "r0-r3" }\nwhat = { among = [0, 31] }\nsampling = "complete"'
    classes = classes_of(space(machine, text))
    assert isinstance(classes, RegisterClasses)
    found = by_key(checked(classes, MANY))
    counted: Counter[Key] = Counter()
    effects: dict[Key, object] = {}
    golden = execute(words)
    for step in range(len(words)):
        for register in range(4):
            for bit in BITS:
                key = classes.key(Cell(register=f"r{register}"), bit, step)
                assert key is not None
                counted[key] += 1
                effect = execute(words, (step, register, bit))
                if key == OVERWRITTEN:
                    assert effect == golden
                elif key == UNUSED:
                    assert effect[0] == golden[0]
                    assert effect[1][register] == golden[1][register] ^ 1 << bit
                else:
                    assert effects.setdefault(key, effect) == effect
    assert counted == {key: one.size for key, one in found.items()}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 11), st.sampled_from([1, 2, 4]), st.booleans()), min_size=1, max_size=12),
    st.lists(st.integers(0, 20_000), min_size=12, max_size=12),
)
def test_memory(accesses: list[tuple[int, int, bool]], sleeps: list[int]) -> None:
    """Bytes are read and written; whatever a fault does shows in what is read, and in what is left."""
    machine = Machine()
    machine.step(VMM_TEXT, SVC)
    base = RAM + 0x4000
    for (offset, size, write), sleep in zip(accesses, sleeps, strict=False):
        machine.step(VMM_TEXT, SVC, sleep=sleep)
        machine.access(base + offset // size * size, size=size, write=write)
    text = (
        f'where = {{ target = "memory", address = {base}, size = 8 }}\nsampling = "complete"\nwhen = {{ per = "time" }}'
    )
    classes = classes_of(space(machine, text))
    assert isinstance(classes, MemoryClasses)
    found = by_key(checked(classes, MANY))

    def effect(step: int, byte: int) -> tuple[list[int], bool]:
        wrong, seen = False, []
        for number, (offset, size, write) in enumerate(accesses, start=1):
            wrong |= number == step
            first = offset // size * size
            if first <= byte < first + size and wrong:
                if write:
                    wrong = False
                    break
                seen.append(number)
        return seen, wrong or (step == 0 and not any(w and o // s * s <= byte < o // s * s + s for o, s, w in accesses))

    effects: dict[Key, object] = {}
    area = classes.areas[0]
    for step in range(1, len(accesses) + 1):
        for byte in range(8):
            key = classes.key(Cell(area=area, address=base + byte), 0, step)
            assert key is not None
            reads, left = effect(step, byte)
            if key == OVERWRITTEN:
                assert (reads, left) == ([], False)
            elif key == UNUSED:
                assert (reads, left) == ([], True)
            else:
                assert reads
                assert effects.setdefault(key, (reads, left)) == (reads, left)
    assert sum(one.size for one in found.values()) == 64 * classes.moments.total


def pilots(machine: Machine, text: str, samples: int = 100) -> list[Experiment]:
    made = campaign(f'[[stratum]]\nname = "s"\n{text}\n', samples=samples)
    return plan(made, machine, symbols=machine.symbols)


def test_pilots_are_weighted() -> None:
    machine = running([mov(0, 1), NOP, NOP, add(1, 0, 0), mov(0, 2), NOP])
    text = 'where = { target = "register", registers = "r0" }\nwhat = { among = [7] }\nsampling = "complete"'
    found = {one.place.step: one.weight for one in pilots(machine, text)}
    # r0: overwritten by step 0, read by step 3, overwritten by step 4, not used by 5.
    assert found == {3: pytest.approx(3 / 6), 0: pytest.approx(2 / 6), 5: pytest.approx(1 / 6)}
    (one,) = [one for one in pilots(machine, text) if one.place.step == 3]
    assert one.faults[0].flip == 1 << 7
    assert one.faults[0].time == machine.steps[3][0]


def test_drawn_faults_share_pilots() -> None:
    machine = running([NOP, NOP, NOP, add(1, 0, 0)])
    text = 'where = { target = "register", registers = "r0" }\nwhat = { among = [7] }\nsampling = "pruned"'
    (one,) = pilots(machine, text, samples=500)
    assert one.weight == 1
    memory = 'where = { target = "memory", symbol = "guest1:counter" }\nsampling = "pruned"'
    assert sum(one.weight for one in pilots(machine, memory, samples=500)) == pytest.approx(1)


def test_frames_of_a_page_are_told_apart() -> None:
    """After the VMM has given a page another frame, a fault in the old one is not seen by the guest any more."""
    machine = Machine()
    for _ in range(3):
        machine.step(TASK)
    machine.access(machine.frame("guest1", DATA), virtual=DATA)
    machine.step(VMM_TEXT + 0x200, SVC)
    machine.access(machine.entry("guest1", DATA), write=True)
    machine.resume("guest1", 0)
    for _ in range(3):
        machine.step(TASK)
    machine.access(machine.frame("guest1", DATA, 1), virtual=DATA)
    text = 'where = { target = "memory", symbol = "guest1:counter" }\nwhat = { among = [0] }\nsampling = "complete"'
    found = {(one.faults[0].address, one.place.step): one.weight for one in pilots(machine, text)}
    # Two steps of the VMM lie between the last use of the old frame and the guest with the new one.
    first, second = machine.frame("guest1", DATA), machine.frame("guest1", DATA, 1)
    assert found == {
        (first, 2): pytest.approx(3 / 8),
        (first, 3): pytest.approx(1 / 8),
        (second, 7): pytest.approx(4 / 8),
    }


def test_a_class_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("understudy.injection.pilots.CLASSES_MAX", 10)
    machine = running([add(0, 1, 2)])
    with pytest.raises(UnderstudyError, match=r"test\.toml:\d+: .*sampling: more than 10 classes are too many"):
        pilots(machine, 'where = { target = "register" }\nsampling = "complete"')


def test_classes_that_do_not_tile_are_found() -> None:
    machine = running([mov(0, 1), add(1, 0, 0)])
    text = 'where = { target = "register", registers = "r0" }\nsampling = "complete"'
    classes = classes_of(space(machine, text))
    assert isinstance(classes, RegisterClasses)

    class Lossy(RegisterClasses):
        def total(self) -> int:
            return super().total() + 1

    with pytest.raises(UnderstudyError, match="classes of 64 faults for 65"):
        checked(Lossy(classes.steps, classes.moments, classes.names, classes.bits), MANY)


def uses_of(machine: Machine) -> dict[str, list[tuple[int, int]]]:
    use = RegisterUse(Steps(machine, machine.symbols), 0, len(machine.steps) - 1)
    return {name: list(zip(map(int, s), map(int, k), strict=True)) for name, (s, k) in use.events.items()}


def test_exception_overwrites_lr_and_keeps_the_rest() -> None:
    """Step 1 is interrupted by an abort: what it writes is not written, but lr of the new mode is."""
    machine = Machine()
    machine.code("guest1", TASK, [mov(0, 1), mov(1, 2)])
    machine.step(TASK)
    machine.step(TASK + 4)
    machine.put(VMM_TEXT, mov(2, 3))
    machine.step(VMM_TEXT, ABT)
    machine.step(VMM_TEXT + 4, ABT)
    found = uses_of(machine)
    assert (0, WRITE) in found["r0"]
    assert (1, WRITE) not in found.get("r1", [])
    assert found["lr_abt"][0] == (1, WRITE)


@pytest.mark.parametrize(
    ("word", "mode", "reads", "writes"),
    [
        (0xE92D4010, USR, {"sp_usr", "r4", "lr_usr"}, set()),  # push {r4, lr}
        (0xE8BD8010, SVC, {"sp_svc"}, {"r4"}),  # pop {r4, pc}
        (0xE95E7FFF, SVC, {"lr_svc"}, None),  # ldmdb lr, {r0-r14}^
        (0xE8CD6000, SVC, {"sp_svc", "sp_usr", "lr_usr"}, set()),  # stmia sp, {sp, lr}^
        (0xF8CD0513, IRQ := 0x12, {"lr_irq", "sp_svc"}, set()),  # srsia sp, #19
        (0xEB000000, USR, set(), {"lr_usr"}),  # bl
        (0xFA000000, USR, set(), {"lr_usr"}),  # blx
        (0xE12FFF33, SVC, {"r3"}, {"lr_svc"}),  # blx r3
        (0xE12FFF1E, IRQ, {"lr_irq"}, set()),  # bx lr
        (0xE3401234, USR, {"r1"}, {"r1"}),  # movt r1
    ],
)
def test_uses_of_words(word: int, mode: int, reads: set[str], writes: set[str] | None) -> None:
    found = _uses(word, mode)
    assert set(found[0]) == reads
    expected = {*(f"r{n}" for n in range(13)), "sp_usr", "lr_usr"} if writes is None else writes
    assert set(found[1]) == expected


def test_unknown_words_use_everything() -> None:
    assert len(_uses(None, SVC)[0]) == 17
    assert len(_uses(0xF2000000, USR)[0]) >= 15  # Advanced SIMD
