# SPDX-License-Identifier: Apache-2.0
"""Operations of the interpreter (tests/system/apps/interpreter.inc), and the programs made of them."""

import struct
from collections.abc import Iterator

from attrs import define, field, frozen

from .memory import WORD

INFO_PAGE = 0x01000000
PROGRAM = INFO_PAGE + 0x400
FIRST = PROGRAM + 16
CAPACITY = (INFO_PAGE + 0x1000 - FIRST) // 24
NEVER = WORD
VMM = 0x60000000

CALLS = {
    "console_write": 2, "console_read": 3, "yield": 4, "wait": 5, "timer_set": 7,
    "task_create": 8, "task_delete": 9, "task_suspend": 10, "task_resume": 11, "task_priority": 12,
    "task_switch": 13, "task_result": 14, "task_return": 15, "channel_notify": 16,
    "vm_create": 34, "vm_start": 35, "vm_pause": 37, "vm_resume": 38, "vm_destroy": 39,
    "vm_checkpoint": 40, "vm_rollback": 41,
}  # fmt: skip
GUEST_CALL = 0x100
PURE_CALLS = (0, 1)
KERNELS = ("kernel", "manager")  # sides that are no task


@frozen(eq=False)
class Op:
    """One operation: how it is executed, its arguments, and for a call its name."""

    code: str
    args: tuple["int | Script", ...] = ()
    call: str = ""
    number: int = 0  # guest call, or the recoveries from which on a fault is left out

    @property
    def last_word(self) -> int:
        """What r12 holds."""
        return CALLS[self.call] if self.call else self.number

    def __str__(self) -> str:
        def shown(arg: "int | Script") -> str:
            return arg.name if isinstance(arg, Script) else f"{arg:#x}" if arg > 9 else str(arg)

        name = self.call or self.code
        if self.code == "guest_call":
            name = f"guest_call {self.number:#x}"
        elif self.code.startswith("fault"):
            name = f"{self.code} (while recoveries < {self.number})"
        return f"{name} {' '.join(shown(arg) for arg in self.args)}".rstrip()


@define(eq=False)
class Script:
    """What one thread executes in a row: a kernel from one entry to the next, a task from its creation on."""

    name: str
    side: str  # whose code executes it: "kernel", or the name of a task
    ops: list[Op] = field(factory=list)


@define
class Program:
    """All scripts of one VM."""

    scripts: list[Script] = field(factory=list)
    irq: Script | None = None
    end: str = "end"  # what kernels do after their last operation

    def script(self, name: str, side: str) -> Script:
        """A new script."""
        self.scripts.append(Script(f"{name}#{len(self.scripts)}", side))
        return self.scripts[-1]

    @property
    def room(self) -> int:
        """How many operations can be added; each script needs one for its end."""
        return CAPACITY - sum(len(script.ops) + 1 for script in self.scripts)

    def addresses(self) -> dict[Script, int]:
        """Where each script begins, in the order they were made."""
        found, at = {}, FIRST
        for script in self.scripts:
            found[script] = at
            at += 24 * (len(script.ops) + 1)
        return found

    def encode(self, stop: int, number: int, code: dict[tuple[str, str], int]) -> bytes:
        """Return what stands at PROGRAM; `code` has the address of the code for each side and operation."""
        at = self.addresses()
        reset = at[self.scripts[0]] if self.scripts else 0
        words = [reset, at[self.irq] if self.irq else 0, stop, number]
        for script in self.scripts:
            end = Op(self.end if script.side in KERNELS else "stay")
            for op in (*script.ops, end):
                args = [at[arg] if isinstance(arg, Script) else arg for arg in op.args]
                words += [*args, *[0] * (4 - len(args)), op.last_word, code[script.side, op.code]]
        return struct.pack(f"<{len(words)}I", *words)

    def listing(self) -> Iterator[str]:
        """The program for people."""
        for script in self.scripts:
            if script.ops:
                yield f"  {script.name} ({script.side}{', interrupts' if script is self.irq else ''}):"
                yield from (f"    {number}: {op}" for number, op in enumerate(script.ops))


def faults(data: int, foreign: int, text: int) -> list[tuple[str, tuple[int, ...]]]:
    """R32, R33: operations that fail, given addresses of own data, of memory of others, and of own text."""
    return [
        ("fault_undefined", ()),
        ("fault_store", (0,)),
        ("fault_store", (text,)),
        ("fault_store", (foreign,)),
        ("fault_store", (VMM,)),
        ("fault_load", (0x0F000000,)),
        ("fault_load", (VMM,)),
        ("fault_jump", (0x0BADC0D0,)),
        ("fault_jump", (data,)),
        ("fault_unaligned", (data | 1,)),
    ]
