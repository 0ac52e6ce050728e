# SPDX-License-Identifier: Apache-2.0
"""Every instruction of the VMM that was executed, with the registers, from QEMU's own log.

Unlike a stop of GDB the log does not disturb virtual time: a run with it is the run without it.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from understudy.errors import TargetError, UnderstudyError
from understudy.image import Image
from understudy.image.elf import LoadSegment, read_elf
from understudy.latency.gate import Gate
from understudy.latency.plugin import Kind, plugin_arguments, read_records
from understudy.latency.visits import Visit
from understudy.target import Target

THUMB = 1 << 5  # in the CPSR

_TRACE = re.compile(r"^(?:Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]{8})/|cpu_io_recompile: )", re.MULTILINE)
_STEP = re.compile(r"^(?:(Trace) \d+: |(cpu_io_recompile): |PSR=([0-9a-f]{8}) )", re.MULTILINE)
_REGISTER = re.compile(r"R\d\d=([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class Step:
    """One executed instruction.

    Attributes:
        address: where it is.
        opcode: the ARM word (of Thumb code, see bit `THUMB` of `cpsr`, the first halfword).
        registers: r0 to r15 before it executed, as the current mode sees them; r15 is its own address.
        cpsr: before it executed.
    """

    address: int
    opcode: int
    registers: tuple[int, ...]
    cpsr: int


def steps(image: Image, visit: Visit, *, seconds: float = 120) -> list[Step]:
    """Run an image again as `visits` did without `after`, and return each instruction of one visit.

    Args:
        image: the one that was counted.
        visit: one of its visits that came from a guest instruction.
        seconds: last guard, in real time.

    Raises:
        UnderstudyError: the visit can't be told from the one before, or the run is not the one that was counted.
        TargetError: the machine can't be run.
    """
    if not visit.guest:
        raise UnderstudyError(
            f"visit {visit.start}: no guest instruction was executed before it: trace one that came from a guest"
        )
    with tempfile.TemporaryDirectory(prefix="us-") as name:
        folder = Path(name)
        holds = (visit.start - visit.guest, visit.end)
        log, output, gate = folder / "log", folder / "records", Gate(folder / "gate", len(holds))
        extra = (*plugin_arguments(image, output, gate.path, holds=holds), *log_arguments(image, log))
        with Target(image, extra=extra) as target:
            gate.wait(target, seconds)
            start_log(target, "exec", "cpu", "nochain")
            gate.open()
            gate.wait(target, seconds)
        _check_run(output, visit)
        found = parse_steps(image, log.read_text(encoding="utf-8"))
    return _only(found, visit, image)


def log_arguments(image: Image, log: Path) -> tuple[str, ...]:
    """Return the QEMU arguments that send what is logged of the VMM's instructions to a file."""
    symbols = image.manifest["symbols"]
    return ("-D", str(log), "-dfilter", f"{symbols['__text_start']:#x}..{symbols['__text_end'] - 1:#x}")


def start_log(target: Target, *items: str) -> None:
    """Log each instruction from now on; the machine stands still (`Target.pause`, or at a gate)."""
    for command in ("singlestep on", f"log {','.join(items)}"):
        target.qmp("human-monitor-command", command_line=command)


def logged_addresses(text: str) -> list[int]:
    """Return the addresses of the instructions in a log of `exec`.

    QEMU starts an instruction that accesses a device twice, and says so; it is executed once.
    """
    found: list[int] = []
    for address in _TRACE.findall(text):
        if address:
            found.append(int(address, 16))
        else:
            found.pop()
    return found


def parse_steps(image: Image, text: str) -> list[Step]:
    """Return the instructions in a log of `exec` and `cpu`; see `logged_addresses`."""
    code = [_Code(segment, image.elf) for segment in read_elf(image.elf).segments if segment.executable]
    found: list[Step] = []
    begin = 0
    for match in _STEP.finditer(text):
        if match[1]:
            begin = match.end()
        elif match[2]:
            found.pop()
        else:
            registers = tuple(int(value, 16) for value in _REGISTER.findall(text, begin, match.start()))
            if len(registers) != 16:
                raise TargetError(f"QEMU's log has {len(registers)} registers instead of 16 before {match[0]!r}")
            cpsr = int(match[3], 16)
            found.append(Step(registers[15], _opcode(code, registers[15], cpsr), registers, cpsr))
    return found


class _Code:
    """The content of an executable segment."""

    def __init__(self, segment: LoadSegment, elf: Path) -> None:
        self.start = segment.address
        self.data = elf.read_bytes()[segment.offset : segment.offset + segment.file_size]


def _opcode(code: list[_Code], address: int, cpsr: int) -> int:
    size = 2 if cpsr & THUMB else 4
    for part in code:
        offset = address - part.start
        if 0 <= offset <= len(part.data) - size:
            return int.from_bytes(part.data[offset : offset + size], "little")
    raise TargetError(f"{address:#010x}: an instruction was executed that is not in the image")


def _check_run(output: Path, visit: Visit) -> None:
    """Compare the records up to the end of the visit with it."""
    records = list(read_records(output))
    enters = [record for record in records if record.kind == Kind.ENTER]
    leave = records[-1]
    same = any(r.executed == visit.start and r.came_from == visit.came_from for r in enters[-2:])
    if not same or (leave.executed, leave.address) != (visit.end, visit.went_to):
        raise UnderstudyError(
            f"visit {visit.start}: the run was another one this time: it returned to {leave.address:#010x} after "
            f"{leave.executed} instructions, not to {visit.went_to:#010x} after {visit.end}; was something typed?"
        )


def _only(found: list[Step], visit: Visit, image: Image) -> list[Step]:
    """Check that the log is that of the visit and nothing else."""
    vectors = image.manifest["symbols"]["vectors"]
    starts_in_vector = bool(found) and vectors < found[0].address < vectors + 0x20
    if not starts_in_vector or len(found) != visit.length:
        raise UnderstudyError(
            f"visit {visit.start}: QEMU's log has {len(found)} instructions, the plugin counted {visit.length}"
        )
    return found
