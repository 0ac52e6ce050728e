# SPDX-License-Identifier: Apache-2.0
"""What the guests of a VM and of its standby must have in common."""

from collections.abc import Iterator
from itertools import zip_longest

from understudy.config.model import System
from understudy.config.standby import Pair, pairs
from understudy.image.elf import Elf
from understudy.image.segments import GuestImage, Layout, persistent_layout


def check_pairs(system: System, images: dict[str, GuestImage], elfs: dict[str, Elf]) -> Iterator[str]:
    """Yield what keeps a standby from taking over: too little memory, or other persistent memory."""
    for pair in pairs(system):
        yield from _fits(system, pair, images)
        if not pair.regions_all:
            yield from _agrees(system, pair, elfs)


def _fits(system: System, pair: Pair, images: dict[str, GuestImage]) -> Iterator[str]:
    """Each of the two may be started with the guest of the other, after a take-over."""
    primary = system.vm[pair.primary]
    for name in (pair.primary, pair.standby):
        for guest in sorted({system.vm[pair.primary].guest, system.vm[pair.standby].guest}):
            need = images[guest].memory_needed(
                fault_tolerant=True,
                generations=system.generations(primary),
                holds_output=system.holds_output(primary),
                checksum=system.has_checksums(primary),
            )
            if need > system.vm[name].memory:
                yield (
                    f"vm.{name}.memory: guest {guest!r} needs {need} bytes with the policy of {pair.primary!r}, the VM "
                    f"has {system.vm[name].memory}: enlarge it; {pair.primary!r} and {pair.standby!r} may change places"
                )


def _agrees(system: System, pair: Pair, elfs: dict[str, Elf]) -> Iterator[str]:
    names = system.vm[pair.primary].guest, system.vm[pair.standby].guest
    first, second = (_layout(elfs[name], pair.windows) for name in names)
    place = f"vm.{pair.standby}.regions: persistent memory of guests {names[0]!r} and {names[1]!r}"
    if not first and not second:
        yield f"{place}: none in these regions: declare variables with VMI_PERSISTENT (guests/lib/persistent.h)"
    for one, other in zip_longest(first, second):
        if one != other:
            yield f"{place} differs: {names[0]} has {_variable(one)}, {names[1]} has {_variable(other)}"
            return


def _layout(elf: Elf, windows: int) -> Layout:
    return tuple(
        variable
        for segment in sorted(elf.segments, key=lambda s: s.address)
        if windows >> (segment.address >> 20) & 1
        for variable in persistent_layout(elf, segment)
    )


def _variable(variable: tuple[int, int, str] | None) -> str:
    if variable is None:
        return "nothing more"
    address, size, name = variable
    return f"{name!r} of {size} bytes at {address:#010x}"
