"""The columns of a light curve that is in memory, or in a table, as plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from astropy import units as u
from astropy.time import Time, TimeDelta
from astropy.timeseries import TimeSeries

from cvzmpi.cvz.light_curves.identity import is_identity
from cvzmpi.cvz.light_curves.readers.reader import (
    BTJD_ZERO,
    KEPLER,
    TESS,
    Kind,
    by_lightkurve,
    qlp,
)
from cvzmpi.errors import LightCurveError, one_line

NAME = "light curve"
"""What errors call one that has no file."""

_SMALLEST_JD = 2_400_000.0
_FLUXES = (("flux", "flux_err"), ("pdcsap_flux", "pdcsap_flux_err"))
_OF_ARCHIVE = u.electron / u.s

# As lightkurve, astropy and this package call them; lightkurve's TARGETID may be of another survey.
_QUARTER_NAMES = ("QUARTER", "CAMPAIGN")
_TIC_NAMES, _SECTOR_NAMES = ("TICID", "TIC", "tic", "TARGETID"), ("SECTOR", "sector")


@dataclass(frozen=True)
class GivenColumns:
    """What a light curve says of itself; arrays of shape (n,), NaN where there is no value."""

    time: np.ndarray  # float64: BTJD
    flux: np.ndarray
    flux_err: np.ndarray | None  # None where no error is known
    unit: str  # of the flux, as astropy writes it; empty for plain numbers
    flux_column: str = "flux"  # its name
    quality: np.ndarray | None = None
    cadence_number: np.ndarray | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_arrays(cls, time: Any, flux: Any, flux_err: Any = None) -> GivenColumns:
        """Of arrays, quantities, columns of tables, or `Time`; perhaps masked.

        Raises
        ------
        LightCurveError
            If they are no columns of a light curve.
        """
        unit = _unit(flux)
        columns = cls(
            time=_days(time),
            flux=_numbers("flux", flux, unit),
            flux_err=None if flux_err is None else _numbers("flux error", flux_err, unit),
            unit="" if unit is None else unit.to_string(),
        )
        lengths = [len(c) for c in (columns.time, columns.flux, columns.flux_err) if c is not None]
        if len(set(lengths)) > 1:
            found = ", ".join(map(str, lengths))
            raise LightCurveError(f"{NAME}: time, flux and error differ in length: {found}")
        return columns

    @classmethod
    def of_series(cls, series: TimeSeries) -> GivenColumns:
        """Of a time series of astropy, as all light curves of lightkurve are.

        Raises
        ------
        LightCurveError
            If it has no flux.
        """
        names = set(series.colnames)
        of_flux = [pair for pair in _FLUXES if pair[0] in names]
        if not of_flux:
            raise LightCurveError(f"{NAME}: no column flux; there are {', '.join(sorted(names))}")
        flux, error = of_flux[0]
        columns = cls.of_arrays(
            series.time, series[flux], series[error] if error in names else None
        )
        whole: dict[str, Any] = {
            ours: _whole_numbers(series[theirs])
            for ours, theirs in (("quality", "quality"), ("cadence_number", "cadenceno"))
            if theirs in names
        }
        return replace(columns, **whole, flux_column=flux, meta=series.meta or {})

    @property
    def tic(self) -> int:
        """The TIC number; 0 where it says none."""
        return _first_number(self.meta, _TIC_NAMES, lambda value: is_identity(value, 1)) or 0

    @property
    def sector(self) -> int | None:
        """The sector, quarter or campaign; None where it says none, since the latter may be 0."""
        names, catalogue = _SECTOR_NAMES, "TIC"
        if self.is_of_kepler:
            names, catalogue = _QUARTER_NAMES, "KIC"
        return _first_number(self.meta, names, lambda value: is_identity(1, value, catalogue))

    @property
    def is_of_kepler(self) -> bool:
        """True for a light curve of Kepler or K2."""
        return str(self.meta.get("MISSION", "TESS")) in ("Kepler", "K2")

    @property
    def kind(self) -> Kind:
        """The kind of the file that it was read from, as far as its facts say."""
        if str(self.meta.get("AUTHOR", "")).upper() == "QLP":
            return qlp(self.sector or 0)
        return by_lightkurve(str(self.meta["MISSION"]) if self.is_of_kepler else "TESS")

    @property
    def is_of_archive(self) -> bool:
        """True for a flux in e-/s."""
        return u.Unit(self.unit, parse_strict="silent") == _OF_ARCHIVE


def _days(time: Any) -> np.ndarray:
    """Times as BTJD, NaN where masked; plain numbers may be BTJD or JD."""
    if isinstance(time, TimeDelta):
        raise LightCurveError(f"{NAME}: times are differences or phases, expected times")
    if isinstance(time, Time):
        return _btjd(time)
    days = _numbers("time", time, None if _unit(time) is None else u.d).astype(np.float64)
    middle = float(np.nanmedian(days)) if np.isfinite(days).any() else np.nan
    low, high = TESS.first, TESS.last
    if middle > _SMALLEST_JD:
        days, middle, low = days - BTJD_ZERO, middle - BTJD_ZERO, KEPLER.first
    if not (np.isnan(middle) or low <= middle <= high):
        raise LightCurveError(
            f"{NAME}: the median time is {middle:.6g}, expected BTJD ({low:g} to {high:g}) or JD; "
            "of another kind, give an astropy Time"
        )
    return days


def _btjd(time: Time) -> np.ndarray:
    """Barycentric dynamical time is BTJD's; the two parts of a `Time` lose no digit."""
    try:
        time = time if time.scale == "tdb" else time.tdb
    except Exception as error:  # whatever astropy makes of a scale that leads to no other
        raise LightCurveError(f"{NAME}: times are not known in TDB: {one_line(error)}") from error
    days = (np.ma.getdata(time.jd1) - BTJD_ZERO) + np.ma.getdata(time.jd2)
    return np.where(time.mask, np.nan, np.asarray(days, np.float64))


