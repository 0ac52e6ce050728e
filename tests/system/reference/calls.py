# SPDX-License-Identifier: Apache-2.0
"""Calls that concern only the caller (docs/vmi.md): each returns its result, or None if it leaves the kernel."""

from collections.abc import Callable

from attrs import evolve

from .memory import PAGE
from .operations import Script
from .vm import KERNEL, LAST_PRIORITY, Thread, Vm

OK, EINVAL, ESTATE, EAGAIN, ENOENT = (value & 0xFFFFFFFF for value in (0, -3, -5, -6, -7))
NEXT = 0xFFFFFFFF


def _console_write(vm: Vm, va: int, size: int) -> int:
    page = vm.pages[va // PAGE * PAGE]
    vm.output += page.data[va % PAGE :][:size]
    if vm.layout.commit and vm.running != KERNEL:
        vm.changed.add(vm.running)  # D6: held with what the kernel says
    return size


def _console_read(vm: Vm, va: int, size: int) -> int:
    data = vm.input[vm.taken :][:size]
    vm.taken += len(data)
    vm.write(va, data)
    return len(data)


def _create(vm: Vm, task: int, entry: int, sp: int, script: Script) -> int:
    if task in vm.tasks.priority:
        return ESTATE
    if entry != vm.layout.entries[task]:
        return EINVAL
    if vm.owner == task:
        vm.owner = None
    vm.threads[task] = Thread(sp=sp, script=script, where="entry")
    vm.tasks.add(task, LAST_PRIORITY)
    vm.due[task] = vm.layout.task_period
    if vm.layout.tracked:
        vm.checkpoint_task(task)
    return OK


def _on_task(vm: Vm, task: int, change: Callable[[int], None]) -> int:
    if task not in vm.tasks.priority:
        return ENOENT
    change(task)
    return OK


def _switch(vm: Vm, task: int) -> int | None:
    chosen = vm.tasks.next() if task == NEXT else task
    if chosen is None:
        return EAGAIN
    if chosen not in vm.tasks.priority:
        return ENOENT
    if chosen not in vm.tasks.ready:
        return ESTATE
    vm.switch(chosen)
    return None


def _deliver(vm: Vm, task: int, results: tuple[int, int]) -> None:
    vm.threads[task] = evolve(vm.threads[task], results=results)
    if task != vm.owner and task not in vm.ran:  # what its checkpoint holds is its present state
        vm.saved_task[task] = evolve(vm.saved_task[task], thread=vm.threads[task])


def _result(vm: Vm, task: int, first: int, second: int) -> int:
    if task not in vm.tasks.priority:
        return ENOENT
    if not vm.threads[task].in_guest_call:
        return ESTATE
    _deliver(vm, task, (first, second))
    return OK


def _return(vm: Vm, first: int, second: int) -> int | None:
    caller = vm.vcpu["current_task"]
    if caller not in vm.tasks.priority:
        return ENOENT
    if not vm.threads[caller].in_guest_call:
        return ESTATE
    chosen = vm.tasks.next()
    if chosen is None:
        return EAGAIN
    _deliver(vm, caller, (first, second))
    vm.switch(chosen)
    return None


VM_CALLS: dict[str, Callable[..., int | None]] = {
    "console_write": _console_write,
    "console_read": _console_read,
    "task_create": _create,
    "task_delete": lambda vm, task: _on_task(vm, task, vm.tasks.remove),
    "task_suspend": lambda vm, task: _on_task(vm, task, vm.tasks.clear),
    "task_resume": lambda vm, task: _on_task(vm, task, vm.tasks.set),
    "task_priority": lambda vm, task, p: _on_task(vm, task, lambda t: vm.tasks.change(t, p)),
    "task_switch": _switch,
    "task_result": _result,
    "task_return": _return,
}
