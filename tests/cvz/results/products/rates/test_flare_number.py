"""Rates at a known index: limits over a background, and what is uncertain."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import gamma, poisson

from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.results.products.rates.flare_number import FlareNumber, background_error
from cvzmpi.cvz.results.products.rates.power_law import poisson_upper_limit

ONE_DAY = np.ones(1)


def equal(n, background, error=0.0):
    """A number of flares over a background that is the same for all, as in a count."""
    reliability = max(0.0, 1 - background / n) if n else 0.0
    return FlareNumber(np.full(n, reliability), np.full(n, background), error)


def certain(n):
    return FlareNumber(np.ones(n), np.zeros(n))


@pytest.mark.parametrize("n", [0, 1, 5, 150])
def test_certain_flares_have_the_classical_limit_and_interval(n):
    number = certain(n)
    assert number.expected == n
    assert number.upper_limit(ONE_DAY) == poisson_upper_limit(n)
    low, high = number.interval(2 * ONE_DAY, 0.95)
    assert low == pytest.approx(gamma.ppf(0.025, n) / 2 if n else 0)
    assert high == pytest.approx(gamma.ppf(0.975, n + 1) / 2)


@pytest.mark.parametrize("n", [0, 1, 4, 12])
@pytest.mark.parametrize("background", [1e-9, 0.5, 3.0, 20.0])
def test_the_limit_over_an_equal_background_is_that_of_helene(n, background):
    def excess(limit):
        return poisson.cdf(n, limit + background) / poisson.cdf(n, background) - 0.05

    helene = brentq(excess, 1e-9, 100)
    assert equal(n, background).upper_limit(ONE_DAY) == pytest.approx(helene, rel=1e-6)


def test_no_flare_and_none_that_is_reliable_give_the_same_limit_of_three():
    nothing = FlareNumber(np.empty(0), np.empty(0))
    false = FlareNumber(np.zeros(4), np.full(4, np.inf))
    assert nothing.upper_limit(ONE_DAY) == pytest.approx(-math.log(0.05))
    assert false.upper_limit(ONE_DAY) == pytest.approx(-math.log(0.05))
    assert false.interval(ONE_DAY, 0.6827)[0] == 0


@pytest.mark.parametrize("true", [0.5, 2.0, 6.0])
@pytest.mark.parametrize("background", [0.0, 1.0, 5.0])
def test_limits_over_a_background_cover_at_least_what_they_say(true, background):
    n = np.arange(60)
    limits = np.array([equal(k, max(background, 1e-12)).upper_limit(ONE_DAY) for k in n])
    chance = poisson.pmf(n, true + background)
    assert chance[limits < true].sum() <= 0.05 + 1e-9


def test_a_flare_counts_for_more_the_smaller_its_background():
    ends = [
        FlareNumber(np.full(3, 0.5), np.full(3, b)).interval(ONE_DAY, 0.6827)
        for b in (0.01, 1.0, 10.0)
    ]
    assert np.all(np.diff(ends, axis=0) < 0)
    assert ends[-1][0] < 0.05


def test_an_uncertain_background_and_an_uncertain_time_widen_the_interval():
    exact = equal(20, 8.0).interval(ONE_DAY, 0.95)
    for wider in (
        equal(20, 8.0, 0.6).interval(ONE_DAY, 0.95),
        equal(20, 8.0).interval(np.array([0.7, 0.85, 1, 1.2, 1.4]), 0.95),
    ):
        assert wider[0] < exact[0]
        assert wider[1] > exact[1]


def test_the_rate_is_within_its_interval_whatever_the_reliabilities_are():
    number = FlareNumber(np.full(3, 0.01), np.zeros(3) + 1e-6)
    low, high = number.interval(ONE_DAY, 0.6827)
    assert low <= number.expected <= high


def test_light_curves_are_put_together_by_their_time():
    """Of two alike, one flare expected in one of them is two of both."""
    one = FlareReliability(np.array([0.5, 1.0]), np.array([2.0, 0.0]), 0.3)
    rows = np.ones(2, bool)
    number = FlareNumber.of_light_curves([one, one], [rows, rows], [10.0, 10.0])
    assert number.background == pytest.approx([4, 0, 4, 0])
    assert number.expected == 3
    assert number.background_error == pytest.approx(0.3)
    assert one.background.tolist() == [2.0, 0.0]
    part = FlareNumber.of_light_curves([one], [np.array([True, False])], [10.0])
    assert part.background == pytest.approx([2.0 * (0.5 + 0.5) / (1.5 + 0.5)])


def test_the_error_of_the_background_is_that_of_the_light_curves_with_false_flares():
    sure = FlareReliability.certain(3)
    doubtful = FlareReliability.of_values(np.array([0.5, 0.9]), 0.4)
    assert background_error([sure, sure]) == 0
    assert background_error([sure, doubtful]) == pytest.approx(0.4)
    assert doubtful.background == pytest.approx([1.4, 1.4 / 9])
