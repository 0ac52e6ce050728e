# SPDX-License-Identifier: Apache-2.0
"""The QEMU plugin that counts instructions: its arguments and its records."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from understudy.config.model import WINDOW
from understudy.errors import TargetError
from understudy.image import Image
from understudy.target.plugin import build_plugin

SOURCE = Path(__file__).with_name("plugin") / "visits.c"
NOWHERE = 0xFFFFFFFF
GUEST_END = 256 * WINDOW  # what is below belongs to guests (class DYNAMIC), what is above to the VMM and devices

_RECORD = Struct("<QQIIII")  # struct record of visits.c


class Kind(IntEnum):
    """`enum kind` of visits.c."""

    ENTER = 0
    LEAVE = 1
    POINT = 2


class Record(NamedTuple):
    """`struct record` of visits.c."""

    executed: int  # instructions executed before it, since reset
    idle_ns: int  # virtual time that the processor slept until then
    kind: int
    address: int
    came_from: int
    reserved: int


def instruction_ns(image: Image) -> int:
    """Return the virtual time of one instruction."""
    return 1 << int(image.manifest["icount_shift"])


def plugin_arguments(
    image: Image,
    output: Path,
    gate: Path,
    *,
    holds: Sequence[int] = (),
    until_ns: int | None = None,
    points: Iterable[int] = (),
) -> tuple[str, ...]:
    """Return the QEMU arguments that count the visits of an image.

    Args:
        image: what runs.
        output: file for the records; see `read_records`.
        gate: of FIFOs, see `understudy.latency.gate`.
        holds: at the first return to a guest after each of these counts of instructions the machine is held.
        until_ns: it is also held at the first return to a guest after this virtual time, or a little later in the
            VMM when that has become idle.
        points: addresses whose passing is recorded.
    """
    given: dict[str, object] = {
        "out": output,
        "gate": gate,
        "vectors": image.manifest["symbols"]["vectors"],
        "guest_end": GUEST_END,
        "instruction_ns": instruction_ns(image),
    }
    if until_ns:
        given["until_ns"] = until_ns
    return plugin_option(given, points, holds)


def plugin_option(given: Mapping[str, object], points: Iterable[int], holds: Iterable[int] = ()) -> tuple[str, ...]:
    """Return the QEMU arguments for the plugin with these settings (plugin/visits.c)."""
    parts = [str(build_plugin([SOURCE])), *(f"{name}={value}" for name, value in given.items())]
    parts += [f"point={address:#x}" for address in points]
    parts += [f"hold={count}" for count in holds]
    return ("-plugin", ",".join(parts))


def read_records(path: Path) -> list[Record]:
    """Return what the plugin wrote: everything up to now while it holds the machine, or when QEMU has ended by itself.

    Raises:
        TargetError: the file is damaged.
    """
    data = path.read_bytes() if path.is_file() else b""
    if len(data) % _RECORD.size:
        raise TargetError(f"{path}: {len(data)} bytes are no records of the plugin: did QEMU end before its time?")
    return list(map(Record._make, _RECORD.iter_unpack(data)))
