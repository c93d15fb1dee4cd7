"""The hours around a flare, cut out of its sector file, and what can be counted there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.light_curves.exposure import MINUTES_PER_DAY
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.report.gallery.choice import ChosenFlare
from cvzmpi.errors import SectorFileError

_BEFORE = (1.5 / 24, 3 / 24)
_AFTER = (2.5 / 24, 5 / 24)
"""Shortest and longest time in days that is shown before the flare, and after it: as long as half
of the flare, and as all of it, between these."""

MOST_CADENCES = 280
"""Of a cut-out; of a flare that is longer, these are the ones around its peak."""

_STEPS_PER_ERROR = 10
"""Values are rounded to at least this part of the median error of the flux."""

_FLAG_NEAR = 10  # cadences around a flare in which a quality flag is near

ABOVE = 3.0
"""A cadence stands out that is this many standard errors above the model."""


@dataclass(frozen=True)
class CutOut:
    """The rows of a light curve around a flare; arrays of shape (n,).

    Fluxes are relative to the median flux of the light curve; NaN where there is none. Mean and
    standard deviation of the Gaussian process are interpolated where a cadence was not used.
    """

    minutes: np.ndarray  # from the peak of the flare
    flux: np.ndarray
    error: np.ndarray
    mean: np.ndarray  # of the Gaussian process
    sd: np.ndarray
    probability: np.ndarray
    template: np.ndarray  # flux of the fitted template above the mean; NaN where none fits
    inside: np.ndarray  # bool: from the first to the last cadence of the flare
    usable: np.ndarray  # bool
    quality: np.ndarray  # int32

    @classmethod
    def of(cls, file: SearchedFile, flare: ChosenFlare) -> CutOut:
        """Cut out the hours around a flare.

        Raises
        ------
        SectorFileError
            If the flare is not in the file, which then is not the one that was indexed.
        """
        data, measures = file.data, flare.measures
        curve, n = data.light_curve, data.light_curve.n_cadences
        start, stop, peak = (int(measures[name]) for name in ("start", "stop", "peak"))
        if data.gp_mu is None or data.gp_sigma is None or not 0 <= start <= peak <= stop < n:
            raise SectorFileError(f"{file.described}: has changed since it was indexed")
        rows = _around(curve.time, measures)
        usable = curve.usable(file.quality_bitmask)
        median = float(np.median(curve.flux[usable].astype(np.float64)))
        used = usable[rows]

        def relative(values: np.ndarray) -> np.ndarray:
            return values[rows].astype(np.float64) / median

        def interpolated(values: np.ndarray) -> np.ndarray:
            ends = {"left": np.nan, "right": np.nan}
            return np.interp(time, time[used], relative(values)[used], **ends)

        time, exposure = curve.time[rows], curve.exposure
        template = np.full(len(rows), np.nan)
        peak_time = measures["template_time"]
        if measures["template_fitted"] and peak_time is not None and math.isfinite(peak_time):
            shape = mean_flare_shape(time - peak_time, measures["fwhm"], exposure)
            template = measures["template_amplitude"] * shape
        return cls(
            minutes=(time - measures["peak_time"]) * MINUTES_PER_DAY,
            flux=relative(curve.flux),
            error=np.where(used, relative(curve.flux_err), np.nan),
            mean=interpolated(data.gp_mu),
            sd=interpolated(data.gp_sigma),
            probability=data.probability[rows].astype(np.float64),
            template=template,
            inside=(rows >= start) & (rows <= stop),
            usable=used,
            quality=curve.quality[rows],
        )

    @cached_property
    def n_above(self) -> int:
        """Cadences of the flare that stand out of the model by `ABOVE` standard errors."""
        error = np.hypot(self.error, self.sd)
        above = (self.flux - self.mean > ABOVE * error) & self.inside & self.usable
        return int(np.count_nonzero(above))

    @cached_property
    def height(self) -> float:
        """How far the peak stands out of the model, in standard errors."""
        peak = int(np.argmin(np.abs(self.minutes)))
        return float((self.flux - self.mean)[peak] / np.hypot(self.error, self.sd)[peak])

    @cached_property
    def half_times(self) -> tuple[float, float]:
        """Minutes from half of the height of the flare to its peak, and back to half of it.

        The flux has fallen so far where two cadences in a row are below, for one may be so by
        chance; else up to the end of the cut-out. Whole cadences.
        """
        minutes, excess = (v[self.usable] for v in (self.minutes, self.flux - self.mean))
        peak = int(np.argmin(np.abs(minutes)))
        low = excess < excess[peak] / 2
        pairs = low[1:] & low[:-1]
        before, after = np.flatnonzero(pairs[: max(peak - 1, 0)]), np.flatnonzero(pairs[peak:])
        rise = minutes[peak] - minutes[before[-1] + 1 if len(before) else 0]
        decay = minutes[peak + after[0] if len(after) else -1] - minutes[peak]
        return float(rise), float(decay)

    @cached_property
    def unseen_peak(self) -> tuple[float, float]:
        """The highest flux of the template above the mean, and at cadences that were used."""
        if not np.isfinite(self.template).any():
            return math.nan, math.nan
        highest = float(np.max(self.template))
        return highest, float(np.max(self.template[self.usable], initial=0.0))

    @cached_property
    def misfit(self) -> float:
        """Root mean square of what template and model leave in the flare, in errors; NaN."""
        inside = self.inside & self.usable
        left = (self.flux - self.mean - self.template)[inside] / self.error[inside]
        return float(np.sqrt(np.mean(left**2))) if len(left) else math.nan

    @cached_property
    def flags_near(self) -> np.ndarray:
        """Quality flags of each cadence in the flare or near it; int32."""
        rows = np.flatnonzero(self.inside)
        near = slice(max(rows[0] - _FLAG_NEAR, 0), rows[-1] + _FLAG_NEAR + 1)
        return self.quality[near]

    def packed(self) -> dict[str, Any]:
        """The cut-out as small whole numbers for JSON; None where there is no value.

        `minutes` are in 1/100, `probability` in 1/1000. Fluxes are in `unit`, a tenth of the errors
        or less; `flux`, `mean` and `template`, the flux with the flare, are without the 1 of the
        median flux. `unusable` are cadences that were not used, and the flare is from `first` to
        `last`.
        """
        errors = self.error[np.isfinite(self.error)]
        finest = float(np.median(errors)) / _STEPS_PER_ERROR if len(errors) else 1e-4
        unit = 10.0 ** math.floor(math.log10(finest)) if finest > 0 else 1e-6
        # what is below half a step is not drawn
        template = np.where(self.template > unit / 2, self.mean + self.template - 1, np.nan)
        inside = np.flatnonzero(self.inside)
        return {
            "unit": unit,
            "minutes": _whole(self.minutes, 0.01),
            "flux": _whole(self.flux - 1, unit),
            "error": _whole(self.error, unit),
            "mean": _whole(self.mean - 1, unit),
            "sd": _whole(self.sd, unit),
            "probability": _whole(self.probability, 0.001),
            "template": _whole(template, unit) if np.isfinite(template).any() else [],
            "unusable": np.flatnonzero(~self.usable).tolist(),
            "first": int(inside[0]),
            "last": int(inside[-1]),
        }


def _around(time: np.ndarray, measures: Any) -> np.ndarray:
    """The rows around a flare that have a time; int64."""
    start, stop = measures["start_time"], measures["stop_time"]
    length = stop - start
    since = start - min(max(length / 2, _BEFORE[0]), _BEFORE[1])
    until = stop + min(max(length, _AFTER[0]), _AFTER[1])
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((time >= since) & (time <= until))
    if len(rows) > MOST_CADENCES:
        # a quarter of them before the peak
        first = int(np.searchsorted(rows, measures["peak"])) - MOST_CADENCES // 4
        first = min(max(first, 0), len(rows) - MOST_CADENCES)
        rows = rows[first : first + MOST_CADENCES]
    return rows


def _whole(values: np.ndarray, unit: float) -> list[int | None]:
    return [round(value / unit) if math.isfinite(value) else None for value in values.tolist()]
