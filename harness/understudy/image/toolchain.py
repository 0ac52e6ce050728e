# SPDX-License-Identifier: Apache-2.0
"""Compiler names and flags: one place for the build and for lint."""

from pathlib import Path

from understudy.config.model import PAGE, STACK_GUARD, Board
from understudy.image.plan import GUESTS, VMM, Unit

GCC = "arm-none-eabi-gcc"
OBJCOPY = "arm-none-eabi-objcopy"

WARNINGS = [
    *("-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow"),
    *("-Wmissing-prototypes", "-Wstrict-prototypes", "-Wvla"),
]
_COMMON = ["-std=c11", "-marm", "-ffreestanding", "-fno-common", "-O2", "-g"]
_SECTIONS = ["-ffunction-sections", "-fdata-sections"]
# Without it GCC turns the loop of memcpy into a call of memcpy.
_GCC_ONLY = ["-fno-tree-loop-distribute-patterns", "-ffile-prefix-map=$root=."]
# A function whose frame is larger than the guard below the stack could step over it.
_VMM_FRAMES = ["-Walloca", f"-Wframe-larger-than={PAGE}"]
_GUEST_FRAMES = ["-Walloca", f"-Wframe-larger-than={STACK_GUARD}"]
_INTEGER = ["-mgeneral-regs-only"]
_FLOAT = ["-mfpu=neon", "-mfloat-abi=softfp"]


def _includes(*folders: Path) -> list[str]:
    return [f"-I{folder}" for folder in dict.fromkeys(folders)]


def vmm_flags(board: Board, *, trace_points: bool = False) -> list[str]:
    """Return the flags of the VMM that GCC and clang both know."""
    folders = _includes(VMM, VMM / "include", VMM / "boards" / board.name)
    defines = ["-DTRACE_POINTS"] if trace_points else []
    return [*board.board.cpu_flags, *_COMMON, *_INTEGER, *WARNINGS, *_VMM_FRAMES, *defines, *folders]


def guest_flags(board: Board, kernel: str, unit: Unit, *, kernel_side: bool) -> list[str]:
    """Return the flags of one guest source that GCC and clang both know.

    The library is linked into the kernel and, a second time, for the tasks: hidden visibility marks the
    kernel's copy, which becomes local when the kernel is linked.
    """
    own = [GUESTS / kernel] if kernel != "none" else []
    folders = _includes(GUESTS, GUESTS / "lib", GUESTS / "rtos", *own, VMM / "include", unit.origin)
    hidden = ["-fvisibility=hidden"] if unit.library and kernel_side else []
    registers = _INTEGER if kernel_side else []
    return [*board.board.cpu_flags, *_COMMON, *_FLOAT, *registers, *hidden, *WARNINGS, *_GUEST_FRAMES, *folders]


def gcc_flags(flags: list[str]) -> list[str]:
    """Add what only GCC gets."""
    return [*flags, *_GCC_ONLY, *_SECTIONS]
