# SPDX-License-Identifier: Apache-2.0
"""The ninja file of a system. Objects are shared by all systems: their folder is named by their flags.

All ninja files keep their log in build/, so that an object compiled for one system is up to date for the next.
"""

import hashlib
import io
from pathlib import Path

from ninja.ninja_syntax import Writer

from understudy import paths
from understudy.config.model import Board
from understudy.image.plan import VMI_PORT, GuestPlan, Side, Unit
from understudy.image.toolchain import GCC, OBJCOPY, gcc_flags, guest_flags, vmm_flags

VMM_OBJECTS = "vmm-objects"  # a target that stands for all of them

_LINK = f"{GCC} $flags -nostdlib -Wl,--no-warn-execstack"
_SCRIPTED = f"{_LINK} -Wl,--gc-sections -Wl,-T,$script -Wl,-Map,$out.map"
_RULES = {
    "cc": (f"{GCC} $flags -MMD -MF $out.d -c $in -o $out", "CC $in"),
    "side": (f"{_LINK} -r $in -lgcc -o $out.all && {OBJCOPY} $filter $out.all $out", "SIDE $out"),
    "guest": (f"{_SCRIPTED} -Wl,-e,$entry $in -o $out", "GUEST $out"),
    "vmm": (f"{_SCRIPTED} $in -lgcc -o $out", "VMM $out"),
}


class NinjaFile:
    """Collects the statements for one system."""

    def __init__(self, board: Board, *, trace_points: bool = False) -> None:
        self._board = board
        self._vmm_flags = gcc_flags(vmm_flags(board, trace_points=trace_points))
        self._text = io.StringIO()
        self._out = Writer(self._text, width=1000)  # type: ignore[arg-type] # the stub is too narrow
        self._objects: set[Path] = set()
        self._out.variable("builddir", "build")
        self._out.variable("root", str(paths.root()))
        for name, (command, shown) in _RULES.items():
            depfile = "$out.d" if name == "cc" else None
            self._out.rule(name, command, description=shown, depfile=depfile)

    def text(self) -> str:
        """Return the finished file."""
        return self._text.getvalue()

    def vmm_objects(self, units: list[Unit]) -> list[Path]:
        """Compile the sources of the VMM; return their objects."""
        objects = [self._compile(unit.path, self._vmm_flags) for unit in units]
        self._out.build([VMM_OBJECTS], "phony", [str(path) for path in objects])
        return objects

    def vmm(self, elf: Path, objects: list[Path], script: Path, images: list[GuestPlan]) -> None:
        """Link the VMM with the tables and the guests."""
        tables = [self._compile(elf.parent / "config_tables.c", self._vmm_flags)]
        guests = [plan.elf for plan in images]
        tables.append(self._compile(elf.parent / "guest_images.S", self._vmm_flags, also=guests))
        self._link("vmm", elf, [*objects, *tables], script, {})

    def guest(self, plan: GuestPlan) -> Path:
        """Compile and link a guest; return its ELF file."""
        sides = [self._side(plan, side) for side in plan.sides]
        # At the first address of the kernel's window (R38); the bare board has an entry symbol.
        entry = f"{plan.sides[0].base:#x}" if plan.port == VMI_PORT else "_start"
        self._link("guest", plan.elf, sides, plan.script, {"entry": entry})
        return plan.elf

    def _link(self, rule: str, out: Path, objects: list[Path], script: Path, extra: dict[str, str]) -> None:
        flags = [*self._board.board.cpu_flags, "-marm", "-mgeneral-regs-only"]
        variables = {"flags": " ".join(flags), "script": str(script), **extra}
        self._out.build([str(out)], rule, [str(o) for o in objects], implicit=[str(script)], variables=variables)

    def _side(self, plan: GuestPlan, side: Side) -> Path:
        objects = []
        for unit in side.units:
            flags = guest_flags(self._board, plan.guest.kernel, unit, kernel_side=side.is_kernel)
            objects.append(self._compile(unit.path, gcc_flags(flags)))
        cpu = [*self._board.board.cpu_flags, "-marm"]
        cpu += ["-mgeneral-regs-only"] if side.is_kernel else ["-mfpu=neon", "-mfloat-abi=softfp"]
        filters: list[str] = []
        if side.is_kernel:
            filters = ["--localize-hidden"]
        elif side.is_task:
            # Tasks may be made of the same sources: everything but the entry becomes local, under its own name.
            entry = f"__{side.id}_entry"
            cpu.append(f"-Wl,--defsym={entry}={side.entry}")
            filters = [f"--keep-global-symbol={entry}"]
            for name in ("stack_base", "stack_top", "heap_base", "heap_top"):
                filters.append(f"--redefine-sym=__{name}=__{side.id}_{name}")
        out = plan.object(side)
        variables = {"flags": " ".join(cpu), "filter": " ".join(filters)}
        self._out.build([str(out)], "side", [str(o) for o in objects], variables=variables)
        return out

    def _compile(self, source: Path, flags: list[str], also: list[Path] | None = None) -> Path:
        key = hashlib.sha256("\0".join(flags).encode()).hexdigest()[:8]
        out = Path("build", "obj", key, f"{source}.o")
        if out not in self._objects:
            self._objects.add(out)
            implicit = [str(path) for path in also or []]
            self._out.build([str(out)], "cc", [str(source)], implicit=implicit, variables={"flags": " ".join(flags)})
        return out
