# SPDX-License-Identifier: Apache-2.0
"""The memory that a fault may be aimed at, by the names of a campaign file."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from attrs import define, field, frozen

from understudy.config.model import PAGE
from understudy.injection.campaign_model import SEGMENTS, VM_SECTIONS, VMM, VMM_SECTIONS, Where
from understudy.injection.steps import Steps
from understudy.injection.symbols import task_of
from understudy.injection.tables import Tables

_STACKS = ("svc", "abt", "und", "irq")
_KINDS = {"page_tables": "page table", "checkpoint": "checkpoint"}
_ENDS = {"text": "__text_used_end"}  # behind it up to __text_end there is nothing


@frozen
class Area:
    """A piece of memory. With a `vm` and `is_virtual` the base is an address of that guest, else a physical one."""

    section: str
    base: int
    size: int
    vm: str = ""
    task: str = ""
    is_virtual: bool = False

    @property
    def kind(self) -> str:
        """What it is, for `Place.kind`."""
        return _KINDS.get(self.section.removeprefix(f"{VMM}."), "memory")

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.base + self.size


@define
class Map:
    """All areas of a machine."""

    steps: Steps
    tables: Tables = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tables = Tables(self.steps)

    def areas(self, where: Where) -> list[Area]:
        """Return what `where` names.

        Raises:
            ValueError: there is no such symbol; the message proposes one.
        """
        if where.address is not None:
            return [Area("address", where.address, int(where.size or 4))]
        if where.symbol:
            return [self._symbol(text) for text in where.symbol]
        return [area for owner in where.of for area in self._of(owner, where) if area.size]

    def _symbol(self, text: str) -> Area:
        spot = self.steps.symbols.find(text)
        if not spot.vm:
            return Area(self.section_of(spot.address), spot.address, spot.size)
        task = task_of(self.steps.golden.manifest, spot.vm, spot.address)
        section = next((s["section"] for s in self._segments(spot.vm) if s["va"] <= spot.address < s["end"]), "address")
        return Area(section, spot.address, spot.size, spot.vm, task, is_virtual=True)

    def _of(self, owner: str, where: Where) -> Iterator[Area]:
        if owner == VMM:
            for section in where.section or VMM_SECTIONS:
                if section in VMM_SECTIONS:
                    yield from self._vmm(section)
            return
        known = SEGMENTS if where.task else VM_SECTIONS  # tables and checkpoints belong to no task
        for section in where.section or known:
            if section in known:
                yield from self._vm(owner, section, where.task)

    def _vmm(self, section: str) -> Iterator[Area]:
        known = self.steps.golden.manifest["symbols"]
        if section == "stacks":
            for mode in _STACKS:
                base, top = known[f"__stack_{mode}_base"], known[f"__stack_{mode}_top"]
                yield Area(f"{VMM}.stacks", base, top - base)
        elif section == "scheduler":
            yield Area(f"{VMM}.scheduler", known["scheduler"], self.steps.memory.size_of("scheduler"))
        else:
            base, end = known[f"__{section}_start"], known[_ENDS.get(section, f"__{section}_end")]
            yield Area(f"{VMM}.{section}", base, end - base)

    def _vm(self, vm: str, section: str, tasks: tuple[str, ...]) -> Iterator[Area]:
        memory = self.steps.memory
        if section == "page_tables":
            yield from (Area(section, base, size, vm) for base, size in self.tables.ranges(vm))
        elif section == "checkpoint":
            yield from (Area(section, frame, PAGE, vm) for frame in self.tables.checkpoint_frames(vm))
        elif section == "struct":
            yield Area(section, memory.vm_address(vm), memory.size_of("vm"), vm)
        else:
            for segment in self._segments(vm):
                if segment["section"] == section and (not tasks or segment["task"] in tasks):
                    size = segment["end"] - segment["va"]
                    yield Area(section, segment["va"], size, vm, segment["task"], is_virtual=True)

    def _segments(self, vm: str) -> list[dict[str, Any]]:
        manifest = self.steps.golden.manifest
        found = []
        for segment in manifest["guests"][manifest["vms"][vm]["guest"]]["segments"]:
            constant = not segment["writable"]
            # Behind the content of a constant segment its last page holds nothing that is ever used.
            size = segment["file_size"] if constant else segment["mem_size"]
            found.append(
                {
                    "section": _section(segment),
                    "task": task_of(manifest, vm, segment["va"]),
                    "va": segment["va"],
                    "end": segment["va"] + size,
                }
            )
        return found

    def section_of(self, address: int) -> str:
        """Return the section of the VMM that an address lies in."""
        return _section_at(tuple(_vmm_ranges(self.steps.golden.manifest["symbols"])), address)

    def physical(self, area: Area, address: int, step: int) -> int | None:
        """Return where an address of an area is in RAM just before a step; None: nothing is mapped there."""
        if not area.is_virtual:
            return address
        frame = self.tables.frame(area.vm, address // PAGE * PAGE, step)
        return None if frame is None else frame + address % PAGE

    def name(self, area: Area, address: int) -> str:
        """Return the symbol that an address of an area lies in."""
        return self.steps.symbols.name(area.vm if area.is_virtual else "", address)


def _section(segment: dict[str, Any]) -> str:
    if segment["executable"]:
        return "text"
    if not segment["writable"]:
        return "rodata"
    return "stack" if segment["stack"] else "persistent" if segment["persistent"] else "data"


def _vmm_ranges(symbols: dict[str, int]) -> Iterator[tuple[int, int, str]]:
    for section in VMM_SECTIONS:
        if f"__{section}_start" in symbols:
            yield symbols[f"__{section}_start"], symbols[f"__{section}_end"], f"{VMM}.{section}"
    for mode in _STACKS:
        if f"__stack_{mode}_base" in symbols:
            yield symbols[f"__stack_{mode}_base"], symbols[f"__stack_{mode}_top"], f"{VMM}.stacks"


@cache
def _section_at(ranges: tuple[tuple[int, int, str], ...], address: int) -> str:
    return next((name for base, end, name in ranges if base <= address < end), VMM)
