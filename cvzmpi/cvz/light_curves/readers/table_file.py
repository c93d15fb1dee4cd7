"""Light curves in tables: ECSV, also of a `TimeSeries` of astropy, CSV and Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from astropy.time import Time

from cvzmpi.cvz.light_curves.fits_file import MAX_BYTES
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve import PRODUCT, LightCurve
from cvzmpi.cvz.light_curves.measured_values import as_numbers
from cvzmpi.cvz.light_curves.readers.columns_input import of_columns
from cvzmpi.cvz.light_curves.readers.given_columns import NAME, GivenColumns
from cvzmpi.cvz.light_curves.readers.reader import BTJD_ZERO, TIME_ZEROS
from cvzmpi.errors import LightCurveError, one_line

_FORMATS = {".ecsv": "ascii.ecsv", ".csv": "ascii.csv", ".parquet": "parquet", ".pq": "parquet"}

USUAL = {
    "time": ("time", "btjd", "bjd", "bkjd", "jd"),
    "flux": ("flux", "pdcsap_flux"),
    "flux_err": ("flux_err", "flux_error", "pdcsap_flux_err", "e_flux"),
    "quality": ("quality", "sap_quality"),
    "cadence": ("cadenceno", "cadence_no"),
}
"""Names of the columns that are looked for where none is given, in this order, in any case."""

_NEEDED = ("time", "flux")
_SETTINGS = {*USUAL, "time_format"}


def read_table(path: Path, columns: Mapping[str, str]) -> LightCurve:
    """Read a light curve from a table with a row for each cadence.

    Times are BTJD or BJD in days, or of the kind that `columns` says; a column of `Time`, as ECSV
    has, says it itself. TIC number and sector are those of the table's own facts (`TICID`,
    `SECTOR`), or of the file's name, `{tic}_{sector}.csv`; 0 where neither says them.

    Parameters
    ----------
    columns : mapping
        Names of columns by what they hold: `time`, `flux`, `flux_err`, `quality` or `cadence`; and
        as `time_format` the kind of the times, a key of `TIME_ZEROS`.

    Raises
    ------
    LightCurveError
        If it is no such table.
    """
    table = _opened(path)
    names = _names(path, table.colnames, columns)
    try:
        given = _given(table, names, columns.get("time_format"))
        light_curve = of_columns(given)
    except LightCurveError as error:
        raise LightCurveError(f"{path}: {str(error).removeprefix(f'{NAME}: ')}") from error
    named = LightCurveId.parse(path.stem)
    if named is not None and light_curve.tic == 0:
        light_curve = replace(light_curve, tic=named.tic, sector=named.sector, sector_is_said=True)
    facts: dict[str, Any] = {
        PRODUCT: "table",
        "input_file": path.name,
        "input_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    return replace(light_curve, header=light_curve.header | facts)


def _opened(path: Path) -> Table:
    """The table; masked values are NaN or 0 later."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LightCurveError(
                f"{path}: more than {MAX_BYTES // 10**6} MB, expected a light curve"
            )
        return Table.read(path, format=_FORMATS[path.suffix.lower()])
    except LightCurveError:
        raise
    except Exception as error:  # whatever astropy or pyarrow make of what is no table
        raise LightCurveError(f"{path}: cannot be read as a table: {one_line(error)}") from error


def _names(path: Path, present: list[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """The names of the columns, by what they hold."""
    if unknown := sorted(set(chosen) - _SETTINGS):
        raise LightCurveError(
            f"{path}: input.columns has {unknown[0]!r}, expected {', '.join(sorted(_SETTINGS))}"
        )
    lower = {name.lower(): name for name in present}
    found = {}
    for what, usual in USUAL.items():
        if what in chosen:
            if chosen[what] not in present:
                raise LightCurveError(
                    f"{path}: no column {chosen[what]!r} (input.columns.{what}); there are "
                    f"{', '.join(present)}"
                )
            found[what] = chosen[what]
            continue
        name = next((lower[name] for name in usual if name in lower), None)
        if name is not None:
            found[what] = name
        elif what in _NEEDED:
            raise LightCurveError(
                f"{path}: no column for the {what}; there are {', '.join(present)}: name it in "
                f"input.columns.{what}"
            )
    return found


def _given(table: Table, names: Mapping[str, str], time_format: str | None) -> GivenColumns:
    """The columns as those of a light curve in memory."""
    time = table[names["time"]]
    if not isinstance(time, Time):
        if time_format is None and names["time"].lower() == "bkjd":
            time_format = "bkjd"
        if time_format is not None:
            if time_format not in TIME_ZEROS:
                raise LightCurveError(
                    f"{NAME}: input.columns.time_format = {time_format!r}, expected one of "
                    f"{', '.join(TIME_ZEROS)}"
                )
            as_numbers(NAME, "time", time)
            # as BJD, which is known from BTJD by its size
            days: np.ndarray = np.ma.filled(np.ma.asarray(time, float), np.nan)
            time = days + TIME_ZEROS[time_format] + BTJD_ZERO
    error = table[names["flux_err"]] if "flux_err" in names else None
    given = GivenColumns.of_arrays(time, table[names["flux"]], error)
    whole: dict[str, Any] = {
        ours: np.ma.filled(np.ma.asarray(table[names[theirs]]), 0)
        for ours, theirs in (("quality", "quality"), ("cadence_number", "cadence"))
        if theirs in names
    }
    meta = {key: value for key, value in table.meta.items() if isinstance(key, str)}
    return replace(given, **whole, flux_column=names["flux"], meta=meta)
