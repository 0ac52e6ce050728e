# SPDX-License-Identifier: Apache-2.0
"""The size of the fault space of each stratum: bits times the time in which they may be hit; and moments by weight."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_golden import KERNEL, STEP, SVC, TASK, VMM_TEXT, Machine, campaign
from understudy.injection.moments import Moments
from understudy.injection.plan import plan_sized

GENERAL = 15 * 32  # bits


@pytest.fixture
def machine() -> Machine:
    """A task of guest1 at 10 steps, the VMM, and the kernel of guest2 at 6."""
    machine = Machine()
    for number in range(10):
        machine.step(TASK + 4 * number)
    machine.step(VMM_TEXT + 0x100, SVC)
    machine.resume("guest2", 13)
    for number in range(6):
        machine.step(KERNEL + 4 * number)
    return machine


def stratum(text: str, name: str = "s") -> str:
    return f'[[stratum]]\nname = "{name}"\n{text}\n'


MEMORY = 'where = { target = "memory", address = 0x60000100, size = 24 }\n'


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ('where = { target = "register" }', GENERAL),
        ('where = { target = "register", registers = ["r1", "vfp"] }', 32 + 32 * 64),
        ('where = { target = "register", registers = "cpsr" }\nwhat = { among = [28, 29] }', 2),
        (MEMORY, 24 * 8),
        (MEMORY + 'what = { model = "burst", bits = 8 }', 24 * 8),
        (MEMORY + "what = { among = [0, 1] }", 12),
        ('where = { target = "code" }', 32),
        ('where = { target = "code" }\nwhat = { model = "skip" }', 32),
        ('where = { target = "interrupt", line = ["tick", "uart0"] }\nwhat = { model = "spurious" }', 2),
        ('where = { target = "timer" }\nwhat = { model = "stuck" }\nlasts = { us = 1 }', 1),
        ('where = { target = "device", device = "gic.ICCPMR" }', 8),
    ],
)
def test_size(machine: Machine, text: str, bits: int) -> None:
    """Whatever a fault makes of a bit."""
    made = campaign(stratum(f'{text}\nwhen = {{ vm = "guest1" }}'))
    assert plan_sized(made, machine, symbols=machine.symbols)[1] == {"s": 10 * STEP * bits}


def test_parts(machine: Machine) -> None:
    """Instructions and time have the same unit."""
    text = stratum('where = { target = "register" }\nsplit = "vm"\nwhen = { phase = ["task", "kernel"] }')
    text += stratum('where = { target = "register" }\nwhen = { per = "time" }', "t")
    found, sizes = plan_sized(campaign(text), machine, symbols=machine.symbols)
    assert sizes.keys() == {one.stratum for one in found}
    assert (sizes["s: guest1"], sizes["s: guest2"]) == (10 * STEP * GENERAL, 6 * STEP * GENERAL)
    assert sizes["t"] >= (len(machine.steps) - 1) * STEP * GENERAL


@settings(max_examples=50)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=20), st.integers())
def test_moments_are_drawn_by_weight(weights: list[int], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    found = Moments(np.arange(len(weights)) * 10, np.array(weights))
    drawn = Counter(found.draw(chance) for _ in range(400))
    assert set(drawn) <= {10 * number for number in range(len(weights))}
    assert abs(drawn[0] / 400 - weights[0] / sum(weights)) < 0.15
