# SPDX-License-Identifier: Apache-2.0
"""What many tests do with a running machine, and what they keep of one that ended."""

import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from attrs import frozen
from understudy.errors import TargetTimeout
from understudy.image import Image
from understudy.image.layouts import read_layouts
from understudy.target import Fault, Gdb, Stop, Target
from understudy.target.memory import Memory

from . import oracle
from .tables import Readable, static

STEP_MS = 5
WFI, SVC = 0xE320F003, 0xEF000000


@frozen
class Recording:
    """What a machine that ran without any input left: the same in each run of an image."""

    image: Image
    lines: dict[str, list[str]]
    faults: list[Fault]
    vms: dict[str, dict[str, Any]]
    counters: dict[str, dict[str, int]]
    states: dict[str, str]
    console: list[str]
    looked: Any = None


def until(target: Target, condition: Callable[[], object], *, ms: float = 10_000) -> None:
    """Let the machine run until a condition holds; `ms` is the deadline in virtual time.

    The machine stands still while the condition is looked at, or it would run far ahead of it.
    """
    end = target.virtual_ms() + ms
    while True:
        target.pause()
        good, late = condition(), target.virtual_ms() > end
        target.resume()
        if good:
            return
        if late:
            raise TargetTimeout(f"not within {ms:g} ms of virtual time\n{target.console.text[-2000:]}")
        target.run_for(STEP_MS)


def let_real_time_pass(seconds: float) -> None:
    """Wait for what must not happen, when the virtual clock may stand still."""
    time.sleep(seconds)


def ask(target: Target, command: str) -> str:
    """Give a command to the management console; return what it answers, without the VMM's own lines between."""
    lines = target.vm0(command).splitlines()
    return "\n".join(line for line in lines if not line.startswith("[vmm] "))


def settle(target: Target) -> None:
    """Stop the machine where the VMM is not at work, so that what it knows of the VMs is complete."""
    for _ in range(1000):
        target.pause()
        text = str(target.qmp("human-monitor-command", command_line="info registers"))
        match = re.search(r"R15=([0-9a-f]{8})", text)
        assert match, text
        if "usr32" in text or WFI in (target.memory.word(int(match[1], 16) - back) for back in (0, 4)):
            return
        target.resume()
    raise TargetTimeout("the VMM is always at work")


def counters(target: Target, vm: str) -> dict[str, int]:
    """The VMM's counters of a VM."""
    fields = target.memory.vm(vm)
    found = dict(target.memory.structure("vm_counters", fields["counters"]))
    found |= {name: fields[name] for name in ("switches", "task_switches")}
    for kind, switches in (("", "switches"), ("task_", "task_switches")):
        more = found.pop(f"{kind}checkpoints_more")
        found[f"{kind}checkpoints"] = (found[switches] + more) % 2**32 if fields["tracked"] else 0
    return found


def state(target: Target, vm: str) -> str:
    """The state of a VM, such as "running"."""
    number = target.memory.vm(vm)["run_state"]
    labels = target.image.manifest["enumerations"]["vmi_vm_state"]
    return next(label for label, value in labels.items() if value == number).removeprefix("VMI_VM_").lower()


@cache
def _layout(elf: Path, build_id: str, structure: str) -> dict[str, Any]:
    del build_id  # the file of another build has another layout
    return dict(read_layouts(elf, (structure,))["structures"][structure])


def structure(target: Target, name: str, data: bytes) -> dict[str, Any]:
    """Decode a C structure of the VMM that the manifest does not describe."""
    layout = _layout(target.image.elf, target.image.build_id, name)
    return Memory({"structures": {name: layout}}, target.read_physical).structure(name, data)


def _member_of(target: Target, vm: str, array: str, name: str, member: str) -> int:
    layout = _layout(target.image.elf, target.image.build_id, name)
    base = static(target, array) + target.memory.vm_index(vm) * int(layout["size"])
    return base + int(layout["members"][member][0])


def input_member(target: Target, vm: str, member: str) -> int:
    """The address of a member of the VMM's `struct console_input` of a VM."""
    return _member_of(target, vm, "inputs", "console_input", member)


def output_member(target: Target, vm: str, member: str) -> int:
    """The same of `struct console_output`."""
    return _member_of(target, vm, "outputs", "console_output", member)


