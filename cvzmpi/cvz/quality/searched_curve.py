"""A light curve with what was found in it, as the definitions of quality marks look at it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from cvzmpi.cvz.quality.search_time import SearchTime, search_time
from cvzmpi.cvz.sector_file.data import SectorData


class SearchedCurve:
    """What a search leaves of a light curve, computed when it is asked for.

    Parameters
    ----------
    data : SectorData
        From checkpoint `detect` on.
    config : mapping
        The configuration of its search, by dotted key.
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
        return self.evaluated & ~self.data.flare_mask & self.usable

    @cached_property
    def time(self) -> SearchTime:
        """For how long it was searched."""
        return search_time(
            self.data,
            self._config["light_curve.quality_bitmask"],
            self._config["detect.merge_gap"],
        )

    @cached_property
    def residuals(self) -> np.ndarray:
        """Flux less the process at the fitted rows, over the error with the jitter."""
        curve, rows = self.data.light_curve, self.fitted
        assert self.data.gp_mu is not None
        median = float(np.median(curve.flux[self.usable]))
        jitter = float(self.data.gp_facts["gp_jitter"]) * median
        error = np.sqrt(curve.flux_err[rows].astype(np.float64) ** 2 + jitter**2)
        return (curve.flux[rows].astype(np.float64) - self.data.gp_mu[rows]) / error
