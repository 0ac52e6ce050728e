# SPDX-License-Identifier: Apache-2.0
"""One VM as docs/recovery.md describes it: checkpoints are copies, rollbacks put them back (R19..R30, D4, D6)."""

from attrs import define, evolve, field, frozen

from .memory import PAGE, Page, Pages, dead_bytes
from .operations import Program, Script
from .turns import Turns

MIB = 0x100000
KERNEL = -1  # the guest kernel, where others are numbers of tasks
NO_TASK = 0xFF
VCPU_PAGE = 0x001FF000
TIMER, CONSOLE, CHANNEL = 0x1, 0x2, 0x100
OUT_PAGE, IN_PAGE = 0x01010000, 0x01011000
LAST_PRIORITY = 63

Word = int | None  # None: nobody can know it


@frozen
class Thread:
    """Registers of the guest kernel or of a task, and where it stands in its program."""

    data: tuple[Word, ...] = (0,) * 8  # r4 to r10, lr
    flags: int = 0  # CPSR: Q and GE
    sp: int = 0
    thread_id: int = 0
    vfp: int | None = None  # the first lane; None: all registers are 0
    fpscr: int = 0
    script: Script | None = None
    index: int = 0  # the next operation
    where: str = ""  # the label it returns to
    results: tuple[Word, ...] = ()  # r0, r1 that its call returns

    def gathered(self, *words: Word) -> "Thread":
        """Return the thread after it has gathered these words in r4."""
        value = self.data[0]
        for word in words:
            rotated = None if value is None else (value >> 27 | value << 5) & 0xFFFFFFFF
            value = None if word is None or rotated is None else word ^ rotated
        return evolve(self, data=(value, *self.data[1:]))

    @property
    def in_guest_call(self) -> bool:
        """Tell whether it was left in a call of its kernel."""
        return self.where == "at_guest_call"


