# SPDX-License-Identifier: Apache-2.0
"""When bytes of RAM are used and overwritten, from the accesses and the instructions of a trace."""

from functools import cached_property

import numpy as np
from attrs import define, field

from understudy.config.model import PAGE
from understudy.injection.areas import Map
from understudy.injection.dormancy import fetches
from understudy.injection.golden_view import Numbers
from understudy.injection.register_use import READ, WRITE

_WIDEST = 8


@define(slots=False)
class MemoryUse:
    """The uses of each byte of RAM, in their order."""

    map: Map
    _pages: dict[int, dict[int, tuple[Numbers, Numbers]]] = field(factory=dict)

    @cached_property
    def _all(self) -> tuple[Numbers, Numbers, Numbers]:
        """Byte, step and kind of each use, ordered by byte and step; an instruction reads before it writes."""
        accesses = self.map.steps.trace.accesses
        fetched, steps = fetches(self.map)
        address = np.concatenate((accesses.address, fetched * 4))
        step = np.concatenate((accesses.step, steps))
        size = np.concatenate((accesses.size, np.full(len(fetched), 4, dtype=np.int64)))
        kind = np.concatenate((np.where(accesses.write, WRITE, READ), np.full(len(fetched), READ, dtype=np.int64)))
        chosen = [size > offset for offset in range(_WIDEST)]
        every = np.concatenate([address[one] + offset for offset, one in enumerate(chosen)])
        at = np.concatenate([step[one] for one in chosen])
        what = np.concatenate([kind[one] for one in chosen])
        order = np.lexsort((what, at, every))
        return every[order], at[order], what[order]

    def page(self, frame: int) -> dict[int, tuple[Numbers, Numbers]]:
        """Return step and kind of the uses of each byte of a page that is used, by its address."""
        if frame not in self._pages:
            every, step, kind = self._all
            low, high = np.searchsorted(every, [frame, frame + PAGE])
            found, starts = np.unique(every[low:high], return_index=True)
            parts = zip(np.split(step[low:high], starts[1:]), np.split(kind[low:high], starts[1:]), strict=True)
            self._pages[frame] = dict(zip(map(int, found), parts, strict=False))
        return self._pages[frame]

    def next_use(self, address: int, step: int) -> tuple[int, int]:
        """Return number and kind of the first use of a byte at or after a step; kind 0: there is none."""
        uses = self.page(address // PAGE * PAGE).get(address)
        if uses is None:
            return 0, 0
        index = int(np.searchsorted(uses[0], step))
        return index, int(uses[1][index]) if index < len(uses[0]) else 0
