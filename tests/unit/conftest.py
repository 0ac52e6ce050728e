# SPDX-License-Identifier: Apache-2.0
"""A checkout in miniature: the real headers and board, a toy VMM and toy guests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from understudy import paths

TOY = Path(__file__).parent / "toy"
REAL = Path(__file__).resolve().parents[2]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a checkout with the system "toy" the current one."""
    for source, target in (
        (TOY / "core", "vmm-c/core"),
        (TOY / "arch", "vmm-c/arch/armv7"),
        (REAL / "vmm-c/include", "vmm-c/include"),
        (REAL / "qemu-configs/boards", "qemu-configs/boards"),
        (TOY / "vm0", "guests/vm0"),
        (TOY / "rtos", "guests/rtos"),
        (TOY / "lib", "guests/lib"),
        (TOY / "apps", "guests/apps"),
    ):
        shutil.copytree(source, tmp_path / target)
    for header in ("config.h", "vmm_fault.h"):
        shutil.copy(REAL / "vmm-c/core" / header, tmp_path / "vmm-c/core")
    shutil.copy(REAL / "guests/rtos/task_table.h", tmp_path / "guests/rtos")
    (tmp_path / "qemu-configs/systems").mkdir()
    shutil.copy(TOY / "toy.toml", tmp_path / "qemu-configs/systems")
    monkeypatch.setenv("UNDERSTUDY_ROOT", str(tmp_path))
    paths.root.cache_clear()
    yield tmp_path
    paths.root.cache_clear()
