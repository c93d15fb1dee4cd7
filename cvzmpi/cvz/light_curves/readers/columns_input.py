"""A light curve of columns in memory, or of a table, as the stages take it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curves.fits_header import facts
from cvzmpi.cvz.light_curves.fits_input import of_kind
from cvzmpi.cvz.light_curves.light_curve import FLUX_UNIT, LightCurve
from cvzmpi.cvz.light_curves.measured_values import (
    as_numbers,
    without_wild_times,
)
from cvzmpi.cvz.light_curves.readers.cadence_grid import exposure_by_times, with_missing_rows
from cvzmpi.cvz.light_curves.readers.dilution import said_of_flux
from cvzmpi.cvz.light_curves.readers.given_columns import NAME, GivenColumns
from cvzmpi.cvz.light_curves.readers.raw_columns import (
    RAW_COLUMNS,
    check_written,
    measurements,
    with_errors,
)
from cvzmpi.cvz.light_curves.readers.reader import KEPLER, TESS, Observed
from cvzmpi.errors import LightCurveError

_ALL_ROWS = ("none", "0", "None")
"""Bitmasks with which lightkurve leaves out nothing."""


def of_columns(given: GivenColumns) -> LightCurve:
    """The light curve, with a row for each cadence from the first to the last.

    Raises
    ------
    LightCurveError
        If they are no light curve.
    """
    observed = _observed(given)
    raw = _raw_columns(given)
    check_written(NAME, raw)
    # a row for each cadence up to a wild time would be too many
    raw["TIME"], wild = without_wild_times(NAME, given.time, observed)
    exposure = exposure_by_times(NAME, raw["TIME"])
    if not len(given.time):
        raise LightCurveError(f"{NAME}: it has no cadence")
    if given.cadence_number is not None:
        as_numbers(NAME, "cadenceno", given.cadence_number)
    notes = _rows_left_out(given.meta) + wild
    notes += with_errors(NAME, raw, given.kind, exposure)
    raw, missing = with_missing_rows(raw, given.cadence_number, exposure)
    notes += missing
    columns, left_out = measurements(NAME, raw, 0.0, observed)
    header, odd = facts(given.meta, given.meta)
    if notes := notes + left_out + odd:
        header["input_note"] = "; ".join(notes)
    header |= of_kind(given.kind, exposure) | said_of_flux(given.flux_column, given.meta)
    if not given.is_of_archive:
        header[FLUX_UNIT] = given.unit
    return LightCurve(
        tic=given.tic,
        sector=given.sector or 0,
        exposure=exposure,
        header=header,
        sector_is_said=given.sector is not None,
        **columns,
    )


def _raw_columns(given: GivenColumns) -> dict[str, Any]:
    """The columns by SPOC's names: errors of NaN, and quality of 0, where there are none."""
    n = len(given.time)
    error = np.full(n, np.nan) if given.flux_err is None else given.flux_err
    quality = np.zeros(n, np.int32) if given.quality is None else given.quality
    return dict(zip(RAW_COLUMNS, (given.time, given.flux, error, quality), strict=True))


def _observed(given: GivenColumns) -> Observed:
    """When the mission observed: by its name, or by times before TESS."""
    known = given.time[np.isfinite(given.time)]
    early = len(known) > 0 and np.median(known) < TESS.first
    return KEPLER if early else given.kind.observed


def _rows_left_out(meta: Mapping[str, Any]) -> list[str]:
    """What lightkurve says of rows that its reader left out."""
    bitmask = meta.get("QUALITY_BITMASK", "none")
    if str(bitmask) in _ALL_ROWS:
        return []
    return [
        f"lightkurve left out the rows of its quality_bitmask {bitmask!r}, perhaps the brightest "
        "cadences of flares: quality_bitmask='none' keeps them"
    ]
