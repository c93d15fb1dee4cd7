"""The cadences of a light curve on their regular grid, with rows where some were left out.

A light curve from which rows were taken out is searched like the whole one, for only usable
cadences are looked at. But whether a flare touches a gap, and what its rows are, is told by the
rows.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cvzmpi.cvz.light_curves.exposure import EXPOSURE, exposure_of
from cvzmpi.errors import LightCurveError
from cvzmpi.messages.wording import counted

_LARGEST_NUMBER = 2**53
"""Up to it, whole numbers are kept as floating point numbers as well."""


def exposure_by_times(name: str, time: np.ndarray) -> float:
    """The exposure in days, of times that increase in steps of it.

    Parameters
    ----------
    time : float64, shape (n,)
        In days; NaN where there is none.

    Returns
    -------
    float
        That of SPOC's 2-minute light curves where there are no two times.

    Raises
    ------
    LightCurveError
        If the times do not increase, or are not regular.
    """
    finite = np.flatnonzero(np.isfinite(time))
    steps = np.diff(time[finite])
    if not len(steps):
        return EXPOSURE
    backwards = np.flatnonzero(steps <= 0)
    if len(backwards):
        row = finite[backwards[0] + 1]
        raise LightCurveError(
            f"{name}: the time at row {row} is not after the one before; expected times in order, "
            "each once"
        )
    return exposure_of(name, time)


def places_on_grid(
    time: np.ndarray, cadence_number: np.ndarray | None, exposure: float
) -> np.ndarray:
    """The row of each cadence where all cadences have one.

    Parameters
    ----------
    time : float64, shape (n,)
        In days, increasing; NaN where there is none.
    cadence_number : int, shape (n,), optional
        The archive's number of each cadence. Without it the places follow from the times; then
        only cadences that have one have a place.
    exposure : float
        In days.

    Returns
    -------
    int64, shape (n,)
        The first is 0; -1 for those without a place.
    """
    places = np.full(len(time), -1)
    finite = np.flatnonzero(np.isfinite(time))
    if not len(finite):
        return np.arange(len(time))
    # From one cadence to the next: the Earth's motion changes the distance of times by a second in
    # a few hours, which over a whole sector would be more than a cadence.
    steps = np.rint(np.diff(time[finite]) / exposure).astype(np.int64)
    by_time = np.concatenate([[0], np.cumsum(np.maximum(steps, 1))])
    if cadence_number is not None and np.all(np.abs(cadence_number) < _LARGEST_NUMBER):
        numbers = cadence_number.astype(np.int64)
        numbers -= numbers[0]
        if _fit(numbers, finite, by_time):
            return numbers
    if np.array_equal(finite - finite[0], by_time):
        return np.arange(len(time))  # nothing is missing, and rows without a time may stay
    places[finite] = by_time
    return places


def _fit(numbers: np.ndarray, finite: np.ndarray, by_time: np.ndarray) -> bool:
    """Whether numbers of cadences are their places: they increase, and fit the times.

    Before the first time and after the last, where no time tells, they must count the rows: a
    damaged number there would make a grid of any length.
    """
    first, last = finite[[0, -1]]
    steps = np.diff(numbers)
    outside = np.concatenate([steps[:first], steps[last:]])
    by_number = numbers[finite] - numbers[first]
    return bool(
        np.all(steps > 0) and np.all(outside == 1) and np.all(np.abs(by_number - by_time) <= 1)
    )


def on_grid(values: np.ndarray, places: np.ndarray, missing: float) -> np.ndarray:
    """Values at their places, and `missing` at those that have none."""
    has_place = places >= 0
    spread: np.ndarray = np.full(int(places.max(initial=-1)) + 1, missing, values.dtype)
    spread[places[has_place]] = values[has_place]
    return spread


def with_missing_rows(
    raw: Mapping[str, np.ndarray], cadence_number: np.ndarray | None, exposure: float
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The columns of a light curve with a row for each cadence from the first to the last.

    Parameters
    ----------
    raw : mapping of ndarray, shape (n,)
        By name in `readers.reader.SPOC_COLUMNS`: floating point numbers, TIME in days, which
        increases and is NaN where there is none; and QUALITY.
    cadence_number, exposure
        Of `places_on_grid`.

    Returns
    -------
    columns : dict of ndarray
        NaN, or 0 as quality, in the rows that were missing.
    notes : list of str
        How many were.
    """
    places = places_on_grid(raw["TIME"], cadence_number, exposure)
    columns = {
        name: on_grid(values, places, 0 if name == "QUALITY" else np.nan)
        for name, values in raw.items()
    }
    n_missing = len(columns["TIME"]) - int(np.count_nonzero(places >= 0))
    if n_missing == 0:
        return columns, []
    missing = counted(n_missing, "cadence is", "cadences are")
    return columns, [f"{missing} missing: rows without values are there"]
