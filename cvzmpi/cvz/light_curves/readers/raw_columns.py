"""Columns as a file or a table has them, by SPOC's names, and the measurements in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curves.measured_values import (
    NO_ERRORS,
    as_numbers,
    check_filled,
    check_varied,
    quality_flags,
    says_errors,
    typical_error,
    without_wild_fluxes,
    without_wild_times,
)
from cvzmpi.cvz.light_curves.readers.cadence_grid import with_missing_rows
from cvzmpi.cvz.light_curves.readers.reader import (
    BTJD_ZERO,
    SPOC_QUALITY,
    TESS,
    Kind,
    Observed,
)
from cvzmpi.errors import LightCurveError

_MEASURED = ("TIME", "PDCSAP_FLUX", "PDCSAP_FLUX_ERR")
RAW_COLUMNS = (*_MEASURED, "QUALITY")
"""Names of raw columns: of SPOC, whatever the file calls them."""


def check_written(path: Path | str, raw: Mapping[str, Any]) -> None:
    """Refuse columns of which a part was never written; see `check_filled`.

    Raises
    ------
    LightCurveError
        If they hold zeros only in some rows, or no numbers.
    """
    check_filled(path, *(as_numbers(path, name, raw[name]) for name in _MEASURED))


def with_errors(path: Path | str, raw: dict[str, Any], kind: Kind, exposure: float) -> list[str]:
    """Set flux errors where no cadence has one, as in some files of QLP; what was done.

    Raises
    ------
    LightCurveError
        As `typical_error`.
    """
    time, flux, error = (as_numbers(path, n, raw[n]) for n in _MEASURED)
    if says_errors(error):
        return []
    good = is_good(path, raw["QUALITY"], kind)
    raw["PDCSAP_FLUX_ERR"] = typical_error(path, time, flux, exposure, good)
    return [NO_ERRORS]


def is_good(path: Path | str, quality: Any, kind: Kind) -> np.ndarray:
    """Where no quality bit excludes a cadence: of the kind, or by default of TESS's.

    Returns
    -------
    bool, shape (n_cadences,)
    """
    flags, lost = quality_flags(path, quality)
    bitmask = SPOC_QUALITY if kind.quality_bitmask is None else kind.quality_bitmask
    return ~lost & ((flags & bitmask) == 0)


def on_whole_grid(
    path: Path,
    raw: Mapping[str, Any],
    offset: float,
    observed: Observed,
    cadence_number: np.ndarray | None,
    exposure: float,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The raw columns with rows for gaps, without wild times, which would make too many.

    So the notes of `measurements` count the rows of the light curve.

    Parameters
    ----------
    path, raw, offset, observed
        Of `measurements`.
    cadence_number, exposure
        Of `cadence_grid.places_on_grid`.

    Returns
    -------
    columns : dict of ndarray
        Named as in `raw`.
    notes : list of str

    Raises
    ------
    LightCurveError
        If the times are none of one sector, or not in order.
    """
    time, flux, error = (as_numbers(path, name, raw[name]).astype(float) for name in _MEASURED)
    btjd, wild = without_wild_times(path, time + offset, observed)
    _check_order(path, btjd)
    time = np.where(np.isfinite(btjd), time, np.nan)
    quality = as_numbers(path, "QUALITY", raw["QUALITY"])
    columns = dict(zip(RAW_COLUMNS, (time, flux, error, quality), strict=True))
    columns, missing = with_missing_rows(columns, cadence_number, exposure)
    return columns, wild + missing


def measurements(
    path: Path | str, raw: Mapping[str, Any], offset: float, observed: Observed = TESS
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The columns in native byte order, without what cannot be a measurement; what was left out.

    Parameters
    ----------
    path : Path or str
        What the errors name.
    raw : mapping
        By name in `RAW_COLUMNS`.
    offset : float
        Days to be added to the times to have BTJD.
    observed : Observed
        When the mission observed.

    Returns
    -------
    columns : dict of ndarray
        Those of a `LightCurve`.
    notes : list of str
        What was left out.

    Raises
    ------
    LightCurveError
        If they are no measurements of a star, or not in order.
    """
    # A value beyond float32 is infinite there, and so no measurement.
    with np.errstate(over="ignore", invalid="ignore"):
        time, flux, error = (
            np.array(as_numbers(path, name, raw[name]), dtype=dtype)
            for name, dtype in zip(_MEASURED, (np.float64, np.float32, np.float32), strict=True)
        )
    quality, lost_flags = quality_flags(path, raw["QUALITY"])
    if len(time) == 0:
        raise LightCurveError(f"{path}: the light curve table is empty")
    notes = []
    if offset:
        time = time + offset
        notes.append(f"TIME was counted from BJD {BTJD_ZERO + offset:.10g}, is BTJD now")
    time, wild_times = without_wild_times(path, time, observed)
    _check_order(path, time)
    flux, error, wild_fluxes = without_wild_fluxes(flux, error, lost_flags)
    check_varied(path, flux)
    columns = {"time": time, "flux": flux, "flux_err": error, "quality": quality}
    return columns, notes + wild_times + wild_fluxes


def _check_order(path: Path | str, time: np.ndarray) -> None:
    finite = np.flatnonzero(np.isfinite(time))
    backwards = np.flatnonzero(np.diff(time[finite]) <= 0)
    if len(backwards):
        row = finite[backwards[0] + 1]
        raise LightCurveError(f"{path}: TIME does not increase at row {row}")
