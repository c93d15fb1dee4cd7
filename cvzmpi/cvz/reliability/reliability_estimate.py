"""Reliabilities of events, and how many of them are expected to be false."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.reliability.mixture import PoolMixture
from cvzmpi.cvz.reliability.pools import Pools


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

    def with_chance(self, own: np.ndarray, light_curve: np.ndarray) -> ReliabilityEstimate:
        """The estimate where an event is real with so much of its reliability only.

        Parameters
        ----------
        own : float64, shape (n_events,)
            From `chance_of_own`.
        light_curve : int64, shape (n_events,)
            Row of `LightCurves` of each event.
        """
        changed = own < 1
        reliability, background = self.reliability.copy(), self.background.copy()
        reliability[changed] *= own[changed]
        # as many flares as the light curve has make the event as likely real as that
        n_true = np.maximum(self.n_true[light_curve], 1.0)[changed]
        with np.errstate(divide="ignore"):
            background[changed] = n_true * (1 / reliability[changed] - 1)
        return replace(self, reliability=reliability, background=background)

    def of_flares(self, rows: np.ndarray, light_curve: int) -> FlareReliability:
        """What rates need of one light curve.

        Parameters
        ----------
        rows : int64 or bool
            Its found events, in the order of its flares.
        light_curve : int
            Row of `LightCurves`.
        """
        return FlareReliability(
            self.reliability[rows], self.background[rows], float(self.background_error[light_curve])
        )

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
        edges = self.mixtures[family].statistic.edges
        shape = self.mixtures[family].false_shape
        above = np.concatenate([shape[:, ::-1].cumsum(axis=1)[:, ::-1], 0 * shape[:, :1]], axis=1)
        position = np.interp(values, edges, np.arange(len(edges)))
        left = np.minimum(position.astype(np.int64), len(edges) - 2)
        part = (position - left)[:, None]
        pools, left = self.pools.nearest, left[:, None]
        tail = (1 - part) * above[pools, left] + part * above[pools, left + 1]
        return self.false_of_family[family] * np.sum(tail * self.pools.shares, axis=1)