@frozen
class Layout:
    """What is fixed about a VM: its place, its memory, its policy."""

    name: str
    index: int
    pages: tuple[int, ...]
    stacks: dict[int, range]  # by thread
    entries: dict[int, int]  # of the tasks
    eager: frozenset[str]  # "stack", "data": what is copied at checkpoints
    vm_period: int
    task_period: int
    slice_ticks: int
    tracked: bool
    commit: bool  # output waits for checkpoints (D9)
    peer: int | None  # the VM at the other end of its channel

    @property
    def tasks(self) -> range:
        return range(len(self.entries))

    def window(self, task: int) -> list[int]:
        """The pages of a task."""
        return [va for va in self.pages if va // MIB == 3 + task]

    def owner(self, va: int) -> int | None:
        """The task whose window an address lies in."""
        window = va // MIB
        return window - 3 if 3 <= window < 16 else None


@frozen
class TaskCheckpoint:
    thread: Thread
    pages: Pages


@frozen
class Checkpoint:
    """All that a VM rollback brings back."""

    pages: Pages
    threads: dict[int, Thread]
    running: int
    owner: int | None
    vcpu: dict[str, int]
    timer: tuple[int, int]
    waiting: bool
    tasks: Turns
    taken: int
    output: bytes


def _vcpu() -> dict[str, int]:
    names = ("irq_masked", "irq_pending", "irq_enabled", "irq_pc", "irq_cpsr", "irq_from", "current_task", "ticks")
    return {**dict.fromkeys(names, 0), "irq_masked": 1, "irq_from": NO_TASK, "current_task": NO_TASK}


@define
class Vm:
    """The present state of a VM, and its checkpoints."""

    layout: Layout
    program: Program
    input: bytes = b""
    stop: int = 0xFFFFFFFF  # number of recoveries at which it stands still
    pages: Pages = field(factory=dict)
    threads: dict[int, Thread] = field(factory=dict)
    running: int = KERNEL
    owner: int | None = None  # the task that runs, or that the kernel was entered from
    vcpu: dict[str, int] = field(factory=_vcpu)
    period: int = 0
    expires: int = 0
    waiting: bool = False
    tasks: Turns = field(factory=Turns)
    taken: int = 0  # bytes of input
    # Never rolled back:
    state: str = "created"
    output: bytes = b""
    recoveries: int = 0
    slice_left: int = 0
    log: list[tuple[int, str, str]] = field(factory=list)  # of faults: task, action, reason
    due: dict[int, int] = field(factory=dict)  # switches until the next checkpoint, by task
    due_vm: int = 0
    # About the checkpoints:
    changed: set[int] = field(factory=set)  # tasks that changed what others see since their checkpoint (D6)
    ran: set[int] = field(factory=set)  # stopped tasks that ran since their checkpoint
    written: set[int] = field(factory=set)  # stopped tasks that the kernel wrote to
    saved_task: dict[int, TaskCheckpoint] = field(factory=dict)
    saved: Checkpoint | None = None

    def __attrs_post_init__(self) -> None:
        self.pages = dict.fromkeys(self.layout.pages, Page())
        top = self.layout.stacks[KERNEL].stop
        self.threads = {KERNEL: Thread(sp=top), **dict.fromkeys(self.layout.tasks, Thread())}
        self.slice_left = self.layout.slice_ticks
        self.due_vm = self.layout.vm_period
        self.thread = evolve(self.thread, where="reset")
        self.checkpoint()

    # Memory

    def write(self, va: int, data: bytes) -> None:
        """A write by whoever runs, or by the VMM for it."""
        while data:
            offset = va % PAGE
            part = data[: PAGE - offset]
            self.pages[va - offset] = self.pages[va - offset].write(offset, part)
            self._note(va)
            va, data = va + len(part), data[len(part) :]

    def _note(self, va: int) -> None:
        task = self.layout.owner(va)
        if task is None:
            if va // MIB != 1 and self.owner is not None:
                self.changed.add(self.owner)  # D6: memory that tasks share
        elif task != self.owner:
            self.written.add(task)
            if task in self.ran:
                self.changed.add(task)

    def word(self, va: int) -> Word:
        """The word at an address that the VM may write."""
        return self.pages[va // PAGE * PAGE].word(va % PAGE)

    # Checkpoints

    def _kept(self, va: int, page: Page) -> Page:
        for thread, stack in self.layout.stacks.items():
            if va in stack and "stack" in self.layout.eager:
                runs = thread != KERNEL or self.running == KERNEL
                return page.without(dead_bytes(va, self.threads[thread].sp if runs else stack.stop))
        return page

    def checkpoint_task(self, task: int) -> None:
        """R20: its memory and its registers."""
        pages = {va: self._kept(va, self.pages[va]) for va in self.layout.window(task)}
        self.saved_task[task] = TaskCheckpoint(self.threads[task], pages)
        for group in (self.changed, self.ran, self.written):
            group.discard(task)

    def refresh(self, task: int) -> None:
        """What the kernel wrote to a stopped task belongs to that task's checkpoint (invariant 4)."""
        if task in self.written and task not in self.ran:
            self.checkpoint_task(task)

    def checkpoint(self) -> None:
        """R19: the whole VM, which is a checkpoint of each of its tasks as well."""
        for task in self.layout.tasks:
            self.checkpoint_task(task)
        self.saved = Checkpoint(
            pages={va: self._kept(va, page) for va, page in self.pages.items()},
            threads=dict(self.threads),
            running=self.running,
            owner=self.owner,
            vcpu=dict(self.vcpu),
            timer=(self.period, self.expires),
            waiting=self.waiting,
            tasks=self.tasks.copy(),
            taken=self.taken,
            output=self.output,
        )
        self._note_call()

    def left(self) -> None:
        """R19, R24: the VMM leaves the VM."""
        self.due_vm -= 1
        if not self.due_vm:
            self.due_vm = self.layout.vm_period
            self.checkpoint()

    def _note_call(self) -> None:
        """D6: the task that the kernel works for and the kernel's memory belong together."""
        if self.running == KERNEL and self.owner is not None:
            self.changed.add(self.owner)

    def task_done(self) -> None:
        """The owner is left (R20, R24)."""
        task = self.owner
        if task is None:
            return
        self.due[task] -= 1
        if self.due[task]:
            self.ran.add(task)
        else:
            self.due[task] = self.layout.task_period
            self.checkpoint_task(task)

    # Rollbacks

    def level(self, task: int) -> tuple[str, str]:
        """D1, D6: what a fault of a thread takes back, and why so much."""
        if task == KERNEL:
            return "vm rollback", "kernel fault"
        works = self.running == KERNEL and self.owner == task and self.threads[task].in_guest_call
        if task in self.changed or works:
            return "vm rollback", "shared state"
        return "task rollback", "policy"

    def rollback_task(self, task: int) -> None:
        """R30: nothing but the pages and registers of the task."""
        self.refresh(task)
        saved = self.saved_task[task]
        self.pages.update(saved.pages)
        self.threads[task] = saved.thread
        for group in (self.changed, self.ran, self.written):
            group.discard(task)

    def rollback(self) -> None:
        """R29, D4. Lines raised since the checkpoint stay raised; those of devices may be raised without a cause."""
        saved = self.saved
        assert saved is not None
        lines = (
            saved.vcpu["irq_pending"]
            | self.vcpu["irq_pending"]
            | CONSOLE
            | (CHANNEL if self.layout.peer is not None else 0)
        )
        self.pages = dict(saved.pages)
        self.threads = dict(saved.threads)
        self.running, self.owner = saved.running, saved.owner
        self.vcpu = {**saved.vcpu, "irq_pending": lines}
        self.saved = evolve(saved, vcpu=dict(self.vcpu))  # a second rollback must raise them again
        self.period, self.expires = saved.timer
        self.waiting = saved.waiting
        self.tasks = saved.tasks.copy()
        self.taken = saved.taken
        if self.layout.commit:
            self.output = saved.output  # what was held is dropped
        self.changed, self.ran, self.written = set(), set(), set()
        for task in self.layout.tasks:
            pages = {va: self.pages[va] for va in self.layout.window(task)}
            self.saved_task[task] = TaskCheckpoint(self.threads[task], pages)
        self._note_call()

    # Entries

    def enter(self, script: Script) -> None:
        """The kernel begins at a vector, with an empty stack."""
        self.threads[KERNEL] = Thread(sp=self.layout.stacks[KERNEL].stop, script=script)
        self.running = KERNEL
        self.vcpu["irq_masked"] = 1

    def switch(self, task: int) -> None:
        """R7: from the kernel to a task."""
        if task != self.owner:
            self.task_done()
            self.refresh(task)
            self.owner = task
        self.running = task
        self.vcpu["current_task"] = task

    @property
    def deliverable(self) -> int:
        """Lines that are pending and enabled."""
        return self.vcpu["irq_pending"] & self.vcpu["irq_enabled"]

    @property
    def thread(self) -> Thread:
        """Whoever runs."""
        return self.threads[self.running]

    @thread.setter
    def thread(self, value: Thread) -> None:
        self.threads[self.running] = value
