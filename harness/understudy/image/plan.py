# SPDX-License-Identifier: Apache-2.0
"""Which sources make up the VMM and each guest, and where each side of a guest lies."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import field, frozen

from understudy import paths
from understudy.config.model import (
    KERNEL_BASE,
    PERSISTENT_OFFSET,
    SHARED_BASE,
    TASK_BASE,
    VCPU_PAGE,
    WINDOW,
    Board,
    Guest,
)
from understudy.errors import BuildError
from understudy.image.render import parameters_of, render, render_own, write_if_changed

VMM = Path("vmm-c")
GUESTS = Path("guests")
_SUFFIXES = (".c", ".S")
# Entry code in guests/lib for kernels that have no section .vectors of their own; tasks never get it.
_START = "start.S"
# Parts of the folder of a guest kernel that belong to the kernel's side; api/ is the tasks' side.
_KERNEL_PARTS = ("", "kernel")
VMI_PORT, BARE_PORT = "port/vmi", "port/bare"


# What every template of a guest is given; the rest are parameters of the system file.
_GIVEN = {"guest", "task", "number"}


@frozen
class Unit:
    """One file to compile, with paths relative to the top of the checkout; `origin` is the folder it is written in."""

    path: Path
    origin: Path
    library: bool = False


@frozen
class Side:
    """One separately linked part of a guest: the kernel, what tasks share, or a task."""

    id: str
    title: str
    base: int
    limit: int
    units: list[Unit]
    stack: int = 0
    heap: int = 0
    entry: str = ""

    @property
    def persistent(self) -> int:
        """Where its persistent memory lies, in every build."""
        return self.base + PERSISTENT_OFFSET

    @property
    def is_kernel(self) -> bool:
        """Tell whether this is the side of the guest kernel."""
        return self.id == "kernel"

    @property
    def is_task(self) -> bool:
        """Tell whether this is the side of a task."""
        return bool(self.entry)


@frozen
class GuestPlan:
    """A guest with its sides and its folder under build/, relative to the top of the checkout."""

    name: str
    guest: Guest
    folder: Path
    sides: list[Side] = field(factory=list)
    port: str = VMI_PORT

    @property
    def elf(self) -> Path:
        """The linked guest."""
        return self.folder.with_suffix(".elf")

    def object(self, side: Side) -> Path:
        """Return the partly linked object of one side."""
        return self.folder / f"{side.id}.o"

    @property
    def script(self) -> Path:
        """The linker script."""
        return self.folder / "guest.ld"


def folder_units(folder: Path, *, library: bool = False) -> list[Unit]:
    """Return the sources that lie directly in a folder (relative to the checkout), in a fixed order."""
    found = sorted(p for p in (paths.root() / folder).glob("*") if p.suffix in _SUFFIXES)
    return [Unit(folder / p.name, folder, library) for p in found]


def vmm_units(board: Board, *, fault_tolerance: bool) -> list[Unit]:
    """Return the sources of the VMM; without fault tolerance none of recovery/ is among them (invariant 6)."""
    folders = ["arch/armv7", "core", "drivers", f"boards/{board.name}", "lib"]
    folders.append("recovery" if fault_tolerance else "plain")
    return [unit for folder in folders for unit in folder_units(VMM / folder)]


def plan_guest(name: str, guest: Guest, folder: Path, port: str = VMI_PORT) -> GuestPlan:
    """Find, render and generate the sources of a guest.

    Args:
        name: of the guest.
        guest: its table in the system file.
        folder: for what is generated, relative to the top of the checkout.
        port: the part of the guest kernel that ties it to the VMM, or to the bare board.

    Raises:
        BuildError: a source does not exist, or a template can't be rendered.

    """
    finder = _Finder(name, guest, folder)
    kernel = finder.units("kernel", guest.sources, {})
    shared = finder.units("shared", guest.shared, {})
    if guest.kernel != "none":
        kernel = [
            unit for part in (*_KERNEL_PARTS, port) for unit in folder_units(GUESTS / guest.kernel / part)
        ] + kernel
        shared = folder_units(GUESTS / guest.kernel / "api") + shared
    if guest.kernel == "rtos" or guest.tasks:
        table = folder / "tasks.c"
        write_if_changed(paths.root() / table, render_own("tasks.c.j2", name=name, guest=guest))
        kernel.append(Unit(table, folder))
    library = folder_units(GUESTS / "lib", library=True)
    start = [] if _has_vectors(kernel) else [unit for unit in library if unit.path.name == _START]
    library = [unit for unit in library if unit.path.name != _START]
    kernel += start + library
    sides = [Side("kernel", "the kernel", KERNEL_BASE, VCPU_PAGE, kernel, stack=guest.stack)]
    if shared or guest.tasks:
        limit = SHARED_BASE + WINDOW
        sides.append(Side("shared", "the shared part", SHARED_BASE, limit, shared + library))
    for number, task in enumerate(guest.tasks):
        base = TASK_BASE + number * WINDOW
        values = {"task": task, "number": number, "parameters": task.parameters}
        sides.append(
            Side(
                id=f"task{number}",
                title=f"task {task.name!r}",
                base=base,
                limit=base + WINDOW,
                units=finder.units(f"task{number}", task.sources, values),
                stack=task.stack,
                heap=task.heap,
                entry=task.entry,
            )
        )
    return GuestPlan(name, guest, folder, sides, port)


def _has_vectors(units: list[Unit]) -> bool:
    return any(".vectors" in (paths.root() / unit.path).read_text(encoding="utf-8") for unit in units)


@frozen
class _Finder:
    """Turns the source names of one guest into files."""

    name: str
    guest: Guest
    folder: Path

    def units(self, side: str, names: Iterable[str], values: dict[str, Any]) -> list[Unit]:
        """Return the units of one side; templates are rendered into its folder."""
        found: list[Unit] = []
        self._raise_if_unknown(values.get("parameters", {}), [s for name in names for s in self._find(name)])
        for name in names:
            for source in self._find(name):
                if source.suffix == ".j2":
                    found.append(self._rendered(side, name, source, values))
                else:
                    found.append(Unit(source, source.parent))
        return found

    def _raise_if_unknown(self, parameters: Iterable[str], sources: list[Path]) -> None:
        templates = [source for source in sources if source.suffix == ".j2"]
        known = {name for template in templates for name in parameters_of(paths.root() / template)} - _GIVEN
        unknown = [name for name in parameters if name not in known]
        if unknown:
            where = ", ".join(map(str, templates)) or "its sources (none is a template)"
            listed = ", ".join(sorted(known)) or "none"
            raise BuildError(f"guest.{self.name}: no parameter {unknown[0]!r} in {where}; known: {listed}")

    def _find(self, name: str) -> list[Path]:
        top = paths.root()
        for base in (GUESTS, Path()):
            found = sorted(p.relative_to(top) for p in (top / base).glob(name) if p.is_file())
            if found:
                return found
        raise BuildError(
            f"guest.{self.name}: no source {name!r} under guests/ or the top of the checkout: check the path"
        )

    def _rendered(self, side: str, name: str, source: Path, values: dict[str, Any]) -> Unit:
        target = self.folder / side / source.stem
        own = self.guest.templates.get(name, {})
        self._raise_if_unknown(own, [source])
        given = {"guest": self.name, **own, **values, **values.get("parameters", {})}
        write_if_changed(paths.root() / target, render(paths.root() / source, **given))
        return Unit(target, source.parent)
