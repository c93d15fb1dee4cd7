"""Intensities that a detector has cut off: at its full well, or at its zero.

Cut samples lie on one straight line that no sample is beyond: a ceiling, or a floor. It may be
inclined, as Level 1 divides by the continuum. So ceilings are edges of the upper convex hull of
a spectrum, and floors of the lower one. Noise puts two samples, seldom five, on an edge; a ceiling
puts there all that would be above it, while the samples just below it are as rare as noise makes
them.

Integers that are coarse against the noise lie on lines, too, one step apart. There a ceiling needs
more samples, and more than are on the step below it. What cannot be seen: less than some ten cut
samples, which change next to nothing; a ceiling that a flat field or the combination of modulation
states with different ceilings has bent by more than a twentieth of the noise; any where integers
are coarser than twice the noise.
"""

from __future__ import annotations

import numpy as np

from cvzmpi.level2.spectroscopy.compilation import compiled_and_kept
from cvzmpi.level2.spectroscopy.compiled_model import compiled

# In units of the noise: how far a sample may be from its ceiling, and how far "just below" is.
_ON, _NEAR = 0.05, 0.5
_ROUNDING = 2e-7  # of the largest intensity: single precision
_FEWEST = 6  # samples on a ceiling
# Coarse integers: the smallest step (in units of the noise) that makes a difference, and how many
# samples a ceiling has then, with steps of half the noise or less.
_SMALL_STEP, _FEWEST_OF_INTEGERS = 0.1, 16.0
_LARGE_STEP, _COARSEST_STEP = 0.5, 2.0
# Steps are looked for among differences of neighbours of at most so many steps.
_STEPS, _FEWEST_DIFFERENCES = 20.0, 8
# Where a spectrum of integers was divided by its continuum, the second step shows below a ceiling.
_NEXT_STEP, _LARGEST_NEXT_STEP, _FEWEST_ON_NEXT = 0.15, 1.5, 3


def clipped(intensity: np.ndarray, unknown: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Mask of the pixels whose intensity has a ceiling or a floor.

    Parameters
    ----------
    intensity : float64, shape (n, n_wavelengths)
    unknown : bool, shape (n, n_wavelengths)
        Samples that are left out: straight lines replace them.
    noise : float64, shape (n,)
        Standard deviations; where they are not positive, only exact lines count.
    """
    found = np.zeros(len(intensity), bool)
    _find(
        np.ascontiguousarray(intensity, float),
        np.ascontiguousarray(unknown),
        np.where(noise > 0, noise, 0.0),
        found,
    )
    return found


@compiled
def _upper_hull(light: np.ndarray, unknown: np.ndarray, slack: float, hull: np.ndarray) -> int:
    """Put the corners of the upper convex hull into `hull`; returns their number.

    Corners that stand out by less than `slack` are none (Andrew 1979, Inf. Process. Lett. 9, 216).
    """
    n = 0
    for k in range(len(light)):
        if unknown[k]:
            continue
        while n >= 2:
            left, middle = hull[n - 2], hull[n - 1]
            rise = (light[middle] - light[left]) * (k - left)
            if rise > (light[k] - light[left]) * (middle - left) + slack * (k - left):
                break
            n -= 1
        hull[n] = k
        n += 1
    return n


@compiled
def _integer_step(light: np.ndarray, slack: float) -> float:
    """The step that all intensities are multiples of, but for a constant; 0 if there is none."""
    step = np.inf
    for k in range(1, len(light)):
        difference = abs(light[k] - light[k - 1])
        if slack < difference < step:
            step = difference
    n = 0
    for k in range(1, len(light)):
        multiple = abs(light[k] - light[k - 1]) / step
        if multiple > _STEPS or multiple < 0.5:
            continue
        if abs(multiple - round(multiple)) > 0.05:
            return 0.0
        n += 1
    return step if n >= _FEWEST_DIFFERENCES else 0.0


@compiled
def _is_ceiling(
    light: np.ndarray, unknown: np.ndarray, first: int, last: int, noise: float, step: float
) -> bool:
    """True if more samples than by chance are on the edge between two corners of the hull."""
    slack = _ROUNDING * abs(light[first])
    on, slope = max(_ON * noise, slack), (light[last] - light[first]) / (last - first)
    n_on, n_near, next_below = 0, 0, np.inf
    for k in range(first, last + 1):
        below = light[first] + slope * (k - first) - light[k]
        if unknown[k]:
            continue
        if below <= on:
            n_on += 1
        else:
            n_near += below <= on + _NEAR * noise
            next_below = min(next_below, below)
    if n_on < _FEWEST or 2 * n_on <= n_near:
        return False
    n_next = 0
    for k in range(first, last + 1):
        below = light[first] + slope * (k - first) - light[k]
        n_next += not unknown[k] and on < below <= next_below + 2 * on
    is_step = _NEXT_STEP * noise <= next_below < _LARGEST_NEXT_STEP * noise
    if step <= _SMALL_STEP * noise:
        if not (is_step and n_next >= max(_FEWEST_ON_NEXT, n_on / 3)):
            return True
        step = next_below
    if noise == 0:
        return True
    if step > _COARSEST_STEP * noise:
        return False
    coarse = max(1.0, step / (_LARGE_STEP * noise))
    return n_on >= _FEWEST_OF_INTEGERS * coarse**2 and n_on > n_next


@compiled
def _has_ceiling(
    light: np.ndarray, unknown: np.ndarray, noise: float, step: float, hull: np.ndarray
) -> bool:
    n = _upper_hull(light, unknown, _ROUNDING * np.abs(light).max(), hull)
    for corner in range(n - 1):
        first, last = hull[corner], hull[corner + 1]
        if last - first >= _FEWEST - 1 and _is_ceiling(light, unknown, first, last, noise, step):
            return True
    return False


@compiled_and_kept
def _find(light: np.ndarray, unknown: np.ndarray, noise: np.ndarray, found: np.ndarray) -> None:
    hull = np.empty(light.shape[1], np.int64)
    for row in range(len(light)):
        step = _integer_step(light[row], _ROUNDING * np.abs(light[row]).max())
        found[row] = _has_ceiling(light[row], unknown[row], noise[row], step, hull)
        if not found[row]:
            found[row] = _has_ceiling(-light[row], unknown[row], noise[row], step, hull)
