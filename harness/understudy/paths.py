# SPDX-License-Identifier: Apache-2.0
"""Where things are in a checkout of the project."""

import os
from functools import cache
from pathlib import Path

from understudy.errors import UnderstudyError

_MARK = Path("qemu-configs", "systems")


@cache
def root() -> Path:
    """Return the top of the checkout: `$UNDERSTUDY_ROOT`, or the one around the working directory or this package.

    Raises:
        UnderstudyError: none of them holds `qemu-configs/systems`.

    """
    named = os.environ.get("UNDERSTUDY_ROOT")
    here = Path.cwd()
    candidates = [Path(named)] if named else [here, *here.parents, Path(__file__).resolve().parents[2]]
    for candidate in candidates:
        if (candidate / _MARK).is_dir():
            return candidate.resolve()
    raise UnderstudyError(f"no checkout of understudy found around {here}: set UNDERSTUDY_ROOT to its top folder")


def boards_folder() -> Path:
    """Return the folder of the board files."""
    return root() / "qemu-configs" / "boards"


def systems_folder() -> Path:
    """Return the folder of the system files."""
    return root() / "qemu-configs" / "systems"


def campaigns_folder() -> Path:
    """Return the folder of the campaign files."""
    return root() / "qemu-configs" / "campaigns"


def build_folder() -> Path:
    """Return the folder of everything generated; `make clean` removes it."""
    return root() / "build"
