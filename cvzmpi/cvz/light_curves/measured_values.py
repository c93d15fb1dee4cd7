"""Values of a light curve's columns that can be measurements, and those that cannot.

A value that no measurement of a star gives is taken out (NaN), so that its cadence is not used and
no product meets it later; what was taken out is told. A light curve of which much is such is
refused: it is damaged, or something else than it says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curves.fits_file import damaged
from cvzmpi.cvz.light_curves.readers.reader import TESS, Observed
from cvzmpi.errors import LightCurveError
from cvzmpi.messages.wording import counted

MAX_FLUX = 1e4
"""Times the median flux: ten magnitudes, more than any flare that was seen."""

MIN_FLUX = -10.0
"""Times the median flux; what over-subtracted background leaves is nearer to 0."""

MAX_ERROR = 1e3
"""Times the median flux error; the largest in real light curves is 1.4 times that."""

MAX_PART_SAME = 0.2
"""A light curve with the same flux in more cadences than this part is refused."""

NO_ERRORS = "no flux errors: estimated from the differences of neighbouring cadences"
"""What is told of a light curve without errors."""

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution, in median absolute deviations."""

_NEIGHBOURS = 1.5
"""Cadences that are fewer exposures than this apart are neighbours."""

MAX_PART = 0.05
"""A light curve with more wild times than this part is refused."""


def as_numbers(path: Path | str, name: str, values: Any, kinds: str = "fiu") -> np.ndarray:
    """A column as numbers, one a row.

    Raises
    ------
    LightCurveError
        If it holds something else.
    """
    values = np.asarray(values)
    if values.dtype.kind not in kinds or values.ndim != 1:
        raise LightCurveError(
            f"{path}: column {name}: expected one number in each row, not "
            f"{values.dtype.name}{list(values.shape[1:]) or ''}"
        )
    return values


def quality_flags(path: Path | str, values: Any) -> tuple[np.ndarray, np.ndarray]:
    """The column QUALITY as 32 bits, as the output files have it.

    Returns
    -------
    flags : int32, shape (n_cadences,)
        The bits 0 to 31.
    lost : bool, shape (n_cadences,)
        Where the column says more than that: bits above 31, or no whole number.
    """
    values = as_numbers(path, "QUALITY", values)
    if values.dtype.kind == "f":
        whole = np.isfinite(values) & (np.abs(values) < 2**53) & (values == np.trunc(values))
        wide = np.where(whole, values, 0).astype(np.int64)
    else:
        whole = np.ones(len(values), bool)
        # a narrow column's highest bit is a flag, not a sign
        wide = values.astype(f"u{values.dtype.itemsize}").astype(np.uint64).view(np.int64)
    lost = ~whole | ((wide >> 32) != 0)
    return (wide & 0xFFFFFFFF).astype(np.uint32).view(np.int32), lost


def check_filled(path: Path | str, time: np.ndarray, flux: np.ndarray, error: np.ndarray) -> None:
    """Refuse a file of which a part was never written.

    Parameters
    ----------
    time, flux, error : array, shape (n_cadences,)
        As the file has them, before missing errors are estimated. An error that is NaN says no more
        than 0: some files of QLP have no other.

    Raises
    ------
    DamagedLightCurveError
        If a row holds nothing but zeros: the archive has NaN where nothing was measured.
    """
    empty = np.flatnonzero((time == 0) & (flux == 0) & ((error == 0) | np.isnan(error)))
    if len(empty):
        rows = counted(len(empty), "row holds", "rows hold")
        raise damaged(path, f"{rows} zeros only, the first of them row {empty[0]}")


def says_errors(error: Any) -> bool:
    """True if there is an error of any flux: one that is positive and finite."""
    error = np.asarray(error)
    return bool((np.isfinite(error) & (error > 0)).any())


