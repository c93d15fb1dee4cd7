"""The observation: a light curve as the detector, the model and the injections see it.

Its segments are the stretches without a long gap; a detector can look where its window is in one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.exposure import in_cadences
from cvzmpi.cvz.light_curves.light_curve import FLUX_UNIT, LightCurve
from cvzmpi.errors import LightCurveError
from cvzmpi.messages.wording import counted


class Window(NamedTuple):
    """The cadences that a detector needs around cadence i: those of [i - before, i + after)."""

    before: int
    after: int

    @property
    def length(self) -> int:
        """Number of cadences."""
        return self.before + self.after


MAX_RELATIVE_ERROR = 0.5
"""Largest flux error, in median fluxes. All is in units of that: near 0, it makes noise gigantic.

A star with as much has TESS magnitude 18 (10 e-/s, with errors of 5 e-/s); one of magnitude 14.3
has 0.02. Where a brighter star has it, too much background was subtracted.
"""

MAX_PART_NOT_POSITIVE = 0.1
"""Largest part of fluxes below 0; noise alone makes 0.02 at the greatest relative error."""


_FEWEST_CADENCES = 60
"""Usable cadences of a light curve of another exposure than 120 s, at least."""


def fewest_usable(minimum: int, exposure: float) -> int:
    """Usable cadences that a light curve needs.

    Parameters
    ----------
    minimum : int
        The setting `light_curve.min_usable_cadences`, in cadences of 120 s; it means the time.
    exposure : float
        In days.
    """
    return in_cadences(minimum, exposure, _FEWEST_CADENCES)


def segments(time: np.ndarray, exposure: float, max_gap: int) -> list[slice]:
    """Cut a light curve at its long gaps.

    Parameters
    ----------
    time : float64, shape (n,)
        Times of the usable cadences, in days, increasing.
    exposure : float
        Time from one cadence to the next, in days.
    max_gap : int
        A new segment starts where more cadences than this are missing.

    Returns
    -------
    list of slice
        Of indices into `time`, in order, covering all of it.
    """
    missing = np.rint(np.diff(time) / exposure) - 1
    cuts = np.flatnonzero(missing > max_gap) + 1
    edges = [0, *cuts.tolist(), len(time)]
    return [slice(a, b) for a, b in pairwise(edges) if b > a]


def evaluated_cadences(
    time: np.ndarray, exposure: float, max_gap: int, window: Window
) -> np.ndarray:
    """Cadences whose window, counted in usable cadences, lies in one segment; bool, shape (n,)."""
    evaluated = np.zeros(len(time), bool)
    for segment in segments(time, exposure, max_gap):
        n_windows = segment.stop - segment.start - window.length + 1
        if n_windows > 0:
            first = segment.start + window.before
            evaluated[first : first + n_windows] = True
    return evaluated


@dataclass(frozen=True)
class Observation:
    """The usable cadences of a light curve, in units of their median flux."""

    light_curve: LightCurve
    # int64, shape (n,): which rows of the light curve are usable; everything below has one entry
    # for each
    rows: np.ndarray
    time: np.ndarray  # float64, shape (n,): BTJD
    # flux, flux_err: float64, shape (n,): relative to the median
    flux: np.ndarray
    flux_err: np.ndarray
    median_flux: float  # e-/s, or as the light curve's `FLUX_UNIT` says
    evaluated: np.ndarray  # bool, shape (n,): cadences that the detector can look at

    @classmethod
    def prepare(cls, light_curve: LightCurve, config: Config, window: Window) -> Observation:
        """Select and normalise the usable cadences.

        Parameters
        ----------
        window : Window
            The cadences that the detector needs around one.

        Raises
        ------
        LightCurveError
            If there are too few of them, none has its window in one segment, or the median flux is
            not the star's: see `MAX_RELATIVE_ERROR` and `MAX_PART_NOT_POSITIVE`.
        """
        name = light_curve.described
        rows = np.flatnonzero(light_curve.usable(config.light_curve.quality_bitmask))
        exposure = light_curve.exposure
        enough = fewest_usable(config.light_curve.min_usable_cadences, exposure)
        if len(rows) < enough:
            raise LightCurveError(
                f"{name}: {counted(len(rows), 'usable cadence')} of {light_curve.n_cadences:,}, "
                f"expected at least {enough:,} (light_curve.min_usable_cadences)"
                f"{f'; {note}' if (note := light_curve.header.get('input_note')) else ''}"
            )
        time = light_curve.time[rows]
        flux = light_curve.flux[rows].astype(np.float64)
        median = float(np.median(flux))
        flux_err = light_curve.flux_err[rows].astype(np.float64)
        unit = f" {light_curve.header.get(FLUX_UNIT, 'e-/s')}".rstrip()
        _check_level(name, flux, median, float(np.median(flux_err)), unit)
        max_gap = in_cadences(config.detect.max_gap, exposure)
        evaluated = evaluated_cadences(time, exposure, max_gap, window)
        if not evaluated.any():
            raise LightCurveError(
                f"{name}: no stretch of {window.length} usable cadences without a gap of more than "
                f"{max_gap} (detect.max_gap)"
            )
        return cls(
            light_curve=light_curve,
            rows=rows,
            time=time,
            flux=flux / median,
            flux_err=flux_err / median,
            median_flux=median,
            evaluated=evaluated,
        )

    @property
    def flux_error(self) -> float:
        """Median relative flux error, the unit of the injected amplitudes."""
        return float(np.median(self.flux_err))

    def spread(self, values: np.ndarray, dtype: type, missing: float) -> np.ndarray:
        """Bring values of the usable cadences to the rows of the light curve.

        From shape (n,) to (n_cadences,); `missing` stands at the other rows.
        """
        spread: np.ndarray = np.full(self.light_curve.n_cadences, missing, dtype)
        spread[self.rows] = values
        return spread


def _check_level(name: str, flux: np.ndarray, median: float, error: float, unit: str) -> None:
    """Refuse a light curve of which the median flux says nothing about its star."""
    if not median > 0:
        raise LightCurveError(f"{name}: median flux is {median:g}{unit}, expected above 0")
    if not error <= MAX_RELATIVE_ERROR * median:
        raise LightCurveError(
            f"{name}: median flux is {median:g}{unit} with an error of {error:g}{unit}, expected "
            f"at least {error / MAX_RELATIVE_ERROR:g}"
        )
    part = np.count_nonzero(flux <= 0) / len(flux)
    if part > MAX_PART_NOT_POSITIVE:
        raise LightCurveError(
            f"{name}: {part:.0%} of the fluxes are not above 0, expected at most "
            f"{MAX_PART_NOT_POSITIVE:.0%}"
        )
