"""Pools of light curves of like noise and brightness."""

import numpy as np
import pytest

from cvzmpi.cvz.reliability.pools import make_pools

rng = np.random.default_rng(1)
MAGNITUDE = rng.uniform(6, 16, 5000)
NOISE = 10 ** (-4 + 0.2 * (MAGNITUDE - 8) + 0.1 * rng.standard_normal(5000))


def test_a_light_curve_is_pooled_with_those_like_it():
    pools = make_pools(NOISE, MAGNITUDE, size=300)
    ones = pools.sums(np.ones(5000))
    assert np.all((ones > 50) & (ones <= 300))
    assert pools.shares.sum(axis=1) == pytest.approx(np.ones(5000))
    assert np.std(pools.taken(pools.sums(MAGNITUDE) / ones) - MAGNITUDE) < 0.5
    assert np.std(np.log10(pools.taken(pools.sums(NOISE) / ones) / NOISE)) < 0.1
    assert np.mean(pools.own_weight > 0.3) > 0.9


def test_pools_do_not_depend_on_the_order():
    order = np.random.default_rng(2).permutation(5000)
    first, again = make_pools(NOISE, MAGNITUDE), make_pools(NOISE[order], MAGNITUDE[order])
    values = np.sqrt(MAGNITUDE)
    assert again.taken(again.sums(values[order])) == pytest.approx(
        first.taken(first.sums(values))[order], rel=1e-12
    )


def test_weights_fall_smoothly_so_that_a_small_change_changes_little():
    moved = NOISE.copy()
    moved[17] *= 1.0001
    first, again = make_pools(NOISE, MAGNITUDE), make_pools(moved, MAGNITUDE)
    assert np.abs((first.weights - again.weights).toarray()).max() < 0.01


def test_few_light_curves_are_one_pool_and_none_is_left_out():
    pools = make_pools(np.array([1e-4, 1e-2]), np.array([8.0, 15.0]))
    assert pools.weights.toarray().min() > 0.3
    assert make_pools(np.array([1e-4]), np.array([8.0])).weights.toarray().tolist() == [[1.0]]
    assert make_pools(np.empty(0), np.empty(0)).taken(np.empty(0)).tolist() == []


def test_what_is_not_known_is_taken_for_the_median():
    noise = np.array([1e-3, np.nan, 2e-3, 0.0, 3e-3])
    magnitude = np.array([10.0, 11.0, np.nan, 12.0, 11.0])
    pools = make_pools(noise, magnitude)
    assert np.isfinite(pools.weights.toarray()).all()
    known = make_pools(np.array([1e-3, 2e-3, 2e-3, 2e-3, 3e-3]), np.array([10, 11, 11, 12, 11.0]))
    assert pools.own_weight == pytest.approx(known.own_weight)
