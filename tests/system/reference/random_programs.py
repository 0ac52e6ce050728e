# SPDX-License-Identifier: Apache-2.0
"""Random programs (Hypothesis): each rule is the next operation of whoever runs, as the model says."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from understudy.errors import TargetTimeout

from .bench import MANAGER, POLICIES, TASKS, TICK_US, Bench
from .calls import NEXT
from .compare import differences
from .memory import PAGE
from .operations import GUEST_CALL, NEVER, VMM, Op, Program, Script, faults
from .vm import CHANNEL, CONSOLE, KERNEL, MIB, OUT_PAGE, TIMER, VCPU_PAGE, Vm
from .world import NeedsOperation, World

TEXT = {KERNEL: 0x00100100, **{n: 0x00300000 + n * MIB for n in range(3)}}
UNDO_DATA = ("default", "undo", "asked")  # VMs whose kernel may write to tasks that do not run (docs/recovery.md)
ALL_LINES = TIMER | CONSOLE | CHANNEL
MOST_RECOVERIES = 5
COMPARED = 6  # recoveries of a program after which the machine is stopped and compared
ROOM = 8  # operations that are kept free for the end

Words = st.integers(0, 0xFFFFFFFF)
Tasks = st.integers(0, len(TASKS) - 1)
Places = st.tuples(st.integers(0, 15), st.integers(0, PAGE // 4 - 1))  # page of those that may be used; word


class Wrong(AssertionError):  # noqa: N818 - the machine is, not this program
    """The machine and the model differ."""


class RandomPrograms(RuleBasedStateMachine):
    """Writes a program together with the model, then lets the machine execute it."""

    bench: Bench
    report: Callable[[str], None] = staticmethod(lambda text: None)
    totals: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self.programs: dict[str, Program] = {}
        self.inputs: dict[str, bytes] = {}
        self.world: World | None = None
        self.turn: tuple[Vm, Script] | None = None

    # The beginning

    @initialize(
        names=st.lists(st.sampled_from([*POLICIES, "default", "undo"]), min_size=1, max_size=2, unique=True),
        typed=st.lists(st.text("abcdefgh", min_size=3, max_size=10), min_size=2, max_size=2),
        priorities=st.lists(st.integers(0, 3), min_size=1, max_size=3),
        lines=st.sampled_from([0, ALL_LINES, TIMER, CHANNEL, CONSOLE | TIMER]),
        ticks=st.integers(0, 3),
    )
    def begin(self, names: list[str], typed: list[str], priorities: list[int], lines: int, ticks: int) -> None:
        """Tasks and a timer, so that something happens; the manager starts the VMs."""
        for name, text in zip(names, typed, strict=False):
            self.inputs[name] = text.encode() if "uart" in POLICIES[name] else b""
            program = self.programs[name] = Program()
            kernel = program.script("kernel", "kernel")
            kernel.ops.append(Op("store", (VCPU_PAGE + 8, lines)))
            if ticks:
                kernel.ops.append(Op("call", (ticks * TICK_US,), "timer_set"))
            for task, priority in enumerate(priorities):
                kernel.ops.append(self._creation(name, task, 0))
                kernel.ops.append(Op("call", (task, priority), "task_priority"))
                kernel.ops.append(Op("call", (task,), "task_resume"))
            kernel.ops.append(Op("call", (NEXT,), "task_switch"))
        self.programs[MANAGER] = Program(end="idle")
        manager = self.programs[MANAGER].script("manager", MANAGER)
        manager.ops += [Op("call", (self.bench.names.index(name),), "vm_start") for name in names]
        self.world = self._new_world(open_end=True)
        self._advance()

    def _new_world(self, *, open_end: bool = False, stops: dict[str, int] | None = None) -> World:
        vms = {}
        for name in (MANAGER, *self.inputs):
            layout = self.bench.layouts[name]
            vm = Vm(layout, self.programs[name], self.inputs.get(name, b""), (stops or {}).get(name, NEVER))
            if vm.input:
                vm.vcpu["irq_pending"] = CONSOLE
            vms[layout.index] = vm
        return World(vms, TICK_US, self.bench.halt_ticks, open_end=open_end)

    def _creation(self, name: str, task: int, depth: int) -> Op:
        layout = self.bench.layouts[name]
        script = self.programs[name].script(TASKS[task], TASKS[task])
        sp = layout.stacks[task].stop - 8 * depth
        return Op("call", (task, layout.entries[task], sp, script), "task_create")

    # Who is next

    def _advance(self) -> None:
        assert self.world
        try:
            self.world.run()
        except NeedsOperation as needed:
            self.turn = needed.vm, needed.script

    def _add(self, *ops: Op) -> None:
        assert self.turn
        vm, script = self.turn
        if len(ops) + ROOM <= vm.program.room:
            script.ops += ops
        else:
            script.ops.append(Op("stay"))
        self._advance()

    def _call(self, call: str, *args: Any) -> None:
        self._add(Op("call", args, call))

    @property
    def vm(self) -> Vm:
        assert self.turn
        return self.turn[0]

    def is_manager(self) -> bool:
        return self.turn is not None and self.vm.layout.name == MANAGER

    def is_kernel(self) -> bool:
        return self.turn is not None and not self.is_manager() and self.vm.running == KERNEL

    def is_task(self) -> bool:
        return self.turn is not None and self.vm.running != KERNEL

    def is_guest(self) -> bool:
        return self.turn is not None and not self.is_manager()

    def _writable(self) -> list[int]:
        """Pages that whoever runs may write, his own first."""
        vm, layout = self.vm, self.vm.layout
        own = 1 if vm.running == KERNEL else 3 + vm.running
        pages = [va for va in layout.pages if va // MIB == own]
        pages += [va for va in layout.pages if va // MIB == 2 or va == OUT_PAGE]
        if vm.running == KERNEL and layout.name in UNDO_DATA:
            stacks = [range(0)] if layout.name != "default" else [layout.stacks[task] for task in layout.tasks]
            pages += [va for t in layout.tasks for va in layout.window(t) if not any(va in stack for stack in stacks)]
        return pages

    def _place(self, place: tuple[int, int]) -> int:
        pages = self._writable()
        return pages[place[0] % len(pages)] + 4 * place[1]

    # Everybody but the manager

    @precondition(is_guest)
    @rule(places=st.lists(Places, min_size=1, max_size=4), value=Words)
    def store(self, places: list[tuple[int, int]], value: int) -> None:
        self._add(*(Op("store", (self._place(place), value + n & 0xFFFFFFFF)) for n, place in enumerate(places)))

    @precondition(is_guest)
    @rule(place=Places, value=Words)
    def store_again(self, place: tuple[int, int], value: int) -> None:
        """In the first pages only, so that the same page is written often."""
        self.store([(place[0] % 2, place[1])], value)

    @precondition(is_guest)
    @rule(place=Places, other=st.booleans())
    def load(self, place: tuple[int, int], other: bool) -> None:
        peer = other and self.vm.layout.peer is not None
        self._add(Op("load", (OUT_PAGE + PAGE + 4 * place[1] if peer else self._place(place),)))

    @precondition(is_guest)
    @rule(value=Words, flags=st.integers(0, 31))
    def registers(self, value: int, flags: int) -> None:
        self._add(Op("registers", (value, (flags & 15) << 16 | (flags >> 4) << 27)))

    @precondition(is_guest)
    @rule(depth=st.integers(0, 500))
    def sp(self, depth: int) -> None:
        self._add(Op("sp", (self.vm.layout.stacks[self.vm.running].stop - 8 * depth,)))

    @precondition(lambda self: self.turn is not None)
    @rule()
    def yields(self) -> None:
        self._call("yield")

    @precondition(lambda self: self.turn is not None)
    @rule()
    def tick(self) -> None:
        self._add(Op("tick"))

    @precondition(is_guest)
    @rule(place=Places, size=st.integers(0, 6))
    def console_write(self, place: tuple[int, int], size: int) -> None:
        """From pages that hold no dead bytes."""
        va = self._writable()[place[0] % 2] + 4 * place[1]
        self._call("console_write", va, min(size, PAGE - va % PAGE))

    @precondition(is_guest)
    @rule()
    def notify(self) -> None:
        self._call("channel_notify", 0)

    @precondition(is_task)
    @rule(kind=st.integers(0, 9), limit=st.integers(1, MOST_RECOVERIES), place=Places)
    def fault_of_a_task(self, kind: int, limit: int, place: tuple[int, int]) -> None:
        self._fault(kind, limit, place)

    @precondition(is_kernel)
    @rule(kind=st.integers(0, 9), limit=st.integers(1, 2), place=Places)
    def fault_of_a_kernel(self, kind: int, limit: int, place: tuple[int, int]) -> None:
        self._fault(kind, limit, place)

    def _fault(self, kind: int, limit: int, place: tuple[int, int]) -> None:
        """R32, R33: of every kind, as long as the VM has seen fewer recoveries than `limit`."""
        vm = self.vm
        data = self._writable()[place[0] % 2] + 4 * place[1]
        foreign = 0x00300000 + (vm.running + 1) % 3 * MIB if vm.running != KERNEL else VMM
        code, args = faults(data, foreign, TEXT[vm.running])[kind]
        self._add(Op(code, args, number=limit))

    # Tasks

    @precondition(is_task)
    @rule(value=Words, rounding=st.integers(0, 3))
    def vfp(self, value: int, rounding: int) -> None:
        self._add(Op("vfp", (value, rounding << 22)))

    @precondition(is_task)
    @rule()
    def vfp_read(self) -> None:
        self._add(Op("vfp_read"))

    @precondition(is_task)
    @rule(value=Words)
    def thread_id(self, value: int) -> None:
        self._add(Op("thread_id", (value,)), Op("thread_id_read"))

    @precondition(is_task)
    @rule(number=st.integers(0, 3), first=Words, second=Words, how=st.sampled_from(["", "return", "read", "fail"]))
    def guest_call(self, number: int, first: int, second: int, how: str) -> None:
        """Calls 0 and 1 are declared pure, whatever the kernel then does: anything, or a usual thing."""
        script = self.vm.program.script(f"call{number}", "kernel")
        if how in ("read", "fail"):
            place = self.vm.layout.pages[first % 2] + second % 512 * 8
            script.ops.append(Op("call", (place, 1 + first % 4), "console_read"))
        if how == "fail":
            script.ops.append(Op("fault_undefined", number=1 + first % 2))
        if how:
            script.ops.append(Op("call", (second, first), "task_return"))
        self._add(Op("guest_call", (first, second, script), number=GUEST_CALL + number))

    # Kernels

    @precondition(is_kernel)
    @rule(others=st.booleans())
    def leave(self, others: bool) -> None:
        """What kernels do most of the time: the caller waits or not, and the next task runs."""
        caller = self.vm.vcpu["current_task"]
        suspended = [Op("call", (caller,), "task_suspend")] if others and caller in self.vm.tasks.priority else []
        resumed = [Op("call", (task,), "task_resume") for task in self.vm.layout.tasks if task != caller]
        self._add(*suspended, *resumed[: 1 + others], Op("call", (NEXT,), "task_switch"))

    @precondition(is_kernel)
    @rule(task=st.one_of(st.just(NEXT), Tasks))
    def task_switch(self, task: int) -> None:
        self._call("task_switch", task)

    @precondition(is_kernel)
    @rule(first=Words, second=Words)
    def task_return(self, first: int, second: int) -> None:
        self._call("task_return", first, second)

    @precondition(is_kernel)
    @rule(task=Tasks, first=Words, second=Words)
    def task_result(self, task: int, first: int, second: int) -> None:
        self._call("task_result", task, first, second)

    @precondition(is_kernel)
    @rule(task=Tasks, depth=st.integers(0, 400))
    def task_create(self, task: int, depth: int) -> None:
        self._add(self._creation(self.vm.layout.name, task, depth))

    @precondition(is_kernel)
    @rule(task=Tasks, what=st.sampled_from(["resume", "resume", "suspend", "delete"]))
    def task_state(self, task: int, what: str) -> None:
        self._call(f"task_{what}", task)

    @precondition(is_kernel)
    @rule(task=Tasks, priority=st.integers(0, 3))
    def task_priority(self, task: int, priority: int) -> None:
        self._call("task_priority", task, priority)

    @precondition(is_kernel)
    @rule(lines=st.sampled_from([0, TIMER, CONSOLE, CHANNEL, ALL_LINES]))
    def enable(self, lines: int) -> None:
        self._add(Op("store", (VCPU_PAGE + 8, lines)))

    @precondition(is_kernel)
    @rule()
    def wait(self) -> None:
        self._add(Op("call", (), "wait"), Op("take"))

    @precondition(is_kernel)
    @rule(ticks=st.integers(0, 3))
    def timer(self, ticks: int) -> None:
        self._call("timer_set", ticks * TICK_US)

    @precondition(is_kernel)
    @rule()
    def take_ticks(self) -> None:
        self._add(Op("load", (VCPU_PAGE + 28,)), Op("store", (VCPU_PAGE + 28, 0)), Op("take"))

    @precondition(is_kernel)
    @rule(place=Places, size=st.integers(1, 7))
    def console_read(self, place: tuple[int, int], size: int) -> None:
        """Invariant 4: the VMM writes into the guest."""
        va = self._place(place)
        self._call("console_read", va, min(size, PAGE - va % PAGE))

    @precondition(is_kernel)
    @rule(place=Places, size=st.integers(1, 7), kind=st.integers(0, 9), limit=st.integers(1, 2))
    def console_read_and_fault(self, place: tuple[int, int], size: int, kind: int, limit: int) -> None:
        """Nobody else writes before the rollback."""
        self.console_read(place, size)
        if self.is_kernel():
            self._fault(kind, limit, place)

    # The manager

    @precondition(is_manager)
    @rule(which=st.integers(0, 1), what=st.sampled_from(["checkpoint", "pause", "resume", "resume"]))
    def manage(self, which: int, what: str) -> None:
        self._call(f"vm_{what}", self._number(which))

    @precondition(is_manager)
    @rule(which=st.integers(0, 1), task=st.one_of(Tasks, st.just(0xFF)))
    def rollback(self, which: int, task: int) -> None:
        self._call("vm_rollback", self._number(which), task)

    def _number(self, which: int) -> int:
        names = list(self.inputs)
        return self.bench.names.index(names[which % len(names)])

    # The end

    def teardown(self) -> None:
        """The machine executes the program: once, and once up to each of its recoveries."""
        if self.world is None:
            return
        self._finish()
        world = self._compare({})
        stops = [
            {name: count}
            for name in self.inputs
            for count in range(1, world.vms[self.bench.names.index(name)].recoveries + 1)
        ]
        for stop in stops[:COMPARED]:
            self._compare(stop)
        self._count(world, 1 + len(stops[:COMPARED]))

    def _finish(self) -> None:
        self.bench.created = list(self.inputs)
        self.programs[MANAGER].scripts[0].ops += self.bench.finish()

    def _compare(self, stops: dict[str, int]) -> World:
        world = self._new_world(stops=stops)
        world.run()
        wrong: list[str] = []
        try:
            self.bench.prepare(self.inputs)
            self.programs[MANAGER].scripts[0].ops[-3:] = self.bench.finish()[-3:]
            self.bench.execute(self.programs, stops)
            for name in self.inputs:
                wrong += differences(self.bench, world.vms[self.bench.names.index(name)])
        except TargetTimeout as error:
            wrong += [str(error)]
            self.bench.restart()
        if wrong:
            text = self._text(stops, wrong)
            self.report(text)
            raise Wrong(text)
        return world

    def _text(self, stops: dict[str, int], wrong: list[str]) -> str:
        lines = ["the machine differs from the model:", *(f"  {line}" for line in wrong)]
        for name, count in stops.items():
            lines.append(f"when {name} stands still after {count} recoveries")
        for name, program in self.programs.items():
            typed = self.inputs.get(name)
            lines.append(f"{name}, {POLICIES.get(name, '')}{f', input {typed!r}' if typed else ''}:")
            lines += program.listing()
        return "\n".join(lines)

    def _count(self, world: World, runs: int) -> None:
        add = self.totals
        add["programs"] = add.get("programs", 0) + 1
        add["runs"] = add.get("runs", 0) + runs
        for vm in world.vms.values():
            for _, action, reason in vm.log:
                add[f"{action}, {reason}"] = add.get(f"{action}, {reason}", 0) + 1
