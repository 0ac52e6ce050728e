# SPDX-License-Identifier: Apache-2.0
"""From what the injector reports to the history of an experiment, in words and counts instead of bytes."""

from typing import Any

from understudy.errors import TargetError
from understudy.injection import guest_view
from understudy.injection.experiment import History
from understudy.injection.golden import GoldenFacts, uart_names, vm_facts
from understudy.injection.protocol import End, Report
from understudy.injection.states import EndOfExperiment, GoldenStates
from understudy.target.faults import read_faults
from understudy.target.memory import Memory

_RECORD = ("vm", "task", "kind", "fault_class", "pc", "address", "write", "action", "reason", "pages", "detail")
VMM = "vmm"
STORED = "stored"
"""Pages of a VM's partition that differ, whether the guest sees them or they are tables and checkpoints."""


class Observer:
    """Makes histories. It keeps what it has found out about the golden run."""

    def __init__(self, manifest: dict[str, Any], states: GoldenStates, facts: GoldenFacts) -> None:
        self._manifest = manifest
        self._states = states
        self._facts = facts
        golden = Memory(manifest, states.read_end)
        self._frames = {name: guest_view.frames(golden, name) for name in manifest["vms"]}

    def history(self, report: Report, *, skip: int = 0) -> History:
        """Return the history that a report tells; the first `skip` faults belong to the golden run."""
        known: dict[str, Any] = {
            "end": report.end.name.lower(),
            "status": report.status,
            "executed": report.executed,
            "applied": report.applied[skip:],
            "outputs": self._outputs(report),
            "cpu_differs": report.cpu_differs,
            "devices_differ": report.devices_differ,
        }
        if report.end in (End.HORIZON, End.STOPPED) and report.pages_differ:
            end = EndOfExperiment(self._states, report.sync, report.pages)
            memory = Memory(self._manifest, end.read)
            known["faults"] = self._records(memory)
        if report.end is End.HORIZON and report.pages_differ:
            known["vms"] = self._vms(memory)
            known["memory"] = self._memory(memory, end)
        return History(**known)

    def _outputs(self, report: Report) -> dict[str, str]:
        found = {}
        for number, name in uart_names(self._manifest).items():
            text = report.outputs[number].decode(errors="backslashreplace").replace("\r\n", "\n")
            golden = self._facts.outputs[name]
            if report.end is not End.HORIZON:
                golden = golden[: len(text)]
            if text != golden:
                found[name] = text
        return found

    def _records(self, memory: Memory) -> tuple[dict[str, Any], ...]:
        """Records of the fault log that the golden run does not have. Damage may have made any nonsense of it."""
        try:
            faults = read_faults(memory)
        except (IndexError, ValueError, KeyError, TargetError):
            return ({"kind": "unreadable"},)
        return tuple(
            {
                **{name: getattr(fault, name) for name in _RECORD},
                "time_ns": fault.time * self._facts.timer_tick_ns + self._facts.timer_offset_ns,
                "cost": fault.cost * self._facts.timer_tick_ns // self._facts.instruction_ns,
            }
            for fault in faults
            if fault.sequence > self._facts.faults
        )

    def _vms(self, memory: Memory) -> dict[str, dict[str, Any]]:
        now = {name: self._vm(memory, name) for name in self._manifest["vms"]}
        return {name: facts for name, facts in now.items() if facts != self._facts.vms[name]}

    def _vm(self, memory: Memory, name: str) -> dict[str, Any]:
        """State and counters of a VM; where damage leads out of the RAM to, they are those of the golden run."""
        try:
            return vm_facts(memory, name)
        except TargetError as error:
            return {**self._facts.vms[name], "unreadable": str(error)}

    def _memory(self, memory: Memory, end: EndOfExperiment) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        rest = dict(end.pages)
        for name, vm in self._manifest["vms"].items():
            base, size = vm["memory"]["base"], vm["memory"]["size"]
            inside = [page for page in rest if base <= page < base + size]
            for page in inside:
                del rest[page]
            if inside:
                found[name] = {STORED: len(inside), **self._guest(memory, end, name)}
        if rest:
            found[VMM] = {"pages": len(rest)}
        return found

    def _guest(self, memory: Memory, end: EndOfExperiment, vm: str) -> dict[str, int]:
        try:
            ours = guest_view.frames(memory, vm)
            return guest_view.differences(ours, end.read, self._frames[vm], self._states.read_end)
        except TargetError:  # a damaged table leads out of the RAM
            return {"tables": 1}
