# SPDX-License-Identifier: Apache-2.0
"""Compares a VM on the machine with its model, word by word: present state, and both kinds of checkpoints."""

from collections.abc import Iterator
from typing import Any

from understudy.target.faults import decode

from .. import machine
from ..tables import check_frames, pages
from .bench import TASKS, Bench
from .memory import Page
from .turns import Turns
from .vm import KERNEL, TIMER, Thread, Vm

KERNEL_THREAD = 13
FLAGS = 0x080F0000  # CPSR: Q and GE
LANES = 16


def differences(bench: Bench, vm: Vm) -> list[str]:
    """All that differs, for people; nothing if the machine does what the documents say."""
    return [f"{vm.layout.name}: {text}" for text in _Comparison(bench, vm).all()]


class _Comparison:
    def __init__(self, bench: Bench, vm: Vm) -> None:
        self.bench = bench
        self.target = bench.target
        self.memory = bench.target.memory
        self.model = vm
        self.name = vm.layout.name
        self.real = self.memory.vm(self.name)
        self.at = vm.program.addresses()

    def all(self) -> Iterator[str]:
        yield from self._never_rolled_back()
        yield from self._devices()
        yield from self._pages()
        for task in self.model.layout.tasks:
            yield from self._task(task)
        yield from self._kernel()
        check_frames(self.target, self.name)

    # Memory

    def _pages(self) -> Iterator[str]:
        seen = []
        saved = self.model.saved
        assert saved is not None
        for page in pages(self.target, self.name):
            seen.append(page.va)
            if page.va not in self.model.pages:
                continue
            yield from self._page("memory", self.model.pages[page.va], page.va, page.active)
            yield from self._page("memory of the VM's checkpoint", saved.pages[page.va], page.va, page.backup)
            if page.task_backup is not None:
                task = self.model.layout.owner(page.va)
                assert task is not None
                own = self.model.saved_task[task].pages[page.va]
                yield from self._page(f"memory of {TASKS[task]}'s checkpoint", own, page.va, page.task_backup)
        if seen != sorted(self.model.pages):
            yield f"writable pages {[hex(va) for va in seen]}"

    def _page(self, what: str, page: Page, va: int, frame: int) -> Iterator[str]:
        real = self.bench.ram.read(frame, len(page.data))
        at = page.differs(real)
        if at is not None:
            word = int.from_bytes(real[at : at + 4], "little")
            yield f"{what}: {va + at:#010x} is {word:#x}, should be {page.word(at):#x}"

    # Registers

    def _task(self, task: int) -> Iterator[str]:
        model, name = self.model, TASKS[task]
        saved = model.saved
        assert saved is not None
        real = machine.thread(self.target, self.name, task)
        if task in model.tasks.priority:
            yield from self._registers(name, task, model.threads[task], real["frame"], real["vfp_active"])
            own = model.saved_task[task].thread
            yield from self._registers(f"{name}'s checkpoint", task, own, real["task_saved"], real["vfp_task_saved"])
        if task in saved.tasks.priority:
            image = real["vm_saved"] or real["task_saved"]
            what = f"{name} in the VM's checkpoint"
            yield from self._registers(what, task, saved.threads[task], image, real["vfp_vm_saved"])

    def _kernel(self) -> Iterator[str]:
        saved = self.model.saved
        assert saved is not None
        real = machine.thread(self.target, self.name, KERNEL_THREAD)
        if self.model.running == KERNEL:
            yield from self._registers("kernel", KERNEL, self.model.threads[KERNEL], real["frame"], None)
        if saved.running == KERNEL:
            image = real["vm_saved"] or real["task_saved"]
            yield from self._registers("kernel in the VM's checkpoint", KERNEL, saved.threads[KERNEL], image, None)

    def _registers(self, who: str, task: int, model: Thread, image: int, vfp: int | None) -> Iterator[str]:
        size = self.memory.size_of("context")
        real = self.memory.structure(
            "context", self.bench.ram.read(image - self.memory.offset_of("context", "pc"), size)
        )
        for name, wanted in self._wanted(task, model).items():
            number = int(name[1:]) if name[0] == "r" and name[1:].isdigit() else None
            found = real["r"][number] if number is not None else real[name]
            if name == "cpsr":
                found &= FLAGS
            if wanted is not None and found != wanted:
                yield f"{who}: {name} is {found:#x}, should be {wanted:#x} ({model.where or '?'})"
        if vfp is not None:
            yield from self._vfp(who, task, model, vfp)

    def _wanted(self, task: int, model: Thread) -> dict[str, int | None]:
        side = "kernel" if task == KERNEL else TASKS[task]
        wanted: dict[str, int | None] = {f"r{4 + n}": value for n, value in enumerate(model.data[:7])}
        wanted |= {"r13": model.sp, "r14": model.data[7], "pc": self._pc(side, model)}
        if model.where in ("reset", "entry"):
            wanted["r0"] = 0x01000000 if model.where == "reset" else self.at[model.script]
            return wanted
        wanted |= {f"r{n}": value for n, value in enumerate(model.results)}
        assert model.script is not None
        wanted |= {"r11": self.at[model.script] + 24 * model.index, "cpsr": model.flags}
        if task != KERNEL:
            wanted["tpidrurw"] = model.thread_id
        return wanted

    def _pc(self, side: str, model: Thread) -> int:
        if model.where == "reset":
            return 0x00100000
        if model.where == "entry":
            return self.model.layout.entries[TASKS.index(side)]
        return self.bench.symbol(side, model.where)

    def _vfp(self, who: str, task: int, model: Thread, image: int) -> Iterator[str]:
        size = self.memory.size_of("vfp_context")
        base = self.memory.vm_address(self.name) + self.memory.offset_of("vm", "vfp")
        real = self.memory.structure("vfp_context", self.bench.ram.read(base + (task * 3 + image) * size, size))
        lanes = [0] * LANES if model.vfp is None else [(model.vfp + n) & 0xFFFFFFFF for n in range(LANES)]
        if real["d"] != [lane << 32 | lane for lane in lanes for _ in (0, 1)]:
            yield f"{who}: VFP registers {real['d'][0]:#x}..., should be {model.vfp or 0:#x}..."
        if real["fpscr"] != model.fpscr:
            yield f"{who}: FPSCR is {real['fpscr']:#x}, should be {model.fpscr:#x}"

    # Virtual devices

    def _devices(self) -> Iterator[str]:
        model, saved = self.model, self.model.saved
        assert saved is not None
        size = self.memory.size_of("vmi_vcpu")
        vcpu = self.memory.structure("vmi_vcpu", self.bench.ram.read(self.real["vcpu"], size))
        if model.period:  # periods go on while the harness looks, also those of a VM that is paused
            vcpu["irq_pending"] &= ~TIMER | model.vcpu["irq_pending"]
            vcpu["ticks"] = min(vcpu["ticks"], model.vcpu["ticks"])
        yield from self._same("vCPU page", vcpu, model.vcpu)
        device = machine.structure(self.target, "vm_saved", self.real["saved"])
        kept = self.memory.structure("vmi_vcpu", device["vcpu"])
        yield from self._same("vCPU page of the checkpoint", kept, saved.vcpu)
        yield from self._turns("ready table of the checkpoint", device["tasks"], saved.tasks)
        yield from self._turns("ready table", self.real["tasks"], model.tasks, held=not model.period)
        state = self.memory.structure("vm_state", self.real["state"])
        pairs = {
            "who runs": (self._thread(self.real["thread"]), model.running),
            "the owner": (self._thread(self.real["owner"]), KERNEL if model.owner is None else model.owner),
            "waiting": (state["waiting"], int(model.waiting)),
            "period of the timer": (state["timer_period"], model.period),
        }
        for what, (real, wanted) in pairs.items():
            if real != wanted:
                yield f"{what}: {real}, should be {wanted}"

    def _thread(self, pointer: int) -> int:
        number = machine.thread_number(self.memory, self.name, pointer)
        return KERNEL if number == KERNEL_THREAD else number

    @staticmethod
    def _same(what: str, real: dict[str, Any], wanted: dict[str, int]) -> Iterator[str]:
        for name, value in wanted.items():
            if real[name] != value:
                yield f"{what}: {name} is {real[name]:#x}, should be {value:#x}"

    def _turns(self, what: str, data: bytes, model: Turns, *, held: bool = True) -> Iterator[str]:
        words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
        ready, last, exists = words[0], words[3], words[40]
        priority = data[16 + 128 : 16 + 128 + 16]
        wanted = {
            "ready": (ready, sum(1 << m for m in model.ready)),
            "turns": (last if held else 0, sum(1 << m for m in model.holder.values()) if held else 0),
            "existing": (exists, sum(1 << m for m in model.priority)),
            **{f"priority of {m}": (priority[m], p) for m, p in model.priority.items()},
        }
        for name, (real, value) in wanted.items():
            if real != value:
                yield f"{what}: {name} {real:#x}, should be {value:#x}"

    # What is never rolled back

    def _never_rolled_back(self) -> Iterator[str]:
        model = self.model
        if self.real["recoveries"] != model.recoveries:
            yield f"{self.real['recoveries']} recoveries, should be {model.recoveries}"
        found = [(fault.task, fault.action, fault.reason) for fault in self._faults()]
        wanted = [("kernel" if task == KERNEL else TASKS[task], action, reason) for task, action, reason in model.log]
        if found != wanted:
            yield f"fault log {found}, should be {wanted}"
        output = self._output()
        if output != model.output:
            yield f"output {output!r}, should be {model.output!r}"
        taken = self.memory.word(self.memory.address("console_input_positions") + 4 * model.layout.index)
        start = self.memory.word(machine.input_member(self.target, self.name, "start"))
        if taken - start != model.taken:
            yield f"{taken - start} bytes of input taken, should be {model.taken}"

    def _faults(self) -> list[Any]:
        base = self.memory.address("fault_log")
        log = self.memory.structure("fault_log", self.bench.ram.read(base, self.memory.size_of("fault_log")))
        size, capacity = self.memory.size_of("vmi_fault"), log["capacity"]
        found = []
        for sequence in range(self.bench.faults_before, log["next_sequence"]):
            at = (sequence - 1) % capacity * size
            fault = decode(self.memory, log["records"][at : at + size])
            if fault.vm == self.name:
                found.append(fault)
        return found

    def _output(self) -> bytes:
        start, written = (
            self.memory.word(machine.output_member(self.target, self.name, member)) for member in ("start", "written")
        )
        ring = self.bench.ram.read(machine.output_member(self.target, self.name, "text"), 4096)
        return bytes(ring[n % 4096] for n in range(start, written))
