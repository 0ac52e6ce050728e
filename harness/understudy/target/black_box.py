# SPDX-License-Identifier: Apache-2.0
"""The VMM's black box: its faults, over a reset of the board. Read from memory, believed by checksum."""

import zlib
from collections.abc import Iterator

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
class LastWords:
    """What the VMM knew when it failed itself. `registers` are those of its SVC mode, by GDB's names."""

    number: int
    sequence: int
    life: int
    registers: dict[str, int]
    dfsr: int
    dfar: int
    ifsr: int
    ifar: int
    stack: list[int]


@frozen
class BlackBox:
    """What is there. `build` and `system` are of the life that wrote the header, None when its checksum is wrong."""

    build: str | None
    system: str | None
    life: int | None
    first: int
    records: list[BoxRecord]
    damaged: int
    words: list[LastWords]

    @property
    def former(self) -> list[BoxRecord]:
        """The records of the lives before this one."""
        return [record for record in self.records if record.fault.sequence < self.first]

    def describe(self) -> str:
        """Return it as text, a line for each record."""
        whose = f"life {self.life} of {self.system}, build {self.build}" if self.build else "header damaged"
        lines = [f"{whose}; {len(self.records)} records, {self.damaged} damaged"]
        return "\n".join([*lines, *map(_line, self.records), *map(_words_line, self.words)])


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
        words=sorted(_words(memory, data, size, at), key=lambda words: words.number),
    )


def _words(memory: Memory, data: bytes, start: int, end: int) -> Iterator[LastWords]:
    for part in _parts(data[start:end], memory.size_of("vmi_last_words")):
        words = memory.structure("vmi_last_words", part)
        if words["number"] and words["check"] == _crc(memory, "vmi_last_words", part):
            registers = {f"r{number}": value for number, value in enumerate(words["r"])}
            registers |= {name: words[name] for name in ("sp", "lr", "pc", "cpsr")}
            kept = ("number", "sequence", "life", "dfsr", "dfar", "ifsr", "ifar", "stack")
            yield LastWords(registers=registers, **{name: words[name] for name in kept})


def _decodes(memory: Memory, part: bytes) -> bool:
    return bool(memory.structure("vmi_fault", part)["vm"] < len(memory.manifest["vms"]))


def _parts(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def _crc(memory: Memory, structure: str, data: bytes) -> int:
    return zlib.crc32(data[: memory.offset_of(structure, "check")])


def _text(data: list[int]) -> str:
    return bytes(data).split(b"\0")[0].decode("ascii", "replace")


def _words_line(words: LastWords) -> str:
    registers = " ".join(f"{name} {value:08x}" for name, value in words.registers.items())
    where = f"VMM fault, record #{words.sequence}, life {words.life}"
    return f"{where}: dfar {words.dfar:08x} ifar {words.ifar:08x} {registers}"


def _line(record: BoxRecord) -> str:
    fault = record.fault
    mark = "" if record.proven and not record.salvaged else ", not proven"
    return (
        f"#{fault.sequence} life {record.life}: {fault.vm}/{fault.task}, {fault.kind}, {fault.fault_class}, "
        f"pc {fault.pc:#010x}, address {fault.address:#010x}: {fault.action}{mark}"
    )
