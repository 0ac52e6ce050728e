# SPDX-License-Identifier: Apache-2.0
"""All experiments as the page's script reads them: columns for the lists, and what is known of those not masked."""

import base64
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from difflib import unified_diff
from typing import Any

from understudy.injection.experiment import Applied, Fault, Outcome, Target
from understudy.injection.report.data import Case, area, shortened
from understudy.injection.report.disassembly import Struck
from understudy.injection.report.flows import ARROW
from understudy.injection.report.outcomes import SEVERITY

DETAILS_LIMIT = 5_000_000
"""Characters that the details may take in the page; beyond, those of the less severe outcomes are left out."""

RECORD = (
    "time_ns",
    "vm",
    "task",
    "kind",
    "fault_class",
    "pc",
    "address",
    "write",
    "action",
    "reason",
    "cost",
    "pages",
    "detail",
)
"""Fields of a record of the fault log, in the order of the page's table."""

_SHOWN, _CONTEXT, _LONG = 12, 2, 160  # lines of a difference, lines around a change, characters of a line
_REASON = 300  # characters of a reason
_WINDOW = 40  # lines that are compared from the first difference on

_COLUMNS: Mapping[str, Callable[[Case], str | int | None]] = {
    "number": lambda case: case.number,
    "outcome": lambda case: case.outcome,
    "stratum": lambda case: case.experiment.stratum,
    "kind": lambda case: case.place.kind,
    "name": lambda case: case.place.name,
    "model": lambda case: case.place.model,
    "bit": lambda case: case.place.bit,
    "vm": lambda case: case.place.vm,
    "task": lambda case: case.place.task,
    "phase": lambda case: case.place.phase,
    "address": lambda case: case.place.address,
    "symbol": lambda case: case.place.symbol,
    "pc": lambda case: case.place.pc,
    "pc_symbol": lambda case: case.place.pc_symbol,
    "step": lambda case: case.place.step,
    "time": lambda case: case.experiment.faults[0].time if case.experiment.faults else None,
    "area": lambda case: area(case.place),
    "path": lambda case: ARROW.join(case.path),
    "actions": lambda case: ARROW.join(case.verdict.actions),
    "action": lambda case: case.verdict.action,
    "level": lambda case: case.verdict.level,
    "hit": lambda case: case.verdict.vm,
    "latency": lambda case: case.verdict.latency,
    "cost": lambda case: case.verdict.cost,
    "lost": lambda case: case.verdict.lost,
    "why": lambda case: shortened(case.verdict.why, _REASON),
}


def columns(cases: Sequence[Case], struck: Mapping[int, Struck]) -> str:
    """Return all experiments, packed: each column is a list; texts are numbers of entries of "texts"."""
    texts: dict[str, int] = {}
    found: dict[str, list[int | None]] = {}
    strings: list[str] = []
    places: Mapping[str, Callable[[Case], str | int | None]] = {
        "image": lambda case: struck[case.number].image,
        "function": lambda case: struck[case.number].function,
        "at": lambda case: struck[case.number].address,
        "start": lambda case: struck[case.number].start,
    }
    for name, of in {**_COLUMNS, **places}.items():
        values = [of(case) for case in cases]
        if any(isinstance(value, str) for value in values):
            strings.append(name)
            found[name] = [texts.setdefault(str(value), len(texts)) for value in values]
        else:
            found[name] = [value if isinstance(value, int) else None for value in values]
    return packed({"texts": list(texts), "strings": strings, "columns": found})


def details(cases: Sequence[Case], golden: Mapping[str, Any], limit: int = DETAILS_LIMIT) -> tuple[str, int]:
    """Return what is known of each experiment that is not masked, packed, and how many had to be left out."""
    outputs = golden.get("outputs", {})
    wanted = [case for case in cases if case.outcome is not Outcome.MASKED]
    wanted.sort(key=lambda case: (-SEVERITY[case.outcome], case.number))
    found = [(str(case.number), _detail(case, outputs)) for case in wanted]
    text = packed(dict(found))
    while len(text) > limit:
        found = found[: int(len(found) * 0.95 * limit / len(text))]
        text = packed(dict(found))
    return text, len(wanted) - len(found)


