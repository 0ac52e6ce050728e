# SPDX-License-Identifier: Apache-2.0
"""Looking into the machine's memory by name: symbols, C structures, and guest addresses through the page tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field

from understudy import paths
from understudy.config.model import PAGE, WINDOW
from understudy.errors import TargetError
from understudy.image.elf import Elf, Symbol, read_elf

_TABLE_MASK = 0xFFFFFC00
_FRAME_MASK = 0xFFFFF000


@define
class Memory:
    """Read-only view; `read_physical` is how bytes are fetched."""

    manifest: dict[str, Any]
    read_physical: Callable[[int, int], bytes]
    _elfs: dict[str, Elf] = field(factory=dict)

    def address(self, name: str) -> int:
        """Return the address of a global symbol of the VMM.

        Raises:
            TargetError: there is none of that name.
        """
        try:
            return int(self.manifest["symbols"][name])
        except KeyError:
            raise TargetError(f"the VMM has no symbol {name!r}") from None

    def word(self, address: int) -> int:
        """Return the 32-bit word at a physical address."""
        return int.from_bytes(self.read_physical(address, 4), "little")

    def variable(self, name: str) -> int:
        """Return the value of a 32-bit variable of the VMM."""
        return self.word(self.address(name))

    def structure(self, name: str, data: bytes) -> dict[str, Any]:
        """Decode the integer members of a C structure of the VMM; arrays become lists, structures inside bytes."""
        return {
            member: _integers(data[offset : offset + size], count)
            for member, (offset, size, count) in self._layout(name)["members"].items()
        }

    def size_of(self, structure: str) -> int:
        """Return the size of a C structure of the VMM."""
        return int(self._layout(structure)["size"])

    def offset_of(self, structure: str, member: str) -> int:
        """Return the offset of a member."""
        return int(self._layout(structure)["members"][member][0])

    def vm_index(self, vm: str) -> int:
        """Return the number of a VM.

        Raises:
            TargetError: there is none of that name.
        """
        try:
            return int(self.manifest["vms"][vm]["index"])
        except KeyError:
            raise TargetError(f"no VM {vm!r}; known: {', '.join(self.manifest['vms'])}") from None

    def vm_address(self, vm: str) -> int:
        """Return the address of the VMM's `struct vm` of a VM; after a take-over that of its stand-in."""
        index = self.vm_index(vm)
        numbered = self.address("scheduler") + self.offset_of("scheduler", "vms")
        # Zero until the VMM has started.
        return self.word(numbered + 4 * index) or self.address("vms") + index * self.size_of("vm")

    def vm(self, vm: str) -> dict[str, Any]:
        """Return the members of the VMM's `struct vm` of a VM."""
        return self.structure("vm", self.read_physical(self.vm_address(vm), self.size_of("vm")))

    def current_vm(self) -> str | None:
        """Return the name of the VM that runs; None before the first."""
        pointer = self.variable("scheduler")  # its first member
        if not pointer:
            return None
        index = self.read_physical(pointer + self.offset_of("vm", "index"), 1)[0]
        return str(list(self.manifest["vms"])[index])

    def translate(self, vm: str, address: int) -> int:
        """Return the physical address behind a guest address, by the tables that translation uses now (R17).

        Raises:
            TargetError: nothing is mapped there.
        """
        base = self.word(self.vm_address(vm) + self.offset_of("vm", "active_pt"))
        first = self.word(base + address // WINDOW * 4) if base else 0
        second = self.word((first & _TABLE_MASK) + address % WINDOW // PAGE * 4) if first & 3 == 1 else 0
        if not second & 2:
            raise TargetError(f"{vm}: nothing is mapped at {address:#010x}")
        return (second & _FRAME_MASK) + address % PAGE

    def read(self, vm: str, address: int, size: int) -> bytes:
        """Return memory of a VM at a guest address, whoever runs."""
        data = b""
        while len(data) < size:
            at = address + len(data)
            part = min(size - len(data), PAGE - at % PAGE)
            data += self.read_physical(self.translate(vm, at), part)
        return data

    def elf(self, guest: str) -> Elf:
        """Return the ELF file of a guest."""
        if guest not in self._elfs:
            self._elfs[guest] = read_elf(paths.root() / Path(self.manifest["guests"][guest]["elf"]))
        return self._elfs[guest]

    def task(self, vm: str, name: str) -> dict[str, Any]:
        """Return the manifest's entry of a task.

        Raises:
            TargetError: the VM's guest has no such task.
        """
        self.vm_index(vm)
        tasks: list[dict[str, Any]] = self.manifest["guests"][self.manifest["vms"][vm]["guest"]]["tasks"]
        for task in tasks:
            if task["name"] == name:
                return task
        raise TargetError(f"{vm}: no task {name!r}; known: {', '.join(task['name'] for task in tasks)}")

    def symbol(self, vm: str, name: str, task: str | None = None) -> Symbol:
        """Return a symbol of a VM's guest; of one of its tasks when `task` is given (tasks have their own names).

        Raises:
            TargetError: there is none.
        """
        self.vm_index(vm)
        low, high = 0, 1 << 32
        if task is not None:
            low = int(self.task(vm, task)["base"])
            high = low + WINDOW
        found = self.elf(self.manifest["vms"][vm]["guest"]).find(name, low, high)
        if found is None:
            raise TargetError(f"{vm}{'/' + task if task else ''}: no symbol {name!r}")
        return found

    def _layout(self, structure: str) -> dict[str, Any]:
        try:
            layout: dict[str, Any] = self.manifest["structures"][structure]
        except KeyError:
            raise TargetError(f"the manifest has no layout of struct {structure}") from None
        return layout


def _integers(data: bytes, count: int) -> Any:
    size = len(data) // count
    if size > 8:
        return data
    values = [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]
    return values[0] if count == 1 else values
