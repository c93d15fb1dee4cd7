"""A light curve as it was searched: which cadences, for how long, and what the process leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cvzmpi.cvz.sector_file.data import SectorData


@dataclass(frozen=True)
class SearchTime:
    """The time that was searched, in days."""

    # The usable cadences that the detector evaluated, times the exposure. Cadences beside gaps and
    # at the ends are not evaluated, since the network's window reaches over the edge: a flare there
    # is never found, and none was injected.
    evaluated: float
    # The part of it in which a new flare counts as a flare of its own: without the cadences of the
    # flares, and without the `merge_gap` usable cadences after each, in which the mask rule joins a
    # new flare to the old one. Rates are per searched time: as for any counter with a dead time
    # after each event, N flares estimate the rate N / searched without bias as long as little of
    # the time is dead.
    searched: float


class SearchedCurve:
    """Quantities of a searched light curve, computed when they are asked for.

    `config` is the configuration of its search, by dotted key.
    """

    def __init__(self, data: SectorData, config: Mapping[str, Any]) -> None:
        self.data = data
        self.evaluated = np.isfinite(data.probability)
        self._config = config

    @cached_property
    def usable(self) -> np.ndarray:
        """Rows that were used; bool."""
        return self.data.light_curve.usable(self._config["light_curve.quality_bitmask"])

    @cached_property
    def fitted(self) -> np.ndarray:
        """Rows that the Gaussian process was fitted to; bool."""
        if self.data.left_out is None:  # a file of version 1
            return self.evaluated & ~self.data.flare_mask & self.usable
        return self.usable & ~self.data.left_out

    @cached_property
    def time(self) -> SearchTime:
        """The time that was searched."""
        mask, exposure = self.data.flare_mask, self.data.light_curve.exposure
        usable = np.flatnonzero(self.usable)
        free = self.evaluated & ~mask
        stops = np.flatnonzero(np.diff(mask.astype(np.int8), append=0) < 0)
        for after in np.searchsorted(usable, stops, side="right"):
            free[usable[after : after + self._config["detect.merge_gap"]]] = False
        return SearchTime(float(self.evaluated.sum() * exposure), float(free.sum() * exposure))

    @cached_property
    def residuals(self) -> np.ndarray:
        """Flux less the process at the fitted rows, over the error with the jitter."""
        curve, rows = self.data.light_curve, self.fitted
        assert self.data.gp_mu is not None
        median = float(np.median(curve.flux[self.usable]))
        jitter = float(self.data.gp_facts["gp_jitter"]) * median
        error = np.sqrt(curve.flux_err[rows].astype(np.float64) ** 2 + jitter**2)
        return (curve.flux[rows].astype(np.float64) - self.data.gp_mu[rows]) / error
