"""What else than a flare an event may be: the vetting rules.

Each rule compares one value, which is kept in the table of flares, with the signal-to-noise:

- `single_cadence`: without its brightest cadence, little is left. A particle hits one cadence. In
  a cadence of more than 5 minutes most of a flare is over, and a particle is one of many frames, of
  which the spacecraft leaves out the brightest: there is no such rule.
- `after_gap`: it peaks right after missing cadences, so that no rise was seen. The flux settles
  after gaps and momentum dumps.
- `slow_rise`: backwards in time the templates fit better. Pulsations, spots and the end of an
  eclipse rise slowly.
- `hump`: a box fits better. Scattered light, and transits in the inverted light curve, are flat.
- `periodic`: it recurs with a period (`recurrence`).
"""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple

import numpy as np

from cvzmpi.cvz.detection.significance.whitened.templates import RESOLVED
from cvzmpi.cvz.light_curves.exposure import EXPOSURE, SECONDS_PER_DAY, in_cadences


class Vetting(IntFlag):
    """The rules that an event does not pass."""

    NONE = 0
    SINGLE_CADENCE = 1
    AFTER_GAP = 2
    SLOW_RISE = 4
    HUMP = 8
    PERIODIC = 16


MIN_REST = 3.0
"""Signal-to-noise that must be left without the brightest cadence, and"""
MIN_REST_SHARE = 0.4
"""the part of the whole that must be left, up to"""
CERTAIN_REST = 5.0
"""a signal-to-noise that is a flare of its own. The shortest flares leave half of the whole."""

LONGEST_HIT = 300.0
"""Exposure in seconds up to which one bright cadence may be a particle's."""

SETTLING = 2
"""Cadences (of 120 s) after a gap in which a peak has no rise that was seen."""
GAP = 3
"""Longest run of missing cadences (of 120 s) that is no gap: single ones are flagged everywhere."""
CERTAIN_AFTER_GAP = 15.0
"""Signal-to-noise from which on an event after a gap is no settling."""

HUMP_FWHM = 16.0
"""FWHM in cadences of 120 s from which on a flare is compared with boxes."""
_HUMP_MARGIN = 6.0
"""By so much a box must fit better in (signal-to-noise)^2: it has two free ends, and is chosen from
many. Of 4,000 injected flares on four real stars, it refuses fewer than 1 in 1,000."""
_HUMP_SHARE = 1.03
"""And by this factor in signal-to-noise: a strong complex flare differs from the template, too."""


class Look(NamedTuple):
    """What is seen of events; arrays of shape (batch,)."""

    snr: np.ndarray  # of the best template, in units of the star's noise
    template: np.ndarray  # its index
    place: np.ndarray  # its place on the grid of cadences
    rest_snr: np.ndarray  # without the brightest cadence
    reversed_snr: np.ndarray  # of templates backwards in time; 0 for those too short to tell
    hump_snr: np.ndarray  # of boxes; 0 for flares too short to be one
    since_gap: np.ndarray  # cadences since the last gap

    def refused(self, exposure: float = EXPOSURE) -> np.ndarray:
        """The rules that each does not pass, as bits of `Vetting`; int, shape (batch,).

        Parameters
        ----------
        exposure : float
            In days.
        """
        settled = in_cadences(SETTLING, exposure, least=0)
        settling = (self.since_gap <= settled) & (self.snr < CERTAIN_AFTER_GAP)
        hit = self.rest_snr < rest_limit(self.snr, exposure)
        bits = np.where(hit, Vetting.SINGLE_CADENCE, 0)
        bits |= np.where(settling, Vetting.AFTER_GAP, 0)
        bits |= np.where(self.reversed_snr > self.snr, Vetting.SLOW_RISE, 0)
        bits |= np.where(self.hump_snr > self.hump_limit, Vetting.HUMP, 0)
        return bits

    @property
    def hump_limit(self) -> np.ndarray:
        """Signal-to-noise of boxes above which an event is a hump."""
        limit: np.ndarray = np.maximum(np.sqrt(self.snr**2 + _HUMP_MARGIN), _HUMP_SHARE * self.snr)
        return limit


def rest_limit(snr: np.ndarray, exposure: float) -> np.ndarray:
    """Signal-to-noise that must be left without the brightest cadence; exposure in days."""
    if exposure * SECONDS_PER_DAY > LONGEST_HIT:
        return np.full(np.shape(snr), -np.inf)
    limit: np.ndarray = np.clip(MIN_REST_SHARE * snr, MIN_REST, CERTAIN_REST)
    return limit


def hump_fwhm(exposure: float) -> float:
    """FWHM in cadences of an exposure from which on a flare is compared with boxes."""
    return max(RESOLVED, HUMP_FWHM * (EXPOSURE / exposure))


def cadences_since_gap(place: np.ndarray, exposure: float = EXPOSURE) -> np.ndarray:
    """Cadences from the last gap to each usable one; int, shape (n,). The start is a gap."""
    after_gap = np.concatenate([[True], np.diff(place) > in_cadences(GAP, exposure) + 1])
    first = np.maximum.accumulate(np.where(after_gap, place, 0))
    since: np.ndarray = place - first
    return since


def since_gap_at_places(
    place: np.ndarray, since_gap: np.ndarray, exposure: float = EXPOSURE
) -> np.ndarray:
    """Cadences from the last gap to every place of the grid; int, shape (n_places,).

    A template may peak where nothing is usable. In a gap it is 0 from the middle on: of a flare
    there the decay was seen at most. Elsewhere it is that of the last usable cadence.

    Parameters
    ----------
    place, since_gap : int, shape (n,)
        Of the usable cadences; from `cadences_since_gap`.
    exposure : float
        In days.
    """
    places = np.arange(place[-1] + 1)
    before = np.searchsorted(place, places, side="right") - 1
    after = np.searchsorted(place, places)
    in_gap = place[after] - place[before] > in_cadences(GAP, exposure) + 1
    nearer_after = place[after] - places < places - place[before]
    return np.where(in_gap & nearer_after, 0, since_gap[before])
