"""Index and rate of power laws come back without bias, and their intervals cover the truth.

Stars with known flares: Poisson numbers, power-law equivalent durations, thinned by a completeness
curve or found completely above a limit.
"""

import math

import numpy as np
import pytest
from scipy.stats import binom

from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.rates.effective_time import EffectiveTime
from cvzmpi.cvz.results.products.rates.power_law import fit_power_law, poisson_upper_limit
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE

N_STARS = 200
LOWER, DAYS = 10.0, 100.0
KNOTS = np.geomspace(1, 1e4, 60)


def partly(duration):
    """A completeness of a half at `LOWER`, rising slowly."""
    return 1 / (1 + (LOWER / duration) ** 1.5)


THINNED = EffectiveTime(np.log(KNOTS), DAYS * partly(KNOTS), DAYS)
COMPLETE = EffectiveTime.perfect(DAYS)


def found_flares(rng, time, index, rate, upper=math.inf):
    """Flares of one star at `rate` a day between the bounds, as far as they are found."""
    uniform = rng.random(rng.poisson(rate * DAYS))
    end = (upper / LOWER) ** (1 - index)
    durations = LOWER * (1 - uniform * (1 - end)) ** (1 / (1 - index))
    return durations[rng.random(len(durations)) < time.at(durations) / DAYS]


def fits(time, index, expected, upper=math.inf, seed=1):
    """Fits to `N_STARS` stars with `expected` found flares, and the true rate."""
    rng = np.random.default_rng(seed)
    rate = expected / time.quadrature(LOWER, upper).average(index - 1)
    stars = (found_flares(rng, time, index, rate, upper) for _ in range(N_STARS))
    return [fit_power_law(s, time, LOWER, upper) for s in stars if len(s) >= 2], rate


def assert_covers(intervals, truth, confidence):
    """As many of the intervals hold the truth as a binomial distribution lets expect."""
    n_inside = sum(low <= truth <= high for low, high in intervals)
    least, most = binom.ppf([1e-3, 1 - 1e-3], len(intervals), confidence)
    assert least <= n_inside <= most


@pytest.mark.parametrize("time", [COMPLETE, THINNED], ids=["complete", "thinned"])
@pytest.mark.parametrize("index", [1.5, 2.0, 2.5])
@pytest.mark.parametrize("expected", [8, 40])
def test_index_and_rate_come_back_without_bias_and_within_their_intervals(time, index, expected):
    stars, rate = fits(time, index, expected)
    assert len(stars) > 0.98 * N_STARS
    for found, truth in (([s.index for s in stars], index), ([s.rate for s in stars], rate)):
        assert abs(np.mean(found) - truth) < 3.3 * np.std(found) / math.sqrt(len(stars))
    assert_covers([s.index_interval for s in stars], index, CONFIDENCE)
    assert_covers([s.index_interval_95 for s in stars], index, 0.95)
    assert_covers([s.rate_interval for s in stars], rate, CONFIDENCE)
    assert_covers([s.rate_interval_95 for s in stars], rate, 0.95)


def test_leaving_the_completeness_out_would_be_seen():
    """The test above can fail: thinned flares taken for all of them look flatter, and rarer."""
    rng = np.random.default_rng(1)
    rate = 40 / THINNED.quadrature(LOWER, math.inf).average(1.0)
    stars = [
        fit_power_law(found_flares(rng, THINNED, 2.0, rate), COMPLETE, LOWER) for _ in range(50)
    ]
    assert np.mean([star.index for star in stars]) < 1.9
    assert np.mean([star.rate for star in stars]) < 0.8 * rate


def test_the_intervals_hold_for_as_few_flares_as_two_or_three():
    stars, _ = fits(COMPLETE, 2.0, 3.0)
    assert_covers([s.index_interval for s in stars], 2.0, CONFIDENCE)
    assert_covers([s.index_interval_95 for s in stars], 2.0, 0.95)


@pytest.mark.parametrize("index", [0.9, 1.9])
def test_a_power_law_that_ends_may_be_of_any_index(index):
    stars, rate = fits(THINNED, index, 20, upper=1000.0)
    assert abs(np.mean([s.index for s in stars]) - index) < 0.05
    assert_covers([s.index_interval for s in stars], index, CONFIDENCE)
    assert_covers([s.rate_interval_95 for s in stars], rate, 0.95)


