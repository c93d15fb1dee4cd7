"""Power laws of flares that may be false, and with a completeness that is not quite known."""

import math

import numpy as np
import pytest

from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.rates.effective_time import EffectiveTime
from cvzmpi.cvz.results.products.rates.power_law import fit_power_law

LOWER = 10.0
TIME = EffectiveTime(np.log([1.0, 10, 100]), np.array([10.0, 50, 100]), 100.0)


def flares(n=60, seed=1):
    return LOWER * np.random.default_rng(seed).random(n) ** (-1 / 0.9)


def fit(reliability, durations, time=TIME, **arguments):
    return fit_power_law(
        durations, time, LOWER, reliability=np.full(len(durations), reliability), **arguments
    )


def half_width(interval):
    return math.log(interval[1] / interval[0]) / 2


def test_certain_flares_are_as_without_reliabilities():
    durations = flares()
    assert fit(1.0, durations) == fit_power_law(durations, TIME, LOWER)


def test_the_likelihood_of_nearly_certain_flares_is_that_of_certain_ones():
    certain, nearly = fit(1.0, flares()), fit(1 - 1e-9, flares())
    for name in ("index", "rate"):
        assert getattr(nearly, name) == pytest.approx(getattr(certain, name), rel=1e-6)
        for interval in (f"{name}_interval", f"{name}_interval_95"):
            assert getattr(nearly, interval) == pytest.approx(getattr(certain, interval), rel=1e-4)


def test_flares_that_are_half_certain_know_as_much_as_a_quarter_of_them():
    """The sum of r^2: of 400, half of them false, as of 100 flares, when none is known to be."""
    durations = flares(400)
    half, quarter = fit(0.5, durations), fit(1.0, durations[:100])
    assert half.rate == pytest.approx(fit(1.0, durations).rate / 2, rel=0.01)
    assert half_width(half.rate_interval) == pytest.approx(
        half_width(quarter.rate_interval), rel=0.1
    )
    assert half.index == pytest.approx(fit(1.0, durations).index, abs=0.01)


def test_unreliable_flares_near_the_bound_do_not_steepen_the_law():
    true = flares(100)
    false = LOWER * (1 + 0.1 * np.random.default_rng(2).random(100))
    durations = np.concatenate([true, false])
    reliability = np.where(np.arange(200) < 100, 0.98, 0.02)
    weighted = fit_power_law(durations, TIME, LOWER, reliability=reliability)
    alone = fit_power_law(true, TIME, LOWER)
    assert weighted.index == pytest.approx(alone.index, abs=0.05)
    assert fit_power_law(durations, TIME, LOWER).index > alone.index + 0.5


def test_an_uncertain_number_of_false_flares_is_an_error_of_the_rate():
    """If there are 20 % more of the half that is false, there are 20 % fewer of the true."""
    known, unknown = fit(0.5, flares(400)), fit(0.5, flares(400), background_error=0.2)
    assert half_width(unknown.rate_interval) ** 2 == pytest.approx(
        half_width(known.rate_interval) ** 2 + 0.2**2, rel=0.05
    )
    assert fit(1.0, flares(), background_error=0.2) == fit(1.0, flares())


def test_an_uncertain_completeness_widens_both_intervals():
    draws = np.random.default_rng(3).normal(1, 0.3, (400, 1)) * TIME.days
    time = EffectiveTime(TIME.log_duration, TIME.days, TIME.searched, draws)
    known, unknown = fit(1.0, flares()), fit(1.0, flares(), time)
    assert half_width(unknown.rate_interval) ** 2 == pytest.approx(
        half_width(known.rate_interval) ** 2 + np.log(draws[:, 0] / 10).std() ** 2, rel=0.1
    )
    assert unknown.index_interval == pytest.approx(known.index_interval)
    tilted = TIME.days * np.exp(np.random.default_rng(4).normal(0, 0.2, (400, 3)))
    time = EffectiveTime(TIME.log_duration, TIME.days, TIME.searched, tilted)
    low, high = fit(1.0, flares(), time).index_interval
    assert high - low > 1.1 * (known.index_interval[1] - known.index_interval[0])


def test_errors_of_light_curves_are_independent_though_their_draws_are_not():
    size = np.geomspace(1, 1000, 300)
    recovered = np.random.default_rng(5).random((300, 5)) < 0.5
    curve = CompletenessCurve.fit(size, recovered)
    one, four = (EffectiveTime.of_light_curves([curve] * n, [1.0] * n) for n in (1, 4))
    assert four.draws.std(axis=0) == pytest.approx(2 * one.draws.std(axis=0), rel=0.25)
    days, drawn = four.between(LOWER, math.inf, 2.0)
    assert drawn.mean() == pytest.approx(days, rel=0.1)
    assert EffectiveTime.perfect(3.0).between(LOWER, math.inf, 2.0) == (3.0, [3.0])
