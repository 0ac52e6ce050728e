# SPDX-License-Identifier: Apache-2.0
"""docs/faults.md is complete: a row for each class and kind of fault, none for anything else, and tests that exist."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from understudy import paths
from understudy.config.policy import DEFAULT_ACTION, DEFAULT_ON, Action, FaultClass
from understudy.latency.scenarios.paths import PATHS

HEADERS = {
    "vmi_fault_class": "include/vmi.h",
    "vmi_hang": "include/vmi_status.h",
    "vmi_boot": "include/vmi_status.h",
    "vmi_text_damage": "include/vmi_integrity.h",
    "vmi_table_damage": "include/vmi_integrity.h",
    "vmi_object_kind": "include/vmi_integrity.h",
    "vmi_backup_damage": "include/vmi_integrity.h",
    "vmm_fault_kind": "core/vmm_fault.h",
}
KINDS = {  # of a class: the enumeration that says which one it is
    "hang": "vmi_hang",
    "boot": "vmi_boot",
    "text": "vmi_text_damage",
    "table": "vmi_table_damage",
    "object": "vmi_object_kind",
    "backup": "vmi_backup_damage",
    "vmm": "vmm_fault_kind",
}
NO_FAULT = {"none", "started", "ready", "kinds", "count"}  # how far a good boot came; numbers of members
COLUMNS = 7
TESTS = re.compile(r"`((?:system|unit|guest|c)/\w+\.(?:py|c))::(\w+)`")
UNUSED = {"call"}
"""Classes that nothing raises."""


class Row(NamedTuple):
    """One line of the table."""

    fault: str
    kinds: tuple[str, ...]
    action: str
    cost: str
    tests: str


def enumeration(name: str) -> list[str]:
    """Return the members of an enumeration of the VMM: VMI_HANG_LOOP as "loop"."""
    text = (paths.root() / "vmm-c" / HEADERS[name]).read_text(encoding="utf-8")
    body = re.search(rf"enum {name} \{{(.*?)\n\}};", text, re.DOTALL)
    assert body, f"no enum {name} in {HEADERS[name]}"
    labels = re.findall(r"^  ([A-Z0-9_]+)", re.sub(r"/\*.*?\*/", "", body[1], flags=re.DOTALL), re.MULTILINE)
    return [label for full in labels if (label := full.split("_", 2)[2].lower()) not in NO_FAULT]


def rows() -> list[Row]:
    found = []
    for line in (paths.root() / "docs" / "faults.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == COLUMNS and (names := re.findall(r"`(\w+)`", cells[0])):
            several = ":" not in cells[0]
            for fault in names if several else names[:1]:
                found.append(Row(fault, () if several else tuple(names[1:]), cells[3], cells[4], cells[6]))
    return found


def defined(file: str, name: str) -> bool:
    """Tell whether a file under tests/ defines a test."""
    path = paths.root() / "tests" / file
    pattern = rf"^static void {name}\(" if Path(file).suffix == ".c" else rf"^(?:async )?def {name}\("
    return path.is_file() and re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE) is not None


def test_python_knows_the_classes_of_the_vmm() -> None:
    """# D5 A policy can treat all of them but those of the VMM itself and of people."""
    assert [*enumeration("vmi_fault_class")] == [
        *(str(c) for c in FaultClass if c is not FaultClass.OTHER),
        "vmm",
        "request",
        "other",
    ]


@pytest.mark.parametrize("fault", enumeration("vmi_fault_class"))
def test_each_class_and_each_of_its_kinds_has_one_row(fault: str) -> None:
    """# D5 # R31"""
    found = [row for row in rows() if row.fault == fault]
    kinds = [kind for row in found for kind in row.kinds]
    assert sorted(kinds) == sorted(enumeration(KINDS[fault]) if fault in KINDS else [])
    assert found if fault in KINDS else len(found) == 1


def test_no_row_names_anything_else() -> None:
    assert {row.fault for row in rows()} == set(enumeration("vmi_fault_class"))


@pytest.mark.parametrize("row", rows(), ids=lambda row: "-".join([row.fault, *row.kinds]))
def test_what_a_row_names_exists(row: Row) -> None:
    """Tests, and paths that measure the recovery."""
    tests = TESTS.findall(row.tests)
    assert len(tests) == row.tests.count("`") // 2, f"not file::test: {row.tests}"
    assert bool(tests) == (row.fault not in UNUSED)
    missing = [f"{file}::{name}" for file, name in tests if not defined(file, name)]
    assert not missing
    assert set(re.findall(r"`(\w+)`", row.cost)) <= PATHS.keys()


@pytest.mark.parametrize("row", rows(), ids=lambda row: "-".join([row.fault, *row.kinds]))
def test_default_action(row: Row) -> None:
    """# D5 "mildest" is what a task rollback becomes where the kernel is at fault."""
    named = set(re.findall(r"`(\w+)`", row.action)) & set(map(str, Action))
    if named and row.fault in set(map(str, FaultClass)):
        default = DEFAULT_ON.get(FaultClass(row.fault), DEFAULT_ACTION)
        wanted = {default, Action.VM_ROLLBACK} if default is DEFAULT_ACTION else {default}
        assert named <= wanted or row.kinds == ("lost",)


@pytest.mark.parametrize("fault", sorted(UNUSED))
def test_nothing_raises_what_has_no_test(fault: str) -> None:
    """As soon as something does, its row needs a test."""
    name = f"VMI_CLASS_{fault.upper()}"
    sources = [p for p in (paths.root() / "vmm-c").rglob("*.[chS]") if p.name not in {"vmi.h", "fault_report.c"}]
    assert [p.name for p in sources if name in p.read_text(encoding="utf-8")] == []
