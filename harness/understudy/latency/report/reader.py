# SPDX-License-Identifier: Apache-2.0
"""Values of a JSON document that know their key, so that a wrong one is reported by name."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from understudy.errors import UnderstudyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "true or false", type(None): "null"}


@attrs.frozen
class Node:
    """One value of the document at `file`; `key` is its path from the top, like `paths.task_switch.off.min`."""

    file: Path
    key: str
    value: Any

    def wrong(self, expected: str) -> UnderstudyError:
        """Return the error that says what was expected at this key, what is there, and what to do."""
        shown = json.dumps(self.value)
        found = _KINDS.get(type(self.value), "a number")
        excerpt = shown if len(shown) <= 40 else f"{shown[:36]}..."
        return UnderstudyError(
            f"{self.file}: {self.key or 'the document'} must be {expected}, not {found} ({excerpt}); "
            "write the file again with 'make latency'"
        )

    def child(self, key: str) -> Node | None:
        """Return the member `key` of this object, or None where it is absent or null."""
        value = self._object().get(key)
        return None if value is None else Node(self.file, f"{self.key}.{key}" if self.key else key, value)

    def required(self, key: str) -> Node:
        """Return the member `key` of this object.

        Raises:
            UnderstudyError: it is absent or null.

        """
        found = self.child(key)
        if found is None:
            where = f"{self.key}.{key}" if self.key else key
            raise UnderstudyError(f"{self.file}: {where} is missing; write the file again with 'make latency'")
        return found

    def members(self) -> list[tuple[str, Node]]:
        """Return the members of this object in the order of the file, without those that are null."""
        return [(key, child) for key in self._object() if (child := self.child(key)) is not None]

    def items(self, length: int | None = None, at_least: int = 0) -> list[Node]:
        """Return the elements of this array; `length`, or `at_least`, says how many it must have."""
        if not isinstance(self.value, list):
            raise self.wrong("an array")
        if (length is not None and len(self.value) != length) or len(self.value) < at_least:
            raise self.wrong(f"an array of {length if length is not None else f'at least {at_least}'} elements")
        return [Node(self.file, f"{self.key}[{index}]", item) for index, item in enumerate(self.value)]

    def text(self) -> str:
        """Return this string."""
        if not isinstance(self.value, str):
            raise self.wrong("a string")
        return self.value

    def whole(self) -> int:
        """Return this whole number, which isn't negative."""
        if type(self.value) is not int or self.value < 0:
            raise self.wrong("a whole number, 0 or more")
        return self.value

    def number(self) -> float:
        """Return this finite number."""
        if type(self.value) not in {int, float} or not math.isfinite(self.value):
            raise self.wrong("a finite number")
        return float(self.value)

    def flag(self) -> bool:
        """Return this truth value."""
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def table(self, kind: Callable[[Node], T]) -> dict[str, T]:
        """Return this object with each member converted by `kind`."""
        return {key: kind(child) for key, child in self.members()}

    def _object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return self.value


def read(file: Path) -> Node:
    """Return the document in `file`.

    Raises:
        UnderstudyError: it can't be read, or isn't JSON.

    """
    try:
        return Node(file, "", json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise UnderstudyError(f"{file}: {error.strerror}; write it with 'make latency'") from None
    except ValueError as error:
        raise UnderstudyError(f"{file}: not JSON ({error}); write it again with 'make latency'") from None
