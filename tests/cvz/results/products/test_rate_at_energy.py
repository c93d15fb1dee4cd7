"""Rates of flares above one energy: the truth of made-up stars, and no rate where none is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.rate_at_energy import RateAtEnergy
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale
from tests.cvz.results.products.made_sector import made_sector

INDEX, RATE, SMALLEST = 1.9, 2.0, 1.0  # two flares a day above 1 s
POWER = FlareEnergyScale.of_star(0.3, 3200.0).power  # of the star of `made_sector`, in erg/s
DURATION = 25.0  # s


def star(seed, rate=RATE):
    """A star with two light curves, whose flares are thinned by the completeness."""
    rng = np.random.default_rng(seed)
    sectors = []
    for number, half_at, days in ((1, 2.0, 20.0), (2, 8.0, 25.0)):
        size = np.exp(rng.uniform(np.log(half_at / 10), np.log(half_at * 30), 2000))
        found = rng.random((2000, 10)) < (1 / (1 + (half_at / size) ** 2))[:, None]
        curve = CompletenessCurve.fit(size, found, n_draws=0)
        duration = SMALLEST * rng.random(rng.poisson(rate * days)) ** (1 / (1 - INDEX))
        duration = duration[rng.random(len(duration)) < 1 / (1 + (half_at / duration) ** 2)]
        sectors.append(made_sector(number, curve, duration, days))
    return StarFfd.of(sectors)


@pytest.fixture(scope="module")
def stars():
    return [star(seed) for seed in range(150)]


def test_the_rates_and_intervals_of_150_stars_hold_the_truth(stars):
    truth = RATE * (DURATION / SMALLEST) ** (1 - INDEX)
    rates = [RateAtEnergy.of(each, DURATION * POWER) for each in stars]
    mean = np.mean([rate.rate for rate in rates])
    assert mean == pytest.approx(truth, rel=0.1)
    covered = np.mean([rate.interval[0] <= truth <= rate.interval[1] for rate in rates])
    assert 0.6 < covered < 0.9  # of 68 %; more, as few flares are whole numbers
    below = np.mean([truth <= rate.upper_limit for rate in rates])
    assert below > 0.9
    assert {rate.n_flares for rate in rates} != {0}


def test_at_the_bound_of_the_star_it_is_the_rate_of_the_star(stars):
    each = stars[0]
    rate = RateAtEnergy.of(each, each.lower * POWER * (1 + 1e-12))
    assert rate.rate == pytest.approx(each.rate)
    assert rate.n_flares == each.n_flares
    assert rate.upper_limit == pytest.approx(each.upper_limit)


def test_where_the_searches_find_too_few_there_is_no_rate(stars):
    rate = RateAtEnergy.of(stars[0], stars[0].lower * POWER / 2)
    assert math.isnan(rate.rate)
    assert math.isnan(rate.upper_limit)
    assert rate.duration == pytest.approx(stars[0].lower / 2)


def test_a_star_that_is_not_known_has_no_energies():
    known = star(1)
    sectors = [
        replace(sector, facts=sector.facts | {"radius": None, "temperature": None})
        for sector in known.sectors
    ]
    rate = RateAtEnergy.of(StarFfd.of(sectors), 1e33)
    assert all(map(math.isnan, (rate.rate, *rate.interval, rate.upper_limit, rate.duration)))


def test_without_a_flare_there_is_an_upper_limit():
    rate = RateAtEnergy.of(star(1, rate=0.0), DURATION * POWER)
    assert (rate.n_flares, rate.rate, rate.interval[0]) == (0, 0.0, 0.0)
    assert rate.upper_limit == pytest.approx(3 / 45, rel=0.1)  # three flares in all the time
