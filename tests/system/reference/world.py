# SPDX-License-Identifier: Apache-2.0
"""The machine as docs/vmi.md and docs/recovery.md describe it: VMs take turns, make calls, fail and are rolled back."""

from collections.abc import Callable

from attrs import define, evolve, field

from .calls import EINVAL, ENOENT, ESTATE, OK, VM_CALLS
from .memory import PAGE
from .operations import GUEST_CALL, PURE_CALLS, Op, Script
from .turns import Turns
from .vm import (
    CHANNEL,
    IN_PAGE,
    KERNEL,
    OUT_PAGE,
    TIMER,
    VCPU_PAGE,
    Vm,
)

VM_PRIORITY = 10
MANAGER = 0
LONGEST_PERIOD = 63
GATHERING = ("at_call", "at_guest_call")  # where r4 gathers what a call returned
_VCPU = ("irq_masked", "irq_pending", "irq_enabled", "irq_pc", "irq_cpsr", "irq_from", "current_task", "ticks")


class NeedsOperation(Exception):  # noqa: N818 - it is no error
    """The thread that runs has executed all operations of its script."""

    def __init__(self, vm: Vm, script: Script) -> None:
        super().__init__(script.name)
        self.vm = vm
        self.script = script


@define
class World:
    """All VMs; the management VM has number 0 and runs first."""

    vms: dict[int, Vm]
    tick_us: int
    halt_ticks: int = 1  # that pass while the CPU is halted until the next interrupt
    open_end: bool = False  # raise NeedsOperation at the end of a script
    current: int = MANAGER
    turns: Turns = field(factory=Turns)
    alone: bool = True  # nobody else was ready when the current VM was chosen: it then keeps its turn
    now: int = 0  # ticks
    looked: int = 0  # tick at which timers were last looked at
    overdue: set[int] = field(factory=set)
    slice_ended: bool = False
    finished: bool = False
    steps: int = 0

    def __attrs_post_init__(self) -> None:
        for number in self.vms:
            self.turns.add(number, VM_PRIORITY)
        self.vms[MANAGER].state = "running"
        self.turns.set(MANAGER)

    def run(self) -> None:
        """Execute everything up to the manager's last operation."""
        while not self.finished:
            self._step()

    @property
    def vm(self) -> Vm:
        """Who runs."""
        return self.vms[self.current]

    # Turns

    def _update(self, vm: Vm) -> None:
        number = vm.layout.index
        if vm.state == "running" and not (vm.waiting and not vm.deliverable):
            self.turns.set(number)
        else:
            self.turns.clear(number)

    def _leave(self) -> None:
        if self.vm.layout.tracked:
            self.vm.left()

    def _yield(self, vm: Vm) -> None:
        vm.slice_left = vm.layout.slice_ticks
        if vm is not self.vm or not self.alone:
            self.turns.rotate(vm.layout.index)

    def _resume(self) -> None:
        """Choose who runs, and deliver its interrupts."""
        self._expire(sorted(self.overdue))
        chosen = self.turns.next()
        if chosen is None:
            raise AssertionError("nobody is ready: the manager must not wait")
        if chosen != self.current:
            self._leave()
            self.current = chosen
        elif self.slice_ended:
            self._leave()
        self.slice_ended = False
        self.alone = len(self.turns.ready) == 1
        vm = self.vm
        if vm.waiting:
            vm.waiting = False
            vm.threads[KERNEL] = evolve(vm.threads[KERNEL], results=(vm.deliverable,))
        if vm.deliverable and vm.running != KERNEL:
            vm.vcpu["irq_from"] = vm.running
            vm.program.irq = vm.program.irq or vm.program.script("irq", "kernel")
            vm.enter(vm.program.irq)
            self._take(vm)

    def _raise(self, vm: Vm, lines: int) -> None:
        vm.vcpu["irq_pending"] |= lines
        if vm.waiting:
            self._update(vm)

    @staticmethod
    def _take(vm: Vm) -> None:
        vm.vcpu["irq_pending"] &= ~vm.vcpu["irq_enabled"]

    # Time

    def _expire(self, numbers: list[int]) -> None:
        for number in numbers:
            vm = self.vms[number]
            self.overdue.discard(number)
            ended = 1 + (self.looked - vm.expires) // vm.period
            vm.expires += ended * vm.period
            vm.vcpu["ticks"] += ended
            if vm.owner is not None:
                vm.tasks.rotate(vm.owner)  # a period is a time slice of tasks
            self._raise(vm, TIMER)

    def _look_at_timers(self) -> None:
        while True:
            armed = {n: vm.expires for n, vm in self.vms.items() if vm.period and n not in self.overdue}
            tick = min(armed.values(), default=self.now + 1)
            if tick > self.now:
                return
            self.looked = tick
            self._expire(sorted(n for n, expires in armed.items() if expires == tick))

    def _tick(self) -> None:
        self.now += self.halt_ticks
        self._look_at_timers()
        self.vm.slice_left -= 1
        if not self.vm.slice_left:
            self._yield(self.vm)
            self.slice_ended = True

    def _timer_set(self, vm: Vm, period: int) -> None:
        self._look_at_timers()
        self.overdue.discard(vm.layout.index)
        vm.period = period
        if period:
            self.looked = self.now
            vm.expires = self.now + period

    # Recovery

    def _recover(self, vm: Vm, task: int) -> None:
        action, reason = vm.level(task)
        vm.log.append((task, action, reason))
        if action == "task rollback":
            vm.rollback_task(task)
        else:
            self._roll_back(vm)
            self._yield(vm)
        vm.recoveries += 1

    def _roll_back(self, vm: Vm) -> None:
        number = vm.layout.index
        self.overdue.discard(number)
        vm.rollback()
        if vm.period and vm.expires <= self.looked:
            self.overdue.add(number)
        self._update(vm)

    # Execution

    def _step(self) -> None:
        self.steps += 1
        assert self.steps < 100_000, "the program does not end"
        vm = self.vm
        thread, where = vm.thread, vm.thread.where
        if where in GATHERING:
            thread = thread.gathered(*thread.results)
        vm.thread = evolve(thread, where="", results=())
        if where == "reset":
            vm.thread = evolve(thread, where="", script=vm.program.scripts[0])
        elif where == "at_end":
            self._take(vm)
            self._end_of_kernel(vm)
            return
        self._fetch(vm)

    def _fetch(self, vm: Vm) -> None:
        thread = vm.thread
        script = thread.script
        assert script is not None
        if vm.recoveries >= vm.stop:
            self._stay(vm)
        elif thread.index < len(script.ops):
            vm.thread = evolve(thread, index=thread.index + 1)
            self._execute(vm, script.ops[thread.index])
        elif self.open_end:
            raise NeedsOperation(vm, script)
        elif vm.running == KERNEL:
            vm.thread = evolve(thread, index=len(script.ops) + 1)
            self._end_of_kernel(vm)
        else:
            self._stay(vm)

    def _stay(self, vm: Vm) -> None:
        vm.thread = evolve(vm.thread, where="at_stay")
        self._yield(vm)
        self._resume()

    def _end_of_kernel(self, vm: Vm) -> None:
        chosen = vm.tasks.next()
        if chosen is not None:
            vm.switch(chosen)
        else:
            vm.thread = evolve(vm.thread, where="at_end")
            self._wait(vm)
        self._resume()

    def _execute(self, vm: Vm, op: Op) -> None:
        if op.code == "call":
            self._call(vm, op)
        elif op.code == "guest_call":
            self._guest_call(vm, op)
        elif op.code.startswith("fault"):
            if vm.recoveries < op.number:
                self._recover(vm, vm.running)
                self._resume()
        elif op.code == "tick":
            vm.thread = evolve(vm.thread, where="at_tick")
            self._tick()
            self._resume()
        elif op.code == "stay":
            self._stay(vm)
        elif op.code == "idle":
            self.finished = True
        else:
            self._simple(vm, op)

    def _simple(self, vm: Vm, op: Op) -> None:
        args = [arg for arg in op.args if isinstance(arg, int)]
        thread = vm.thread
        if op.code == "store":
            self._store(vm, args[0], args[1])
        elif op.code == "load":
            vm.thread = thread.gathered(self._load(vm, args[0]))
        elif op.code == "registers":
            data = tuple((args[0] + n) & 0xFFFFFFFF for n in range(8))
            vm.thread = evolve(thread, data=data, flags=args[1])
        elif op.code == "sp":
            vm.thread = evolve(thread, sp=args[0])
        elif op.code == "vfp":
            vm.thread = evolve(thread, vfp=args[0], fpscr=args[1])
        elif op.code == "vfp_read":
            last = 0 if thread.vfp is None else (thread.vfp + 15) & 0xFFFFFFFF
            vm.thread = thread.gathered(thread.vfp or 0, last, thread.fpscr)
        elif op.code == "thread_id":
            vm.thread = evolve(thread, thread_id=args[0])
        elif op.code == "thread_id_read":
            vm.thread = thread.gathered(thread.thread_id)
        elif op.code == "take":
            self._take(vm)
        else:
            raise AssertionError(op.code)

    def _store(self, vm: Vm, va: int, value: int) -> None:
        if va // PAGE * PAGE == VCPU_PAGE:
            vm.vcpu[_VCPU[va % PAGE // 4]] = value
        else:
            vm.write(va, value.to_bytes(4, "little"))

    def _load(self, vm: Vm, va: int) -> int | None:
        page = va // PAGE * PAGE
        if page == VCPU_PAGE:
            return vm.vcpu[_VCPU[va % PAGE // 4]]
        if page == IN_PAGE:
            peer = self.vms.get(vm.layout.peer or 0)
            return peer.word(OUT_PAGE + va % PAGE) if vm.layout.peer and peer else 0
        return vm.word(va)

    # Calls

    def _guest_call(self, vm: Vm, op: Op) -> None:
        task = vm.running
        first, second, script = op.args
        assert isinstance(first, int)
        assert isinstance(second, int)
        assert isinstance(script, Script)
        vm.thread = evolve(vm.thread, where="at_guest_call", results=(first, second))
        if op.number - GUEST_CALL not in PURE_CALLS:
            vm.changed.add(task)
        vm.enter(script)
        self._resume()

    def _call(self, vm: Vm, op: Op) -> None:
        """Calls that leave the kernel are told apart; all others return their result."""
        caller = vm.running
        vm.thread = evolve(vm.thread, where="at_call")
        result = self._calls()[op.call](vm, *op.args)
        if result is not None:
            vm.threads[caller] = evolve(vm.threads[caller], results=(result,))
        self._resume()

    def _calls(self) -> dict[str, Callable[..., int | None]]:
        return {
            **VM_CALLS,
            "yield": self._call_yield,
            "wait": self._wait,
            "timer_set": self._call_timer,
            "channel_notify": self._notify,
            "vm_start": lambda _, number: self._change(number, ("created",), "running"),
            "vm_pause": lambda _, number: self._change(number, ("running",), "paused"),
            "vm_resume": lambda _, number: self._change(number, ("paused",), "running"),
            "vm_checkpoint": lambda _, number: self._checkpoint(number),
            "vm_rollback": lambda _, number, task: self._rollback(number, task),
        }

    def _call_yield(self, vm: Vm) -> int:
        self._yield(vm)
        return OK

    def _wait(self, vm: Vm) -> int:
        if not vm.deliverable:
            vm.task_done()
            vm.owner = None
        vm.waiting = True
        self._update(vm)
        return OK

    def _call_timer(self, vm: Vm, period_us: int) -> int:
        period, rest = divmod(period_us, self.tick_us)
        if rest or period > LONGEST_PERIOD:
            return EINVAL
        self._timer_set(vm, period)
        return OK

    def _notify(self, vm: Vm, channel: int) -> int:
        if channel or vm.layout.peer is None:
            return ENOENT
        peer = self.vms.get(vm.layout.peer)
        if peer:
            self._raise(peer, CHANNEL)
        return OK

    # Management

    def _change(self, number: int, before: tuple[str, ...], after: str) -> int:
        vm = self.vms[number]
        if vm.state not in before:
            return ESTATE
        vm.state = after
        self._update(vm)
        return OK

    def _checkpoint(self, number: int) -> int:
        vm = self.vms[number]
        if vm.state not in ("running", "paused"):
            return ESTATE
        vm.checkpoint()
        return OK

    def _rollback(self, number: int, task: int) -> int:
        vm = self.vms[number]
        if vm.state not in ("running", "paused"):
            return ESTATE
        if task != 0xFF and task not in vm.tasks.priority:
            return ENOENT
        self._recover(vm, KERNEL if task == 0xFF else task)
        return OK
