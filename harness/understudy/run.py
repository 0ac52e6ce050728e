# SPDX-License-Identifier: Apache-2.0
"""Booting a system for a person at a terminal."""

import os
import shlex
import subprocess
import time
from pathlib import Path

import click

from understudy import paths
from understudy.errors import ToolError
from understudy.image.builder import Image
from understudy.target.process import quiet_environment


def run_interactively(image: Image, *, deterministic: bool = False, gdb_port: int | None = None) -> int:
    """Boot `image` with UART 0 on the terminal and the other UARTs in files; return QEMU's exit status.

    Args:
        image: what to boot.
        deterministic: let virtual time jump ahead when the CPU sleeps, instead of keeping pace with real time.
        gdb_port: stop before the first instruction and wait for GDB there.

    """
    folder = paths.build_folder() / "runs" / f"{image.name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    folder.mkdir(parents=True)
    command = command_line(image, folder, deterministic=deterministic, gdb_port=gdb_port)
    (folder / "command").write_text(shlex.join(command) + "\n", encoding="utf-8")
    click.secho(f"{image.name}, build {image.build_id}: other UARTs in {_shown(folder)}/", dim=True, err=True)
    click.secho("This terminal is the console of the management VM. Leave with Ctrl-A x.", dim=True, err=True)
    if gdb_port:
        hint = f"gdb-multiarch {_shown(image.elf)} -ex 'target remote localhost:{gdb_port}'"
        click.secho(f"Waiting for: {hint}", dim=True, err=True)
    guarded = ["setpriv", "--pdeathsig", "KILL", "--", *command]  # QEMU never outlives this process
    try:
        return subprocess.run(guarded, cwd=paths.root(), env=quiet_environment(), check=False).returncode
    except FileNotFoundError:
        raise ToolError("setpriv is missing: run `understudy doctor` to see what to install") from None


def command_line(image: Image, folder: Path, *, deterministic: bool = False, gdb_port: int | None = None) -> list[str]:
    """Return the QEMU command that `run_interactively` starts."""
    manifest = image.manifest
    sleep = "off" if deterministic else "on"
    command = [*manifest["qemu"], "-icount", f"shift={manifest['icount_shift']},sleep={sleep}"]
    command += ["-kernel", str(image.elf), "-serial", "mon:stdio"]
    for number in range(1, manifest["board"]["uarts"]):
        command += ["-serial", f"file:{folder / f'uart{number}.log'}"]
    if gdb_port:
        command += ["-gdb", f"tcp:127.0.0.1:{gdb_port}", "-S"]
    return command


def _shown(path: Path) -> str:
    return str(path.relative_to(paths.root()))
