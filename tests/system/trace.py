# SPDX-License-Identifier: Apache-2.0
"""Every instruction that the VMM executes, from QEMU's own log, and which source it belongs to.

Unlike a stop of GDB the log does not disturb virtual time, so whole paths can be counted.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from elftools.elf.elffile import ELFFile
from understudy.image import Image
from understudy.image.elf import read_elf
from understudy.latency.trace import log_arguments, logged_addresses, start_log
from understudy.target import Target


class Trace:
    """Log of one machine; `log` is a file that QEMU can write to."""

    def __init__(self, image: Image, log: Path) -> None:
        self._image, self._log = image, log
        self.extra = log_arguments(image, log)

    def run(self, target: Target, ms: float) -> list[int]:
        """Let the machine run for so long, and return the addresses of the instructions that the VMM executed."""
        target.pause()
        start_log(target, "exec", "nochain")
        target.resume()
        target.run_for(ms)
        target.pause()
        target.qmp("human-monitor-command", command_line="log none")
        return logged_addresses(self._log.read_text())

    def entries(self, addresses: list[int]) -> Iterator[list[int]]:
        """Split a trace into the complete paths from an exception to the return to a guest."""
        elf = read_elf(self._image.elf)
        starts = {s.address for s in elf.symbols if s.name.startswith("entry_")}
        ends = returns(self._image.elf)
        path: list[int] | None = None
        for address in addresses:
            if address in starts:
                path = []
            if path is not None:
                path.append(address)
                if address in ends:
                    yield path
                    path = None


def returns(elf: Path) -> set[int]:
    """The addresses of all instructions of the VMM that return to a guest: RFEIA lr, or RFEIA sp."""
    with elf.open("rb") as stream:
        text = ELFFile(stream).get_section_by_name(".text")
        words = memoryview(text.data()).cast("I")
        return {text["sh_addr"] + 4 * n for n, word in enumerate(words) if word in (0xF89E0A00, 0xF89D0A00)}


@cache
def units(elf: Path, build_id: str) -> dict[int, str]:
    """The source file of each instruction of the VMM, by its address."""
    del build_id  # the file of another build has other addresses
    found = {}
    with elf.open("rb") as stream:
        dwarf = ELFFile(stream).get_dwarf_info()
        aranges = dwarf.get_aranges()
        assert aranges
        for entry in aranges.entries:
            name = dwarf.get_CU_at(entry.info_offset).get_top_DIE().attributes["DW_AT_name"].value.decode()
            found.update(dict.fromkeys(range(entry.begin_addr, entry.begin_addr + entry.length, 4), name))
    return found


def folders(image: Image, addresses: list[int]) -> set[str]:
    """The folders of vmm-c/ whose code is among the addresses."""
    by_address = units(image.elf, image.build_id)
    return {Path(by_address[address]).parent.name for address in set(addresses) if address in by_address}
