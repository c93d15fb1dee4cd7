"""Completeness: the curve is where the truth is, and its intervals cover it, repeats or not."""

import numpy as np
import pytest
from scipy.stats import binom

from cvzmpi.cvz.results.products.completeness import CompletenessCurve, Limit
from cvzmpi.cvz.results.products.recovered_fraction import (
    CONFIDENCE,
    binned,
)


def injected(rng, n_flares=500, n_repeat=10, scatter=1.0, half_at=7.0):
    """Flares whose chances differ by more than their size says, as FWHMs make them differ."""
    size = np.exp(rng.uniform(0, np.log(50), n_flares))
    easy = scatter * rng.standard_normal(n_flares)
    chance = 1 / (1 + np.exp(-3 * np.log(size / half_at) - easy))
    return size, rng.random((n_flares, n_repeat)) < chance[:, None]


def true_completeness(size, scatter, half_at=7.0):
    easy = scatter * np.random.default_rng(99).standard_normal(20_000)
    return np.mean(1 / (1 + np.exp(-3 * np.log(size / half_at) - easy)))


@pytest.mark.parametrize("n_flares", [60, 2000])
def test_the_half_is_found_where_it_is(n_flares):
    size, recovered = injected(np.random.default_rng(1), n_flares, scatter=0)
    limit = CompletenessCurve.fit(size, recovered).limit(0.5)
    assert limit.relation == "="
    assert limit.value == pytest.approx(7, rel=0.15 if n_flares < 100 else 0.05)
    assert limit.low < limit.value < limit.high


def test_the_curve_is_monotone_and_between_0_and_1():
    size, recovered = injected(np.random.default_rng(4))
    curve = CompletenessCurve.fit(size, recovered)
    at = np.geomspace(0.1, 1000, 200)
    low, high = curve.interval(at)
    for values in (curve(at), low, high):
        assert np.all(np.diff(values) >= 0)
        assert np.all((values >= 0) & (values <= 1))
    assert np.all((low <= curve(at)) & (curve(at) <= high))


def test_the_order_of_the_flares_does_not_matter():
    rng = np.random.default_rng(2)
    size, recovered = injected(rng, 300)
    shuffled = rng.permutation(300)
    ours, other = (
        CompletenessCurve.fit(size[o], recovered[o]).limit(0.5) for o in (slice(None), shuffled)
    )
    assert ours == other


def test_a_level_that_is_not_reached_is_a_bound():
    size = np.linspace(1, 50, 200)
    nothing, everything = np.zeros((200, 3), bool), np.ones((200, 3), bool)
    never = CompletenessCurve.fit(size, nothing).limit(0.5)
    assert (never.value, never.relation, never.high) == (50, ">", np.inf)
    always = CompletenessCurve.fit(size, everything).limit(0.5)
    assert (always.value, always.relation, always.low) == (1, "<", 0)
    assert CompletenessCurve.fit(size, nothing, n_draws=0).limit(0.5) == Limit(50, ">")


def test_a_level_that_is_perhaps_reached_has_an_open_interval():
    rng = np.random.default_rng(8)
    size = np.exp(rng.uniform(0, np.log(50), 200))
    recovered = rng.random((200, 5)) < 0.52 * (np.log(size) / np.log(50))[:, None]
    limit = CompletenessCurve.fit(size, recovered).limit(0.5)
    assert limit.low < 50
    assert limit.high == np.inf


def test_few_flares_still_give_an_answer():
    def half(size, recovered):
        return CompletenessCurve.fit(np.array(size), np.array(recovered)).limit(0.5)

    assert half([3.0], [[True] * 4]).relation == "<"
    assert half([3.0, 4.0], [[True, False]] * 2).relation == "="
    nothing = CompletenessCurve.fit(np.empty(0), np.empty((0, 10), bool))
    assert np.isnan(nothing.limit(0.5).value)
    assert np.isnan(nothing(np.array([3.0]))).all()


@pytest.mark.parametrize("scatter", [0.0, 2.0])
def test_the_intervals_cover_the_truth_as_often_as_they_say(scatter):
    """In all 300 trials; the same flares at ten places each must not count as ten flares."""
    n_trials, inside_bin, inside_limit = 300, 0, 0
    in_a_bin = true_completeness(np.exp(np.linspace(np.log(6), np.log(9), 50))[:, None], scatter)
    at = np.geomspace(2, 30, 400)
    half = np.interp(0.5, [true_completeness(a, scatter) for a in at], at)
    for trial in range(n_trials):
        size, recovered = injected(np.random.default_rng(trial), 400, scatter=scatter)
        low, high = binned(size, recovered, np.array([6.0, 9.0])).interval()
        inside_bin += low[0] <= in_a_bin <= high[0]
        limit = CompletenessCurve.fit(size, recovered, n_draws=100).limit(0.5)
        inside_limit += limit.low <= half <= limit.high
    least, most = binom.ppf([1e-3, 1 - 1e-3], n_trials, CONFIDENCE)
    assert least <= inside_bin <= most
    # bins of finite width and the regression smooth a little, so limits may cover more
    assert least <= inside_limit <= n_trials
