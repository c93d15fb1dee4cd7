"""A light curve as it was searched: which cadences, for how long, what was found, and what is left.

All of it is of the search chosen, and every product has it from here: the flares,
their number, the time that was searched, and the injected repeats that tell of its completeness.
Rates multiply that time with that completeness, so both are of the cadences that the search looked
at, and of none in its flares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cvzmpi.cvz.configuration import DetectConfig
from cvzmpi.cvz.detection.flare_mask import widened
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.exposure import in_cadences
from cvzmpi.cvz.sector_file.data import SectorData

DEFAULT_SEARCH = Search(DetectConfig().search)
"""The search chosen where nobody chooses."""


@dataclass(frozen=True)
class SearchTime:
    """The time that was searched, in days."""

    # The cadences that the search looked at, times the exposure. Of stella these are the usable
    # ones that its networks could evaluate: beside gaps and at the ends their window reaches over
    # the edge, so that a flare there is never found, and none was injected.
    evaluated: float
    # The part of it in which a new flare counts as a flare of its own: without the cadences of the
    # flares, and without the `merge_gap` usable cadences after each, in which the mask rule joins a
    # new flare to the old one. Rates are per searched time: as for any counter with a dead time
    # after each event, N flares estimate the rate N / searched without bias as long as little of
    # the time is dead.
    searched: float


class SearchedCurve:
    """Quantities of a searched light curve, computed when they are asked for.

    `config` is the configuration of its search, by dotted key. Of a light curve that was searched
    by stella alone, as in files of format version 1 and before checkpoint `model`, all is of that
    search, whichever is chosen.
    """

    def __init__(
        self, data: SectorData, config: Mapping[str, Any], search: Search = DEFAULT_SEARCH
    ) -> None:
        significance = data.significance
        self.data = data
        self.search = Search.STELLA if significance is None else search
        self.evaluated = self.search.cadences(data.probability, significance)
        # whether the file holds the templates that fit its flares: from format version 2 on
        self.has_templates = significance is not None
        self._config = config

    @cached_property
    def flares(self) -> dict[str, np.ndarray] | None:
        """The flares that were found, by column of the table; None before checkpoint `model`."""
        flares = self.data.flares
        if flares is None:
            return None
        found = self.search.flares(flares["found_by"])
        return {name: column[found] for name, column in flares.items()}

    @cached_property
    def flaring(self) -> np.ndarray:
        """Rows from the first to the last of each flare; bool."""
        if self.data.flares is None or self.search is Search.STELLA:
            return self.data.flare_mask
        return self.search.mask(self.data.flares, self.data.light_curve.n_cadences)

    @property
    def n_flares(self) -> int:
        """Flares that were found, measured or not.

        Before checkpoint `model`, they are the stretches of the flare mask.
        """
        if self.flares is not None:
            return len(self.flares["peak"])
        return int(np.count_nonzero(np.diff(self.flaring.astype(np.int8), prepend=0) == 1))

    @property
    def quality_bitmask(self) -> int:
        """Cadences with any of these bits were not used."""
        bits = int(self._config["light_curve.quality_bitmask"])
        return self.data.light_curve.excluding_bits(bits)

    @cached_property
    def usable(self) -> np.ndarray:
        """Rows that were used; bool."""
        return self.data.light_curve.usable(self.quality_bitmask)

    @cached_property
    def fitted(self) -> np.ndarray:
        """Rows that the Gaussian process was fitted to; bool."""
        if self.data.left_out is None:  # a file of version 1
            return self.evaluated & ~self.data.flare_mask & self.usable
        return self.usable & ~self.data.left_out

    @cached_property
    def time(self) -> SearchTime:
        """The time that was searched."""
        exposure = self.data.light_curve.exposure
        dead = widened(
            self.flaring, self.usable, 0, in_cadences(self._config["detect.merge_gap"], exposure)
        )
        free = self.evaluated & ~dead
        return SearchTime(float(self.evaluated.sum() * exposure), float(free.sum() * exposure))

    def counted(self, cadence: np.ndarray) -> np.ndarray:
        """Tell which injected repeats count for the search; bool, of the shape of `cadence`.

        Flares are injected where stella looked, away from the flares that it found: all count for
        stella. Another search may not have looked there, as at eclipses; and within
        `inject.peak_tolerance` of one of its flares it finds a flare with or without the repeat.

        Parameters
        ----------
        cadence : int
            Rows of the light curve at which the peaks are.
        """
        if self.search is Search.STELLA:
            return np.ones(cadence.shape, bool)
        tolerance = in_cadences(
            self._config["inject.peak_tolerance"], self.data.light_curve.exposure, least=0
        )
        near = widened(self.flaring, self.usable, tolerance, tolerance)
        return (self.evaluated & ~near)[cadence]

    @cached_property
    def residuals(self) -> np.ndarray:
        """Flux less the process at the fitted rows, over the error with the jitter."""
        curve, rows = self.data.light_curve, self.fitted
        assert self.data.gp_mu is not None
        median = float(np.median(curve.flux[self.usable]))
        jitter = float(self.data.gp_facts["gp_jitter"]) * median
        error = np.sqrt(curve.flux_err[rows].astype(np.float64) ** 2 + jitter**2)
        return (curve.flux[rows].astype(np.float64) - self.data.gp_mu[rows]) / error
