# SPDX-License-Identifier: Apache-2.0
"""Looking for emulators that were left behind."""

import os
from pathlib import Path


def qemu_children(parent: int | None = None) -> list[int]:
    """Return the process ids of living emulators that `parent` (this process) started."""
    wanted = os.getpid() if parent is None else parent
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # "pid (name) state ppid ...": the name may hold blanks and parentheses.
            before, _, after = (entry / "stat").read_text().rpartition(")")
        except OSError:
            continue
        state, ppid = after.split()[:2]
        if "(qemu-system" in before and state != "Z" and int(ppid) == wanted:
            found.append(int(entry.name))
    return sorted(found)
