# SPDX-License-Identifier: Apache-2.0
"""Variants of a system: the same, but for a few keys. Tests vary policies, faults and fault tolerance this way."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from understudy.config.load import system_data


def variant(base: str | Path | Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of `base` with `changes` merged in, under a name of its own.

    Tables are merged key by key; a value of None removes the key; anything else, arrays included, replaces. The
    name is that of the base and a hash of the result, unless `changes` gives one.
    """
    data = dict(base) if isinstance(base, Mapping) else system_data(base)
    merged = merge(data, changes)
    info = merged.get("system")
    if isinstance(info, dict) and changes and "name" not in changes.get("system", {}):
        digest = hashlib.sha256(json.dumps(merged, sort_keys=True).encode()).hexdigest()[:8]
        info["name"] = f"{info.get('name', 'system')}-{digest}"
    return merged


def merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `new` into a copy of `old`, as `variant` does."""
    merged = dict(old)
    for key, value in new.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            inner = merged.get(key)
            merged[key] = merge(inner if isinstance(inner, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged
