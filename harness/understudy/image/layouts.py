# SPDX-License-Identifier: Apache-2.0
"""Layouts of C structures and names of enumerations, read from the DWARF of the VMM, so that nobody repeats them."""

from pathlib import Path
from typing import Any

from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

from understudy.errors import ImageError

STRUCTURES = (
    *("vm", "scheduler", "thread", "context", "vfp_context", "vm_state", "vm_saved", "vm_counters", "generations"),
    *("vmi_vcpu", "vmi_fault", "fault_log", "black_box", "vmi_last_words"),
)
ENUMERATIONS = ("vmi_fault_kind", "vmi_fault_class", "vmi_action", "vmi_reason", "vmi_vm_state", "vmi_hang", "vmi_boot")
_POINTER = 4


def read_layouts(path: Path, structures: tuple[str, ...] = STRUCTURES) -> dict[str, Any]:
    """Return `{"structures": {name: {"size", "members"}}, "enumerations": {name: {label: value}}}`.

    A member is `[offset, size, count]` in bytes; `count` is 1 for what is no array. What the program does not
    have is left out.

    Raises:
        ImageError: the file has no debug information.
    """
    found: dict[str, Any] = {"structures": {}, "enumerations": {}}
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        if not elf.has_dwarf_info():
            raise ImageError(f"{path}: no debug information: compile with -g")
        for unit in elf.get_dwarf_info().iter_CUs():
            _scan(unit, structures, found)
            if len(found["structures"]) + len(found["enumerations"]) == len(structures) + len(ENUMERATIONS):
                break
    return found


def _scan(unit: CompileUnit, structures: tuple[str, ...], found: dict[str, Any]) -> None:
    for die in unit.get_top_DIE().iter_children():
        name = _name(die)
        if die.tag == "DW_TAG_structure_type" and name in structures and die.has_children:
            found["structures"].setdefault(name, _structure(die))
        elif die.tag == "DW_TAG_enumeration_type" and name in ENUMERATIONS:
            labels = {_name(child): child.attributes["DW_AT_const_value"].value for child in die.iter_children()}
            found["enumerations"].setdefault(name, labels)


def _structure(die: DIE) -> dict[str, Any]:
    members = {
        _name(child): [child.attributes["DW_AT_data_member_location"].value, *_size(_type(child))]
        for child in die.iter_children()
        if child.tag == "DW_TAG_member" and "DW_AT_name" in child.attributes
    }
    return {"size": die.attributes["DW_AT_byte_size"].value, "members": members}


def _size(die: DIE) -> tuple[int, int]:
    """Return size and count of a type."""
    if die.tag == "DW_TAG_array_type":
        count = 1
        for child in die.iter_children():
            if child.tag == "DW_TAG_subrange_type":
                count *= child.attributes["DW_AT_upper_bound"].value + 1
        return _size(_type(die))[0] * count, count
    if "DW_AT_byte_size" in die.attributes:
        return die.attributes["DW_AT_byte_size"].value, 1
    if die.tag == "DW_TAG_pointer_type":
        return _POINTER, 1
    return _size(_type(die))


def _type(die: DIE) -> DIE:
    return die.get_DIE_from_attribute("DW_AT_type")


def _name(die: DIE) -> str:
    attribute = die.attributes.get("DW_AT_name")
    return attribute.value.decode() if attribute else ""
