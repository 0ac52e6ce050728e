# SPDX-License-Identifier: Apache-2.0
"""Strict conversion of TOML data to the model (cattrs), with every problem named by its key."""

import difflib
import re
import typing
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

import attrs
from cattrs import BaseValidationError, Converter, ForbiddenExtraKeysError
from cattrs.cols import list_structure_factory, mapping_structure_factory
from cattrs.errors import AttributeValidationNote, IterableValidationNote
from cattrs.gen import make_dict_structure_fn

from understudy.config.model import Names, Regions, Size
from understudy.config.saving import PERIOD_MAX, REQUEST, Period
from understudy.config.source import Key

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]

_SIZE = re.compile(r"(\d+)\s*([KMG]?)(?:i?B)?", re.IGNORECASE)
_UNIT = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_TYPE_NAMES = {
    int: "a whole number",
    str: "a string",
    bool: "true or false",
    dict: "a table",
    list: "an array",
}


def structure(data: Any, kind: type[T]) -> tuple[T | None, list[tuple[Key, str]]]:
    """Convert `data` to `kind`; return the object, or None and all problems as (key, reason)."""
    try:
        return _converter().structure(data, kind), []
    except BaseValidationError as error:
        return None, list(_flatten(error, ()))


def unstructure(value: Any) -> Any:
    """Return plain data that `structure` would accept; the basis of content hashes and of variants."""
    return _converter().unstructure(value)


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind in (int, str, bool):
        converter.register_structure_hook(kind, _exact)
    converter.register_structure_hook_func(lambda kind: kind is Size, lambda value, _: _size(value))
    converter.register_structure_hook_func(
        lambda kind: kind in (Regions, Regions | None), lambda value, _: _regions(value)
    )
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook_func(lambda kind: kind is Names, lambda value, _: _names(value))
    converter.register_structure_hook_func(lambda kind: kind is Period, lambda value, _: _period(value))
    converter.register_structure_hook_factory(
        _is_a(list),
        lambda kind, inner: _only(list, list_structure_factory(kind, inner)),
    )
    converter.register_structure_hook_factory(
        _is_a(dict),
        lambda kind, inner: _only(dict, mapping_structure_factory(kind, inner)),
    )
    converter.register_structure_hook_factory(
        attrs.has,
        lambda kind, inner: _only(dict, make_dict_structure_fn(kind, inner, _cattrs_forbid_extra_keys=True)),
    )
    return converter


def _is_a(origin: type) -> Callable[[Any], bool]:
    return lambda kind: typing.get_origin(kind) is origin


def _describe(value: Any) -> str:
    shown = repr(value)
    return f"{_TYPE_NAMES.get(type(value), type(value).__name__)} ({shown if len(shown) < 40 else shown[:36] + '...'})"


def _exact(value: Any, kind: Any) -> Any:
    if issubclass(kind, StrEnum):
        return _choice(value, kind)
    if type(value) is not kind:
        raise ValueError(f"must be {_TYPE_NAMES[kind]}, not {_describe(value)}")
    return value


def _number(value: Any, _: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"must be a number, not {_describe(value)}")
    return float(value)


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ValueError(f'must be a name or an array of names, such as "a" or ["a", "b"], not {_describe(value)}')
    return tuple(value)


def _only(kind: type, hook: Hook) -> Hook:
    def checked(value: Any, wanted: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError(f"must be {_TYPE_NAMES[kind]}, not {_describe(value)}")
        return hook(value, wanted)

    return checked


def _choice(value: Any, kind: Any) -> Any:
    choices = [str(choice) for choice in kind]
    if value not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}, not {_describe(value)}")
    return kind(value)


def _size(value: Any) -> int:
    if type(value) is int and value >= 0:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError(f'must be a size in bytes, such as 4096 or "2M", not {_describe(value)}')
    return int(match[1]) * _UNIT[match[2].upper()]


def _period(value: Any) -> Any:
    if value != REQUEST and type(value) is not int:
        raise ValueError(f'must be a number of switches or "{REQUEST}", not {_describe(value)}')
    if value != REQUEST and not 1 <= value <= PERIOD_MAX:
        raise ValueError(f'is {value}: must be 1 to {PERIOD_MAX}, or "{REQUEST}"')
    return value


def _regions(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if value == "all":
        return ("all",)
    if not isinstance(value, list) or not all(isinstance(region, str) for region in value):
        raise ValueError(f'must be "all" or an array such as ["persistent"], not {_describe(value)}')
    return tuple(value)


def _flatten(error: BaseException, key: Key) -> typing.Iterator[tuple[Key, str]]:
    if isinstance(error, ForbiddenExtraKeysError):
        known = [attribute.name for attribute in attrs.fields(error.cl)]
        for extra in sorted(error.extra_fields):
            yield (*key, extra), _unknown(extra, known)
    elif isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            yield from _flatten(inner, key + _step(inner))
    elif isinstance(error, KeyError):
        yield key, "is missing and has no default: add it"
    else:
        yield key, str(error)


def _step(error: BaseException) -> Key:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return (note.name,)
        if isinstance(note, IterableValidationNote):
            return (note.index,)
    return ()


def _unknown(extra: str, known: list[str]) -> str:
    close = difflib.get_close_matches(extra, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
    return f"unknown key; {hint}"
