# SPDX-License-Identifier: Apache-2.0
"""A TOML document with its origin, so that a problem can be reported with file and line."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from attrs import frozen

from understudy.errors import ConfigError

Key = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")


@frozen
class Source:
    """A parsed document; `text` is empty for one that a program made."""

    origin: str
    text: str
    data: dict[str, Any]

    @classmethod
    def read(cls, path: Path, shown: str) -> "Source":
        """Read a file.

        Raises:
            ConfigError: the file is missing, unreadable or not TOML.

        """
        return cls.parse(_text(path, shown), shown)

    @classmethod
    def parse(cls, text: str, origin: str) -> "Source":
        """Read TOML text.

        Raises:
            ConfigError: it is not TOML.
        """
        try:
            return cls(origin, text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError([f"{origin}: not valid TOML: {error}"]) from None

    @classmethod
    def read_json(cls, path: Path, shown: str) -> "Source":
        """Read a file that the builder wrote, such as build/systems/NAME/system.json.

        Raises:
            ConfigError: the file is missing, unreadable or not JSON.
        """
        try:
            return cls(shown, "", json.loads(_text(path, shown)))
        except ValueError as error:
            raise ConfigError([f"{shown}: not valid JSON: {error}"]) from None

    def problem(self, key: Key, reason: str) -> str:
        """Return one line that names file, line (where it can be found), key and reason."""
        line = self._line(key)
        place = f"{self.origin}:{line}" if line else self.origin
        name = dotted(key)
        return f"{place}: {name}: {reason}" if name else f"{place}: {reason}"

    def _line(self, key: Key) -> int | None:
        """Find the line of a key: its table header, then the nearest assignment; None when there is no text."""
        start, depth = self._header(key)
        line: int | None = start
        lines = self.text.splitlines()
        at = start or 0
        for part in key[depth:]:
            if isinstance(part, int):
                continue
            wanted = re.compile(rf"(?:^|[\s{{,.])\"?{re.escape(part)}\"?\s*[=.]")
            for number in range(at, len(lines)):
                if number > (start or 0) and _HEADER.match(lines[number]):
                    return line
                if wanted.search(lines[number].split("#")[0]):
                    line, at = number + 1, number
                    break
            else:
                return line
        return line

    def _header(self, key: Key) -> tuple[int | None, int]:
        """Return line and length of the longest prefix of `key` that has a table header of its own."""
        best: tuple[int | None, int] = (None, 0)
        seen: dict[tuple[str, ...], int] = {}
        for number, line in enumerate(self.text.splitlines(), start=1):
            match = _HEADER.match(line)
            if not match:
                continue
            name: Key = tuple(part.strip().strip("\"'") for part in match[2].split("."))
            if match[1] == "[[":
                strings = tuple(str(part) for part in name)
                seen[strings] = seen.get(strings, -1) + 1
                name = (*name, seen[strings])
            if key[: len(name)] == name and len(name) > best[1]:
                best = (number, len(name))
        return best


def _text(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{shown}: {error.strerror or error}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{shown}: not UTF-8 text ({error.reason} at byte {error.start})"]) from None


def dotted(key: Key) -> str:
    """Write a key as people read it: `guest.demo.tasks[1].stack`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
