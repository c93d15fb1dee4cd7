r"""The power law of flares: index and rate by maximum likelihood.

Flares of equivalent duration E occur as a Poisson process of rate
:math:`R f(E)`, :math:`f(E) \propto E^{-\alpha}` between `lower` and `upper`, and are found with the
effective time S(E) (`effective_time`). The N found flares have the likelihood of an inhomogeneous
Poisson process (e.g. Loredo 2004, AIP Conf. Proc. 735, 195)

.. math:: \ln L = \sum_i \ln[R f(E_i)] - R \int f S\, dE + \mathrm{const}.

For any index the best rate is :math:`N / \int f S`. What is then left for the slope
:math:`\beta = \alpha - 1`, with :math:`x = \ln(E / lower)` and
:math:`I(\beta) = \int S e^{-\beta x} dx`, is

.. math:: \ell(\beta) = -\beta \sum_i x_i - N \ln I(\beta),

an exponential family: it has one maximum, where the mean x of the found flares is what is expected.

The intervals are those in which twice the logarithm of the profile likelihood ratio is below the
quantile of chi-squared, times the Bartlett factor 1 + 1/(6 N): the mean of that statistic for the
slope of a Pareto law and for the rate of a Poisson process, to first order in 1/N. With it, the
coverage holds down to single flares.

Where a flare may be false, it counts with its reliability, and the likelihood is another one
(`mixed_likelihood`). The uncertainties of the completeness (`EffectiveTime.draws`) and of the
number of false events are added in quadrature, in the index and in the logarithm of the rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from cvzmpi.cvz.results.products.rates.effective_time import EffectiveTime, Quadrature
from cvzmpi.cvz.results.products.rates.mixed_likelihood import MixedLikelihood
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE

MIN_FLARES = 2
"""With one flare, no index can be unbiased."""

_STEEPEST = 30.0  # far beyond flares, whose index is near 2
_FLATTEST = 1e-6  # an unbounded power law must fall
_RISING = -30.0  # one between two bounds need not

_SLOPES = 301  # of the grid for the profile over the slope: steps of a few per cent of its error

Interval = tuple[float, float]


@dataclass(frozen=True)
class PowerLaw:
    """A power law dN/dE ~ E^-index of equivalent durations, fitted to N flares."""

    # `lower`, `upper`: s; the equivalent durations between which it was fitted. `upper` may be
    # infinite.
    lower: float
    upper: float
    n_flares: int
    index: float  # corrected for the bias of the maximum-likelihood estimate of first order in 1/N
    # `index_interval`, `index_interval_95`: 68.27 % and 95 %. Where no index is too steep, the
    # upper end is infinite.
    index_interval: Interval
    index_interval_95: Interval
    rate: float  # flares a day between `lower` and `upper`, at that index
    # `rate_interval`, `rate_interval_95`: they allow for the uncertainty of the index
    rate_interval: Interval
    rate_interval_95: Interval

    def rate_above(self, duration: np.ndarray) -> np.ndarray:
        """Flares a day above an equivalent duration in s, not below `lower`; the fitted line."""
        slope = self.index - 1
        end = _power(np.array(self.upper / self.lower), slope)
        share = _power(np.asarray(duration) / self.lower, slope)
        return self.rate * (share - end) / (1 - end)


def fit_power_law(
    durations: np.ndarray,
    time: EffectiveTime,
    lower: float,
    upper: float = math.inf,
    reliability: np.ndarray | None = None,
    background_error: float = 0.0,
) -> PowerLaw | None:
    """Fit a power law to the found flares of a star.

    Parameters
    ----------
    durations : float64, shape (n,)
        Equivalent durations in s; those outside of the bounds are left out. The bounds must not
        be taken from them: a smallest flare that is a bound fits too well.
    lower, upper : float
        s.
    reliability : float64, shape (n,)
        Of each flare; all certain if not given.
    background_error : float
        Relative standard error of the number of false events.

    Returns
    -------
    PowerLaw or None
        None where the flares determine no index: they are all at the lower bound, so that the
        steeper the law, the likelier they are.

    Raises
    ------
    ValueError
        If there are fewer than two flares between the bounds.
    """
    inside = (durations >= lower) & (durations <= upper)
    x = np.log(durations[inside] / lower)
    certainty = np.ones(len(x)) if reliability is None else reliability[inside]
    if len(x) < MIN_FLARES:
        raise ValueError(f"a power law needs {MIN_FLARES} flares, here: {len(x)}")
    certain = bool(np.all(certainty == 1))
    n, total = float(certainty.sum()), float(certainty @ x)
    n_effective = float(certainty @ certainty)
    quadrature = time.quadrature(lower, upper)
    flattest = _FLATTEST if math.isinf(upper) else _RISING
    best = _zero(lambda b: quadrature.moments(b)[1] - total / n, flattest, _STEEPEST)
    if best >= _STEEPEST:
        return None
    _, mean, variance, third = quadrature.moments(best)
    slope = max(flattest, best - third / (2 * n_effective * variance**2))  # Cox & Snell 1968
    mixed = MixedLikelihood(x, certainty, quadrature, best)

    def slope_likelihood(b: float) -> float:
        if not certain:
            return mixed.of_slope(b)
        return -b * total - n * math.log(quadrature.integral(b))

    errors = mixed.background_errors(mean, variance) * background_error
    errors = np.hypot(errors, _completeness_errors(quadrature, best))
    slopes = _intervals(slope_likelihood, best, n_effective, (flattest, _STEEPEST), errors[0])
    log_rate = math.log(n / quadrature.average(best))
    grid = _slope_grid(slopes[1])
    if certain:
        rate_likelihood = _rate_likelihood(quadrature, n, total, grid)
    else:
        rate_likelihood = mixed.of_rate(grid)
    bounds = (log_rate - 10, log_rate + 10)
    log_rates = _intervals(rate_likelihood, log_rate, n_effective, bounds, errors[1])
    return PowerLaw(
        lower=lower,
        upper=upper,
        n_flares=len(x),
        index=1 + slope,
        index_interval=_of_index(slopes[0]),
        index_interval_95=_of_index(slopes[1]),
        rate=n / quadrature.average(slope),
        rate_interval=_exp(log_rates[0]),
        rate_interval_95=_exp(log_rates[1]),
    )


def poisson_upper_limit(n: int, confidence: float = 0.95) -> float:
    """The expected number above which as few as n flares have the probability 1 - confidence."""
    return float(chi2.ppf(confidence, 2 * (n + 1)) / 2)


def _completeness_errors(quadrature: Quadrature, slope: float) -> np.ndarray:
    """Standard errors of the slope and of the logarithm of the rate, by the completeness."""
    if not len(quadrature.draws):
        return np.zeros(2)
    integral, mean, variance, _ = quadrature.moments(slope)
    integrals, means = quadrature.drawn(slope)
    slopes = (means - mean) / variance  # by which the mean of the found flares is met again
    step = 1e-4
    falls = math.log(quadrature.average(slope + step) / quadrature.average(slope)) / step
    rates = -np.log(integrals / integral) - falls * slopes
    return np.array([slopes.std(), rates.std()])


def _slope_grid(slopes: Interval) -> np.ndarray:
    width = slopes[1] - slopes[0]
    bounds = (max(slopes[0] - width, min(slopes[0], _FLATTEST)), slopes[1] + width)
    return np.linspace(*bounds, _SLOPES)


def _rate_likelihood(
    quadrature: Quadrature, n: float, total: float, grid: np.ndarray
) -> Callable[[float], float]:
    """Profile likelihood of the logarithm of the rate: with the best slope for each."""
    norm = np.array([quadrature.norm(b) for b in grid])
    days = np.array([quadrature.integral(b) for b in grid]) / norm
    fixed = -grid * total - n * np.log(norm)

    def profile(log_rate: float) -> float:
        return float(np.max(fixed + n * log_rate - math.exp(log_rate) * days))

    return profile


def _intervals(
    likelihood: Callable[[float], float],
    best: float,
    n: float,
    bounds: Interval,
    error: float,
) -> tuple[Interval, Interval]:
    """68.27 % and 95 % intervals around the maximum; an open end is the bound.

    `error` is a further standard error, which the likelihood does not know.
    """
    highest = likelihood(best)

    def interval(confidence: float) -> Interval:
        quantile = chi2.ppf(confidence, 1)
        drop = quantile / 2 * (1 + 1 / (6 * n))
        beyond = math.sqrt(quantile) * error

        def below(value: float) -> float:
            return highest - likelihood(value) - drop

        low = _zero(below, bounds[0], best) if below(bounds[0]) > 0 else bounds[0]
        high = _zero(below, best, bounds[1]) if below(bounds[1]) > 0 else bounds[1]
        if beyond:
            low = max(best - math.hypot(best - low, beyond), bounds[0])
            high = min(best + math.hypot(high - best, beyond), bounds[1])
        return low, high

    return interval(CONFIDENCE), interval(0.95)


def _of_index(slopes: Interval) -> Interval:
    low, high = slopes
    return low + 1, high + 1 if high < _STEEPEST else math.inf


def _exp(interval: Interval) -> Interval:
    return math.exp(interval[0]), math.exp(interval[1])


def _zero(function: Callable[[float], float], low: float, high: float) -> float:
    """The place at which a function changes its sign; the nearer bound if it does not."""
    at_low, at_high = function(low), function(high)
    if at_low * at_high > 0:
        return low if abs(at_low) < abs(at_high) else high
    return float(brentq(function, low, high, xtol=1e-7))


def _power(ratio: np.ndarray, slope: float) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.exp(-slope * np.log(ratio))