def packed(value: Any) -> str:
    """Return a value as JSON, compressed, in characters that a page may hold; the same value gives the same text."""
    data = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def _detail(case: Case, outputs: Mapping[str, str]) -> dict[str, Any]:
    history = case.result.history
    found: dict[str, Any] = {
        "faults": [_fault(fault) for fault in case.experiment.faults],
        "applied": [_applied(applied) for applied in history.applied],
        "end": _end(history.end, history.status),
        "executed": history.executed,
        "records": [[_value(name, record.get(name)) for name in RECORD] for record in history.faults],
        "outputs": {vm: _difference(text, outputs.get(vm)) for vm, text in sorted(history.outputs.items())},
        "vms": {
            vm: [f"{key}: {value}" for key, value in sorted(state.items())] for vm, state in sorted(history.vms.items())
        },
        "memory": {
            name: [f"{key}: {value}" for key, value in sorted(pages.items())]
            for name, pages in sorted(history.memory.items())
        },
        "differs": [
            name for name, differs in (("CPU", history.cpu_differs), ("devices", history.devices_differ)) if differs
        ],
    }
    return {key: value for key, value in found.items() if value not in ([], {}, "")}


def _end(end: str, status: int) -> str:
    says = {
        "horizon": "ran to the end",
        "equal": "was again in the state of the golden run",
        "signal": f"the emulator exited with {status - 256}"
        if status >= 256
        else f"the emulator died of signal {status}",
        "stuck": "exception after exception, without an instruction in between",
        "wall": "stopped by the clock on the wall",
    }
    return says.get(end, end)


def _fault(fault: Fault) -> str:
    where = {
        Target.CORE: "CPSR" if fault.address == 16 else f"r{fault.address}",
        Target.STATE: f"field {fault.address >> 32} of the CPU's state, byte {fault.address & 0xFFFFFFFF}",
        Target.CP15: f"CP15 register {fault.address:#x}",
        Target.RAM: f"{fault.size} bytes of RAM at {fault.address:#010x}",
        Target.DEVICE: f"device register {fault.address:#010x}",
    }[fault.target]
    return f"{_change(fault)} {where} at {fault.time / 1e6:,.6f} ms{_lasting(fault)}"


def _change(fault: Fault) -> str:
    mask = (1 << 8 * min(fault.size, 8)) - 1
    parts = []
    if (fault.keep & mask) == 0 and not fault.flip:
        parts.append(f"set to {fault.set & mask:#x}")
    else:
        if (fault.keep & mask) != mask:
            parts.append(f"clear {~fault.keep & mask:#x}")
        if fault.set:
            parts.append(f"set bits {fault.set & mask:#x}")
        if fault.flip:
            parts.append(_flipped(fault.flip & mask))
    if fault.add:
        parts.append(f"add {fault.add}")
    return ", ".join(parts) or "write as it is:"


def _flipped(bits: int) -> str:
    numbers = [str(bit) for bit in range(bits.bit_length()) if bits >> bit & 1]
    return (
        f"flip bit{'s' if len(numbers) > 1 else ''} {', '.join(numbers)} of" if len(numbers) <= 8 else f"flip {bits:#x}"
    )


def _lasting(fault: Fault) -> str:
    if not fault.duration:
        return ""
    again = f", again every {fault.interval / 1000:,g} µs" if fault.interval else ""
    after = ", then put back" if fault.restore else ""
    return f"{again} for {fault.duration / 1e6:,g} ms{after}"


def _applied(applied: Applied) -> list[str]:
    return [
        f"{applied.before:#010x}",
        f"{applied.after:#010x}",
        f"{applied.times:,}",
        f"{applied.pc:#010x}",
        f"{applied.cpsr:#010x}",
    ]


def _value(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    return f"{value:#010x}" if name in {"pc", "address"} and isinstance(value, int) else str(value)


def _difference(text: str, golden: str | None) -> list[str]:
    """Return the first lines that differ: those of the golden run after "-", those of this run after "+"."""
    got = text.splitlines()
    if golden is None:
        return [f"+{line[:_LONG]}" for line in got[:_SHOWN]]
    wanted = golden.splitlines()
    same = next(
        (number for number, (one, other) in enumerate(zip(got, wanted, strict=False)) if one != other),
        min(len(got), len(wanted)),
    )
    first = max(0, same - _CONTEXT)
    last = same + _WINDOW
    changes = list(unified_diff(wanted[first:last], got[first:last], lineterm="", n=_CONTEXT))[3:]  # without its head
    shown = [line[:_LONG] for line in changes[:_SHOWN]]
    return [*shown, "+(nothing more)"] if len(got) <= same else shown
