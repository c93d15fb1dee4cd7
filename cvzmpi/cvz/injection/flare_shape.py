r"""The shape of a flare in white light: fast rise, fast decay, slow decay.

The continuous template of Tovar Mendoza et al. 2022 (AJ 164, 17, doi:10.3847/1538-3881/ac6fe6;
coefficients from the authors' "Llamaradas Estelares"): a Gaussian of centre B and width C,
convolved with two exponential decays of rates D1 and D2 that share its energy as f1 : 1 - f1. With
the phase :math:`x = (t - t_{peak}) / \mathrm{FWHM}`,

.. math:: s(x) = \sum_i \frac{\sqrt\pi}{2} A C f_i\, e^{-D_i x + (B/C + D_i C/2)^2}\,
          \mathrm{erfc}\left(\frac{B - x}{C} + \frac{D_i C}{2}\right)

As published, it is not quite normalised: its maximum is 0.950 at phase -0.003, it is above 0.5 for
1.02 FWHM and above half its maximum for 1.09 FWHM. It is used as published, so that amplitudes and
FWHMs compare with other work.

A camera measures the mean of the shape over its exposure, and for flares as short as an exposure
that is another shape. Integrating by parts gives the mean without any sampling:

.. math:: \int_{-\infty}^x s = \sum_i \frac{1}{D_i} \left[\frac{\sqrt\pi}{2} A C f_i\, e^{B^2/C^2}\,
          \mathrm{erfc}\left(\frac{B - x}{C}\right) - s_i(x)\right]
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfc, exprel

from cvzmpi.cvz.light_curves.exposure import SECONDS_PER_DAY

A = 0.9687734504375167
B = -0.251299705922117
C = 0.22675974948468916
D1 = 0.15551880775110513
D2 = 1.2150539528490194
F1 = 0.12695865022878844

# What follows from them: of each decay its rate, the factor before its exponential, and the
# argument of erfc at phase 0.
_RATES = (D1, D2)
_SCALE = math.sqrt(math.pi) / 2 * A * C
_FACTORS = tuple(
    _SCALE * f * math.exp((B / C + d * C / 2) ** 2) for f, d in ((F1, D1), (1 - F1, D2))
)
_OFFSETS = tuple(B / C + d * C / 2 for d in _RATES)
_GAUSS = _SCALE * math.exp((B / C) ** 2)
_GAUSS_AREA = _GAUSS * (F1 / D1 + (1 - F1) / D2)

# Before the first phase the shape is below the smallest double; after the other one erfc is 2 to
# the last bit, and only the exponentials are left.
FIRST_PHASE = B - 27.5 * C  # in FWHM
_TAIL_PHASE = B + 6.5 * C

# For shorter exposures (in FWHM) the difference of two integrals would lose digits, while
# three-point Gauss-Legendre quadrature is good to 1e-11 wherever the shape is above 1e-12.
_SHORT_EXPOSURE = 0.003
_NODE, _WEIGHT = math.sqrt(3 / 5), 5 / 18

_BLOCK = 16384  # exposures at a time: what is computed on the way stays in the processor's cache

_HIGHEST = 0.9502
"""The shape is below this at every phase."""


def flare_shape(phase: ArrayLike) -> np.ndarray:
    """Brightness of a flare at an instant, its peak being about 1 (0.95); float64, same shape.

    Parameters
    ----------
    phase : array_like
        Time since the peak in units of the FWHM; any value, NaN gives NaN.
    """
    return _shape(np.maximum(np.asarray(phase, dtype=np.float64), FIRST_PHASE))


def mean_flare_shape(time: ArrayLike, fwhm: ArrayLike, exposure: ArrayLike) -> np.ndarray:
    """Brightness of a flare as a camera measures it: the mean over each exposure, exactly.

    Parameters
    ----------
    time : array_like
        Mid-times of the exposures since the peak, in days; NaN gives NaN.
    fwhm : array_like
        Full width at half maximum in days, above 0.
    exposure : array_like
        Length of an exposure in days, from 0 (then this is `flare_shape`). The three are
        broadcast against each other.

    Returns
    -------
    ndarray of float64, of the broadcast shape
        Good to 1e-11 of each value where the shape is above 1e-12.
    """
    time, fwhm, exposure = (np.asarray(x, dtype=np.float64) for x in (time, fwhm, exposure))
    if not ((fwhm > 0).all() and (exposure >= 0).all()):
        raise ValueError("the FWHM of a flare must be above 0, and the exposure not below 0")
    length = exposure / fwhm
    # exprel(-D h) is the mean of exp(-D x) over 0 < x < h, also for h = 0
    means = [exprel(-rate * length) for rate in _RATES]
    begin = np.atleast_1d(time / fwhm - length / 2)
    if length.ndim == 0 and begin.size <= _BLOCK:  # as in a fit of one flare
        return _mean(begin, length, *means).reshape(time.shape)
    mean = np.empty(begin.shape)
    per_exposure = [np.broadcast_to(x, mean.shape) for x in (length, *means)]
    step = max(1, _BLOCK * len(mean) // max(1, mean.size))
    for start in range(0, len(mean), step):
        block = slice(start, start + step)
        mean[block] = _mean(begin[block], *(x[block] for x in per_exposure))
    return mean.reshape(np.broadcast_shapes(time.shape, fwhm.shape, exposure.shape))


def shape_area() -> float:
    """Integral of `flare_shape` over all phases."""
    return 2 * _GAUSS_AREA


def equivalent_duration(amplitude: ArrayLike, fwhm: ArrayLike) -> np.ndarray:
    """Equivalent duration: how long the quiet star takes to emit what the flare emits.

    Parameters
    ----------
    amplitude : array_like
        Peak flux of the flare relative to the quiescent flux.
    fwhm : array_like
        Full width at half maximum in days.

    Returns
    -------
    ndarray of float64
        In seconds.
    """
    seconds = SECONDS_PER_DAY * np.asarray(fwhm, dtype=np.float64)
    return np.asarray(amplitude, dtype=np.float64) * seconds * shape_area()


def support(
    amplitude: ArrayLike, fwhm: ArrayLike, exposure: ArrayLike, floor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Times before and after its peak within which a flare can be seen at all.

    Parameters
    ----------
    amplitude : array_like
        Peak flux relative to the quiescent flux.
    fwhm, exposure : array_like
        In days, as for `mean_flare_shape`; the three are broadcast against each other.
    floor : float
        Relative flux above 0 that does not matter any more.

    Returns
    -------
    before, after : ndarray of float64, of the broadcast shape
        Days. `amplitude * mean_flare_shape` is below `floor` for all times before `-before` and
        after `after`. Upper bounds: half an exposure and at most 0.3 FWHM more than the times
        between which the instantaneous shape is above. Both are 0 for flares whose instantaneous
        shape never reaches the floor.
    """
    if not floor > 0:
        raise ValueError(f"the floor of a flare's support must be above 0, not {floor}")
    amplitude, fwhm, exposure = np.broadcast_arrays(
        *(np.asarray(x, dtype=np.float64) for x in (amplitude, fwhm, exposure))
    )
    seen = amplitude * _HIGHEST > floor
    level = floor / np.where(seen, amplitude, floor)
    margin = exposure / 2
    before = np.where(seen, fwhm * _phases_before(level) + margin, 0.0)
    after = np.where(seen, fwhm * _phases_after(level) + margin, 0.0)
    return before, after


