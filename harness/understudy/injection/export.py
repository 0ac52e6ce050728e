# SPDX-License-Identifier: Apache-2.0
"""A store as one flat table, for whatever people analyse tables with."""

import csv
import itertools
from pathlib import Path
from typing import Any

from understudy.errors import ToolError, UnderstudyError
from understudy.injection import schema
from understudy.injection.store import Store

COLUMNS = (*schema.EXPERIMENT, *schema.RESULT[1:])
_ROWS = 5_000  # written at a time
_REALS = ("weight",)
_WHOLE = (
    *("number", "bit", "address", "pc", "step", "dormant_after"),
    *("status", "executed", "latency", "cost", "lost"),
)


def export(store: Store, path: Path) -> int:
    """Write the experiments that have run to a .csv or .parquet file; return how many.

    Raises:
        UnderstudyError: another suffix, or the file can't be written.
    """
    writers = {".csv": _csv, ".parquet": _parquet}
    if path.suffix not in writers:
        raise UnderstudyError(f"{path}: exports are .csv or .parquet: name the file so")
    try:
        return writers[path.suffix](store, path)
    except OSError as error:
        raise UnderstudyError(f"{path}: {error.strerror or error}") from None


def _csv(store: Store, path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for row in store.joined():
            writer.writerow(row)
            count += 1
    return count


def _parquet(store: Store, path: Path) -> int:
    try:
        import pyarrow as pa  # noqa: PLC0415 - large, and only for this
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise ToolError("Parquet needs pyarrow: pip install 'understudy[campaign]', or export .csv") from None
    types = (
        dict.fromkeys(COLUMNS, pa.string()) | dict.fromkeys(_WHOLE, pa.int64()) | dict.fromkeys(_REALS, pa.float64())
    )
    table = pa.schema(list(types.items()))
    rows, count = store.joined(), 0
    with parquet.ParquetWriter(path, table) as writer:
        while batch := _batch(rows):
            writer.write_table(pa.Table.from_pylist(batch, table))
            count += len(batch)
    return count


def _batch(rows: Any) -> list[dict[str, Any]]:
    return list(itertools.islice(rows, _ROWS))