def _unit(values: Any) -> u.UnitBase | None:
    unit = getattr(values, "unit", None)
    return None if unit is None else u.Unit(unit)


def _numbers(what: str, values: Any, unit: u.UnitBase | None = None) -> np.ndarray:
    """Values in a unit as an array of numbers, NaN where masked."""
    own, mask = _unit(values), getattr(values, "mask", None)
    plain = np.asarray(np.ma.getdata(getattr(values, "unmasked", values)))
    if plain.dtype.kind not in "fiu" or plain.ndim != 1:
        raise LightCurveError(
            f"{NAME}: {what}: expected one number for each cadence, not {plain.dtype.name} of "
            f"shape {plain.shape}"
        )
    if plain.dtype.kind != "f":
        plain = plain.astype(np.float64)
    plain = plain.astype(plain.dtype.newbyteorder("="))
    if own is not None and unit is not None and own != unit:
        try:
            plain = plain * own.to(unit)
        except ValueError as error:  # another kind of unit, or none that astropy knows
            raise LightCurveError(f"{NAME}: {what}: {one_line(error)}") from error
    if mask is not None:
        plain = np.where(np.asarray(mask, bool), plain.dtype.type(np.nan), plain)
    return plain


def _whole_numbers(values: Any) -> np.ndarray:
    """Whole numbers as they are; those that are masked as 0."""
    mask = getattr(values, "mask", None)
    plain = np.asarray(np.ma.getdata(getattr(values, "unmasked", values)))
    return plain if mask is None else np.where(np.asarray(mask, bool), 0, plain)


def _first_number(
    meta: Mapping[str, Any], names: tuple[str, ...], fits: Callable[[object], bool]
) -> int | None:
    """The first of some entries that is a whole number of the archive's range; else None."""
    for name in names:
        value = meta.get(name)
        if isinstance(value, np.integer):
            value = int(value)
        if isinstance(value, int) and fits(value):
            return value
    return None
