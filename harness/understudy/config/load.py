# SPDX-License-Identifier: Apache-2.0
"""Reading boards and systems by name, from a file, or from data made by a program."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from understudy import paths
from understudy.config.check import check_board, check_system
from understudy.config.convert import structure
from understudy.config.model import Board, System
from understudy.config.source import Key, Source
from understudy.errors import ConfigError

T = TypeVar("T")


def load_board(name: str) -> Board:
    """Return the board of qemu-configs/boards/NAME.toml.

    Raises:
        ConfigError: no such board, or its file has problems.

    """
    path = named(paths.boards_folder(), name, "board")
    source = Source.read(path, shown(path))
    board = structured(source, Board)
    raise_if(source, check_board(board, path.stem))
    return board


def load_system(system: str | Path | Mapping[str, Any]) -> tuple[System, Board]:
    """Return a system and its board.

    Args:
        system: a name in qemu-configs/systems, a path to a TOML (or JSON) file, TOML text, or data.

    Raises:
        ConfigError: no such file, or problems in it; each line names file, line, key and reason.

    """
    source, stem = _source(system)
    model = structured(source, System)
    try:
        board = load_board(model.system.board)
    except ConfigError as error:
        if any(model.system.board in problem for problem in error.problems):
            raise ConfigError([source.problem(("system", "board"), error.problems[0])]) from None
        raise
    raise_if(source, check_system(model, board, stem))
    return model, board


def system_data(system: str | Path) -> dict[str, Any]:
    """Return the unchecked data of a system file, as a start for a variant of it."""
    return _source(system)[0].data


def names(folder: Path) -> list[str]:
    """Return the names of the TOML files of a folder."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def _source(system: str | Path | Mapping[str, Any]) -> tuple[Source, str | None]:
    if isinstance(system, Mapping):
        return Source("<data>", "", dict(system)), None
    if isinstance(system, str) and "\n" in system:
        return Source.parse(system, "<text>"), None
    if isinstance(system, Path) or system.endswith((".toml", ".json")):
        path = Path(system)
        if path.suffix == ".json":
            return Source.read_json(path, shown(path)), None
        return Source.read(path, shown(path)), path.stem
    path = named(paths.systems_folder(), system, "system")
    return Source.read(path, shown(path)), path.stem


def named(folder: Path, name: str, what: str) -> Path:
    """Return the file of that name in a folder.

    Raises:
        ConfigError: there is none; the message says which there are.
    """
    known = names(folder)
    if name in known:
        return folder / f"{name}.toml"
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known) or 'none'}"
    raise ConfigError([f"{shown(folder)}: no {what} named {name!r}; {hint}"])


def shown(path: Path) -> str:
    """Return a path as messages write it: from the top of the checkout on."""
    try:
        return str(path.resolve().relative_to(paths.root()))
    except ValueError:
        return str(path)


def structured(source: Source, kind: type[T]) -> T:
    """Convert a document to its model.

    Raises:
        ConfigError: it does not fit; each line names file, line, key and reason.
    """
    model, problems = structure(source.data, kind)
    raise_if(source, problems)
    assert model is not None  # noqa: S101 - structure gives an object or problems
    return model


def raise_if(source: Source, problems: list[tuple[Key, str]]) -> None:
    """Raise ConfigError if there are problems, given as key and reason."""
    if problems:
        raise ConfigError([source.problem(key, reason) for key, reason in problems])
