"""The observation: a light curve as the detector, the model and the injections see it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curve import LightCurve
from cvzmpi.cvz.segments import evaluated_cadences
from cvzmpi.errors import LightCurveError


@dataclass(frozen=True)
class Observation:
    """The usable cadences of a light curve, in units of their median flux.

    Attributes
    ----------
    light_curve : LightCurve
    rows : int64, shape (n,)
        Which rows of the light curve are usable; everything below has one entry for each.
    time : float64, shape (n,)
        BTJD.
    flux, flux_err : float64, shape (n,)
        Relative to the median.
    median_flux : float
        e-/s.
    evaluated : bool, shape (n,)
        Cadences that the detector can look at.
    """

    light_curve: LightCurve
    rows: np.ndarray
    time: np.ndarray
    flux: np.ndarray
    flux_err: np.ndarray
    median_flux: float
    evaluated: np.ndarray

    @classmethod
    def prepare(cls, light_curve: LightCurve, config: Config) -> Observation:
        """Select and normalise the usable cadences.

        Raises
        ------
        LightCurveError
            If there are too few of them, or none has its window in one segment.
        """
        name = f"TIC {light_curve.tic} sector {light_curve.sector}"
        if "input_file" in light_curve.header:
            name = f"{light_curve.header['input_file']}: {name}"
        rows = np.flatnonzero(light_curve.usable(config.light_curve.quality_bitmask))
        enough = config.light_curve.min_usable_cadences
        if len(rows) < enough:
            raise LightCurveError(
                f"{name}: {len(rows)} usable cadences of {light_curve.n_cadences}, "
                f"expected at least {enough} (light_curve.min_usable_cadences)"
            )
        time = light_curve.time[rows]
        flux = light_curve.flux[rows].astype(np.float64)
        median = float(np.median(flux))
        if not median > 0:
            raise LightCurveError(f"{name}: median flux is {median:g} e-/s, expected above 0")
        evaluated = evaluated_cadences(time, light_curve.exposure, config.detect.max_gap)
        if not evaluated.any():
            raise LightCurveError(
                f"{name}: no stretch of 200 usable cadences without a gap of more than "
                f"{config.detect.max_gap} (detect.max_gap)"
            )
        return cls(
            light_curve=light_curve,
            rows=rows,
            time=time,
            flux=flux / median,
            flux_err=light_curve.flux_err[rows].astype(np.float64) / median,
            median_flux=median,
            evaluated=evaluated,
        )

    @property
    def flux_error(self) -> float:
        """Median relative flux error, the unit of the injected amplitudes."""
        return float(np.median(self.flux_err))

    def spread(self, values: np.ndarray, dtype: type, missing: float) -> np.ndarray:
        """Bring values of the usable cadences to the rows of the light curve.

        Parameters
        ----------
        values : ndarray, shape (n,)
        dtype : type
        missing : float
            What stands at the other rows.

        Returns
        -------
        ndarray, shape (n_cadences,)
        """
        spread: np.ndarray = np.full(self.light_curve.n_cadences, missing, dtype)
        spread[self.rows] = values
        return spread
