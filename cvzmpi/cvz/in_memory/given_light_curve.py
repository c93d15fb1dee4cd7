"""A light curve in whatever form it is given, as the stages take it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from astropy.timeseries import TimeSeries

from cvzmpi.cvz.in_memory.cadence_grid import check_times, on_grid, places_on_grid
from cvzmpi.cvz.in_memory.given_columns import NAME, GivenColumns
from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from cvzmpi.cvz.light_curves.fits_header import facts
from cvzmpi.cvz.light_curves.fits_input import measurements, read_light_curve
from cvzmpi.cvz.light_curves.identity import is_identity
from cvzmpi.cvz.light_curves.light_curve import FLUX_UNIT, LightCurve
from cvzmpi.errors import ConfigError, LightCurveError
from cvzmpi.given_path import expanded_argument

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

GivenLightCurve: TypeAlias = Union[
    str,
    "os.PathLike[str]",
    TimeSeries,
    "tuple[ArrayLike, ArrayLike]",
    "tuple[ArrayLike, ArrayLike, ArrayLike | None]",
]

_NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution, in median absolute deviations."""

_ALL_ROWS = ("none", "0", "None")
"""Bitmasks with which lightkurve leaves out nothing."""

_EXPECTED = (
    "the path of a FITS file, a light curve of lightkurve, a TimeSeries of astropy, or a tuple of "
    "time, flux and flux error"
)


def as_light_curve(given: GivenLightCurve, tic: int | None, sector: int | None) -> LightCurve:
    """Read a light curve, or bring it to the form that the stages take.

    Rows that were left out of a light curve in memory are restored, without values.

    Raises
    ------
    LightCurveError
        If it is none, or cannot be read.
    ConfigError
        If `tic` or `sector` is no whole number of the archive's range.
    """
    for name, value in (("tic", tic), ("sector", sector)):
        of_range = is_identity(value, 1) if name == "tic" else is_identity(1, value)
        if value is not None and not of_range:
            raise ConfigError(f"{name} = {value!r}: expected a whole number of the archive's range")
    if isinstance(given, str | os.PathLike):
        light_curve = read_light_curve(expanded_argument(given))
    elif isinstance(given, TimeSeries):
        light_curve = _of_columns(GivenColumns.of_series(given))
    elif isinstance(given, tuple) and len(given) in (2, 3):
        light_curve = _of_columns(GivenColumns.of_arrays(*given))
    else:
        raise LightCurveError(f"{NAME}: expected {_EXPECTED}, not {type(given).__name__}")
    return replace(
        light_curve,
        tic=light_curve.tic if tic is None else tic,
        sector=light_curve.sector if sector is None else sector,
    )


def _of_columns(given: GivenColumns) -> LightCurve:
    check_times(NAME, given.time)
    if not len(given.time):
        raise LightCurveError(f"{NAME}: it has no cadence")
    places = places_on_grid(given.time, given.cadence_number)
    notes = list(_rows_left_out(given.meta))
    error = given.flux_err
    if error is None or not np.isfinite(error).any():
        error = np.where(np.isfinite(given.flux), _typical_error(given, places), np.nan)
        notes.append("no flux errors: estimated from the differences of neighbouring cadences")
    n_rows = int(places.max(initial=-1)) + 1
    quality = np.zeros(len(places), np.int32) if given.quality is None else given.quality
    raw = {
        "TIME": on_grid(given.time, places, np.nan),
        "PDCSAP_FLUX": on_grid(given.flux, places, np.nan),
        "PDCSAP_FLUX_ERR": on_grid(error, places, np.nan),
        "QUALITY": on_grid(quality, places, 0),
    }
    if n_rows > len(places):
        notes.append(f"{n_rows - len(places)} cadences are missing: rows without values are there")
    columns, left_out = measurements(NAME, raw, 0.0)
    header, odd = facts(given.meta, given.meta)
    if notes := notes + left_out + odd:
        header["input_note"] = "; ".join(notes)
    if not given.is_of_archive:
        header[FLUX_UNIT] = given.unit
    return LightCurve(
        tic=given.tic, sector=given.sector, exposure=EXPOSURE, header=header, **columns
    )


def _typical_error(given: GivenColumns, places: np.ndarray) -> float:
    """The standard deviation of the noise from one cadence to the next.

    Raises
    ------
    LightCurveError
        If there are no two neighbouring cadences of different flux.
    """
    flux = np.asarray(given.flux, np.float64)
    neighbours = np.diff(places) == 1
    differences = np.abs(np.diff(flux)[neighbours])
    differences = differences[np.isfinite(differences)]
    error = _NORMAL_MAD * float(np.median(differences)) / np.sqrt(2) if len(differences) else 0.0
    if not error > 0:
        raise LightCurveError(f"{NAME}: no flux errors, and no noise to estimate them from")
    return error


def _rows_left_out(meta: Mapping[str, Any]) -> list[str]:
    """What lightkurve says of rows that its reader left out."""
    bitmask = meta.get("QUALITY_BITMASK", "none")
    if str(bitmask) in _ALL_ROWS:
        return []
    return [
        f"lightkurve left out the rows of its quality_bitmask {bitmask!r}, perhaps the brightest "
        "cadences of flares: quality_bitmask='none' keeps them"
    ]
