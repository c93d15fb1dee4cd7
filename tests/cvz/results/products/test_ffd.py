"""Flare frequency distributions of stars: several light curves, few flares, none at all."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.ffd import StarFfd, cumulative_ffd
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE
from tests.cvz.results.products.made_sector import made_sector

INDEX, RATE, SMALLEST = 1.9, 2.0, 1.0  # two flares a day above 1 s


def completeness(rng, half_at, n_flares=2000):
    """A curve as injections give it, and the truth behind it."""
    size = np.exp(rng.uniform(np.log(half_at / 10), np.log(half_at * 30), n_flares))
    truth = lambda duration: 1 / (1 + (half_at / duration) ** 2)  # noqa: E731
    recovered = rng.random((n_flares, 10)) < truth(size)[:, None]
    return CompletenessCurve.fit(size, recovered, n_draws=0), truth


def sector(rng, number, half_at, days, rate=RATE, **more):
    """One light curve of a star: its flares thinned by the completeness of its own search."""
    curve, truth = completeness(rng, half_at)
    duration = SMALLEST * rng.random(rng.poisson(rate * days)) ** (1 / (1 - INDEX))
    duration = duration[rng.random(len(duration)) < truth(duration)]
    return made_sector(number, curve, duration, days, **more)


def star(seed):
    rng = np.random.default_rng(seed)
    return StarFfd.of(
        [sector(rng, 3, 8.0, 18.0), sector(rng, 1, 2.0, 20.0), sector(rng, 2, 4.0, 25.0)]
    )


@pytest.fixture(scope="module")
def stars():
    return [star(seed) for seed in range(200)]


def truth_between(lower):
    return RATE * lower ** (1 - INDEX)


def covered(intervals, truths):
    return sum(low <= truth <= high for (low, high), truth in zip(intervals, truths, strict=True))


def test_200_stars_with_sectors_of_different_depth_have_their_index_and_rate(stars):
    """The completeness is measured with injections here, and not the truth itself."""
    truths = [truth_between(star.lower) for star in stars]
    index = np.array([star.index for star in stars])
    ratio = np.array([star.rate for star in stars]) / truths
    for found, truth in ((index, INDEX), (ratio, 1.0)):
        assert abs(found.mean() - truth) < 3.3 * found.std() / math.sqrt(len(stars))
    least, most = binom.ppf([1e-3, 1 - 1e-3], len(stars), CONFIDENCE)
    laws = [star.power_law for star in stars]
    assert least <= covered([law.index_interval for law in laws], [INDEX] * 200) <= most
    assert least <= covered([star.interval for star in stars], truths) <= most
    least, most = binom.ppf([1e-3, 1 - 1e-3], len(stars), 0.95)
    assert least <= covered([law.index_interval_95 for law in laws], [INDEX] * 200) <= most
    assert least <= covered([star.interval_95 for star in stars], truths) <= most


def test_the_rates_of_sectors_scatter_around_that_of_the_star(stars):
    rates = np.array([[r.rate for r in star.sector_rates()] for star in stars])
    truths = np.array([truth_between(star.lower) for star in stars])
    ratio = (rates / truths[:, None]).mean(axis=0)
    assert ratio == pytest.approx(np.ones(3), abs=0.08)
    inside = covered(
        [r.interval for star in stars for r in star.sector_rates()], np.repeat(truths, 3)
    )
    assert inside >= binom.ppf(1e-3, 600, CONFIDENCE)  # exact intervals cover at least that


def test_the_corrected_cumulative_rate_is_the_true_one(stars):
    at = 5.0
    rates, raw, inside = [], [], []
    for star in stars:
        ffd = cumulative_ffd(star)
        last = int(np.sum(ffd["ed"] >= at)) - 1
        rates.append(ffd["rate"][last])
        raw.append(ffd["raw_rate"][last])
        inside.append(ffd["rate_low"][last] <= truth_between(at) <= ffd["rate_high"][last])
    assert np.mean(rates) == pytest.approx(truth_between(at), rel=0.05)
    assert np.mean(raw) < 0.95 * truth_between(at)  # so that there is something to correct
    assert np.mean(inside) > 0.62


def test_the_points_are_sorted_and_know_where_they_come_from(stars):
    ffd = cumulative_ffd(stars[0])
    assert np.all(np.diff(ffd["ed"]) <= 0)
    assert np.isnan(ffd["rate"][ffd["ed"] < stars[0].lower]).all()
    assert np.all(np.diff(ffd["rate"][ffd["ed"] >= stars[0].lower]) > 0)
    assert set(ffd["sector"]) == {1, 2, 3}
    for number, duration, fraction in zip(
        ffd["sector"], ffd["ed"], ffd["completeness"], strict=True
    ):
        own = next(s for s in stars[0].sectors if s.sector == number)
        assert duration in own.duration
        assert fraction == own.completeness(np.array(duration))


def test_sectors_come_in_order_whatever_the_files_order():
    assert [sector.sector for sector in star(0).sectors] == [1, 2, 3]


def test_a_star_without_flares_has_an_upper_limit_for_an_assumed_index():
    curve, _ = completeness(np.random.default_rng(1), 5.0)
    quiet = StarFfd.of([made_sector(n, curve, []) for n in (1, 2)], assumed_index=2.0)
    assert quiet.power_law is None
    assert quiet.index == 2.0
    assert quiet.rate == 0
    days = quiet.time.quadrature(quiet.lower, math.inf).average(1.0)
    assert 0.5 * 40 < days < 40
    assert quiet.upper_limit == pytest.approx(-math.log(0.05) / days)
    assert quiet.interval[0] == 0
    assert len(cumulative_ffd(quiet)["ed"]) == 0


def test_one_flare_gives_a_rate_but_no_index():
    curve, _ = completeness(np.random.default_rng(1), 5.0)
    one = StarFfd.of([made_sector(1, curve, [50.0])])
    assert one.power_law is None
    assert one.interval[0] < one.rate < one.interval[1] < one.upper_limit


def test_a_search_that_never_finds_half_has_no_rates_unless_less_is_asked():
    size = np.geomspace(1, 100, 500)
    recovered = np.random.default_rng(1).random((500, 10)) < 0.4 * (size / 100)[:, None]
    curve = CompletenessCurve.fit(size, recovered)
    sectors = [made_sector(1, curve, [60.0, 80.0, 120.0])]
    blind = StarFfd.of(sectors)
    assert math.isnan(blind.lower)
    assert math.isnan(blind.rate)
    assert math.isnan(blind.upper_limit)
    assert np.isnan(cumulative_ffd(blind)["rate"]).all()
    assert np.isnan([r.rate for r in blind.sector_rates()]).all()
    modest = StarFfd.of(sectors, min_completeness=0.2)
    assert modest.n_flares == 3
    assert modest.rate > 3 / 20


def test_the_flare_energy_is_the_sum_over_all_found_flares_and_all_evaluated_time():
    curve, _ = completeness(np.random.default_rng(1), 5.0)
    (rate,) = StarFfd.of([made_sector(1, curve, [3.0, 40.0])]).sector_rates()
    assert rate.flare_energy == pytest.approx(43 / (21 * 86400))
    error = math.sqrt((9 + 1600) * 1.01) / (21 * 86400)
    assert rate.flare_energy_error == pytest.approx(error)


# ----------------------------------------------------------------- what gives no rate

LITTLE = ("little_searched",)


def test_almost_no_search_gives_no_rate_at_all():
    curve, _ = completeness(np.random.default_rng(1), 4.0)
    star = StarFfd.of([made_sector(1, curve, [20.0, 30.0, 40.0, 50.0], 0.03, LITTLE)])
    assert star.n_flares == 0
    assert np.isnan([star.lower, star.rate, *star.interval, *star.interval_95]).all()
    assert np.isnan([star.upper_limit, star.sector_rates()[0].rate]).all()
    points = cumulative_ffd(star)
    assert len(points["ed"]) == 4
    assert np.isnan([points["raw_rate"], points["rate"]]).all()
    assert star.power_law is None


def test_a_short_light_curve_beside_long_ones_has_no_rate_of_its_own():
    rng = np.random.default_rng(2)
    curve, _ = completeness(rng, 4.0)
    star = StarFfd.of([sector(rng, 1, 2.0, 20.0), made_sector(2, curve, [], 0.5, LITTLE)])
    first, second = star.sector_rates()
    assert star.rate > 0
    assert first.rate > 0
    assert math.isnan(second.rate)


def test_flares_that_lose_light_are_counted_and_in_no_rate():
    curve, _ = completeness(np.random.default_rng(3), 4.0)
    durations = [20.0, 30.0, 0.0, -6853.0, -0.5, math.nan]
    with_them = StarFfd.of([made_sector(1, curve, durations)])
    without = StarFfd.of([made_sector(1, curve, durations[:2])])
    assert (with_them.rate, with_them.index) == (without.rate, without.index)
    assert with_them.sector_rates() == without.sector_rates()
    assert with_them.sectors[0].n_not_positive == 4
    points = cumulative_ffd(with_them)
    np.testing.assert_array_equal(points["ed"], [30.0, 20.0, 0.0, -0.5, -6853.0, math.nan])
    for name in ("raw_rate", "rate", "completeness"):
        assert np.isfinite(points[name]).tolist() == [True, True, False, False, False, False]


def test_a_star_has_the_marks_of_its_light_curves():
    curve, _ = completeness(np.random.default_rng(4), 4.0)
    marked = made_sector(2, curve, [], marks=("crowded", *LITTLE))
    assert StarFfd.of([made_sector(1, curve, []), marked]).marks == "crowded"
    assert StarFfd.of([marked]).marks == "little_searched,crowded"


# ----------------------------------------------------------------- flares that may be false


def doubtful(seed, reliability, **settings):
    """One light curve whose flares all have some reliability."""
    rng = np.random.default_rng(seed)
    one = sector(rng, 1, 2.0, 20.0)
    values = np.broadcast_to(reliability, len(one.duration)).astype(float)
    return StarFfd.of([one], reliabilities=[FlareReliability.of_values(values, 0.2)], **settings)


def test_certain_flares_are_as_without_reliabilities():
    certain, plain = doubtful(1, 1.0), StarFfd.of(doubtful(1, 1.0).sectors)
    for name in ("rate", "index", "interval", "interval_95", "upper_limit", "n_true"):
        assert getattr(certain, name) == getattr(plain, name)
    assert certain.sector_rates() == plain.sector_rates()
    for name, values in cumulative_ffd(certain).items():
        assert np.array_equal(values, cumulative_ffd(plain)[name], equal_nan=True)


def test_each_flare_counts_with_its_reliability():
    half, certain = doubtful(1, 0.5), doubtful(1, 1.0)
    assert half.n_flares == certain.n_flares
    assert half.n_true == certain.n_flares / 2
    assert half.rate == pytest.approx(certain.rate / 2, rel=0.06)
    assert half.index == pytest.approx(certain.index, abs=0.3)
    assert half.interval[0] < half.rate < half.interval[1]
    relative = [(s.interval[1] - s.interval[0]) / s.rate for s in (half, certain)]
    assert relative[0] > 1.5 * relative[1]
    assert half.sector_rates()[0].rate == pytest.approx(half.rate)
    points = [cumulative_ffd(s) for s in (half, certain)]
    known = points[1]["ed"] >= certain.lower
    assert points[0]["rate"][known] == pytest.approx(points[1]["rate"][known] / 2)
    assert np.all(points[0]["rate_low"][known] < points[0]["rate"][known])


def test_without_a_reliable_flare_there_is_the_limit_of_none():
    false = doubtful(1, 0.0)
    assert false.rate == 0
    assert false.power_law is None
    days = false.time.quadrature(false.lower, math.inf).average(1.0)
    assert false.upper_limit == pytest.approx(-math.log(0.05) / days)
    assert false.interval[0] == 0
    rates = cumulative_ffd(false)["rate"]
    assert np.all(rates[np.isfinite(rates)] == 0)


def test_flares_below_a_minimum_reliability_are_not_counted_but_their_share_stays_in_the_rate():
    rng = np.random.default_rng(3)
    values = np.where(rng.random(len(doubtful(1, 1.0).sectors[0].duration)) < 0.5, 0.2, 0.9)
    every, few = (doubtful(1, values, min_reliability=m) for m in (0.0, 0.5))
    assert few.n_flares < every.n_flares
    assert (few.rate, few.interval) == (every.rate, every.interval)
    points = cumulative_ffd(few)
    assert np.all(points["reliability"] == 0.9)
    listed = cumulative_ffd(every)["reliability"] == 0.9
    assert np.array_equal(points["rate"], cumulative_ffd(every)["rate"][listed], equal_nan=True)
    assert few.sector_rates()[0].n_flares == few.n_flares


def test_reliabilities_follow_their_light_curves_into_the_order_of_sectors():
    rng = np.random.default_rng(4)
    two = [sector(rng, 2, 2.0, 20.0), sector(rng, 1, 2.0, 20.0)]
    values = [0.3, 0.8]
    star = StarFfd.of(
        two,
        reliabilities=[
            FlareReliability.of_values(np.full(len(s.duration), value))
            for s, value in zip(two, values, strict=True)
        ],
    )
    assert [r.reliability[0] for r in star.reliabilities] == values[::-1]
    points = cumulative_ffd(star)
    assert np.array_equal(points["reliability"], np.where(points["sector"] == 2, 0.3, 0.8))


EXPOSURES = {"spoc-120": (2.0, 25.0), "qlp-1800": (40.0, 120.0)}
"""Equivalent duration of which half are found, in s, and days of search, by product."""


def in_two_exposures(seed, products=tuple(EXPOSURES), rate=RATE):
    rng = np.random.default_rng(seed)
    return StarFfd.of(
        [
            sector(rng, number, *EXPOSURES[product], rate=rate, product=product)
            for number, product in enumerate(products, start=1)
        ]
    )


def test_a_star_in_two_exposures_has_its_rate():
    """A short light curve of 2 minutes, and a long one of 30 minutes, which misses small flares."""
    rate = 6 * RATE
    stars = [in_two_exposures(seed, rate=rate) for seed in range(1000, 1100)]
    for star in stars:
        assert [one.product for one in star.sectors] == list(EXPOSURES)
        assert star.time.searched == 145.0
    truths = [6 * truth_between(star.lower) for star in stars]
    assert covered([star.interval for star in stars], truths) > 54
    assert covered([star.interval_95 for star in stars], truths) > 88
    ratios = [star.rate / truth for star, truth in zip(stars, truths, strict=True)]
    assert np.mean(ratios) == pytest.approx(1, abs=0.03)
    for number in range(2):
        rates = [star.sector_rates()[number].rate for star in stars]
        assert np.mean(np.array(rates) / truths) == pytest.approx(1, abs=0.05)


def test_both_exposures_together_say_more_than_each_alone():
    """The bound of the shorter exposure stays, below which the other finds nearly nothing."""

    def made(products):
        return [in_two_exposures(seed, products) for seed in range(1200, 1230)]

    def width(stars):
        indices = [star.power_law.index_interval for star in stars if star.power_law is not None]
        return np.median([high - low for low, high in indices])

    together = made(tuple(EXPOSURES))
    assert all(1.5 < star.lower < 2.7 for star in together)
    assert width(together) < min(width(made((product,))) for product in EXPOSURES)


def test_a_light_curve_of_almost_no_search_does_not_set_the_bound():
    rng = np.random.default_rng(5)
    deep = sector(rng, 1, 2.0, 0.02, product="spoc-20")
    star = StarFfd.of([deep, sector(rng, 2, 40.0, 120.0, product="qlp-1800")])
    assert 25 < star.lower < 55
