"""The flares that the detector found: the mask of the light curve and the table of flares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flare_mask import flare_mask as mask_of_flares
from cvzmpi.cvz.light_curves.observation import Observation

VETTING: dict[str, tuple[str, str]] = {
    "rest_snr": ("f4", "1"),
    "reversed_snr": ("f4", "1"),
    "hump_snr": ("f4", "1"),
    "since_gap": ("i4", "cadence"),
    "vetting": ("i2", "bit mask"),
}
"""Type and unit of the columns that say why an event may be none: see `significance.vetting`.

`vetting` has a bit for each rule that refuses it.
"""

COLUMNS: dict[str, tuple[str, str]] = {
    "start": ("i4", "cadence"),
    "stop": ("i4", "cadence"),
    "peak": ("i4", "cadence"),
    "start_time": ("f8", "BTJD d"),
    "stop_time": ("f8", "BTJD d"),
    "peak_time": ("f8", "BTJD d"),
    "amplitude": ("f8", "relative to median flux"),
    "equivalent_duration": ("f8", "s"),
    "equivalent_duration_error": ("f8", "s"),
    "mask_equivalent_duration": ("f8", "s"),
    "mask_equivalent_duration_error": ("f8", "s"),
    "max_probability": ("f4", "1"),
    "found_by": ("i1", "bit mask"),
    "snr": ("f4", "1"),
    "template_amplitude": ("f8", "relative to median flux"),
    "template_amplitude_error": ("f8", "relative to median flux"),
    "fwhm": ("f8", "d"),
    "fwhm_error": ("f8", "d"),
    "template_time": ("f8", "BTJD d"),
    **VETTING,
    "reliability": ("f4", "1"),
}
"""Type and unit of each column of the table of flares.

`equivalent_duration` is that of the fitted template, `mask_equivalent_duration` the sum over the
cadences from `start` to `stop`. `found_by` has a bit for each search.
"""

MIRROR_COLUMNS: dict[str, tuple[str, str]] = {
    "image": ("i1", "number"),
    **{n: COLUMNS[n] for n in ("peak", "peak_time", "found_by", "snr", "max_probability")},
    **VETTING,
}
"""The same of the table of mirror events: what the searches find in mirror images."""


@dataclass(frozen=True)
class Detection:
    """Probabilities and flares of an observation."""

    # float32, shape (n,): flare probability of the usable cadences; NaN where not evaluated
    probability: np.ndarray
    # int, shape (n_flares, 2): first and last usable cadence of each flare, both included
    flares: np.ndarray

    @classmethod
    def apply(cls, rule: MaskRule, probability: np.ndarray, evaluated: np.ndarray) -> Detection:
        """Find the flares where the detector could look."""
        probability = np.where(evaluated, probability, np.float32(np.nan))
        return cls(probability, rule.flares(probability))

    @property
    def mask(self) -> np.ndarray:
        """Usable cadences that belong to a flare; bool, shape (n,)."""
        return mask_of_flares(self.flares, len(self.probability))

    def row_mask(self, observation: Observation) -> np.ndarray:
        """The rows of the light curve from the first to the last of each flare; bool."""
        return row_mask(self.flares, observation)

    def candidates(self, evaluated: np.ndarray, tolerance: int) -> np.ndarray:
        """Evaluated cadences at which a flare of the star does not count as a recovery.

        These are the non-flaring cadences that are further than the tolerance from every flare.
        """
        widened = self.flares + np.array([-tolerance, tolerance])
        near = mask_of_flares(np.clip(widened, 0, len(evaluated) - 1), len(evaluated))
        return np.flatnonzero(evaluated & ~near)


def row_mask(flares: np.ndarray, observation: Observation) -> np.ndarray:
    """The rows of the light curve from the first to the last of each flare; bool.

    Parameters
    ----------
    flares : int, shape (n_flares, 2)
        First and last usable cadence of each, both included.
    """
    return mask_of_flares(observation.rows[flares], observation.light_curve.n_cadences)


def at_edge(probability: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Tell flares that touch the edge of what was evaluated: a part of them may be missing.

    Parameters
    ----------
    probability : float, shape (n_cadences,)
        Flare probability of the rows of the light curve; NaN where not evaluated.
    start, stop : int, shape (n_flares,)
        First and last row of each flare.

    Returns
    -------
    bool, shape (n_flares,)
        True where the row before the first one or after the last one was not evaluated: a gap, a
        flagged cadence, or too near to either.
    """
    evaluated = np.pad(np.isfinite(probability), 1)
    return ~(evaluated[start] & evaluated[np.asarray(stop) + 2])


def found_by_stella(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All columns of the table, of flares that were searched for with the networks alone.

    What only the other search gives is NaN, or 0 where the type has none.
    """
    n = len(columns["peak"])
    missing = {"f": np.nan, "i": 0}
    found = {"found_by": np.ones(n)} | columns
    return {
        name: np.asarray(found.get(name, np.full(n, missing[dtype[0]])), dtype)
        for name, (dtype, _) in COLUMNS.items()
    }
