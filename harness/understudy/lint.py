# SPDX-License-Identifier: Apache-2.0
"""The checks of the C code that a compiler run alone does not give, and of sizes in all code."""

import os
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lizard

from understudy import paths
from understudy.config.load import load_board, load_system, names
from understudy.config.model import Board, System
from understudy.errors import ToolError
from understudy.image import build
from understudy.image.plan import GUESTS, VMM, GuestPlan, Unit, plan_guest, vmm_units
from understudy.image.toolchain import GCC, guest_flags, vmm_flags
from understudy.target import plugin

FUNCTION_LINES = 60
FILE_LINES = 400
_CODE = ("harness", "vmm-c", "guests", "tests")
_GUEST_TESTS = Path("tests/guest")
_CLANG = ["clang", "--target=arm-none-eabi", "-fsyntax-only", "-Qunused-arguments"]


def format_c(*, check: bool) -> list[str]:
    """Format all C code, or only say which files are not formatted."""
    program = Path(sysconfig.get_path("scripts"), "clang-format")
    mode = ["--dry-run", "-Werror"] if check else ["-i"]
    files = [str(path) for path in _files(".c", ".h")]
    return _failures([[str(program), "--style=file", *mode, *files]] if files else [])


def sizes() -> list[str]:
    """Return files and functions that are too long."""
    found: list[str] = []
    for path in _files(".c", ".h", ".S", ".py", ".j2"):
        lines = len((paths.root() / path).read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES:
            found.append(f"{path}: {lines} lines; at most {FILE_LINES}")
    for path in _files(".c", ".h", ".py"):
        for function in lizard.analyze_file(str(paths.root() / path)).function_list:
            length = function.end_line - function.start_line + 1
            if length > FUNCTION_LINES:
                found.append(
                    f"{path}:{function.start_line}: {function.name} has {length} lines; at most {FUNCTION_LINES}"
                )
    return found


def compile_c() -> list[str]:
    """Build every system with GCC, with and without fault tolerance; check all units again with clang.

    The plugins for QEMU are checked with both compilers of the host.
    """
    commands: dict[tuple[str, ...], None] = {}
    seen: set[Path] = set()
    for name in names(paths.systems_folder()):
        for tolerant in (True, False):
            model, board = load_system(name)
            if tolerant == model.system.fault_tolerance:
                build(name)
            for unit, flags in _system_units(model, board, tolerant):
                seen.add(unit.path)
                commands[(*_CLANG, *flags, str(unit.path))] = None
    for board_name in names(paths.boards_folder()):
        for command in _other_units(load_board(board_name), seen):
            commands[tuple(command)] = None
    for path in _files(".c"):
        for compiler in (plugin.COMPILER, "clang") if path.parent.name == "plugin" else ():
            commands[(compiler, *plugin.FLAGS, "-I", str(plugin.INCLUDE), "-fsyntax-only", str(path))] = None
    return _failures([list(command) for command in commands])


def cppcheck() -> list[str]:
    """Run cppcheck over VMM and guests."""
    command = ["cppcheck", "--quiet", "--enable=warning,performance,portability", "--std=c11", "--inline-suppr"]
    command += ["--error-exitcode=1", "--suppress=missingInclude", "--suppress=missingIncludeSystem", "-D__arm__=1"]
    command += ["-j", str(os.cpu_count() or 1)]
    boards = names(paths.boards_folder())
    includes = [VMM, VMM / "include", *(VMM / "boards" / name for name in boards)]
    vmm = [*command, *(f"-I{folder}" for folder in includes), str(VMM)]
    guests = [*command, *(f"-I{folder}" for folder in (GUESTS, GUESTS / "lib", VMM / "include")), str(GUESTS)]
    return _failures([vmm, guests])


def _files(*suffixes: str) -> list[Path]:
    top = paths.root()
    found = [path for folder in _CODE for path in (top / folder).rglob("*") if path.suffix in suffixes]
    return sorted(path.relative_to(top) for path in found)


def _system_units(model: System, board: Board, tolerant: bool) -> Iterator[tuple[Unit, list[str]]]:
    for unit in vmm_units(board, fault_tolerance=tolerant):
        for trace_points in (False, True):
            yield unit, vmm_flags(board, trace_points=trace_points)
    for name, guest in model.guest.items():
        plan: GuestPlan = plan_guest(name, guest, Path("build", "systems", model.name, "guests", name))
        for side in plan.sides:
            for unit in side.units:
                yield unit, guest_flags(board, guest.kernel, unit, kernel_side=side.is_kernel)


def _other_units(board: Board, seen: set[Path]) -> Iterator[list[str]]:
    """Yield commands for guest sources that no system uses, under both compilers."""
    for path in _files(".c", ".S"):
        if path in seen or not (path.is_relative_to(GUESTS) or path.is_relative_to(_GUEST_TESTS)):
            continue
        flags = guest_flags(board, "rtos", Unit(path, path.parent), kernel_side=True)
        yield [*_CLANG, *flags, str(path)]
        yield [GCC, *flags, "-fsyntax-only", str(path)]


def _failures(commands: Sequence[list[str]]) -> list[str]:
    """Run commands, a few at a time; return the output of those that failed."""

    def run(command: list[str]) -> str:
        try:
            done = subprocess.run(command, cwd=paths.root(), capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise ToolError(f"{command[0]} is missing: run `understudy doctor` to see what to install") from None
        return (done.stdout + done.stderr).strip() or command[0] if done.returncode else ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [text for text in pool.map(run, commands) if text]
