# SPDX-License-Identifier: Apache-2.0
"""Reading QEMU's log of instructions."""

from pathlib import Path

import pytest
from understudy.errors import TargetError
from understudy.image import Image, build
from understudy.latency.trace import THUMB, log_arguments, logged_addresses, parse_steps

REWOUND = "cpu_io_recompile: rewound execution of TB to {:08x}\n"


def logged(address: int, first: int = 0, psr: int = 0x60000193) -> str:
    registers = [*range(first, first + 15), address]
    lines = [" ".join(f"R{n:02d}={registers[n]:08x}" for n in range(row, row + 4)) for row in range(0, 16, 4)]
    head = f"Trace 0: 0x7f6d1c000100 [00000110/{address:08x}/00000003/ff000201] name\n"
    return "\n".join([head.rstrip(), *lines, f"PSR={psr:08x} -ZC- A S svc32", ""])


@pytest.fixture
def image(toy: Path) -> Image:
    assert toy.is_dir()
    return build("toy")


def test_steps(image: Image) -> None:
    start = image.manifest["symbols"]["_start"]
    found = parse_steps(image, logged(start) + logged(start + 4, 100, 0x20000193))
    data = image.elf.read_bytes()
    first, second = found
    assert (first.address, second.address) == (start, start + 4)
    assert first.registers == (*range(15), start)
    assert second.registers[:15] == tuple(range(100, 115))
    assert (first.cpsr, second.cpsr) == (0x60000193, 0x20000193)
    assert data.find(first.opcode.to_bytes(4, "little") + second.opcode.to_bytes(4, "little")) > 0


def test_device_access_is_started_twice_and_executed_once(image: Image) -> None:
    start = image.manifest["symbols"]["_start"]
    text = logged(start) + logged(start + 4) + REWOUND.format(start + 4) + logged(start + 4) + logged(start + 8)
    assert [step.address - start for step in parse_steps(image, text)] == [0, 4, 8]
    assert logged_addresses(text) == [start, start + 4, start + 8]


def test_thumb_code(image: Image) -> None:
    start = image.manifest["symbols"]["_start"]
    arm, thumb = parse_steps(image, logged(start) + logged(start, psr=0x193 | THUMB))
    assert thumb.opcode == arm.opcode & 0xFFFF


def test_code_that_is_not_in_the_image(image: Image) -> None:
    with pytest.raises(TargetError, match="0x00001000: an instruction was executed that is not in the image"):
        parse_steps(image, logged(0x1000))


def test_log_that_lacks_registers(image: Image) -> None:
    with pytest.raises(TargetError, match="0 registers instead of 16"):
        parse_steps(image, "Trace 0: 0x1 [0/60000000/0/0] x\nPSR=00000193 ---- A S svc32\n")


def test_filter_is_the_code_of_the_vmm(image: Image) -> None:
    symbols = image.manifest["symbols"]
    first, last = (int(part, 16) for part in log_arguments(image, Path("log"))[-1].split(".."))
    assert (first, last + 1) == (symbols["__text_start"], symbols["__text_end"])
