"""The signal-to-noise of every template at every cadence, in units of the star's own noise.

The whitened statistic has unit variance when the process, the jitter and the catalogued errors are
right. They never quite are: errors are too large or too small, the scatter changes with the
spacecraft's pointing, and what the process cannot follow is left over. So the *scale* of the
statistic is measured for each template, over the light curve and over its parts, robustly, and the
larger of both is its noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.templates import Template
from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening
from cvzmpi.cvz.light_curves.exposure import EXPOSURE, in_cadences
from cvzmpi.cvz.light_curves.measured_values import MAD_TO_SIGMA

MIN_COVERAGE = 0.3
"""A template is compared where this part of its sum of squares lies on usable cadences."""

_PART = 360  # cadences of 120 s (half a day) over which the scale is measured, or
_WIDTHS = 24  # so many FWHMs of the template, if that is more
_FEWEST = 120  # cadences of others, for a median that is worth something


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
        spectra = _spectra_for(samples, templates)
        of_templates = coverage(whitening, templates)
        alpha = rfft(samples.on_grid(whitening.alpha), spectra.length)
        statistic = _correlated(alpha * spectra.shapes, spectra, samples.n_places)
        # the FFT leaves 1e-16 where nothing is usable
        enough = np.maximum(of_templates, MIN_COVERAGE)
        statistic /= np.sqrt(information[:, None] * enough)
        statistic[of_templates < MIN_COVERAGE] = np.nan
        return cls(templates, statistic, of_templates)

    def at_samples(self, whitening: Whitening) -> np.ndarray:
        """The statistic at the usable cadences; NaN where left out. Shape (n_templates, n)."""
        values: np.ndarray = self.statistic[:, whitening.samples.place]
        values[:, whitening.left_out] = np.nan
        return values


def coverage(whitening: Whitening, templates: tuple[Template, ...]) -> np.ndarray:
    """Part of each template's sum of squares on usable cadences; shape (n_templates, n_places)."""
    samples = whitening.samples
    spectra = _spectra_for(samples, templates)
    usable = rfft(samples.on_grid(~whitening.left_out), spectra.length)
    squares = _correlated(usable * spectra.squares, spectra, samples.n_places)
    squares /= spectra.sums_of_squares[:, None]
    return squares


class _Spectra(NamedTuple):
    """Templates in Fourier space, to be correlated with light curves of one length."""

    length: int  # of the transforms
    # complex128, shape (n_templates, length / 2 + 1): conjugate transforms, and those of the
    # squares
    shapes: np.ndarray
    squares: np.ndarray
    sums_of_squares: np.ndarray  # float64, shape (n_templates,)
    before: list[int]  # of each template


def _spectra_for(samples: Samples, templates: tuple[Template, ...]) -> _Spectra:
    """For light curves on the grid of these samples."""
    longest = max(len(template.shape) for template in templates)
    return _spectra(templates, next_fast_len(samples.n_places + longest, real=True))


@lru_cache(maxsize=16)
def _spectra(templates: tuple[Template, ...], length: int) -> _Spectra:
    shapes = [rfft(template.shape, length).conj() for template in templates]
    squares = [rfft(template.shape**2, length).conj() for template in templates]
    sums_of_squares = np.array([np.sum(template.shape**2) for template in templates])
    before = [template.before for template in templates]
    return _Spectra(length, np.array(shapes), np.array(squares), sums_of_squares, before)


def _correlated(products: np.ndarray, spectra: _Spectra, n: int) -> np.ndarray:
    """Sums of values times shapes that stand at each of n places, from the products of both.

    Transforms of several at once have the bits of each alone.
    """
    length = spectra.length
    rows, sums = irfft(products, length), np.empty((len(products), n))
    for row, values, before in zip(rows, sums, spectra.before, strict=True):
        values[:before], values[before:] = row[length - before :], row[: n - before]
    return sums


def noise_scales(
    statistic: np.ndarray, templates: tuple[Template, ...], exposure: float = EXPOSURE
) -> np.ndarray:
    """The star's noise in each template, in units of the process's.

    Parameters
    ----------
    statistic : float64, shape (n_templates, n)
        At the usable cadences; NaN where there is none.
    exposure : float
        In days.

    Returns
    -------
    float64, shape (n_templates, n)
        Above 0 everywhere. Linear between the middles of parts of half a day, or of 24 FWHMs.
    """
    n, part = statistic.shape[1], in_cadences(_PART, exposure, _FEWEST)
    scales = np.ones(statistic.shape)
    for k, (template, scale) in enumerate(zip(templates, scales, strict=True)):
        if k > 0 and template.fwhm == templates[k - 1].fwhm:  # another phase has the same noise
            scale[:] = scales[k - 1]
            continue
        values = np.abs(statistic[k])
        known = np.isfinite(values)
        if not known.any():
            continue
        overall = MAD_TO_SIGMA * _median(values[known])
        n_parts = max(1, n // int(max(part, _WIDTHS * template.fwhm)))
        edges = np.linspace(0, n, n_parts + 1).astype(int)
        medians, n_known = _medians(values, edges)
        of_parts = np.where(n_known > np.diff(edges) / 4, MAD_TO_SIGMA * medians, overall)
        middles = (edges[:-1] + edges[1:]) / 2
        scale[:] = np.maximum(overall, np.interp(np.arange(n), middles, of_parts))
    return np.maximum(scales, 1e-3)


def _median(values: np.ndarray) -> float:
    """The median of some finite values; three times as fast as NumPy's for a few hundred."""
    middle = [(len(values) - 1) // 2, len(values) // 2]
    return float(0.5 * np.partition(values, middle)[middle].sum())


def _medians(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The medians of what is known in parts, and how much that is; float64 and int, shape (parts,).

    Parameters
    ----------
    values : float64, shape (n,)
        NaN where unknown.
    edges : int, shape (parts + 1,)
        Between the parts, which differ by one in length.
    """
    lengths = np.diff(edges)
    index = edges[:-1, None] + np.arange(lengths.max())
    of_parts = np.where(index < edges[1:, None], values.take(index, mode="clip"), np.nan)
    of_parts.sort(axis=1)  # NaN comes last
    n_known = np.count_nonzero(np.isfinite(of_parts), axis=1)
    middle = np.array([np.maximum(n_known - 1, 0) // 2, np.minimum(n_known // 2, lengths - 1)])
    low, high = of_parts[np.arange(len(lengths)), middle]
    return 0.5 * (low + high), n_known


def places_of(samples: Samples, values: np.ndarray) -> np.ndarray:
    """Values of the usable cadences at every place: that of the nearest usable one before it.

    From shape (k, n) to (k, n_places).
    """
    number = np.searchsorted(samples.place, np.arange(samples.n_places), side="right") - 1
    return values[:, number]
