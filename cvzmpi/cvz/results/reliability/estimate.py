r"""The reliability of each event, from its pool and from the other events of its star.

A star flares a times as often as the light curves of its pool on average, and a light curve has b
times as many false events. An event at the statistic s then has the odds

.. math:: \frac{r}{1 - r} = \frac{a\, \theta f_1(s)}{b\, c\, \phi f_0(s)}

to be a flare, with the pool's numbers and shapes (`mixture`), where the light curve's own events
are left out. So one of 150 flares at a low S/N is more likely real than the only event of a quiet
star. The odds are averaged over the posterior of a, given all events of the star; the priors are as
wide as light curves of the pool differ (`differences`). The factor b is the mean of its posterior,
given the mirror images and all *other* events, each false by its own reliability: collapsed
variational inference of order zero (Asuncion et al. 2009, Proc. 25th Conf. on Uncertainty in AI,
27).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.results.reliability.differences import (
    LOG_FACTORS,
    shape_of_false,
    spread_of_flares,
)
from cvzmpi.cvz.results.reliability.events import Events, LightCurves
from cvzmpi.cvz.results.reliability.mixture import (
    PRIOR_FALSE,
    PRIOR_TRUE,
    PoolCounts,
    PoolMixture,
    fit_mixture,
    prior_mean,
)
from cvzmpi.cvz.results.reliability.pools import POOL_SIZE, Pools, make_pools
from cvzmpi.cvz.results.reliability.star_factor import StarEvents
from cvzmpi.cvz.results.reliability.statistic import FAMILIES, STATISTICS, statistic_values

_STEPS = 8
_CERTAIN = 0.9  # reliability in the pool from which on flares are counted as such


@dataclass(frozen=True)
class ReliabilityEstimate:
    """Reliabilities of found events, and the expected numbers of true and false ones."""

    # `reliability`, `background`: float64, shape (n_events,). The background of an event is the
    # expected number of found flares of its light curve at which it would be as likely real as not:
    # with A expected, r = A / (A + background). Unlike r, it does not depend on other flares of the
    # star, so that rates are made of it. Infinite for an event of a family that is not counted.
    reliability: np.ndarray
    background: np.ndarray
    # `n_true`, `n_false`: float64, shape (n_light_curves,); expected flares and false events among
    # the found events of the counted families
    n_true: np.ndarray
    n_false: np.ndarray
    # float64, shape (n_light_curves,); relative standard error of `n_false` and the backgrounds
    background_error: np.ndarray
    n_pooled: np.ndarray  # float64, shape (n_light_curves,); light curves of its pool, weighted
    pools: Pools
    mixtures: dict[int, PoolMixture]  # by family
    # float64, shape (n_light_curves,), by family; false events among the found ones of that family
    false_of_family: dict[int, np.ndarray]

    def false_above(self, family: int, values: np.ndarray) -> np.ndarray:
        """Expected false events of each light curve above a value of the statistic.

        Parameters
        ----------
        family : int
            `found_by`.
        values : float64, shape (n_light_curves,)
            Of the statistic of the family; see `statistic_values`.

        Returns
        -------
        float64, shape (n_light_curves,)
            Their relative standard error is `background_error`.
        """
        edges = STATISTICS[family].edges
        shape = self.mixtures[family].false_shape
        above = np.concatenate([shape[:, ::-1].cumsum(axis=1)[:, ::-1], 0 * shape[:, :1]], axis=1)
        position = np.interp(values, edges, np.arange(len(edges)))
        left = np.minimum(position.astype(np.int64), len(edges) - 2)
        part = (position - left)[:, None]
        pools, left = self.pools.nearest, left[:, None]
        tail = (1 - part) * above[pools, left] + part * above[pools, left + 1]
        return self.false_of_family[family] * np.sum(tail * self.pools.shares, axis=1)


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
    terms = _EventTerms.of(curves, found, mirrored, pools, mixtures)
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


@dataclass(frozen=True)
class _EventTerms:
    """What the odds of events are made of, beside the factors of star and light curve."""

    log_ratio: np.ndarray  # shape (n_events,); ln(f_1 / f_0) at the event
    # `true`, `false`: by family, shape (n_light_curves,); theta and phi of the pool, as the other
    # light curves have it
    true: dict[int, np.ndarray]
    false: dict[int, np.ndarray]
    factor: dict[int, np.ndarray]  # c, by family
    # `spread`, `shape`: shape (n_light_curves,); of the priors of a and b
    spread: np.ndarray
    shape: np.ndarray
    own_mirrored: np.ndarray  # shape (n_light_curves,); its events in its mirror images

    @classmethod
    def of(
        cls,
        curves: LightCurves,
        found: Events,
        mirrored: Events,
        pools: Pools,
        mixtures: dict[int, PoolMixture],
    ) -> _EventTerms:
        n = len(curves)
        values = statistic_values(found.found_by, found.snr, found.max_probability)
        log_ratio = np.zeros(len(found))
        pooled = np.zeros(len(found))  # reliability as of the pool alone
        true, false, factor = {}, {}, {}
        for family, mixture in mixtures.items():
            mine = np.flatnonzero(found.found_by == family)
            row, statistic = found.light_curve[mine], STATISTICS[family]
            for number in range(pools.nearest.shape[1]):
                nearest = pools.nearest[row, number]
                log_ratio[mine] += pools.shares[row, number] * statistic.interpolated(
                    mixture.log_ratio, nearest, values[mine]
                )
            c = pools.taken(mixture.mirror_factor)
            odds = pools.taken(mixture.true_numbers) / (c * pools.taken(mixture.false_numbers))
            pooled[mine] = _share(odds[row] * np.exp(log_ratio[mine]))
            own_true = _count(row, n, pooled[mine])
            own_false = _count(row, n, 1 - pooled[mine]) + _count(
                mirrored.light_curve[mirrored.found_by == family], n
            )
            own_time = curves.n_images + c
            w = pools.own_weight
            true[family] = prior_mean(
                np.maximum(pools.taken(mixture.n_true) - w * own_true, 0),
                np.maximum(pools.taken(mixture.true_time) - w, 0),
                PRIOR_TRUE,
            )
            false[family] = prior_mean(
                np.maximum(pools.taken(mixture.n_false) - w * own_false, 0),
                np.maximum(pools.taken(mixture.false_time) - w * own_time, 0),
                PRIOR_FALSE,
            )
            factor[family] = c
        own_mirrored = _count(mirrored.light_curve, n)
        certain = _count(found.light_curve[pooled > _CERTAIN], n)
        return cls(
            log_ratio=log_ratio,
            true=true,
            false=false,
            factor=factor,
            spread=spread_of_flares(certain, pools),
            shape=shape_of_false(own_mirrored, pools),
            own_mirrored=own_mirrored,
        )

    def solved(
        self,
        curves: LightCurves,
        found: Events,
        counted: tuple[int, ...],
        pools: Pools,
        mixtures: dict[int, PoolMixture],
    ) -> ReliabilityEstimate:
        """The reliabilities, and all that follows."""
        n, row = len(curves), found.light_curve
        _, star, n_curves = np.unique(curves.star, return_inverse=True, return_counts=True)
        n_stars = len(n_curves)
        false_time = np.zeros(n)
        for f in FAMILIES:
            false_time += self.false[f] * (curves.n_images + self.factor[f])
        of_family = np.searchsorted(FAMILIES, found.found_by)
        theta, phi_found = (
            np.stack([table[f] for f in FAMILIES])[of_family, row]
            for table in (self.true, {f: self.false[f] * self.factor[f] for f in FAMILIES})
        )
        unit = np.exp(np.log(phi_found / theta) - self.log_ratio)  # background at b = 1
        events = StarEvents(
            star=star[row],
            expected=_count(star, n_stars, _sum(self.true, FAMILIES)),
            spread=_count(star, n_stars, self.spread) / n_curves,
        )
        known = self.shape + self.own_mirrored
        r, b = _share(1 / unit), np.ones(len(found))
        for _ in range(_STEPS):
            z = _count(row, n, 1 - r)
            b = (known[row] + z[row] - (1 - r)) / (self.shape + false_time)[row]
            posterior = events.posterior(b * unit)
            # half a step: events that vouch for each other may otherwise take turns
            r = (r + events.reliability(posterior, b * unit)) / 2
        r, z = events.reliability(posterior, b * unit), _count(row, n, 1 - r)
        of_star = (posterior @ np.exp(LOG_FACTORS))[star]
        of_curve = (known + z) / (self.shape + false_time)
        counted_true = _sum(self.true, counted)
        false_of_family = {f: of_curve * self.factor[f] * self.false[f] for f in FAMILIES}
        is_counted = np.isin(found.found_by, counted)
        background = np.where(is_counted, b * unit * counted_true[row], np.inf)
        return ReliabilityEstimate(
            reliability=r,
            background=background,
            n_true=of_star * counted_true,
            n_false=_sum(false_of_family, counted),
            background_error=self._background_error(known + z, pools, mixtures),
            n_pooled=pools.taken(pools.sums(np.ones(n))),
            pools=pools,
            mixtures=mixtures,
            false_of_family=false_of_family,
        )

    def _background_error(
        self, own_events: np.ndarray, pools: Pools, mixtures: dict[int, PoolMixture]
    ) -> np.ndarray:
        """Relative error of the number of false events: of the light curve, and of its pool."""
        pooled = pools.taken(_sum({f: m.n_false for f, m in mixtures.items()}, FAMILIES))
        return np.sqrt(1 / own_events + 1 / (pooled + 1))


def _sum(of_family: dict[int, np.ndarray], families: Sequence[int]) -> np.ndarray:
    return np.asarray(np.sum([of_family[family] for family in families], axis=0))


def _share(odds: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(odds), 1.0, odds / (1 + odds))


def _count(rows: np.ndarray, n: int, weights: np.ndarray | None = None) -> np.ndarray:
    return np.bincount(rows, weights, n).astype(np.float64)
