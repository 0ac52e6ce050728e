# SPDX-License-Identifier: Apache-2.0
"""The ARM920T model against sequences counted by hand (rules: docs/arm920t-model.md)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from understudy.latency.arm920t import ModelError, cycles, cycles_without_hints, explain, nanoseconds
from understudy.latency.arm920t.decode import decode
from understudy.latency.arm920t.timing import multiplier_cycles

SVC, IRQ, USER = 0x13, 0x12, 0x10
Z = 1 << 30
DATA = 0x0002_0000


@dataclass(frozen=True)
class Step:
    address: int
    opcode: int
    registers: tuple[int, ...]
    cpsr: int


def path(*words: int, cpsr: int = SVC, **registers: int) -> list[Step]:
    """Words one after the other, with r0 to r15 pointing at aligned memory unless named."""
    values = tuple(registers.get(f"r{number}", DATA) for number in range(16))
    return [Step(0x8000 + 4 * number, word, values, cpsr) for number, word in enumerate(words)]


def time(*words: int, cpsr: int = SVC, **registers: int) -> list[int]:
    return cycles(path(*words, cpsr=cpsr, **registers))


NOTHING = 0xE2822001  # add r2, r2, #1: neither r1 nor r3
USE_R3 = 0xE0832001  # add r2, r3, r1


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param(0xE0832001, 1, id="add r2, r3, r1"),
        pytest.param(0xE3530000, 1, id="cmp r3, #0"),
        pytest.param(0xE1A02311, 2, id="lsl r2, r1, r3"),
        pytest.param(0xE1A0F00E, 3, id="mov pc, lr"),
        pytest.param(0xE1B0F00E, 3, id="movs pc, lr"),
        pytest.param(0xE081F312, 4, id="add pc, r1, r2, lsl r3"),
        pytest.param(0xEA00000E, 3, id="b"),
        pytest.param(0xEB00000E, 3, id="bl"),
        pytest.param(0xE12FFF1E, 3, id="bx lr"),
        pytest.param(0xE5913000, 1, id="ldr r3, [r1]"),
        pytest.param(0xE7913082, 1, id="ldr r3, [r1, r2, lsl #1]"),
        pytest.param(0xE591F000, 5, id="ldr pc, [r1]"),
        pytest.param(0xE5813000, 1, id="str r3, [r1]"),
        pytest.param(0xE89C0002, 2, id="ldm r12, {r1}"),
        pytest.param(0xE89C000E, 3, id="ldm r12, {r1-r3}"),
        pytest.param(0xE8BD8010, 6, id="pop {r4, pc}"),
        pytest.param(0xE8BD8000, 5, id="ldm sp!, {pc}"),
        pytest.param(0xE8800002, 2, id="stm r0, {r1}"),
        pytest.param(0xE880001E, 4, id="stm r0, {r1-r4}"),
        pytest.param(0xE94D7FFF, 15, id="stmdb sp, {r0-r14}^"),
        pytest.param(0xE1013092, 2, id="swp r3, r2, [r1]"),
        pytest.param(0xE10F3000, 1, id="mrs r3, cpsr"),
        pytest.param(0xE128F003, 1, id="msr cpsr_f, r3"),
        pytest.param(0xE121F003, 3, id="msr cpsr_c, r3"),
        pytest.param(0xE16FF003, 3, id="msr spsr_cxsf, r3"),
        pytest.param(0xEE023F10, 1, id="mcr p15, 0, r3, c2, c0, 0"),
        pytest.param(0xEE153F10, 1, id="mrc p15, 0, r3, c5, c0, 0"),
        pytest.param(0xEE17FF7E, 3, id="mrc p15, 0, apsr_nzcv, c7, c14, 3"),
        pytest.param(0xEF000000, 3, id="svc #0"),
        pytest.param(0xE7F000F0, 3, id="udf #0"),
    ],
)
def test_instruction_alone(word: int, expected: int) -> None:
    assert time(word) == [expected]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param(0xF96D0513, 2, id="srsdb sp!, #0x13: stm of 2"),
        pytest.param(0xF8BD0A00, 6, id="rfeia sp!: ldm of 2 with pc"),
        pytest.param(0xF1020013, 3, id="cps #0x13: msr cpsr_c"),
        pytest.param(0xF10C0080, 3, id="cpsid i: msr cpsr_c"),
        pytest.param(0xE1C120D0, 2, id="ldrd r2, r3, [r1]: ldm of 2"),
        pytest.param(0xE1C120F0, 2, id="strd r2, r3, [r1]: stm of 2"),
        pytest.param(0xE1913F9F, 1, id="ldrex r3, [r1]: ldr"),
        pytest.param(0xE1812F93, 1, id="strex r2, r3, [r1]: str"),
        pytest.param(0xEEF83A10, 1, id="vmrs r3, fpexc: mrc"),
        pytest.param(0xEEE83A10, 1, id="vmsr fpexc, r3: mcr"),
        pytest.param(0xECB00B20, 32, id="vldmia r0!, {d0-d15}: ldc of 32"),
        pytest.param(0xED810B00, 2, id="vstr d0, [r1]: stc of 2"),
        pytest.param(0xED910A00, 1, id="vldr s0, [r1]: ldc of 1"),
        pytest.param(0xEC432F02, 2, id="mcrr p15, 0, r2, r3, c2: mcr twice"),
    ],
)
def test_substitute_for_a_later_instruction(word: int, expected: int) -> None:
    assert time(word) == [expected]


def test_later_data_operations_and_hints_are_single() -> None:
    # movw, movt, ubfx, bfi, clz, rev, rbit, uxtb
    words = (0xE3003001, 0xE3403001, 0xE7E130D2, 0xE7C23092, 0xE16F3F12, 0xE6BF3F32, 0xE6FF3F32, 0xE6EF3072)
    assert time(*words) == [1] * 8
    assert time(0xF57FF04F, 0xF57FF06F, 0xF57FF01F, 0xE320F000) == [1] * 4  # dsb, isb, clrex, nop


@pytest.mark.parametrize(
    ("load", "first", "next_use", "use_one_later"),
    [
        pytest.param(0xE5913000, 1, 2, 1, id="ldr r3, [r1]"),
        pytest.param(0xE6913002, 1, 2, 1, id="ldr r3, [r1], r2"),
        pytest.param(0xE5D13000, 1, 3, 2, id="ldrb r3, [r1]"),
        pytest.param(0xE1D130F0, 1, 3, 2, id="ldrsh r3, [r1]"),
        pytest.param(0xE89C000E, 3, 2, 1, id="ldm r12, {r1-r3}"),
        pytest.param(0xE1C120D0, 2, 2, 1, id="ldrd r2, r3, [r1]"),
        pytest.param(0xEE153F10, 1, 2, 1, id="mrc p15, 0, r3, c5, c0, 0"),
        pytest.param(0xEC532F02, 2, 2, 1, id="mrrc p15, 0, r2, r3, c2: r3 comes last"),
        pytest.param(0xE1013092, 2, 1, 1, id="swp r3, r2, [r1]"),
        pytest.param(0xE1413092, 2, 2, 1, id="swpb r3, r2, [r1]"),
        pytest.param(0xE0030292, 5, 1, 1, id="mul r3, r2, r2"),
        pytest.param(0xE10F3000, 1, 1, 1, id="mrs r3, cpsr"),
    ],
)
def test_interlock(load: int, first: int, next_use: int, use_one_later: int) -> None:
    use = 0xE283A001  # add r10, r3, #1
    assert time(load, use) == [first, next_use]
    assert time(load, 0xE3A0B000, use) == [first, 1, use_one_later]  # mov r11, #0
    assert time(load, 0xE3A0B000, 0xE3A0B000, use) == [first, 1, 1, 1]


def test_only_the_last_register_of_a_list_interlocks() -> None:
    assert time(0xE89C000E, 0xE0824001) == [3, 1]  # ldm r12, {r1-r3}; add r4, r2, r1
    assert time(0xE89C000E, 0xE0834001) == [3, 2]  # ldm r12, {r1-r3}; add r4, r3, r1
    assert time(0xE89C0002, 0xE0824001) == [2, 1]  # ldm r12, {r1}; add r4, r2, r1


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        pytest.param(0xE5931000, 2, id="ldr r1, [r3]: base"),
        pytest.param(0xE5813000, 2, id="str r3, [r1]: stored data"),
        pytest.param(0xE12FFF13, 4, id="bx r3"),
        pytest.param(0xEE023F10, 2, id="mcr p15, 0, r3, c2, c0, 0"),
        pytest.param(0xE121F003, 4, id="msr cpsr_c, r3"),
        pytest.param(0xE1A02311, 3, id="lsl r2, r1, r3: shift amount"),
        pytest.param(0xE880000E, 4, id="stm r0, {r1-r3}"),
        pytest.param(0xE3403001, 2, id="movt r3, #1: changes one half"),
        pytest.param(0xEEE83A10, 2, id="vmsr fpexc, r3"),
        pytest.param(0xE3A03000, 1, id="mov r3, #0: only written"),
        pytest.param(0xEF000000, 3, id="svc #0"),
    ],
)
def test_what_waits_for_a_load(use: int, expected: int) -> None:
    assert time(0xE5913000, use) == [1, expected]  # ldr r3, [r1]


def test_a_wait_is_served_once() -> None:
    assert time(0xE5D13000, USE_R3, USE_R3) == [1, 3, 1]


def test_a_new_value_ends_the_wait_for_the_old() -> None:
    assert time(0xE5D13000, 0xE3A03000, USE_R3) == [1, 1, 1]  # ldrb r3; mov r3, #0


def test_a_longer_instruction_hides_the_wait() -> None:
    assert time(0xE5D13000, 0xE8800006, USE_R3) == [1, 2, 1]  # ldrb r3; stm r0, {r1, r2}


def test_a_taken_branch_hides_the_wait() -> None:
    assert time(0xE5D13000, 0xEAFFFFFF, USE_R3) == [1, 3, 1]  # ldrb r3; b to the next


@pytest.mark.parametrize(("offset", "expected"), [(0, 2), (1, 3), (2, 3), (3, 3), (4, 2)])
def test_a_rotated_word_comes_a_cycle_later(offset: int, expected: int) -> None:
    assert time(0xE5913000 | offset, USE_R3)[1] == expected  # ldr r3, [r1, #offset]
    assert time(0xE5113000 | offset, USE_R3)[1] == expected  # ldr r3, [r1, #-offset]
    assert time(0xE4913000 | offset, USE_R3)[1] == 2  # ldr r3, [r1], #offset
    assert time(0xE7913082, USE_R3, r2=2 * offset)[1] == time(0xE5913000 | 4 * offset, USE_R3)[1]  # [r1, r2, lsl #1]


def test_the_shifted_offset_counts_for_the_address() -> None:
    assert time(0xE71130C2, USE_R3, r2=8)[1] == 2  # ldr r3, [r1, -r2, asr #1]
    assert time(0xE71130C2, USE_R3, r2=2)[1] == 3
    assert time(0xE71130C2, USE_R3, r2=0xFFFF_FFFE)[1] == 3
    assert time(0xE71130C2, USE_R3, r2=0xFFFF_FFF8)[1] == 2


def test_an_offset_can_align_an_address() -> None:
    assert time(0xE5913003, USE_R3, r1=DATA + 1)[1] == 2  # ldr r3, [r1, #3]
    assert time(0xE5113003, USE_R3, r1=DATA + 1)[1] == 3  # ldr r3, [r1, #-3]
    assert time(0xE7113042, USE_R3, r2=0x8000_0000)[1] == 3  # ldr r3, [r1, -r2, asr #32]
    assert time(0xE7113042, USE_R3, r2=0x7FFF_FFFF)[1] == 2


def test_mov_has_no_first_operand() -> None:
    assert time(0xE5910000, 0xE3A03000) == [1, 1]  # ldr r0, [r1]; mov r3, #0, whose unused field names r0


@pytest.mark.parametrize(
    ("word", "expected", "reason"),
    [
        pytest.param(0x0A00000E, [3], "branch taken", id="beq, taken"),
        pytest.param(0x1A00000E, [1], "not executed", id="bne, not taken"),
        pytest.param(0x00832001, [1], "", id="addeq"),
        pytest.param(0x1591F000, [1], "not executed", id="ldrne pc"),
        pytest.param(0x18BD8010, [1], "not executed", id="popne {r4, pc}"),
        pytest.param(0x10030292, [1], "not executed", id="mulne r3, r2, r2"),
    ],
)
def test_condition(word: int, expected: list[int], reason: str) -> None:
    steps = path(word, cpsr=SVC | Z)
    assert cycles(steps) == expected
    assert explain(steps)[0].reason == reason


def test_each_condition() -> None:
    flags = {"n": 1 << 31, "z": Z, "c": 1 << 29, "v": 1 << 28}
    holds_without_flags = {1, 3, 5, 7, 9, 10, 12, 14}  # ne cc pl vc ls ge gt al
    changed_by = {"n": {4, 5, 10, 11, 12, 13}, "z": {0, 1, 12, 13}, "c": {2, 3, 8, 9}, "v": {6, 7, 10, 11, 12, 13}}
    for condition in range(15):
        branch = condition << 28 | 0x0A00000E
        assert time(branch) == [3 if condition in holds_without_flags else 1]
        for flag, conditions in changed_by.items():
            expected = (condition in holds_without_flags) != (condition in conditions)
            assert time(branch, cpsr=SVC | flags[flag]) == [3 if expected else 1], (condition, flag)


def test_the_reason_names_what_is_written() -> None:
    flags, jump = explain(path(0xEE17FF7E, 0xE591F000))  # mrc p15, 0, apsr_nzcv, c7, c14, 3; ldr pc, [r1]
    assert (flags.reason, jump.reason) == ("writes the flags", "writes the pc")


def test_hi_needs_c_and_not_z() -> None:
    assert time(0x8A00000E, cpsr=SVC | Z | 1 << 29) == [1]


def test_a_load_that_is_not_executed_loads_nothing() -> None:
    assert time(0x15913000, USE_R3, cpsr=SVC | Z) == [1, 1]  # ldrne r3, [r1]


def test_an_instruction_that_is_not_executed_waits_for_its_operands() -> None:
    assert time(0xE5913000, 0x10832001, cpsr=SVC | Z) == [1, 2]  # ldr r3; addne r2, r3, r1


@pytest.mark.parametrize(
    ("multiplier", "signed", "unsigned"),
    [
        (0, 1, 1),
        (0xFF, 1, 1),
        (0x100, 2, 2),
        (0xFFFF, 2, 2),
        (0x10000, 3, 3),
        (0xFFFFFF, 3, 3),
        (0x1000000, 4, 4),
        (0x7FFFFFFF, 4, 4),
        (0x80000000, 4, 4),
        (0xFEFFFFFF, 4, 4),
        (0xFF000000, 3, 4),
        (0xFFFF0000, 2, 4),
        (0xFFFEFFFF, 3, 4),
        (0xFFFFFEFF, 2, 4),
        (0xFFFFFF00, 1, 4),
        (0xFFFFFFFF, 1, 4),
    ],
)
def test_multiplier_ends_early(multiplier: int, signed: int, unsigned: int) -> None:
    assert time(0xE0000291, r2=multiplier) == [2 + signed]  # mul r0, r1, r2
    assert time(0xE0203291, r2=multiplier) == [2 + signed]  # mla r0, r1, r2, r3
    assert time(0xE0C10294, r2=multiplier) == [3 + signed]  # smull r0, r1, r4, r2
    assert time(0xE0810294, r2=multiplier) == [3 + unsigned]  # umull r0, r1, r4, r2


def test_only_the_second_operand_counts_for_a_multiplication() -> None:
    assert time(0xE0000291, r1=0x12345678, r2=1) == [3]


def test_multiplication_by_half_a_register() -> None:
    assert time(0xE1003281, r2=0x7FFF_FF80) == [3]  # smlabb r0, r1, r2, r3: 0xFF80 is one byte of a negative number
    assert time(0xE10032C1, r2=0x7FFF_FF80) == [4]  # smlabt


@given(st.integers(0, 0xFFFF_FFFF))
def test_multiplier_takes_no_longer_with_a_sign(value: int) -> None:
    assert 1 <= multiplier_cycles(value, signed=True) <= multiplier_cycles(value, signed=False) <= 4


def test_an_interrupt_costs_the_refill_of_the_pipeline() -> None:
    steps = path(NOTHING, NOTHING)
    vector = replace(steps[1], address=0x18, cpsr=IRQ)
    assert cycles([steps[0], vector]) == [1, 4]
    assert explain([steps[0], vector])[1].reason == "exception entry"


def test_an_interrupt_after_a_taken_branch_is_noticed() -> None:
    branch, after = path(0xEA00000E, NOTHING)
    assert cycles([branch, replace(after, address=0x18, cpsr=IRQ)]) == [3, 4]
    assert cycles([branch, replace(after, address=0x8040)]) == [3, 1]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param(0xEF000000, 3, id="svc #0: its three cycles are the entry"),
        pytest.param(0xF8BD0A00, 6, id="rfeia sp!: a return"),
        pytest.param(0xE1B0F00E, 3, id="movs pc, lr"),
    ],
)
def test_a_jump_is_no_interrupt(word: int, expected: int) -> None:
    jump, after = path(word, NOTHING)
    assert cycles([jump, replace(after, address=0x400, cpsr=USER)]) == [expected, 1]


EXCEPTION_PATH = (  # word, cycles counted by hand, reason
    (0xE24EE004, 1, ""),  # sub lr, lr, #4
    (0xF96D0513, 2, "2 words"),  # srsdb sp!, #0x13
    (0xF1020013, 3, "writes the status register's control fields"),  # cps #0x13
    (0xE92D503F, 8, "8 words"),  # push {r0-r5, r12, lr}
    (0xE59F1020, 1, ""),  # ldr r1, [pc, #32]
    (0xE5913000, 2, "interlock on r1"),  # ldr r3, [r1]
    (0xE5932004, 2, "interlock on r3"),  # ldr r2, [r3, #4]
    (0xE5D3400C, 1, ""),  # ldrb r4, [r3, #12]
    (0xE2822001, 1, ""),  # add r2, r2, #1: one after its load's shadow
    (0xE3540000, 2, "interlock on r4"),  # cmp r4, #0: one of the byte's two cycles has passed
    (0x1A000010, 1, "not executed"),  # bne, with Z set
    (0xE5832004, 1, ""),  # str r2, [r3, #4]
    (0xEE023F10, 1, ""),  # mcr p15, 0, r3, c2, c0, 0
    (0xF57FF06F, 1, "barrier or hint"),  # isb
    (0xE0040293, 3, "multiplier of 8 bits"),  # mul r4, r3, r2 with 5 in r2
    (0xEE153F10, 1, ""),  # mrc p15, 0, r3, c5, c0, 0
    (0xE0832001, 2, "interlock on r3"),  # add r2, r3, r1
    (0xE8BD503F, 8, "8 words"),  # pop {r0-r5, r12, lr}
    (0xF8BD0A00, 6, "2 words, writes the pc"),  # rfeia sp!
)


def test_an_exception_handler_counted_by_hand() -> None:
    steps = path(*(word for word, _, _ in EXCEPTION_PATH), cpsr=IRQ | Z, r2=5)
    timings = explain(steps)
    assert [(timing.cycles, timing.reason) for timing in timings] == [
        (count, reason) for _, count, reason in EXCEPTION_PATH
    ]
    assert sum(cycles(steps)) == 47
    assert sum(cycles_without_hints(steps)) == 46
    assert nanoseconds(sum(cycles(steps))) == 117.5
    assert nanoseconds(47, mhz=200) == 235.0


def test_a_barrier_that_hid_an_interlock_saves_nothing() -> None:
    steps = path(0xE5913000, 0xF57FF06F, USE_R3)  # ldr r3, [r1]; isb; add
    assert cycles(steps) == [1, 1, 1]
    assert cycles_without_hints(steps) == [1, 0, 2]


@pytest.mark.parametrize("word", [0xE733F112, 0xF1010200, 0xEE310B02, 0xF2C00050])  # udiv, setend, vadd, vmov.i32
def test_an_instruction_without_a_rule_is_refused(word: int) -> None:
    with pytest.raises(ModelError, match=rf"{word:#010x} at 0x00008004"):
        time(NOTHING, word)


@given(st.integers(0, 0xFFFF_FFFF))
def test_any_word_is_timed_or_refused(word: int) -> None:
    if decode(word):
        assert 1 <= time(word)[0] <= 255
    else:
        with pytest.raises(ModelError, match=f"{word:#010x}"):
            time(word)


@pytest.mark.parametrize("word", [0xE8900000, 0xE8800000, 0xEC900B00])
def test_an_empty_list_is_refused(word: int) -> None:
    with pytest.raises(ModelError):
        time(word)


def test_thumb_code_is_refused() -> None:
    with pytest.raises(ModelError, match="Thumb code, executed at 0x00008000"):
        time(0x47704288, cpsr=SVC | 0x20)


WORDS = st.lists(
    st.sampled_from([word for word, _, _ in EXCEPTION_PATH] + [0xE5913000, 0xE5D13000, 0xE89C000E, USE_R3, 0xE0000291]),
    max_size=12,
)


@given(WORDS, WORDS)
def test_an_unrelated_instruction_never_lowers_the_total(before: Sequence[int], after: Sequence[int]) -> None:
    unrelated = 0xE3A0B000  # mov r11, #0: no other word has r11
    assert sum(time(*before, *after)) <= sum(time(*before, unrelated, *after)) <= sum(time(*before, *after)) + 1


@given(WORDS)
def test_a_path_takes_at_least_a_cycle_an_instruction(words: Sequence[int]) -> None:
    assert all(count >= 1 for count in time(*words))
    assert time(*words) == time(*words)
