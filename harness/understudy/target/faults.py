# SPDX-License-Identifier: Apache-2.0
"""The VMM's fault log, read from its memory."""

from typing import Any

from attrs import frozen

from understudy.target.memory import Memory

KERNEL = 0xFF  # VMI_TASK_KERNEL


@frozen
class Fault:
    """One record, with words where the VMI has an enumeration. `task` is "kernel" for the guest kernel."""

    sequence: int
    time: int
    vm: str
    task: str
    kind: str
    fault_class: str
    pc: int
    address: int
    status: int
    action: str
    write: bool
    owner_window: int
    reason: str
    cost: int
    pages: int
    old_table: int
    new_table: int
    detail: str  # what `status` says for a hang or a boot, such as "masked" or "crc"; else ""


def read_faults(memory: Memory) -> list[Fault]:
    """Return the records of this life of the board that are still in the log, the oldest first."""
    header = memory.structure(
        "black_box", memory.read_physical(memory.address("black_box"), memory.size_of("black_box"))
    )
    base = memory.address("fault_log")
    log = memory.structure("fault_log", memory.read_physical(base, memory.size_of("fault_log")))
    size = memory.size_of("vmi_fault")
    newest, capacity = log["next_sequence"] - 1, log["capacity"]
    faults = []
    for sequence in range(max(header["first"], newest - capacity + 1), newest + 1):
        at = (sequence - 1) % capacity * size
        faults.append(decode(memory, log["records"][at : at + size]))
    return faults


def decode(memory: Memory, data: bytes) -> Fault:
    """Decode one `struct vmi_fault`."""
    record = memory.structure("vmi_fault", data)
    vms = list(memory.manifest["vms"])
    vm = vms[record["vm"]]
    return Fault(
        sequence=record["sequence"],
        time=record["time_hi"] << 32 | record["time_lo"],
        vm=vm,
        task=_task(memory, vm, record["task"]),
        kind=_label(memory, "vmi_fault_kind", record["kind"]),
        fault_class=_label(memory, "vmi_fault_class", record["class"]),
        pc=record["pc"],
        address=record["address"],
        status=record["status"],
        action=_label(memory, "vmi_action", record["action"]),
        write=bool(record["write"]),
        owner_window=record["owner_window"],
        reason=_label(memory, "vmi_reason", record["reason"]),
        cost=record["cost"],
        pages=record["pages"],
        old_table=record["old_table"],
        new_table=record["new_table"],
        detail=_detail(memory, record),
    )


def _detail(memory: Memory, record: dict[str, Any]) -> str:
    if _label(memory, "vmi_fault_kind", record["kind"]) == "scrub":  # its status is of enum vmi_text_damage
        return "crc" if _label(memory, "vmi_fault_class", record["class"]) == "boot" else ""
    enumeration = {"hang": "vmi_hang", "boot": "vmi_boot"}.get(_label(memory, "vmi_fault_class", record["class"]))
    return _label(memory, enumeration, record["status"]) if enumeration else ""


def _task(memory: Memory, vm: str, number: int) -> str:
    tasks: list[dict[str, Any]] = memory.manifest["guests"][memory.manifest["vms"][vm]["guest"]]["tasks"]
    if number == KERNEL:
        return "kernel"
    return str(tasks[number]["name"]) if number < len(tasks) else f"task {number}"


def _label(memory: Memory, enumeration: str, value: int) -> str:
    """Return VMI_CLASS_ALIGNMENT as "alignment"."""
    for label, number in memory.manifest["enumerations"].get(enumeration, {}).items():
        if number == value and not label.endswith("_COUNT"):
            return str(label).split("_", 2)[2].lower().replace("_", " ")
    return str(value)
