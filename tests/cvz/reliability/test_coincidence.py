"""Events that several stars have at the same time are the instrument's."""

import numpy as np
import pytest

from cvzmpi.cvz.reliability.coincidence import WITHIN, chance_of_own, coincident


def flares(rng, n_stars, per_star=10, days=25.0):
    star = np.repeat(np.arange(n_stars), per_star)
    return np.ones(len(star), int), star, rng.uniform(0, days, len(star))


def own(sector, star, time):
    return chance_of_own(coincident(sector, star, time), sector, star, time)


def test_other_stars_of_the_same_sector_are_counted_once():
    sector = np.array([1, 1, 1, 1, 2])
    star = np.array([7, 8, 8, 9, 5])
    time = np.array([10.0, 10.001, 10.002, 10.0 + 3 * WITHIN, 10.0])
    assert coincident(sector, star, time).tolist() == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("n_stars", [1, 30, 300])
def test_flares_of_their_own_are_left_as_they_are(n_stars):
    assert np.mean(own(*flares(np.random.default_rng(n_stars), n_stars)) < 1) < 0.01


def test_a_hump_that_a_sector_has_in_common_is_hardly_reliable():
    rng = np.random.default_rng(3)
    sector, star, time = flares(rng, 100)
    humps = 17.0 + rng.uniform(-WITHIN / 2, WITHIN / 2, 40)
    sector = np.concatenate([sector, np.ones(40, int)])
    star, time = np.concatenate([star, np.arange(40)]), np.concatenate([time, humps])
    chance = own(sector, star, time)
    assert np.all(chance[-40:] < 0.1)
    away = np.abs(time - 17.0) > 2 * WITHIN
    assert np.all(chance[away] == 1)
    order = rng.permutation(len(time))
    np.testing.assert_array_equal(own(sector[order], star[order], time[order]), chance[order])


def test_in_another_sector_they_are_no_coincidence():
    sector, star = np.arange(40), np.arange(40)
    assert np.all(own(sector, star, np.full(40, 17.0)) == 1)
