# SPDX-License-Identifier: Apache-2.0
"""The VMM's black box: its faults, over a reset of the board. Read from memory, believed by checksum."""

import zlib

from attrs import frozen

from understudy.target.faults import Fault, decode
from understudy.target.memory import Memory

_MAGIC = 0x58424255


@frozen
class BoxRecord:
    """A record of the fault log; `proven` is false for one that has no right checksum (yet, or any more)."""

    life: int
    proven: bool
    salvaged: bool
    fault: Fault


@frozen
class BlackBox:
    """What is there. `build` and `system` are of the life that wrote the header, None when its checksum is wrong."""

    build: str | None
    system: str | None
    life: int | None
    first: int
    records: list[BoxRecord]
    damaged: int

    @property
    def former(self) -> list[BoxRecord]:
        """The records of the lives before this one."""
        return [record for record in self.records if record.fault.sequence < self.first]

    def describe(self) -> str:
        """Return it as text, a line for each record."""
        whose = f"life {self.life} of {self.system}, build {self.build}" if self.build else "header damaged"
        lines = [f"{whose}; {len(self.records)} records, {self.damaged} damaged"]
        return "\n".join([*lines, *map(_line, self.records)])


def read_black_box(memory: Memory) -> BlackBox:
    """Read the black box of a machine, running or not."""
    base, end = memory.address("__black_box_start"), memory.address("__black_box_end")
    data = memory.read_physical(base, end - base)
    return decode_black_box(memory, data)


def decode_black_box(memory: Memory, data: bytes) -> BlackBox:
    """Decode the bytes of the black box, as saved from memory."""
    size = memory.size_of("black_box")
    header = memory.structure("black_box", data[:size])
    good = header["magic"] == _MAGIC and header["check"] == _crc(memory, "black_box", data[:size])
    at = memory.address("fault_log") - memory.address("__black_box_start")
    log = memory.structure("fault_log", data[at : at + memory.size_of("fault_log")])
    newest = log["next_sequence"] - 1 if good else None
    records, damaged = [], 0
    for slot, part in enumerate(_parts(log["records"], memory.size_of("vmi_fault"))):
        record = memory.structure("vmi_fault", part)
        if not record["sequence"]:
            continue
        proven = record["check"] == _crc(memory, "vmi_fault", part)
        in_place = (record["sequence"] - 1) % (len(log["records"]) // len(part)) == slot
        fresh = newest is not None and header["first"] <= record["sequence"] <= newest
        if in_place and (proven or (fresh and _decodes(memory, part))):
            life = record["life"] if proven else header["life"]
            records.append(BoxRecord(life, proven, proven and bool(record["salvaged"]), decode(memory, part)))
        else:
            damaged += 1
    return BlackBox(
        build=_text(header["build"]) if good else None,
        system=_text(header["system"]) if good else None,
        life=header["life"] if good else None,
        first=header["first"] if good else 1,
        records=sorted(records, key=lambda record: record.fault.sequence),
        damaged=damaged,
    )


def _decodes(memory: Memory, part: bytes) -> bool:
    return bool(memory.structure("vmi_fault", part)["vm"] < len(memory.manifest["vms"]))


def _parts(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def _crc(memory: Memory, structure: str, data: bytes) -> int:
    return zlib.crc32(data[: memory.offset_of(structure, "check")])


def _text(data: list[int]) -> str:
    return bytes(data).split(b"\0")[0].decode("ascii", "replace")


def _line(record: BoxRecord) -> str:
    fault = record.fault
    mark = "" if record.proven and not record.salvaged else ", not proven"
    return (
        f"#{fault.sequence} life {record.life}: {fault.vm}/{fault.task}, {fault.kind}, {fault.fault_class}, "
        f"pc {fault.pc:#010x}, address {fault.address:#010x}: {fault.action}{mark}"
    )