def _components(phase: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the slow and the fast part of the shape, for phases from `FIRST_PHASE` on."""
    arguments = -phase / C
    slow, fast = (
        factor * np.exp(-rate * phase) * erfc(arguments + offset)
        for factor, rate, offset in zip(_FACTORS, _RATES, _OFFSETS, strict=True)
    )
    return slow, fast


def _shape(phase: np.ndarray) -> np.ndarray:
    slow, fast = _components(phase)
    return slow + fast


def _integral(phase: np.ndarray) -> np.ndarray:
    """Integral of the shape from minus infinity to `phase`."""
    phase = np.maximum(phase, FIRST_PHASE)
    slow, fast = _components(phase)
    return _GAUSS_AREA * erfc((B - phase) / C) - slow / D1 - fast / D2


def _mean(
    begin: np.ndarray, length: np.ndarray, slow_mean: np.ndarray, fast_mean: np.ndarray
) -> np.ndarray:
    """Mean over exposures from `begin` to `begin + length`, by where they lie in the flare.

    The other three are of the shape of `begin`, or are of one element that all exposures share.
    """
    mean = np.zeros(begin.shape)
    in_tail = begin >= _TAIL_PHASE
    mean[in_tail] = _tail(begin[in_tail], _of(slow_mean, in_tail), _of(fast_mean, in_tail))
    in_core = ~(in_tail | (begin + length <= FIRST_PHASE))  # NaN is here, and stays NaN
    mean[in_core] = _core(begin[in_core], _of(length, in_core))
    return mean


def _of(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The values of chosen exposures."""
    some: np.ndarray = values[chosen] if np.ndim(values) else values
    return some


def _core(begin: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Mean over exposures that begin before the tail."""
    if length.ndim == 0:
        if length < _SHORT_EXPOSURE:
            return _quadrature(begin, length)
        both = _integral(np.concatenate([begin, begin + length]))  # few: calls cost more
        return (both[len(begin) :] - both[: len(begin)]) / length
    mean = np.empty(begin.size)
    short = length < _SHORT_EXPOSURE
    long = ~short
    mean[short] = _quadrature(begin[short], length[short])
    end = begin[long] + length[long]
    mean[long] = (_integral(end) - _integral(begin[long])) / length[long]
    return mean


def _quadrature(begin: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Mean over short exposures."""
    half = length / 2
    middle = np.maximum(begin + half, FIRST_PHASE)
    edges = _shape(middle - _NODE * half) + _shape(middle + _NODE * half)
    return _WEIGHT * edges + (1 - 2 * _WEIGHT) * _shape(middle)


def _tail(begin: np.ndarray, slow_mean: np.ndarray, fast_mean: np.ndarray) -> np.ndarray:
    """Mean over exposures in which the shape is the sum of two exponentials."""
    slow = 2 * _FACTORS[0] * slow_mean * np.exp(-D1 * begin)
    return slow + 2 * _FACTORS[1] * fast_mean * np.exp(-D2 * begin)


def _phases_before(level: np.ndarray) -> np.ndarray:
    """Bound the phases before the peak from which on the shape is above `level`.

    Before its centre B, the shape is below the Gaussian (erfcx is at most 1 for positive
    arguments). Where the Gaussian stays below `level`, the crossing is after B.
    """
    return C * np.sqrt(np.log(np.maximum(_GAUSS / level, 1.0))) - B


def _phases_after(level: np.ndarray) -> np.ndarray:
    """Bound the phases after the peak until which the shape is above `level`.

    The shape is below the sum of its two exponentials (erfc is at most 2). For the logarithm of the
    sum, which is convex, Newton's steps approach the crossing from below; solving for the slow
    exponential with the fast one taken at such a phase then lands above it.
    """
    slow, fast = (math.log(2 * factor) for factor in _FACTORS)
    goal = np.log(level)
    phase = np.maximum((fast - goal) / D2, (slow - goal) / D1)
    phase = np.maximum(phase, 0.0)
    for _ in range(4):
        total = np.logaddexp(slow - D1 * phase, fast - D2 * phase)
        share = np.exp(slow - D1 * phase - total)
        phase = phase + (total - goal) / (D1 * share + D2 * (1 - share))
    above = (np.logaddexp(slow, fast - (D2 - D1) * phase) - goal) / D1
    return np.maximum(above, 0.0) * (1 + 1e-12)
