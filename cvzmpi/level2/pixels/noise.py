"""The noise of a pixel's profiles, measured in its own continuum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

ASSUMED = 1e-3
"""Where noise can neither be measured in a pixel nor is told by its map; in continua."""

MAD_TO_SIGMA = 1.4826
"""The standard deviation of a normal distribution over its median absolute deviation."""

_FEWEST_PAIRS = 12  # of neighbours in the continuum; with fewer, the noise is not measured
_SPIKE = 5.0  # larger differences, in standard deviations, are no noise


def measure(observed: np.ndarray, continuum: np.ndarray) -> np.ndarray:
    """The noise of each pixel: that of Q, U and V, from differences of neighbouring wavelengths.

    Neither an offset nor a slow fringe raises it. From the 50 wavelengths of continuum in a
    spectrum of ViSP, it is right to 7 %; so a pixel has one noise for all Stokes parameters. That
    of Stokes I is not measured: its continuum has wings of lines. A polarimeter has less photon
    noise in I than in Q, U and V, so that I never weighs too much.

    Parameters
    ----------
    observed : float64, shape (n, 4, n_wavelengths)
        Without gaps.
    continuum : bool, shape (n_wavelengths,)

    Returns
    -------
    float64, shape (n,)
        Standard deviations, in the units of the profiles; NaN where there is too little continuum,
        or no noise.
    """
    first = np.flatnonzero(continuum[:-1] & continuum[1:])
    if len(first) < _FEWEST_PAIRS:
        return np.full(len(observed), np.nan)
    polarised = observed[:, 1:]
    differences = polarised[:, :, first + 1] - polarised[:, :, first]
    size = np.ascontiguousarray(np.abs(differences)).reshape(len(observed), -1)
    scale = MAD_TO_SIGMA * np.median(size, axis=1)
    kept = size <= _SPIKE * scale[:, np.newaxis]
    variance = np.where(kept, size**2, 0).sum(axis=1) / kept.sum(axis=1)
    # A difference has the variance of two samples.
    return np.where(variance > 0, np.sqrt(variance / 2), np.nan)


def of_record(record: Mapping[str, Any]) -> float | None:
    """The noise that a prepared map tells of itself; None if it tells none.

    It was measured at the wavelengths of Level 1, before neighbours were averaged.
    """
    noises = np.array(record.get("noise") or [], float)
    if not len(noises) or not np.isfinite(noises).all() or not (noises > 0).all():
        return None
    n_averaged = record.get("settings", {}).get("spectral_bin", 1)
    return float(np.median(noises)) / math.sqrt(n_averaged)


def to_assume(
    given: float | None, measured: np.ndarray, of_the_map: float | None = None
) -> np.ndarray:
    """The noise that each pixel is fitted with; shape (n,).

    It is the `given` one, or else its own, or else that of its map.
    """
    if given is not None:
        return np.full(len(measured), given)
    return np.where(measured > 0, measured, ASSUMED if of_the_map is None else of_the_map)
