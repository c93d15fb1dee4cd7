"""The signal-to-noise of every template at every cadence, in units of the star's own noise.

The whitened statistic has unit variance when the process, the jitter and the catalogued errors are
right. They never quite are: errors are too large or too small, the scatter changes with the
spacecraft's pointing, and what the process cannot follow is left over. So the *scale* of the
statistic is measured for each template, over the light curve and over its parts, robustly, and the
larger of both is its noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.signal import fftconvolve

from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.templates import Template
from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening

MIN_COVERAGE = 0.3
"""A template is compared where this part of its sum of squares lies on usable cadences."""

_PART = 360  # cadences (half a day) over which the scale is measured, or
_WIDTHS = 24  # so many FWHMs of the template, if that is more
_SIGMA = 1.4826  # standard deviation of a Gaussian over its median absolute deviation


@dataclass(frozen=True)
class StatisticMap:
    """Each template at each place of the grid, for a light curve with some cadences left out."""

    templates: tuple[Template, ...]
    # float64, shape (n_templates, n_places): whitened statistic; NaN where too little is usable
    statistic: np.ndarray
    # float64, shape (n_templates, n_places): part of the template's sum of squares that is usable
    coverage: np.ndarray

    @classmethod
    def of(
        cls, whitening: Whitening, templates: tuple[Template, ...], information: np.ndarray
    ) -> StatisticMap:
        """Compare a whitened light curve with all templates; `information` as of the function."""
        samples = whitening.samples
        alpha = samples.on_grid(whitening.alpha)
        usable = samples.on_grid(~whitening.left_out)
        statistic = np.empty((len(templates), len(alpha)))
        coverage = np.empty_like(statistic)
        for k, template in enumerate(templates):
            squares = template.shape**2
            coverage[k] = _correlated(usable, squares, template.before) / squares.sum()
            # the FFT leaves 1e-16 where nothing is usable
            enough = np.maximum(coverage[k], MIN_COVERAGE)
            statistic[k] = _correlated(alpha, template.shape, template.before)
            statistic[k] /= np.sqrt(information[k] * enough)
        statistic[coverage < MIN_COVERAGE] = np.nan
        return cls(templates, statistic, coverage)

    def at_samples(self, whitening: Whitening) -> np.ndarray:
        """The statistic at the usable cadences; NaN where left out. Shape (n_templates, n)."""
        values: np.ndarray = self.statistic[:, whitening.samples.place]
        values[:, whitening.left_out] = np.nan
        return values


def _correlated(values: np.ndarray, shape: np.ndarray, before: int) -> np.ndarray:
    """Sum of the values times a shape that stands at each place in turn."""
    start = len(shape) - 1 - before
    correlated: np.ndarray = fftconvolve(values, shape[::-1])[start : start + len(values)]
    return correlated


def noise_scales(statistic: np.ndarray, templates: tuple[Template, ...]) -> np.ndarray:
    """The star's noise in each template, in units of the process's.

    Parameters
    ----------
    statistic : float64, shape (n_templates, n)
        At the usable cadences; NaN where there is none.

    Returns
    -------
    float64, shape (n_templates, n)
        Above 0 everywhere. Linear between the middles of parts of half a day, or of 24 FWHMs.
    """
    n = statistic.shape[1]
    scales = np.ones(statistic.shape)
    for values, template, scale in zip(np.abs(statistic), templates, scales, strict=True):
        known = np.isfinite(values)
        if not known.any():
            continue
        overall = _SIGMA * np.median(values[known])
        n_parts = max(1, n // int(max(_PART, _WIDTHS * template.fwhm)))
        edges = np.linspace(0, n, n_parts + 1).astype(int)
        of_parts = np.full(n_parts, overall)
        for k, (start, stop) in enumerate(pairwise(edges)):
            here = values[start:stop][known[start:stop]]
            if len(here) > (stop - start) / 4:
                of_parts[k] = _SIGMA * np.median(here)
        middles = (edges[:-1] + edges[1:]) / 2
        scale[:] = np.maximum(overall, np.interp(np.arange(n), middles, of_parts))
    return np.maximum(scales, 1e-3)


def places_of(samples: Samples, values: np.ndarray) -> np.ndarray:
    """Values of the usable cadences at every place: that of the nearest usable one before it.

    From shape (k, n) to (k, n_places).
    """
    number = np.searchsorted(samples.place, np.arange(samples.n_places), side="right") - 1
    return values[:, number]