def test_without_limits_it_is_the_known_estimator():
    """Pareto: 1 + (N - 1) / sum of ln(E / lower), unbiased since that sum is gamma distributed."""
    durations = np.array([11.0, 13.0, 20.0, 37.0, 150.0])
    star = fit_power_law(durations, COMPLETE, LOWER)
    assert star.index == pytest.approx(1 + 4 / np.log(durations / LOWER).sum(), rel=1e-6)
    assert star.rate == pytest.approx(5 / DAYS)


def test_flares_outside_of_the_bounds_do_not_count():
    inside = np.array([12.0, 20.0, 50.0])
    outside = np.array([1.0, 9.99, 101.0])
    both = fit_power_law(np.concatenate([inside, outside]), COMPLETE, LOWER, 100.0)
    assert both == fit_power_law(inside, COMPLETE, LOWER, 100.0)
    assert both.n_flares == 3


def test_the_fitted_line_begins_at_the_rate_and_ends_at_the_bound():
    star = fit_power_law(np.array([12.0, 20.0, 50.0]), COMPLETE, LOWER, 100.0)
    assert star.rate_above(np.array([LOWER, 100.0])) == pytest.approx([star.rate, 0])
    unbounded = fit_power_law(np.array([12.0, 20.0, 50.0]), COMPLETE, LOWER)
    expected = unbounded.rate * 10 ** (1 - unbounded.index)
    assert unbounded.rate_above(np.array([100.0])) == pytest.approx(expected)


def test_one_flare_is_too_few():
    with pytest.raises(ValueError, match="needs 2 flares, here: 1"):
        fit_power_law(np.array([12.0]), COMPLETE, LOWER)


def test_flares_that_are_all_at_the_bound_determine_no_index():
    assert fit_power_law(LOWER * np.array([1.009, 1.013, 1.02]), COMPLETE, LOWER) is None
    assert fit_power_law(LOWER * np.array([1.009, 1.013, 1.2]), COMPLETE, LOWER) is not None


def test_an_index_without_upper_bound_says_so():
    star = fit_power_law(LOWER * np.array([1.05, 1.11]), COMPLETE, LOWER)
    low, high = star.index_interval
    assert 1 < low < star.index < high < math.inf
    assert star.index_interval_95[1] == math.inf


def test_upper_limits_are_exact():
    assert poisson_upper_limit(0) == pytest.approx(-math.log(0.05))
    n = 4
    limit = poisson_upper_limit(n)
    chance = sum(math.exp(-limit) * limit**k / math.factorial(k) for k in range(n + 1))
    assert chance == pytest.approx(0.05)


# --------------------------------------------------------------------- the effective time


@pytest.mark.parametrize(("slope", "upper"), [(0.5, math.inf), (1.7, math.inf), (-0.4, 300.0)])
def test_the_quadrature_is_the_integral(slope, upper):
    length = min(math.log(upper / LOWER), 60.0)
    x = np.linspace(0, length, 2_000_001)
    values = THINNED.at(LOWER * np.exp(x)) * np.exp(-slope * x)
    integral = np.trapezoid(values, x)
    mean = np.trapezoid(values * x, x) / integral
    variance = np.trapezoid(values * (x - mean) ** 2, x) / integral
    third = np.trapezoid(values * (x - mean) ** 3, x) / integral
    moments = THINNED.quadrature(LOWER, upper).moments(slope)
    assert moments == pytest.approx((integral, mean, variance, third), rel=1e-6)


def test_effective_times_add_up_over_light_curves():
    def curve(half_at):
        size = np.geomspace(1, 1000, 400)
        recovered = np.repeat((size > half_at)[:, None], 3, axis=1)
        return CompletenessCurve.fit(size, recovered)

    curves = [curve(10.0), curve(100.0)]
    time = EffectiveTime.of_light_curves(curves, [20.0, 5.0])
    at = np.array([2.0, 9.5, 31.0, 99.0, 700.0])
    assert time.at(at) == pytest.approx(20 * curves[0](at) + 5 * curves[1](at))
    assert time.searched == 25
    assert 7 < time.complete_from(0.5) < 13
    assert 70 < time.complete_from(0.9) < 130
    assert np.isnan(EffectiveTime(time.log_duration, time.days / 3, 25).complete_from(0.5))
