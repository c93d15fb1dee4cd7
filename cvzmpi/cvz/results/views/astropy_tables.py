"""Tables of astropy, with units and descriptions, from columns that are declared with both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy import units as u
from astropy.table import MaskedColumn, QTable
from astropy.time import Time

from cvzmpi.cvz.light_curves.fits_header import BTJD_ZERO
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.ffd_tables import FLARES as FFD_FLARES
from cvzmpi.cvz.results.products.ffd_tables import STARS, star_rows
from cvzmpi.cvz.sector_file.layout import Column


def time_of(btjd: np.ndarray) -> Time:
    """BTJD as astropy's `Time`; in two parts, so that no digit is lost."""
    return Time(np.full(np.shape(btjd), float(BTJD_ZERO)), btjd, format="jd", scale="tdb")


def table_of(
    columns: Mapping[str, Column], values: Mapping[str, Any], meta: Mapping[str, Any]
) -> QTable:
    """A table with the columns of which there are values; times are `Time`."""
    table = QTable(meta=dict(meta))
    for name, column_values in values.items():
        column = columns[name]
        if name.endswith("_time"):
            table[name] = time_of(np.asarray(column_values))
        else:
            table[name] = column_values * u.Unit(column.unit) if column.unit else column_values
        table[name].info.description = column.description
    return table


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


def ffd_table(star: StarFfd, left_out: Iterable[str] = ()) -> QTable:
    """The cumulative flare frequency distribution, the largest flare first.

    What is known of the star as a whole (`ffd_tables.STARS`) is in its `meta`.
    """
    rows = star_rows(star)
    flares = rows["flares"]
    values = {
        name: np.array([row[number] for row in flares], column.dtype)
        for number, (name, column) in enumerate(FFD_FLARES.items())
    }
    known = dict(zip(STARS, rows["stars"][0], strict=True))
    meta = {
        name: value * u.Unit(STARS[name].unit) if STARS[name].unit else value
        for name, value in known.items()
    }
    return table_of(FFD_FLARES, values, meta | {"left_out": list(left_out)})


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
