"""The usable cadences of a light curve, with their places on the regular grid of all cadences."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cvzmpi.cvz.light_curves.observation import Observation


@dataclass(frozen=True)
class Samples:
    """What the search looks at; all arrays have one entry for each usable cadence."""

    time: np.ndarray  # float64, shape (n,): days
    place: np.ndarray  # int64, shape (n,): number of the cadence on the regular grid, from 0
    flux: np.ndarray  # float64, shape (n,): relative to the median
    error: np.ndarray  # float64, shape (n,): of the flux, as catalogued
    exposure: float  # days

    @classmethod
    def of(cls, observation: Observation) -> Samples:
        """The usable cadences of an observation."""
        exposure = observation.light_curve.exposure
        place = np.rint((observation.time - observation.time[0]) / exposure).astype(np.int64)
        # two cadences never share a place, however irregular their times are
        place = np.maximum.accumulate(place - np.arange(len(place))) + np.arange(len(place))
        return cls(observation.time, place, observation.flux, observation.flux_err, exposure)

    def __len__(self) -> int:
        return len(self.time)

    @property
    def n_places(self) -> int:
        """Length of the grid."""
        return int(self.place[-1]) + 1

    def with_flux(self, flux: np.ndarray) -> Samples:
        """The same cadences with another flux."""
        return replace(self, flux=flux)

    def on_grid(self, values: np.ndarray) -> np.ndarray:
        """Values of the cadences on the grid, 0 where none is usable."""
        grid = np.zeros(self.n_places)
        grid[self.place] = values
        return grid

    def piece(self, first: int, last: int) -> slice:
        """The usable cadences whose places lie between two, both included."""
        start, stop = np.searchsorted(self.place, [first, last + 1])
        return slice(int(start), int(stop))
