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

from cvzmpi.cvz.reliability.differences import (
    LOG_FACTORS,
    shape_of_false,
    spread_of_flares,
)
from cvzmpi.cvz.reliability.events import Events, LightCurves
from cvzmpi.cvz.reliability.mixture import (
    PRIOR_FALSE,
    PRIOR_TRUE,
    PoolMixture,
    prior_mean,
)
from cvzmpi.cvz.reliability.pools import Pools
from cvzmpi.cvz.reliability.reliability_estimate import ReliabilityEstimate
from cvzmpi.cvz.reliability.star_factor import StarEvents
from cvzmpi.cvz.reliability.statistic import FAMILIES, statistic_values

_STEPS = 12
_CERTAIN = 0.9  # reliability in the pool from which on flares are counted as such


@dataclass(frozen=True)
class EventOdds:
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
    ) -> EventOdds:
        """Take from the pools what concerns each light curve and event."""
        n = len(curves)
        values = statistic_values(found.found_by, found.snr, found.max_probability)
        log_ratio = np.zeros(len(found))
        pooled = np.zeros(len(found))  # reliability as of the pool alone
        true, false, factor = {}, {}, {}
        for family, mixture in mixtures.items():
            mine = np.flatnonzero(found.found_by == family)
            row = found.light_curve[mine]
            for number in range(pools.nearest.shape[1]):
                nearest = pools.nearest[row, number]
                log_ratio[mine] += pools.shares[row, number] * mixture.statistic.interpolated(
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
        true = _as_in_pool(true, {f: m.true_numbers for f, m in mixtures.items()}, pools)
        false = _as_in_pool(false, {f: m.false_numbers for f, m in mixtures.items()}, pools)
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


def _as_in_pool(
    others: dict[int, np.ndarray], pooled: dict[int, np.ndarray], pools: Pools
) -> dict[int, np.ndarray]:
    """Numbers that are together those of the other light curves, of families as in the pool.

    Where a light curve has hardly any neighbours, only its own events say of which family they are.
    """
    taken = {family: pools.taken(numbers) for family, numbers in pooled.items()}
    scale = _sum(others, FAMILIES) / _sum(taken, FAMILIES)
    return {family: scale * numbers for family, numbers in taken.items()}


def _sum(of_family: dict[int, np.ndarray], families: Sequence[int]) -> np.ndarray:
    return np.asarray(np.sum([of_family[family] for family in families], axis=0))


def _share(odds: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(odds), 1.0, odds / (1 + odds))


def _count(rows: np.ndarray, n: int, weights: np.ndarray | None = None) -> np.ndarray:
    return np.bincount(rows, weights, n).astype(np.float64)
