# SPDX-License-Identifier: Apache-2.0
"""What a guest sees: its pages, through the tables that translation uses (short descriptors, ARM ARM B3.5)."""

from collections.abc import Callable

import numpy as np

from understudy.config.model import PAGE, WINDOW
from understudy.target.memory import Memory

_FIRST_WINDOW, _WINDOWS = 1, 16  # the window of page 0 and that of the info page are not the guest's own
_VCPU_PAGE = 0x001FF000  # of the VMM, too: what is pending there is not a matter of what the guest did
_ENTRIES = WINDOW // PAGE

Read = Callable[[int, int], bytes]


def frames(memory: Memory, vm: str) -> dict[int, int]:
    """Return the physical address behind each page of a VM, by guest address."""
    base = memory.word(memory.vm_address(vm) + memory.offset_of("vm", "active_pt"))
    found: dict[int, int] = {}
    if not base:
        return found
    first = np.frombuffer(memory.read_physical(base, 4 * _WINDOWS), "<u4")
    for window in range(_FIRST_WINDOW, _WINDOWS):
        if first[window] & 3 == 1:
            second = np.frombuffer(memory.read_physical(int(first[window]) & 0xFFFFFC00, 4 * _ENTRIES), "<u4")
            for page in np.flatnonzero(second & 2):
                found[window * WINDOW + int(page) * PAGE] = int(second[page]) & 0xFFFFF000
    found.pop(_VCPU_PAGE, None)
    return found


def differences(ours: dict[int, int], read: Read, theirs: dict[int, int], read_theirs: Read) -> dict[str, int]:
    """Return how many pages of each window are not the same, by the window's number as text."""
    counts: dict[str, int] = {}
    for page in ours.keys() | theirs.keys():
        same = page in ours and page in theirs and read(ours[page], PAGE) == read_theirs(theirs[page], PAGE)
        if not same:
            window = str(page // WINDOW)
            counts[window] = counts.get(window, 0) + 1
    return dict(sorted(counts.items()))
