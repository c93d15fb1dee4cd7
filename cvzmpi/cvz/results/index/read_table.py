"""Read a table of the index, also of one that was made before light curves had products."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cvzmpi.cvz.product_names import SPOC_120
from cvzmpi.cvz.results.index.columns import SCHEMAS
from cvzmpi.cvz.results.index.place import table_path

_OF_EARLIER = {"light_curves": {"catalogue": "TIC", "product": SPOC_120}}
"""What all rows of an earlier index have in columns that it does not have."""


def read_table(
    index: Path, name: str, columns: Sequence[str] | None = None, **options: Any
) -> pa.Table:
    """Read a table in the directory of an index.

    Parameters
    ----------
    columns : sequence of str, optional
        Those to be read; all if not given.
    options
        Arguments of `pyarrow.parquet.read_table`.

    Raises
    ------
    OSError, ArrowException
        If it cannot be read.
    """
    path = table_path(index, name)
    there = set(pq.read_schema(path).names)
    wanted = None if columns is None else [one for one in columns if one in there]
    return completed(pq.read_table(path, columns=wanted, **options), name, columns)


def completed(table: pa.Table, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a table with the columns that an earlier index does not have."""
    for column, value in _OF_EARLIER.get(name, {}).items():
        if column not in table.column_names and (columns is None or column in columns):
            field = SCHEMAS[name].field(column)
            table = table.append_column(field, pa.repeat(value, table.num_rows))
    return table if columns is None else table.select(list(columns))
