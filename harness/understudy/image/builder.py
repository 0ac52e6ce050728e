# SPDX-License-Identifier: Apache-2.0
"""`build`: plan, render, compile, link, check, describe. Each step only does what changed."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from understudy import paths
from understudy.config.convert import unstructure
from understudy.config.load import load_system
from understudy.config.model import STACK_GUARD, Board, System
from understudy.errors import BuildError, ToolError
from understudy.image import checks
from understudy.image.elf import Elf, read_elf
from understudy.image.manifest import make_manifest, read_manifest
from understudy.image.ninja import VMM_OBJECTS, NinjaFile
from understudy.image.plan import GuestPlan, plan_guest, vmm_units
from understudy.image.render import TEMPLATES, render_own, write_if_changed
from understudy.image.seal import seal
from understudy.image.segments import GuestImage, guest_image
from understudy.image.standby import check_pairs
from understudy.image.tables import VMM_STACKS, write_tables
from understudy.image.toolchain import GCC

_HASHED = {".c", ".h", ".S", ".j2"}


@frozen
class Image:
    """A built system. `manifest` is described in docs/; `folder` holds everything that was generated."""

    name: str
    folder: Path
    manifest: dict[str, Any]

    @property
    def elf(self) -> Path:
        """The bootable image."""
        return self.folder / "vmm.elf"

    @property
    def build_id(self) -> str:
        """The 16 hexadecimal digits that the boot banner shows."""
        return str(self.manifest["build_id"])

    @classmethod
    def load(cls, folder: Path) -> "Image":
        """Open what an earlier `build` left in `folder`."""
        manifest = read_manifest(folder / "manifest.json")
        return cls(str(manifest["system"]), folder, manifest)


def build(system: str | Path | Mapping[str, Any]) -> Image:
    """Build a system, given as `understudy.config.load.load_system` takes it.

    Raises:
        ConfigError: the TOML has problems.
        ToolError: a compiler is missing.
        BuildError: a source could not be compiled or linked, or the image breaks a rule.

    """
    model, board = load_system(system)
    for tool in (GCC, ninja_program()):
        if not shutil.which(tool):
            raise ToolError(f"{tool} is missing: run `understudy doctor` to see what to install")
    with build_lock():
        return _Build(model, board).run()


class _Build:
    """One build; the steps share these paths, which are relative to the top of the checkout."""

    def __init__(self, system: System, board: Board) -> None:
        self.system = system
        self.board = board
        self.folder = Path("build", "systems", system.name)
        self.top = paths.root()
        self.elf = self.folder / "vmm.elf"

    def run(self) -> Image:
        build_id = content_id(self.system, self.board)
        plans = [plan_guest(n, g, self.folder / "guests" / n) for n, g in self.system.guest.items()]
        self._write_scripts(plans)
        self._ninja([*(str(plan.elf) for plan in plans), VMM_OBJECTS])
        elfs = {plan.name: self._guest(plan) for plan in plans}
        images = {p.name: guest_image(p.name, p.guest, p.elf, elfs[p.name]) for p in plans}
        checks.raise_if(checks.check_partitions(self.system, images))
        checks.raise_if(check_pairs(self.system, images, elfs))
        write_tables(self.top / self.folder, self.system, images, build_id)
        self._ninja([str(self.elf)])
        return self._describe(build_id, images, elfs)

    def _write_scripts(self, plans: list[GuestPlan]) -> None:
        ninja = NinjaFile(self.board, trace_points=self.system.system.trace_points)
        for plan in plans:
            sides = [{"object": plan.object(side), **_public(side)} for side in plan.sides]
            write_if_changed(
                self.top / plan.script,
                render_own(
                    "guest.ld.j2",
                    name=plan.name,
                    pure_mask=plan.guest.pure_mask,
                    stack_guard=STACK_GUARD,
                    sides=sides,
                ),
            )
            ninja.guest(plan)
        script = self.folder / "vmm.ld"
        write_if_changed(self.top / script, render_own("vmm.ld.j2", board=self.board, vmm_stacks=VMM_STACKS))
        objects = ninja.vmm_objects(vmm_units(self.board, fault_tolerance=self.system.system.fault_tolerance))
        ninja.vmm(self.elf, objects, script, plans)
        write_if_changed(self.top / self.folder / "build.ninja", ninja.text())

    def _ninja(self, targets: list[str]) -> None:
        run_ninja(self.folder / "build.ninja", targets)

    def _guest(self, plan: GuestPlan) -> Elf:
        elf = read_elf(self.top / plan.elf)
        kernel = read_elf(self.top / plan.object(plan.sides[0]))
        checks.raise_if(checks.check_guest(plan, elf, kernel, (self.top / plan.elf).read_bytes()))
        return elf

    def _describe(self, build_id: str, images: dict[str, GuestImage], elfs: dict[str, Elf]) -> Image:
        folder = self.top / self.folder
        written = folder / "manifest.json"
        if written.is_file() and written.stat().st_mtime_ns > (self.top / self.elf).stat().st_mtime_ns:
            manifest = read_manifest(written)
            if manifest["build_id"] == build_id:
                return Image(self.system.name, folder, manifest)
        vmm = seal(self.top / self.elf)
        checks.raise_if(checks.check_vmm(vmm, self.board, self.system))
        manifest = make_manifest(self.system, self.board, build_id, vmm, images, elfs)
        # What the image was made of, in a form that `understudy build` and `run` take: also variants can be repeated.
        write_if_changed(folder / "system.json", json.dumps(unstructure(self.system), indent=1) + "\n")
        written.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        return Image(self.system.name, folder, manifest)


def content_id(system: System, board: Board) -> str:
    """Return 16 hexadecimal digits over all sources, templates and the configuration."""
    total = hashlib.sha256()
    for folder in (paths.root() / "vmm-c", paths.root() / "guests", TEMPLATES):
        for path in sorted(p for p in folder.rglob("*") if p.suffix in _HASHED):
            total.update(f"{path.relative_to(folder)}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    for model in (system, board):
        total.update(json.dumps(unstructure(model)).encode())
    return total.hexdigest()[:16]


def _public(side: Any) -> dict[str, Any]:
    return {name: getattr(side, name) for name in ("id", "title", "base", "limit", "stack", "heap", "persistent")}


def ninja_program() -> str:
    """Return the ninja that came with the package, or the one of the system."""
    own = Path(sysconfig.get_path("scripts"), "ninja")
    return str(own) if own.is_file() else "ninja"


def run_ninja(script: Path, targets: list[str]) -> None:
    """Bring targets up to date; paths are relative to the top of the checkout.

    Raises:
        BuildError: with the messages of the compilers and the linker.
    """
    jobs = str(os.cpu_count() or 1)
    # -k 0: one run shows the errors of all sources.
    command = [ninja_program(), "-f", str(script), "-j", jobs, "-k", "0", *targets]
    done = subprocess.run(command, cwd=paths.root(), capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if not line.startswith("[")]
        raise BuildError("\n".join([*lines, done.stderr]).strip())


@contextmanager
def build_lock() -> Iterator[None]:
    """Let one build run at a time: objects and ninja's log are shared by all systems."""
    folder = paths.build_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
