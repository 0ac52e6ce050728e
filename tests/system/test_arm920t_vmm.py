# SPDX-License-Identifier: Apache-2.0
"""The ARM920T model knows each instruction of the VMM, with the registers that the disassembler names."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from understudy.latency.arm920t.decode import decode
from understudy.pytest_plugin import Build

from . import systems

LINE = re.compile(r"^ *[0-9a-f]+:\t([0-9a-f]{8}) +\t(\S+)\t?([^@;]*)")
PC = 15
SP, LR = 13, 14
# Registers that the text leaves out: the base of a push or pop, the second one of a pair, the lr that SRS stores.
# The base of an SRS is another mode's sp, which nothing on the path has just loaded.
UNNAMED = re.compile(r"v?(push|pop)|(ldrd|strd)|(srs)")


def _instructions(elf: Path) -> Iterator[tuple[int, str, str]]:
    """ARM words of the code: word, mnemonic, operands. Thumb code of the compiler's library has other words."""
    command = ["arm-none-eabi-objdump", "-d", "-M", "reg-names-raw", str(elf)]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        found = LINE.match(line)
        if found and not found[2].startswith("."):
            yield int(found[1], 16), found[2], found[3]


def _named(mnemonic: str, operands: str) -> set[int]:
    """Registers that an instruction reads or writes, the pc left out."""
    numbers = [int(number) for number in re.findall(r"\br(\d+)\b", re.sub(r"<.*?>", "", operands))]
    found = UNNAMED.match(mnemonic)
    if found and found[1]:
        numbers.append(SP)
    elif found and found[2]:
        numbers.append(numbers[0] + 1)
    elif found and found[3]:
        numbers = [LR]
    return {*numbers} - {PC}


@pytest.mark.parametrize("fault_tolerance", [True, False])
def test_every_instruction_of_the_vmm(vmm_build: Build, fault_tolerance: bool) -> None:
    name = "test-size" if fault_tolerance else "test-size-plain"
    image = vmm_build(systems.system(name, {}, systems.healthy_vms(), fault_tolerance=fault_tolerance))
    seen = 0
    for word, mnemonic, operands in _instructions(image.elf):
        found = decode(word)
        assert found, f"{word:#010x} {mnemonic} {operands}"
        registers = ({*found.reads} | {*found.writes}) - {PC}
        assert _named(mnemonic, operands) == registers, f"{word:#010x} {mnemonic} {operands}"
        seen += 1
    assert seen > 2000