def typical_error(
    path: Path | str, time: np.ndarray, flux: Any, exposure: float, good: np.ndarray
) -> np.ndarray:
    """Flux errors where none are known: the standard deviation of the noise, the same everywhere.

    It is 1.4826 times the median absolute difference of neighbouring cadences, over the square root
    of 2. The errors that QLP writes are one number for a light curve as well.

    Parameters
    ----------
    time : float64, shape (n_cadences,)
        In days, as `exposure`.
    flux : array, shape (n_cadences,)
    good : bool, shape (n_cadences,)
        Cadences that no quality bit excludes. The others, of scattered light and the like, do not
        say how the good ones scatter; they count only where no two good ones are neighbours.

    Returns
    -------
    float64, shape (n_cadences,)
        In the flux's unit; NaN where there is no flux.

    Raises
    ------
    LightCurveError
        If there are no two neighbouring cadences of different flux.
    """
    flux = np.asarray(flux, np.float64)
    known = np.flatnonzero(np.isfinite(time))
    differences = np.abs(np.diff(flux[known]))
    neighbours = np.diff(time[known]) < _NEIGHBOURS * exposure
    neighbours &= np.isfinite(differences)
    good_ones = neighbours & good[known[:-1]] & good[known[1:]]
    differences = differences[good_ones if good_ones.any() else neighbours]
    error = MAD_TO_SIGMA * float(np.median(differences)) / np.sqrt(2) if len(differences) else 0.0
    if not error > 0:
        raise LightCurveError(f"{path}: no flux errors, and no noise to estimate them from")
    return np.where(np.isfinite(flux), error, np.nan)


def check_varied(path: Path | str, flux: np.ndarray) -> None:
    """Refuse fluxes that were not measured: noise makes each differ from the others.

    Raises
    ------
    LightCurveError
        If many cadences have the very same flux.
    """
    values, counts = np.unique(flux[np.isfinite(flux)], return_counts=True)
    if len(values) and counts.max() > MAX_PART_SAME * counts.sum():
        raise LightCurveError(
            f"{path}: the flux is exactly {values[counts.argmax()]:g} in {counts.max():,} of "
            f"{counted(int(counts.sum()), 'cadence')}: not measured"
        )


def without_wild_times(
    path: Path | str, time: np.ndarray, observed: Observed = TESS
) -> tuple[np.ndarray, list[str]]:
    """Times in BTJD, NaN where they cannot be of this sector; what was taken out.

    Raises
    ------
    LightCurveError
        If there are many of them, or the others are no times of the mission.
    """
    finite = np.isfinite(time)
    if not finite.any():
        return np.where(finite, time, np.nan), []
    middle = float(np.median(time[finite]))
    low, high, most_days = observed
    if not low <= middle <= high:
        raise LightCurveError(
            f"{path}: the median time is BTJD {middle:.6g}, expected {low:g} to {high:g}: see "
            "BJDREFI and BJDREFF"
        )
    wild = np.isinf(time)
    wild[finite] = np.abs(time[finite] - middle) > most_days
    if wild.sum() > MAX_PART * len(time):
        raise LightCurveError(
            f"{path}: {wild.sum()} of {len(time)} times are more than {most_days:g} d "
            f"from the median, BTJD {middle:.1f}: not one sector"
        )
    return np.where(wild, np.nan, time), _told(wild, "a time outside of the sector")


def without_wild_fluxes(
    flux: np.ndarray, error: np.ndarray, lost_flags: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Flux and error, both NaN where either is no measurement; what was taken out.

    Parameters
    ----------
    flux, error : float32, shape (n_cadences,)
    lost_flags : bool, shape (n_cadences,)
        Cadences with quality flags that cannot be kept: they count as bad.
    """
    finite = np.isfinite(flux)
    with np.errstate(over="ignore"):
        level = float(np.median(flux[finite])) if finite.any() else np.nan
        positive = finite & np.isfinite(error) & (error > 0)
        typical = float(np.median(error[positive])) if positive.any() else np.nan
        reasons = {
            "no finite flux": np.isinf(flux),
            "a flux of exactly 0": flux == 0,
            "a flux error that is not positive and finite": finite & (flux != 0) & ~positive,
            "quality flags above bit 31": finite & lost_flags,
        }
        if level > 0:
            wild = finite & ((flux > MAX_FLUX * level) | (flux < MIN_FLUX * level))
            if level < typical:  # the median says nothing of the star; see `Observation`
                wild[:] = False
            reasons[f"a flux beyond {MIN_FLUX:g} and {MAX_FLUX:g} times the median"] = wild
        if typical > 0:
            wild = positive & (error > MAX_ERROR * typical)
            reasons[f"a flux error beyond {MAX_ERROR:g} times the median"] = wild
    out = np.zeros(len(flux), bool)
    notes = []
    for reason, cadences in reasons.items():
        notes += _told(cadences & ~out, reason)
        out |= cadences
    return np.where(out, np.nan, flux), np.where(out, np.nan, error), notes


def _told(cadences: np.ndarray, reason: str) -> list[str]:
    """A note on the cadences that were taken out for a reason."""
    rows = np.flatnonzero(cadences)
    if not len(rows):
        return []
    return [f"{counted(len(rows), 'cadence')} with {reason} left out, the first is row {rows[0]}"]
