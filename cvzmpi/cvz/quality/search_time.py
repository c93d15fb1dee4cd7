"""How long a light curve was searched for flares: what a rate is divided by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.sector_file.data import SectorData


@dataclass(frozen=True)
class SearchTime:
    """For how long the search looked, in days.

    Attributes
    ----------
    evaluated : float
        Usable cadences that the detector could look at, times the exposure. Not beside gaps and
        at the ends, where the network's window reaches over the edge: a flare there is never
        found, and none was injected.
    searched : float
        What is left of it when a flare that is found is a flare of its own: without the cadences
        of the flares, and without the `merge_gap` usable cadences after each, in which the mask
        rule joins a new flare to the old one. For a rate this is what counts: as for any counter
        with a dead time after each event, N flares in it estimate the rate N / searched without
        bias as long as little of the time is dead.
    """

    evaluated: float
    searched: float


def search_time(data: SectorData, quality_bitmask: int, merge_gap: int) -> SearchTime:
    """For how long the search looked at a light curve.

    Parameters
    ----------
    data : SectorData
        From checkpoint `detect` on.
    quality_bitmask, merge_gap : int
        `light_curve.quality_bitmask` and `detect.merge_gap` of the file's own configuration.
    """
    light_curve = data.light_curve
    evaluated = np.isfinite(data.probability)
    usable = np.flatnonzero(light_curve.usable(quality_bitmask))
    free = evaluated & ~data.flare_mask
    stops = np.flatnonzero(np.diff(data.flare_mask.astype(np.int8), append=0) < 0)
    for after in np.searchsorted(usable, stops, side="right"):
        free[usable[after : after + merge_gap]] = False
    return SearchTime(
        evaluated=float(evaluated.sum() * light_curve.exposure),
        searched=float(free.sum() * light_curve.exposure),
    )
