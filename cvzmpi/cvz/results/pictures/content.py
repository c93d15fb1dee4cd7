"""A sector file as its pictures need it."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from cvzmpi.cvz.sector_file.reading import SectorContent


class Content(SectorContent):
    """A sector file with, for each usable cadence, what the panels draw."""

    @cached_property
    def rows(self) -> np.ndarray:
        """Rows of the light curve; int, shape (n,)."""
        return np.flatnonzero(self.data.light_curve.usable(self.quality_bitmask))

    @cached_property
    def time(self) -> np.ndarray:
        """BTJD; float64, shape (n,)."""
        return self.data.light_curve.time[self.rows]

    @cached_property
    def _flux(self) -> np.ndarray:
        return self.data.light_curve.flux[self.rows].astype(np.float64)

    @cached_property
    def _median(self) -> np.floating:
        return np.median(self._flux)

    @cached_property
    def flux(self) -> np.ndarray:
        """Relative to the median flux; float64, shape (n,)."""
        return self._flux / self._median

    @cached_property
    def flux_err(self) -> np.ndarray:
        """Relative to the median flux; shape (n,)."""
        return self.data.light_curve.flux_err[self.rows] / self._median

    @cached_property
    def process(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Mean and standard deviation of the Gaussian process, likewise; None before `model`."""
        if self.data.gp_mu is None or self.data.gp_sigma is None:
            return None
        return self.data.gp_mu[self.rows] / self._median, self.data.gp_sigma[
            self.rows
        ] / self._median
