# SPDX-License-Identifier: Apache-2.0
"""A guest of a system as an image of its own for the bare board, without the VMM (the third bar of R43)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from understudy import paths
from understudy.config.load import load_system
from understudy.config.model import Board, Guest
from understudy.errors import BuildError
from understudy.image.builder import build_lock, run_ninja
from understudy.image.ninja import NinjaFile
from understudy.image.plan import BARE_PORT, GUESTS, plan_guest
from understudy.image.render import render, write_if_changed


def build_bare(system: str | Path | Mapping[str, Any], name: str) -> Path:
    """Build guest `name` of a system for the bare board; return the ELF file that QEMU boots.

    Raises:
        ConfigError: the TOML has problems.
        BuildError: no such guest, its kernel has no bare port, or a source could not be compiled or linked.

    """
    model, board = load_system(system)
    guest = model.guest.get(name)
    if guest is None:
        raise BuildError(f"{model.system.name}: no guest {name!r}; known: {', '.join(model.guest)}")
    template = GUESTS / guest.kernel / BARE_PORT / "bare.ld.j2"
    if not (paths.root() / template).is_file():
        raise BuildError(f"guest.{name}: kernel {guest.kernel!r} has no port to the bare board ({template} is missing)")
    folder = Path("build", "bare", f"{model.system.name}-{name}")
    with build_lock():
        return _build(folder, name, guest, board, template)


def _build(folder: Path, name: str, guest: Guest, board: Board, template: Path) -> Path:
    top = paths.root()
    plan = plan_guest(name, guest, folder, port=BARE_PORT)
    script = render(top / template, name=name, ram_base=f"{board.memory.ram_base:#x}", tasks=guest.tasks)
    write_if_changed(top / plan.script, script)
    ninja = NinjaFile(board)
    ninja.guest(plan)
    write_if_changed(top / folder / "build.ninja", ninja.text())
    run_ninja(folder / "build.ninja", [str(plan.elf)])
    return top / plan.elf
