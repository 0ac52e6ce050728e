# SPDX-License-Identifier: Apache-2.0
"""Where the results of campaigns are, and what they are called on the command line."""

import os
import shlex
from pathlib import Path

from understudy import paths
from understudy.errors import UnderstudyError

STORE = "results.sqlite"


def campaigns_folder() -> Path:
    """Return the folder where campaigns leave their results, each in one of its own."""
    return paths.build_folder() / "campaigns"


def find_store(name: str) -> Path:
    """Return the store that a name, a folder or a file stands for.

    Raises:
        UnderstudyError: none.
    """
    for path in (Path(name), Path(name) / STORE, campaigns_folder() / name / STORE):
        if path.is_file():
            return path
    raise UnderstudyError(
        f"no results of a campaign at {name!r}: give the name of one that has run, its folder or its store"
    )


def store_name(path: Path) -> str:
    """Return the shortest that `find_store` understands, wherever in the checkout one is."""
    path = path.absolute()
    if path.name == STORE and path.parent.parent == campaigns_folder():
        return path.parent.name
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def replay_command(path: Path, number: int) -> str:
    """Return the command that repeats an experiment."""
    return f"understudy campaign replay {shlex.quote(store_name(path))} {number}"
