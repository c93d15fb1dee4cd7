"""Tables of astropy from those of Arrow, as the index has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.table import MaskedColumn, QTable

from cvzmpi.cvz.results.views.astropy_tables import table_of
from cvzmpi.cvz.sector_file.layout import Column


def table_of_arrow(arrow: pa.Table, meta: Mapping[str, Any]) -> QTable:
    """A table of the index, or some of it; what is not known is NaN, or masked."""
    columns = {
        field.name: Column(
            "",
            (field.metadata or {}).get(b"unit", b"").decode(),
            (field.metadata or {}).get(b"description", b"").decode(),
        )
        for field in arrow.schema
    }
    return table_of(columns, {name: _values(arrow[name]) for name in columns}, meta)


def _values(column: pa.ChunkedArray) -> Any:
    """A column as an array; masked where there is no value, and no NaN can say so."""
    if pa.types.is_floating(column.type):
        return pc.fill_null(column, np.nan).to_numpy()
    is_text = pa.types.is_string(column.type)
    nothing = "" if is_text else False if pa.types.is_boolean(column.type) else 0
    missing = pc.is_null(column).to_numpy()
    filled = pc.fill_null(column, nothing)
    values = np.array(filled.to_pylist(), dtype=str) if is_text else filled.to_numpy()
    return MaskedColumn(values, mask=missing) if missing.any() else values
