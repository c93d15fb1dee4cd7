"""The bank of flare templates that the search compares a light curve with.

A template is the flare shape averaged over each exposure, at one FWHM and one phase of its peak
within the cadence. FWHMs double from half a cadence to an hour or more; in between, a template
of the bank loses at most 3 % of the signal-to-noise of the best one. Phases matter for the shortest
only.

Everything is in cadences: templates of one exposure time are the same for all light curves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.light_curves.exposure import MINUTES_PER_DAY

LONGEST_MINUTES = 64.0
"""FWHM of the longest template; longer flares are found by it, and fitted with their own FWHM."""

SHORTEST = 0.5
"""FWHM of the shortest template, in cadences: all shorter flares look the same."""

RESOLVED = 4.0
"""FWHM in cadences from which on the shape of a flare can be told from its mirror image."""

_PHASED = 2.0  # FWHM in cadences up to which two phases of the peak are tried
_BEFORE, _AFTER = 1.5, 8.0  # FWHMs before and after the peak that a template has


@dataclass(frozen=True, eq=False)
class Template:
    """A flare shape on the cadences around its peak."""

    fwhm: float  # cadences
    phase: float  # of the peak, in cadences after the middle of the cadence `before`
    before: int  # index of the cadence of the peak in `shape`
    shape: np.ndarray  # float64, shape (n,): relative to the amplitude

    @property
    def after(self) -> int:
        """Cadences after that of the peak."""
        return len(self.shape) - 1 - self.before

    @property
    def slack(self) -> int:
        """Cadences by which the best place for it may miss the peak of a flare."""
        return int(3 + self.fwhm / 2)

    @property
    def in_reverse(self) -> Template:
        """The same, backwards in time: slow rise and fast decay."""
        return Template(self.fwhm, -self.phase, self.after, self.shape[::-1].copy())


@cache
def bank(exposure: float) -> tuple[Template, ...]:
    """The templates, the shortest first.

    Parameters
    ----------
    exposure : float
        Time from one cadence to the next, in days.
    """
    longest = LONGEST_MINUTES / MINUTES_PER_DAY / exposure
    n_doublings = max(0, math.ceil(math.log2(longest / SHORTEST) - 1e-6))
    fwhms = [SHORTEST * 2**k for k in range(n_doublings + 1)]
    return tuple(
        _template(fwhm, phase)
        for fwhm in fwhms
        for phase in ((-0.25, 0.25) if fwhm <= _PHASED else (0.0,))
    )


@cache
def backwards(templates: tuple[Template, ...]) -> tuple[Template, ...]:
    """Those that are long enough to tell the direction of time, backwards in time."""
    return tuple(template.in_reverse for template in templates if template.fwhm >= RESOLVED)


def _template(fwhm: float, phase: float) -> Template:
    before, after = math.ceil(_BEFORE * fwhm + 1), math.ceil(_AFTER * fwhm + 2)
    cadences = np.arange(-before, after + 1)
    return Template(fwhm, phase, before, flare(cadences, phase, fwhm))


def flare(cadences: np.ndarray, peak: float, fwhm: float) -> np.ndarray:
    """A flare of amplitude 1 at some cadences; `peak` and `fwhm` in cadences too."""
    return mean_flare_shape(cadences - peak, fwhm, 1.0)
