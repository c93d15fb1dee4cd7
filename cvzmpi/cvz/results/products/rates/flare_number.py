r"""The number of true flares among found ones of which some may be false.

A flare i counts with its reliability :math:`r_i`: the expected number of true flares is
:math:`\sum r_i`. With A expected flares, and its background :math:`\beta_i` (in the same unit: as
many expected flares as would make it as likely real as not), the likelihood of A is that of a
Poisson process of marked events (e.g. Loredo 2004, AIP Conf. Proc. 735, 195)

.. math:: L(A) \propto e^{-A} \prod_i (A + \beta_i).

Where all backgrounds are the same, this is a Poisson count over a known background.

With a flat prior, the posterior of A is a mixture of gamma distributions of n + 1 events, weighted
with the posterior of the number n of true flares. Its quantile is the *upper limit*. With equal
backgrounds it is the limit of Helene 1983 (Nucl. Instrum. Methods 212, 319), also known as CLs
(Read 2002, J. Phys. G 28, 2693): it covers at least what it says, is never below that of no flare
at all, and without background it is the classical limit. The limits of Gehrels 1986 (ApJ 303, 336)
know no background, those of Feldman & Cousins 1998 (Phys. Rev. D 57, 3873) become the smaller the
more background was expected where nothing is found.

The background is known with an error, the effective time has drawn values: both are averaged over.
The ends of an *interval* are quantiles with n + 1/2 events (Jeffreys' prior; Brown et al. 2003,
Stat. Sinica 13, 19), and 0 where nothing may be true: averaged over rates, they cover what they
say. Where everything is certain, it is the exact interval of Garwood 1936 (Biometrika 28, 437),
which covers at least that, and more for few flares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from astropy.stats import poisson_conf_interval
from scipy.special import gammainc, gammaincinv, gammaln
from scipy.stats import chi2

from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.results.products.rates.power_law import Interval, poisson_upper_limit

_BACKGROUNDS = 16  # values for which the likelihood is averaged


@dataclass(frozen=True)
class FlareNumber:
    """The likelihood of the expected number of true flares among those found."""

    reliability: np.ndarray  # float64, shape (n,)
    background: np.ndarray  # float64, shape (n,); of each, in expected flares
    background_error: float = 0.0  # relative, of all together

    @classmethod
    def of_light_curves(
        cls,
        reliabilities: Sequence[FlareReliability],
        counted: Sequence[np.ndarray],
        days: Sequence[float],
    ) -> FlareNumber:
        """Flares that are counted, of one or several light curves.

        The background of an event is in expected flares of its light curve, of which only a share
        is counted: the share of the reliabilities, where half a flare more is taken to be counted.

        Parameters
        ----------
        reliabilities : sequence of FlareReliability
            Of the light curves.
        counted : sequence of bool arrays, shape (n_flares,) each
        days : sequence of float
            Effective time of each light curve.
        """
        each = list(zip(reliabilities, counted, strict=True))
        n_true = sum(float(r.reliability[rows].sum()) for r, rows in each) + 0.5
        share = n_true / (sum(float(r.reliability.sum()) for r in reliabilities) + 0.5)
        background = []
        for (r, rows), own in zip(each, days, strict=True):
            # so many expected flares of all light curves are one of this
            more = sum(days) / own if own > 0 else math.inf
            own_background = r.background[rows]
            own_background[own_background > 0] *= share * more
            background.append(own_background)
        return cls(
            np.concatenate([r.reliability[rows] for r, rows in each]),
            np.concatenate(background),
            background_error(reliabilities),
        )

    @property
    def certain(self) -> bool:
        """True if no flare can be false."""
        return not np.any(self.background)

    @property
    def expected(self) -> float:
        """Expected number of true flares."""
        return float(self.reliability.sum())

    def upper_limit(self, days: np.ndarray, confidence: float = 0.95) -> float:
        """The rate per day is below this with a confidence.

        Parameters
        ----------
        days : float64, shape (n_draws,)
            Effective time in days: one value, or several equally likely ones.
        confidence : float
            One-sided.
        """
        if self.certain and len(days) == 1:
            return poisson_upper_limit(len(self.background), confidence) / float(days[0])
        return self._quantile(confidence, days, 1.0)

    def interval(self, days: np.ndarray, confidence: float) -> Interval:
        """Interval of the rate per day, two-sided; parameters as those of `upper_limit`."""
        if not np.all(days > 0):
            return math.nan, math.nan
        if self.certain and len(days) == 1:
            sigma = math.sqrt(chi2.ppf(confidence, 1))
            n = len(self.background)
            low, high = poisson_conf_interval(n, "frequentist-confidence", sigma=sigma)
            return float(low) / float(days[0]), float(high) / float(days[0])
        tail = (1 - confidence) / 2
        low, high = self._quantile(tail, days, 0.5, True), self._quantile(1 - tail, days, 0.5)
        # reliabilities know of other stars what the likelihood of this one does not
        rate = self.expected / float(days.mean())
        return min(low, rate), max(high, rate)

    def _quantile(
        self, share: float, days: np.ndarray, more: float, none_is_none: bool = False
    ) -> float:
        """Quantile of the rate, for `more` events than there are true flares.

        If there is none, the rate may be taken to be 0.
        """
        weights = self._number_of_true
        likely = np.flatnonzero(weights > 1e-10)
        weights = weights[likely] / weights[likely].sum()
        nothing = float(weights[likely == 0].sum()) if none_is_none else 0.0
        if share <= nothing:
            return 0.0
        if none_is_none:
            weights, likely = weights[likely > 0], likely[likely > 0]
        shapes = likely[:, None] + more
        log_gamma, weights = gammaln(shapes), weights / weights.sum()
        share = (share - nothing) / (1 - nothing)

        def excess(log_rate: float) -> tuple[float, float]:
            """Logarithm of the lesser tail over that wanted, nearly a straight line; its slope."""
            expected = math.exp(log_rate) * days
            below = float(weights @ gammainc(shapes, expected).mean(axis=1))
            with np.errstate(divide="ignore", under="ignore"):
                density = np.exp(shapes * np.log(expected) - expected - log_gamma).mean(axis=1)
            slope = float(weights @ density)
            if share < 0.5:
                return (math.log(below / share), slope / below) if below > 0 else (-math.inf, 0.0)
            above = 1 - below
            return (-math.log(above / (1 - share)), slope / above) if above > 0 else (math.inf, 0.0)

        # where the draws are alike, and so are the numbers
        start = float(gammaincinv(float(weights @ shapes[:, 0]), share)) / days.mean()
        middle = math.log((shapes.max() + 1) / days.mean())
        return math.exp(_root(excess, math.log(start), middle - 40, middle + 5))

    @cached_property
    def _number_of_true(self) -> np.ndarray:
        """Posterior of the number of true flares, 0 to n, for a flat prior of the expected one."""
        n = len(self.background)
        factors = _factors(self.background_error)
        background = factors * self.background[:, None]
        with np.errstate(divide="ignore"):
            log_true, log_false = -np.log1p(background), -np.log1p(1 / background)
        # with infinite background, log(1 + background) is infinite; it is the same for all
        scale = np.where(np.isinf(background), 0.0, np.log1p(background)).sum(axis=0)
        shares = np.full((n + 1, len(factors)), -np.inf)
        shares[0] = 0.0
        for true, false in zip(log_true, log_false, strict=True):
            shares[1:] = np.logaddexp(shares[1:] + false, shares[:-1] + true)
            shares[0] += false
        chance = scale - factors * float(np.sum(1 - self.reliability))
        posterior = np.logaddexp.reduce(shares + chance, axis=1)
        posterior += gammaln(np.arange(n + 1) + 1)
        weights = np.exp(posterior - posterior.max())
        return np.asarray(weights / weights.sum())


def _root(
    increasing: Callable[[float], tuple[float, float]], start: float, low: float, high: float
) -> float:
    """Where an increasing function, given with its slope, is 0 between two ends, to 1e-10.

    By Newton's method, and by halving where that leaves the ends: of a nearly straight line, a
    third of the evaluations of Brent's method. The error of a step is the square of its length.
    """
    x = start
    while high - low > 1e-10:
        value, slope = increasing(x)
        low, high = (low, x) if value > 0 else (x, high)
        following = x - value / slope if slope > 0 else math.nan
        if not low < following < high:
            following = (low + high) / 2
        elif abs(following - x) < 1e-5:
            return following
        x = following
    return x


@lru_cache(maxsize=64)
def _factors(error: float) -> np.ndarray:
    """Equally likely factors of a background of this relative error: a gamma law of mean 1."""
    if not error:
        return np.ones(1)
    shape = 1 / error**2
    return np.asarray(gammaincinv(shape, (np.arange(_BACKGROUNDS) + 0.5) / _BACKGROUNDS) / shape)


def background_error(reliabilities: Sequence[FlareReliability]) -> float:
    """Relative error of the number of false events in all light curves of a star together.

    These are of one pool, so that their errors are taken to be the same.
    """
    false = np.array([float(np.sum(1 - r.reliability)) for r in reliabilities])
    errors = np.array([r.background_error for r in reliabilities])
    return float(false @ errors / false.sum()) if false.any() else 0.0
