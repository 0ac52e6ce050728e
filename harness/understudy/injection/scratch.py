# SPDX-License-Identifier: Apache-2.0
"""Folders in memory for what an engine needs while it runs. Each has in its name whose it is.

A process that was killed leaves its folders behind, and they take memory: who makes one removes those of the dead.
"""

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - files in memory; without it the usual temporary folder


def scratch_folder() -> Path:
    """Make a folder; whoever asks for it removes it."""
    parent = _MEMORY if _MEMORY.is_dir() else Path(tempfile.gettempdir())
    remove_left_over(parent)
    return Path(tempfile.mkdtemp(prefix=f"{_prefix()}{os.getpid()}-", dir=parent))


def remove_left_over(parent: Path) -> None:
    """Remove the folders of processes that are gone; what has another name is not ours."""
    for folder in parent.glob(f"{_prefix()}*-*"):
        pid = folder.name.removeprefix(_prefix()).split("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _prefix() -> str:
    """Containers may share the memory, but not the numbers of processes: these count within a namespace."""
    return f"us-{Path('/proc/self/ns/pid').stat().st_ino}-"
