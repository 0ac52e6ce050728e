# SPDX-License-Identifier: Apache-2.0
"""Who runs at each step of a trace, and what the machine does there.

The trace does not say which VM runs. But the VMM returns to a guest by loading the registers of a thread, and where
they are loaded from says which thread that is.
"""

from functools import cached_property
from typing import Any

import numpy as np
from attrs import define
from numpy.typing import NDArray

from understudy.config.model import WINDOW
from understudy.injection.campaign_model import Phase
from understudy.injection.golden_view import GoldenView, Numbers, Trace
from understudy.injection.symbols import Symbols
from understudy.target.memory import Memory

_KERNEL_WINDOW = 1
_TASK_WINDOW = 3  # that of task 0; in between is the shared one
_MODE, _USER = 0x1F, 0x10
_NOBODY = -1
PHASES = tuple(Phase)

# Source files of the VMM that say what it does. What all paths share, such as lib/, counts to what called it.
_FILES = {
    Phase.SWITCH: ("recovery/switch.c", "plain/switch.c", "core/switch.c", "core/sched.c", "core/ready.c"),
    Phase.CHECKPOINT: ("recovery/checkpoint.c", "recovery/undo.c", "recovery/duplicate.c", "recovery/standby.c"),
    Phase.RECOVERY: (
        *("recovery/rollback.c", "recovery/recovery.c", "recovery/complete.c", "recovery/promotion.c"),
        *("core/action.c", "core/health.c", "core/fault_log.c", "core/fault_refine.c", "core/identity.c"),
        *("core/vmm_fault.c", "core/adopt.c", "core/vm_check.c", "core/vm_check_state.c", "core/black_box.c"),
    ),
}
_SHARED = (
    "lib/",
    "recovery/threads.c",
    "recovery/sums.c",
    "recovery/generations.c",
    "arch/armv7/mmu.c",
    "vfp.S",
    "libgcc",
)
# The fast paths are parts of one file of assembly.
_LABELS = {
    Phase.SWITCH: ("switch_vm", "switched_slow", "call_task_switch", "switch_task", "switch_back", "switch_to_next"),
    Phase.CHECKPOINT: (),
    Phase.RECOVERY: (),
}


