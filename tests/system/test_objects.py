# SPDX-License-Identifier: Apache-2.0
"""Objects of a guest kernel with invariants (D7): a state that is already wrong is not saved."""

from collections.abc import Callable

from understudy.pytest_plugin import Boot
from understudy.target import Target

from . import machine, oracle, systems

VM = "broken"
AFTER_TICK_MS = 500  # the kernel writes the wrong value at tick 50 of 10 ms


def description(
    name: str, *, times: int, checked: bool = True, recovery: systems.Data = systems.GENEROUS
) -> systems.Data:
    """A guest whose kernel overwrites what its first task waits for: nothing traps, the task never runs again."""
    guest = systems.faulty_kernel_guest("break_block", times=times)
    guest["check_objects"] = checked
    vms = {**systems.healthy_vms(), VM: systems.vm(VM, uart=3, recovery=recovery)}
    return systems.system(name, {VM: guest}, vms)


def printed_by_holder(target: Target) -> int:
    """Lines of the task whose control block is overwritten."""
    return sum(line.startswith("hd ") for line in target.uart(VM).lines)


def test_wrong_state_is_not_saved(vmm_boot: Boot, undisturbed: Callable[..., int]) -> None:
    """# D7 The VM goes back to the checkpoint before the damage, and its task goes on; the others notice nothing."""
    target = vmm_boot(description("test-objects", times=1))
    (fault,) = target.wait_for_fault(ms=5_000)
    assert (fault.vm, fault.task, fault.kind, fault.fault_class) == (VM, "kernel", "check", "object")
    assert fault.action == "vm rollback"
    tasks = target.memory.symbol(VM, "os_tasks").address
    assert fault.address in range(tasks, tasks + 64), "the control block of the first task"
    before = printed_by_holder(target)
    machine.until(target, lambda: printed_by_holder(target) >= before + 20, ms=5_000)
    recording = machine.keep(target)
    oracle.unbroken(recording.lines[VM], repeats=2)
    assert len(recording.faults) == 1
    assert undisturbed(recording) >= 40


def test_without_the_check_the_task_is_lost(vmm_boot: Boot) -> None:
    """# D7 The same guest, not checked: nothing is noticed, and the task never runs again."""
    target = vmm_boot(description("test-objects-off", times=1, checked=False))
    target.run_for(2 * AFTER_TICK_MS)
    before = printed_by_holder(target)
    target.run_for(4 * AFTER_TICK_MS)
    assert printed_by_holder(target) == before
    assert target.faults() == []


def test_damage_that_comes_back(vmm_boot: Boot, undisturbed: Callable[..., int]) -> None:
    """# D5 # D7 After each rollback the same again: the budgets end it, and only the healthy guests go on."""
    recovery = systems.budgets(task=1, vm=2, cold=1, window_ms=60_000)
    target = vmm_boot(description("test-objects-again", times=1000, recovery=recovery))
    machine.until(target, lambda: machine.state(target, VM) == "stopped", ms=20_000)
    machine.until(target, lambda: machine.printed(target, *systems.HEALTHY, lines=100), ms=5_000)
    recording = machine.keep(target)
    assert {fault.fault_class for fault in recording.faults} == {"object"}
    assert recording.faults[-1].action == "vm stop"
    assert undisturbed(recording) >= 40


def test_no_false_alarm(vmm_boot: Boot) -> None:
    """# D7 Healthy guests with all their objects checked, with rollbacks and restarts: nothing is found."""
    golden = systems.golden()
    golden["system"] = {**golden["system"], "name": "test-objects-soak"}
    for name in ("prod_cons", "control_loop", "peaceful"):
        golden["guest"][name]["check_objects"] = True
    target = vmm_boot(golden)
    target.wait_for_prompt()
    for command in ("checkpoint VM", "rollback VM", "rollback VM 0", "stop VM", "start VM", "rollback VM"):
        for vm in (*systems.HEALTHY, "peaceful"):
            machine.ask(target, command.replace("VM", vm))
        target.run_for(1_000)
    assert {fault.fault_class for fault in target.faults()} == {"request"}
    registered = [target.memory.structure("vm_state", target.memory.vm(vm)["state"]) for vm in systems.HEALTHY]
    assert all(state["object_count"] >= 10 for state in registered)
