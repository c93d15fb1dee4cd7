"""The reliability of each event of a campaign, from its light curves and their mirror images."""

from __future__ import annotations

import numpy as np

from cvzmpi.cvz.results.reliability.event_odds import EventOdds
from cvzmpi.cvz.results.reliability.events import Events, LightCurves
from cvzmpi.cvz.results.reliability.mixture import PoolCounts, PoolMixture, fit_mixture
from cvzmpi.cvz.results.reliability.pools import POOL_SIZE, Pools, make_pools
from cvzmpi.cvz.results.reliability.reliability_estimate import ReliabilityEstimate
from cvzmpi.cvz.results.reliability.statistic import FAMILIES, STATISTICS, statistic_values


def estimate_reliability(
    curves: LightCurves,
    found: Events,
    mirrored: Events,
    counted: tuple[int, ...] = FAMILIES,
    pool_size: int = POOL_SIZE,
) -> ReliabilityEstimate:
    """Estimate how reliable found events are.

    Parameters
    ----------
    curves : LightCurves
        All of a campaign; one alone will do.
    found : Events
        Found in the light curves, by either search.
    mirrored : Events
        Found by the same searches in the mirror images.
    counted : tuple of int
        Values of `found_by` that the chosen search counts. Backgrounds and expected numbers are
        for these, reliabilities do not depend on them.
    pool_size : int
        Light curves in a pool.
    """
    pools = make_pools(curves.noise, curves.magnitude, pool_size)
    if not len(curves):
        nothing = np.empty(0)
        return ReliabilityEstimate(*(nothing,) * 6, pools, {}, {})
    mixtures = {family: _fitted(family, curves, found, mirrored, pools) for family in FAMILIES}
    terms = EventOdds.of(curves, found, mirrored, pools, mixtures)
    return terms.solved(curves, found, counted, pools, mixtures)


def _fitted(
    family: int, curves: LightCurves, found: Events, mirrored: Events, pools: Pools
) -> PoolMixture:
    statistic = STATISTICS[family]

    def histogram(events: Events) -> np.ndarray:
        """Weighted numbers of events of all pools, in bins of the statistic."""
        mine = np.flatnonzero(events.found_by == family)
        values = statistic_values(
            events.found_by[mine], events.snr[mine], events.max_probability[mine]
        )
        bins, n_bins = statistic.bin_of(values), len(statistic.edges) - 1
        table = np.zeros((pools.weights.shape[0], n_bins))
        by_pool = pools.weights.tocsc()[:, events.light_curve[mine]].tocoo()
        np.add.at(table, (by_pool.row, bins[by_pool.col]), by_pool.data)
        return table

    ones = np.ones(len(curves))
    return fit_mixture(
        statistic,
        PoolCounts(
            found=histogram(found),
            mirrored=histogram(mirrored),
            light_curves=pools.sums(ones),
            images=pools.sums(curves.n_images.astype(np.float64)),
        ),
    )