def log_lines(target: Target, vm: str) -> list[str]:
    """The complete lines of a VM that the VMM still keeps and has committed, whether the VM has a UART or not.

    A host that is slow to look may find the first ones overwritten; then `oracle.LOST` stands for them.
    """
    layout = _layout(target.image.elf, target.image.build_id, "console_output")
    base = static(target, "outputs") + target.memory.vm_index(vm) * layout["size"]
    data = target.read_physical(base, layout["size"])

    def word(member: str) -> int:
        offset = layout["members"][member][0]
        return int.from_bytes(data[offset : offset + 4], "little")

    start, committed = word("start"), word("committed")
    offset, size, _ = layout["members"]["text"]
    first = max(start, word("written") - size)
    text = bytes(data[offset + position % size] for position in range(first, committed)).decode().replace("\r", "")
    lines = text.split("\n")[:-1]
    return lines if first == start else [oracle.LOST, *lines[1:]]


def lines_of(target: Target, vm: str) -> list[str]:
    """All lines of a VM with a UART of its own, otherwise those that the VMM still keeps."""
    has_uart = target.image.manifest["vms"][vm]["uart"] is not None
    return target.uart(vm).lines if has_uart else log_lines(target, vm)


def thread(target: Readable, vm: str, number: int) -> dict[str, Any]:
    """The VMM's `struct thread` of a thread of a VM (0 to 12: tasks, 13: the guest kernel)."""
    memory = target.memory
    size = memory.size_of("thread")
    base = memory.vm_address(vm) + memory.offset_of("vm", "threads") + number * size
    return memory.structure("thread", target.read_physical(base, size))


def frame(target: Readable, vm: str, number: int, *, saved: bool = False) -> dict[str, Any]:
    """The saved registers of a thread of a VM, or those in the VM's checkpoint."""
    memory = target.memory
    images = thread(target, vm, number)
    image = (images["vm_saved"] or images["task_saved"]) if saved else images["frame"]
    at = image - memory.offset_of("context", "pc")
    return memory.structure("context", target.read_physical(at, memory.size_of("context")))


def running_thread(target: Readable, vm: str) -> int:
    """The thread that runs when the VM runs (0 to 12: tasks, 13: the guest kernel)."""
    memory = target.memory
    return thread_number(memory, vm, memory.vm(vm)["thread"])


def thread_number(memory: Memory, vm: str, pointer: int) -> int:
    """The number of the thread that a pointer of the VMM means."""
    return (pointer - memory.vm_address(vm) - memory.offset_of("vm", "threads")) // memory.size_of("thread")


def call_site(target: Target, vm: str, task: int) -> int:
    """The address of the SVC through which a task calls its kernel: where it waits most of the time."""
    found: list[int] = []

    def waits() -> bool:
        found[:] = [frame(target, vm, task)["pc"] - 4]
        return (
            running_thread(target, vm) != task and int.from_bytes(target.memory.read(vm, found[0], 4), "little") == SVC
        )

    until(target, waits)
    return found[0]


def stop_in_task(target: Target, gdb: Gdb, vm: str, task: int, address: int) -> Stop:
    """Run until a task, and no other one, comes to an address."""
    for _ in range(100):
        stop = target.stop_in(gdb, vm, address, seconds=30)
        if running_thread(target, vm) == task:
            return stop
    raise TargetTimeout(f"task {task} of {vm} does not run")


def keep(target: Target, look: Callable[[Target], object] | None = None) -> Recording:
    """Stop the machine and take everything that tests compare; `looked` is what `look` returns."""
    settle(target)
    vms = list(target.image.manifest["vms"])
    return Recording(
        image=target.image,
        lines={vm: lines_of(target, vm) for vm in vms[1:]},
        faults=target.faults(),
        vms={vm: target.memory.vm(vm) for vm in vms},
        counters={vm: counters(target, vm) for vm in vms},
        states={vm: state(target, vm) for vm in vms},
        console=target.console.lines,
        looked=look(target) if look else None,
    )


def once(run: Callable[[int], Recording]) -> Callable[[int], Recording]:
    """`run` by number, each only once, also when it fails: the tests that share it need not wait for it again."""
    results: dict[int, Recording | BaseException] = {}

    def get(number: int) -> Recording:
        if number not in results:
            try:
                results[number] = run(number)
            except BaseException as error:
                results[number] = error
        result = results[number]
        if isinstance(result, BaseException):
            raise result
        return result

    return get


def record(
    image: Image,
    done: Callable[[Target], object],
    *,
    ms: float = 10_000,
    look: Callable[[Target], object] | None = None,
) -> Recording:
    """Boot an image whose VMs start by themselves, and let it run until `done`."""
    with Target(image) as target:
        until(target, lambda: done(target), ms=ms)
        return keep(target, look)


def printed(target: Target, *vms: str, lines: int) -> bool:
    """Tell whether each of the VMs has printed so many lines."""
    return all(len(lines_of(target, vm)) >= lines for vm in vms)