@define(slots=False)
class Steps:
    """The steps of a golden run with their meaning. Step numbers are indices into the arrays of the trace."""

    golden: GoldenView
    symbols: Symbols

    @property
    def trace(self) -> Trace:
        """The trace itself."""
        return self.golden.trace

    @cached_property
    def memory(self) -> Memory:
        """The machine's memory at the start of the window."""
        return Memory(self.golden.manifest, self.golden.read_physical)

    @cached_property
    def vms(self) -> list[str]:
        """Names of the VMs; `vm` holds indices into it."""
        return list(self.golden.manifest["vms"])

    @cached_property
    def in_guest(self) -> NDArray[np.bool_]:
        """Whether a guest runs."""
        return np.asarray(self.trace.cpsr & _MODE == _USER)

    @cached_property
    def _threads(self) -> tuple[Numbers, Numbers]:
        """VM and number of its thread at each step; in the VMM those of the guest that ran last."""
        begins = self.in_guest & ~np.concatenate(([False], self.in_guest[:-1]))
        step, of_vm, of_thread = self._register_loads()
        before = np.searchsorted(step, np.flatnonzero(begins))  # 0: no load was seen, as at the start
        vm, thread = self._at_start()
        run = np.concatenate(([0], before))[np.cumsum(begins)]
        return np.concatenate(([vm], of_vm))[run], self._by_window(np.concatenate(([thread], of_thread))[run])

    def _by_window(self, threads: Numbers) -> Numbers:
        """Correct what registers were not loaded for: in the window of the kernel, or of a task, only these execute.

        A call of a task gets to its kernel, and back, without a load. Only code in the shared window may be anybody's.
        """
        window = self.trace.pc // WINDOW
        threads = np.where(self.in_guest & (window == _KERNEL_WINDOW), self.kernel_thread, threads)
        in_task = self.in_guest & (window >= _TASK_WINDOW) & (window < _TASK_WINDOW + self.kernel_thread)
        return np.where(in_task, window - _TASK_WINDOW, threads).astype(np.int64)

    def _at_start(self) -> tuple[int, int]:
        name = self.memory.current_vm()
        if name is None:
            return _NOBODY, _NOBODY
        base = self.memory.vm_address(name)
        thread = self.memory.word(base + self.memory.offset_of("vm", "thread"))
        return self.vms.index(name), (thread - base - self._thread_table) // self._thread_size

    @cached_property
    def _thread_table(self) -> int:
        return self.memory.offset_of("vm", "threads")

    @cached_property
    def _thread_size(self) -> int:
        return self.memory.size_of("thread")

    def _register_loads(self) -> tuple[Numbers, Numbers, Numbers]:
        """Return step, VM and thread of each access of the VMM to registers of threads."""
        base, size = self.memory.address("vms"), self.memory.size_of("vm")
        accesses = self.trace.accesses
        slot = (accesses.address - base) // size
        offset = (accesses.address - base) % size - self._thread_table
        thread = offset // self._thread_size
        count = self._structure_count("vm", "threads", self._thread_size)
        is_frame = offset % self._thread_size >= self.memory.offset_of("thread", "frames")
        loads = ~accesses.write & (slot >= 0) & (offset >= 0) & (thread < count) & is_frame
        loads &= np.isin(slot, list(self._slots))
        numbers = np.array([self._slots.get(int(one), _NOBODY) for one in slot[loads]], dtype=np.int64)
        return accesses.step[loads], numbers, thread[loads]

    def _structure_count(self, structure: str, member: str, size: int) -> int:
        return int(self.memory.manifest["structures"][structure]["members"][member][1]) // size

    @cached_property
    def _slots(self) -> dict[int, int]:
        """Which VM each `struct vm` belongs to: after a take-over not the one of the same number."""
        base, size = self.memory.address("vms"), self.memory.size_of("vm")
        return {(self.memory.vm_address(name) - base) // size: number for number, name in enumerate(self.vms)}

    @property
    def vm(self) -> Numbers:
        """Index of the VM that runs, or in the VMM ran last; -1: none."""
        return self._threads[0]

    @cached_property
    def kernel_thread(self) -> int:
        """Number of the thread of a guest kernel."""
        return self._structure_count("vm", "threads", self._thread_size) - 1

    def vm_name(self, step: int) -> str:
        """Return the VM that runs at a step; "" in the VMM."""
        number = int(self.vm[step])
        return self.vms[number] if self.in_guest[step] and number >= 0 else ""

    def task_name(self, step: int) -> str:
        """Return the task that runs at a step; "" in guest kernels and in the VMM."""
        vm, thread = self.vm_name(step), int(self._threads[1][step])
        if not vm or thread == self.kernel_thread:
            return ""
        tasks = self.tasks(vm)
        return tasks[thread] if 0 <= thread < len(tasks) else ""

    def tasks(self, vm: str) -> list[str]:
        """Return the tasks of a VM's guest, by their numbers."""
        return [str(task["name"]) for task in self._guest(vm)["tasks"]]

    def _guest(self, vm: str) -> dict[str, Any]:
        manifest = self.golden.manifest
        guest: dict[str, Any] = manifest["guests"][manifest["vms"][vm]["guest"]]
        return guest

    def task_mask(self, names: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return at which steps one of these tasks runs, or the VMM that it entered last."""
        vms, threads = self._threads
        found = np.zeros(len(vms), dtype=bool)
        for number, vm in enumerate(self.vms):
            wanted = [index for index, task in enumerate(self.tasks(vm)) if task in names]
            found |= (vms == number) & np.isin(threads, wanted)
        return found

    @cached_property
    def phase(self) -> Numbers:
        """Index into `PHASES` at each step."""
        kernel = self._threads[1] == self.kernel_thread
        found = np.where(kernel, PHASES.index(Phase.KERNEL), PHASES.index(Phase.TASK)).astype(np.int64)
        vmm = np.flatnonzero(~self.in_guest)
        known = {pc: self._phase_of_code(pc) for pc in set(self.trace.pc[vmm].tolist())}
        last, previous = PHASES.index(Phase.VMM), _NOBODY
        for step, pc in zip(vmm.tolist(), self.trace.pc[vmm].tolist(), strict=True):
            if step != previous + 1:  # another entry
                last = PHASES.index(Phase.VMM)
            code = known[pc]
            last = last if code is None else PHASES.index(code)
            found[step], previous = last, step
        return found

    def _phase_of_code(self, pc: int) -> Phase | None:
        """Return what code of the VMM does; None: that depends on what called it."""
        file = self.symbols.file(pc)
        for phase, names in _FILES.items():
            if file.endswith(names):
                return phase
        if any(part in file for part in _SHARED):
            return None
        label = self.symbols.name("", pc).split("+")[0]
        return next((phase for phase, labels in _LABELS.items() if label in labels), Phase.VMM)

    def phase_name(self, step: int) -> str:
        """Return what the machine does at a step."""
        return str(PHASES[int(self.phase[step])])
