# SPDX-License-Identifier: Apache-2.0
"""A small machine with a made-up golden run, for tests of planning without QEMU.

Two VMs with the names of the demonstration, so that campaign files can be checked against its system. Virtual pages of
guests: text of the kernel and of each task, and a page of data of each task, which has two frames.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from understudy.image.elf import Elf, Symbol
from understudy.injection.campaign_file import Campaign, parse_campaign
from understudy.injection.golden_view import Accesses, Trace
from understudy.injection.symbols import Symbols

RAM, PAGE = 0x6000_0000, 0x1000
VMM_TEXT, VMS, SCHEDULER = RAM, RAM + 0x2_0000, RAM + 0x3_0000
VM_SIZE, THREADS, THREAD, FRAMES, COUNT = 0x1000, 0x200, 0x40, 0x10, 14
PARTITION = RAM + 0x10_0000
PARTITION_SIZE = 0x10_0000
KERNEL, TASK, DATA = 0x10_0000, 0x30_0000, 0x30_1000
USR, IRQ, SVC, ABT = 0x10, 0x12, 0x13, 0x17
NOP = 0xE320_F000
NAMES = ("guest1", "guest2")
TASKS = {"guest1": ("producer", "consumer"), "guest2": ("control", "supervisor")}
START, STEP = 200_000_000, 32
_ACTIVE, _BACKUP, _TASK_BACKUP, _PAGES, _THREAD_NOW = 0x10, 0x14, 0x18, 0x50, 0xA0


def _members(**offsets: tuple[int, int]) -> dict[str, list[int]]:
    return {name: [offset, size, 1] for name, (offset, size) in offsets.items()}


def manifest() -> dict[str, Any]:
    def segment(va: int, *, executable: bool, writable: bool) -> dict[str, Any]:
        flags = {"executable": executable, "writable": writable, "stack": False, "persistent": 0}
        return {"va": va, "mem_size": PAGE, "file_size": 64, **flags}

    def guest(vm: str) -> dict[str, Any]:
        tasks = [{"name": name, "base": TASK + n * 0x10_0000} for n, name in enumerate(TASKS[vm])]
        segments = [segment(KERNEL, executable=True, writable=False)]
        for task in tasks:
            segments.append(segment(task["base"], executable=True, writable=False))
            segments.append(segment(task["base"] + PAGE, executable=False, writable=True))
        return {"elf": "none", "tasks": tasks, "segments": segments}

    sections = {"text": 0, "rodata": 1, "data": 2, "bss": 3, "preserved": 4, "page_tables": 8, "data_copy": 9}
    symbols = {"vms": VMS, "scheduler": SCHEDULER, "vectors": RAM, "__text_used_end": RAM + 0x800}
    for name, page in {**sections, "guest_images": 10, "black_box": 11}.items():
        symbols |= {f"__{name}_start": RAM + page * PAGE, f"__{name}_end": RAM + (page + 1) * PAGE}
    for number, mode in enumerate(("svc", "abt", "und", "irq")):
        symbols |= {
            f"__stack_{mode}_base": RAM + 0x5000 + number * 256,
            f"__stack_{mode}_top": RAM + 0x5100 + number * 256,
        }
    vm = _members(thread=(_THREAD_NOW, 4), active_pt=(_ACTIVE, 4), backup_pt=(_BACKUP, 4), index=(0xB0, 1))
    vm |= _members(task_backup_pt=(_TASK_BACKUP, 52), pages=(_PAGES, 68), threads=(THREADS, THREAD * COUNT))
    return {
        "board": {"name": "vexpress-a9"},
        "tick_us": 1000,
        "ram": {"base": RAM, "size": 0x800_0000},
        "elf": "none",
        "symbols": symbols,
        "structures": {
            "vm": {"size": VM_SIZE, "members": vm},
            "thread": {"size": THREAD, "members": _members(frames=(FRAMES, THREAD - FRAMES))},
            "scheduler": {"size": 64, "members": _members(vms=(32, 32))},
        },
        "guests": {f"image_{name}": guest(name) for name in NAMES},
        "vms": {name: {"guest": f"image_{name}", "index": number} for number, name in enumerate(NAMES)},
    }


def symbols(data: Mapping[str, Any]) -> Symbols:
    def elf(*found: tuple[str, int, int, str]) -> Elf:
        return Elf(Path("none"), 0, (), tuple(Symbol(n, a, s, k, True) for n, a, s, k in found), frozenset())

    vmm = elf(
        ("sched_resume", VMM_TEXT + 0x100, 0x40, "func"),
        ("checkpoint_vm", VMM_TEXT + 0x200, 0x40, "func"),
        ("memcpy", VMM_TEXT + 0x300, 0x40, "func"),
        ("rollback", VMM_TEXT + 0x400, 0x40, "func"),
        ("scheduler", SCHEDULER, 64, "object"),
    )
    guest = elf(("os_call", KERNEL, 0x40, "func"), ("task_main", TASK, 0x40, "func"), ("counter", DATA, 4, "object"))
    files = (
        (VMM_TEXT, VMM_TEXT + 0x100, "vmm-c/arch/armv7/exceptions.inc"),
        (VMM_TEXT + 0x100, VMM_TEXT + 0x140, "vmm-c/core/sched.c"),
        (VMM_TEXT + 0x200, VMM_TEXT + 0x240, "vmm-c/recovery/checkpoint.c"),
        (VMM_TEXT + 0x300, VMM_TEXT + 0x340, "vmm-c/lib/copy.S"),
        (VMM_TEXT + 0x400, VMM_TEXT + 0x440, "vmm-c/recovery/rollback.c"),
    )
    return Symbols(dict(data), vmm, {f"image_{name}": guest for name in NAMES}, files)


class Machine:
    """RAM and a trace that grows; it is a `GoldenView`."""

    def __init__(self) -> None:
        self.manifest = manifest()
        self.symbols = symbols(self.manifest)
        self.ram: dict[int, int] = {}
        self.steps: list[tuple[int, int, int]] = []
        self.accesses: list[tuple[int, int, int, int, bool]] = []
        self.idle: list[tuple[int, int]] = []
        self.time = START
        self.start_ns = START
        self.instruction_ns = STEP
        self.watch_ns = 10_000
        names = ("env.spsr", "env.banked_spsr", "env.banked_r13", "env.banked_r14", "env.fiq_regs")
        self.state_fields = {n: i for i, n in enumerate((*names, *(f"env.vfp.zregs[{i}].d" for i in range(16))))}
        self.cp15_fields = {"TTBR0": 100, "SCTLR": 101}
        for number, name in enumerate(NAMES):
            self._vm(number, name)
        self.put(SCHEDULER, VMS)

    @property
    def end_ns(self) -> int:
        return self.time + self.watch_ns

    @property
    def trace(self) -> Trace:
        time, pc, cpsr = (np.array(column, dtype=np.int64) for column in zip(*self.steps, strict=True))
        columns = list(zip(*self.accesses, strict=True)) or [()] * 5
        step, address, virtual, size = (np.array(column, dtype=np.int64) for column in columns[:4])
        write = np.array(columns[4], dtype=bool)
        return Trace(time, pc, cpsr, Accesses(step, address, virtual, size, write), tuple(self.idle))

    def put(self, address: int, value: int) -> None:
        self.ram[address] = value

    def read_physical(self, address: int, size: int) -> bytes:
        low = address & ~3
        words = (self.ram.get(at, 0) for at in range(low, address + size + 3, 4))
        return b"".join(struct.pack("<I", word) for word in words)[address - low :][:size]

    def frame(self, vm: str, page: int, number: int = 0) -> int:
        """Frames of a page; only a page of data has another one."""
        windows = (page - KERNEL) // 0x10_0000
        return (
            PARTITION
            + NAMES.index(vm) * PARTITION_SIZE
            + 0x2_0000
            + windows * 0x8000
            + page % 0x10_0000 * 2
            + number * PAGE
        )

    def entry(self, vm: str, page: int) -> int:
        """Address of the second-level entry of a page in the tables in use."""
        return self._table(vm, page // 0x10_0000) + page % 0x10_0000 // PAGE * 4

    def step(self, pc: int, mode: int = USR, *, flags: int = 0, sleep: int = 0) -> int:
        """Add a step; `sleep` nanoseconds before it the processor does nothing."""
        if sleep:
            self.idle.append((self.time, self.time + sleep))
            self.time += sleep
        self.steps.append((self.time, pc, mode | flags))
        self.time += STEP
        return len(self.steps) - 1

    def access(self, address: int, *, write: bool = False, virtual: int | None = None, size: int = 4) -> None:
        """Add an access by the last step."""
        self.accesses.append((len(self.steps) - 1, address, address if virtual is None else virtual, size, write))

    def resume(self, vm: str, thread: int) -> None:
        """The VMM loads the registers of a thread."""
        self.step(VMM_TEXT + 0x80, SVC)
        self.access(VMS + NAMES.index(vm) * VM_SIZE + THREADS + thread * THREAD + FRAMES)

    def code(self, vm: str, page: int, words: list[int]) -> None:
        """Put instructions where a page of text begins."""
        for number, word in enumerate(words):
            self.put(self.frame(vm, page) + 4 * number, word)

    def _table(self, vm: str, window: int) -> int:
        return PARTITION + NAMES.index(vm) * PARTITION_SIZE + 0x1000 * (window + 1)

    def _vm(self, number: int, name: str) -> None:
        base = VMS + number * VM_SIZE
        first = PARTITION + number * PARTITION_SIZE
        self.put(SCHEDULER + 32 + 4 * number, base)
        self.put(base + _ACTIVE, first)
        self.put(base + _BACKUP, first + 0x400)
        self.put(base + 0xB0, number)
        self.put(base + _THREAD_NOW, base + THREADS)
        for window in (1, 3, 4):
            table = self._table(name, window)
            self.put(first + 4 * window, table | 1)
            self.put(first + 0x400 + 4 * window, (table + 0x400) | 1)
            for page in (0,) if window == 1 else (0, PAGE):
                va = window * 0x10_0000 + page
                self.put(table + page // PAGE * 4, self.frame(name, va) | 2)
                self.put(table + 0x400 + page // PAGE * 4, self.frame(name, va, int(page > 0)) | 2)


def campaign(text: str, *, samples: int = 100) -> Campaign:
    """Return a campaign with some strata."""
    head = f'[campaign]\nname = "test"\ndescription = "of a test"\nsamples = {samples}\nwatch_ms = 1\n'
    return parse_campaign(head + text, "test.toml")
