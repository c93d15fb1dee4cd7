"""Reliabilities: sensible for one event as for thousands of light curves, and what they say."""

import numpy as np
import pytest

from cvzmpi.cvz.reliability.estimate import estimate_reliability
from cvzmpi.cvz.reliability.events import Events, LightCurves
from cvzmpi.cvz.reliability.statistic import (
    BOTH,
    MIN_SNR,
    SIGNIFICANCE,
    STELLA,
    Thresholds,
    statistics,
)
from tools.calibration.reliability import POPULATIONS, calibrate, draw


def light_curves(n, n_images=2, star=None):
    star = np.arange(n) if star is None else np.asarray(star)
    return LightCurves(star, np.full(n, 1e-3), np.full(n, 12.0), np.full(n, n_images))


def events(rows, snr, found_by=SIGNIFICANCE, probability=0.0):
    rows = np.asarray(rows, np.int64)
    n = len(rows)
    return Events(
        rows,
        np.broadcast_to(np.asarray(found_by, np.int8), n),
        np.broadcast_to(np.asarray(snr, np.float64), n),
        np.broadcast_to(np.asarray(probability, np.float64), n),
    )


NONE = events([], [])


def reliability(n, found, mirrored=NONE, **arguments):
    return estimate_reliability(light_curves(n, **arguments), found, mirrored).reliability


@pytest.mark.parametrize(
    ("snr", "low", "high"), [(5.05, 0.05, 0.5), (6.0, 0.6, 0.98), (8.0, 0.95, 1), (50.0, 0.995, 1)]
)
def test_a_lone_event_without_mirror_events_is_as_likely_real_as_its_snr_says(snr, low, high):
    (r,) = reliability(1, events([0], [snr]))
    assert low < r < high


def test_mirror_events_make_events_like_them_doubtful_and_no_others():
    found = events([0, 0], [5.6, 40.0])
    few, many = (
        reliability(1, found, events([0] * k, 5 + np.linspace(0, 1.5, k))) for k in (1, 12)
    )
    assert many[0] < 0.2 < few[0]
    assert many[1] > 0.97


def test_no_mirror_events_at_any_snr_in_many_light_curves_make_all_reliable():
    found = events(np.arange(100), 5.2 + np.arange(100) / 10)
    assert reliability(500, found).min() > 0.9


def test_no_events_at_all_are_no_error():
    estimate = estimate_reliability(light_curves(3), NONE, NONE)
    assert len(estimate.reliability) == 0
    assert np.all(estimate.n_true < 1)
    assert len(estimate_reliability(light_curves(0), NONE, NONE).n_true) == 0
    assert np.isfinite(estimate_reliability(light_curves(3), NONE, events([1], [6])).n_false).all()


def test_light_curves_without_mirror_images_have_reliabilities():
    r = reliability(20, events(np.arange(20), 5 + np.arange(20)), n_images=0)
    assert np.all((r > 0) & (r < 1))
    assert r[-1] > 0.99


def test_a_star_of_150_flares_has_more_reliable_ones_at_a_low_snr_than_quiet_stars():
    rng = np.random.default_rng(1)
    flares = 5 * rng.random(150) ** (-1 / 1.2)
    flares[0] = 5.5
    false = rng.integers(1, 100, 60)
    found = events(
        np.concatenate([np.zeros(150, int), false]),
        np.concatenate([flares, 5 + 0.3 * rng.exponential(size=60)]),
    )
    mirrored = events(rng.integers(0, 100, 120), 5 + 0.3 * rng.exponential(size=120))
    r = reliability(100, found, mirrored)
    quiet = r[150:][(found.snr[150:] > 5.3) & (found.snr[150:] < 5.7)]
    assert r[0] > 0.9
    assert quiet.max() < 0.3


def test_light_curves_of_one_star_vouch_for_each_other():
    found = events([*range(8), 20], [6, 7, 9, 12, 15, 20, 30, 5.4, 5.4])
    mirrored = events(np.arange(40) % 50, 5 + np.linspace(0, 1, 40))
    apart = reliability(50, found, mirrored)
    together = reliability(50, found, mirrored, star=[0] * 10 + list(range(1, 41)))
    assert together[7] > apart[7] + 0.05
    assert together[8] == pytest.approx(apart[8], abs=0.1)


@pytest.mark.parametrize("name", ["Gaussian", "very different", "many false", "30 light curves"])
def test_within_a_light_curve_it_never_falls_with_the_snr(name):
    curves, found, mirrored, _ = draw(POPULATIONS[name], np.random.default_rng(1))
    r = estimate_reliability(curves, found, mirrored).reliability
    order = np.lexsort((found.snr, found.light_curve))
    same = np.diff(found.light_curve[order]) == 0
    assert np.diff(r[order])[same].min() > -1e-9
    assert np.diff(r[order])[same].max() > 0.1


def test_each_family_is_compared_with_its_own_mirror_events():
    """Events of stella alone by their probability, whatever their S/N."""
    found_by = np.repeat([STELLA, SIGNIFICANCE, BOTH], 20)
    rows = np.tile(np.arange(20), 3)
    found = events(rows, np.where(found_by == STELLA, 99, 6.0), found_by, 0.7)
    mirrored = events(np.arange(40) % 20, 30.0, STELLA, 0.7)
    estimate = estimate_reliability(light_curves(20), found, mirrored)
    by_family = [estimate.reliability[found_by == f].mean() for f in (STELLA, SIGNIFICANCE, BOTH)]
    assert by_family[0] < 0.4
    assert min(by_family[1:]) > 0.8
    sure = events(rows, 0.0, STELLA, 0.99999)
    assert reliability(20, sure, mirrored).mean() > 0.9


def test_what_is_expected_adds_up_to_what_is_found():
    curves, found, mirrored, true = draw(POPULATIONS["many false"], np.random.default_rng(2))
    estimate = estimate_reliability(curves, found, mirrored)
    total = estimate.n_true.sum() + estimate.n_false.sum()
    assert total == pytest.approx(len(found), rel=0.05)
    assert estimate.n_false.sum() == pytest.approx(np.sum(~true), rel=0.1)
    at = np.full(len(curves), MIN_SNR)
    above = estimate.false_above(SIGNIFICANCE, at)
    assert above == pytest.approx(estimate.false_of_family[SIGNIFICANCE])
    expected = np.sum(~true & (found.snr > MIN_SNR + 0.6))
    assert estimate.false_above(SIGNIFICANCE, at + 0.6).sum() == pytest.approx(expected, rel=0.2)


def test_the_background_and_the_expected_flares_of_a_star_give_its_reliabilities():
    """With A expected true flares, an event is real with A / (A + background)."""
    curves, found, mirrored, _ = draw(POPULATIONS["many flares"], np.random.default_rng(2))
    estimate = estimate_reliability(curves, found, mirrored)
    expected = estimate.n_true[found.light_curve]
    assert expected / (expected + estimate.background) == pytest.approx(
        estimate.reliability, abs=0.06
    )


def test_a_search_of_some_families_has_backgrounds_for_these_only():
    found = events([0, 0], [7, 7], [STELLA, BOTH], 0.9)
    both = estimate_reliability(light_curves(1), found, NONE, counted=(BOTH,))
    every = estimate_reliability(light_curves(1), found, NONE)
    assert np.isinf(both.background).tolist() == [True, False]
    assert both.reliability == pytest.approx(every.reliability)
    assert both.n_true[0] < every.n_true[0]


def test_the_order_of_light_curves_and_events_does_not_matter():
    rng = np.random.default_rng(3)
    curves, found, mirrored, _ = draw(POPULATIONS["Gaussian"], rng)
    place = rng.permutation(len(curves))  # the new row of each light curve
    moved = {name: values[np.argsort(place)] for name, values in vars(curves).items()}
    shuffle = rng.permutation(len(found))
    again = estimate_reliability(
        LightCurves(**moved),
        Events(*(values[shuffle] for values in vars(_moved(found, place)).values())),
        _moved(mirrored, place),
    )
    first = estimate_reliability(curves, found, mirrored)
    assert again.reliability == pytest.approx(first.reliability[shuffle], abs=1e-9)


def _moved(found, place):
    return Events(place[found.light_curve], found.found_by, found.snr, found.max_probability)


# ----------------------------------------------------------------- calibration

EXACT = ["Gaussian", "long tail", "very different", "all alike", "many false", "one image"]
LOW = ["low threshold", "low threshold, few flares"]
WRONG = ["20 % too few", "20 % too many"]


@pytest.mark.parametrize("name", [*EXACT, *LOW, *WRONG, "30 light curves", "log-normal"])
def test_of_events_with_a_reliability_that_fraction_is_true(name):
    """Within 5 points, and two standard errors of a small sample, in five bins."""
    population = POPULATIONS[name]
    n_campaigns = 200 if population.n_light_curves < 100 else 20
    result = calibrate(population, n_campaigns)
    filled = result.n >= 50
    assert filled.sum() >= 4
    away = np.abs(result.predicted - result.true)[filled]
    assert np.all(away < 0.05 + 2 * result.error[filled]), (result.predicted, result.true)


def test_mirror_images_without_their_events_would_be_seen():
    """The test above can fail: had the mirror images shown nothing."""
    rng = np.random.default_rng(4)
    curves, found, _, true = draw(POPULATIONS["many false"], rng)
    r = estimate_reliability(curves, found, NONE).reliability
    assert r.mean() - true.mean() > 0.1


# ----------------------------------------------------------------- other thresholds


@pytest.mark.parametrize("snr", [1.0, 3.5, 5.0, 9.0])
@pytest.mark.parametrize("probability", [0.01, 0.5, 0.99, 0.9999999])
def test_shapes_are_probabilities_whatever_the_thresholds(snr, probability):
    for statistic in statistics(Thresholds(snr, probability)).values():
        assert np.all(np.diff(statistic.edges) > 0)
        for shapes in (statistic.false_shapes, statistic.true_shapes):
            np.testing.assert_allclose(shapes.sum(axis=1), 1)
        assert len(statistic.true_prior) == len(statistic.true_shapes)
        assert statistic.true_prior.sum() == pytest.approx(5)


def test_an_event_that_a_lower_threshold_admits_is_told_from_one_at_the_usual_threshold():
    curves, found = light_curves(50), events([0, 1], [3.6, 5.0])
    mirrored = events(np.arange(50), 3.5 + np.linspace(0, 1, 50))
    low, high = estimate_reliability(
        curves, found, mirrored, thresholds=Thresholds(snr=3.5)
    ).reliability
    assert high > 5 * low
    usual = Thresholds(snr=5.0)
    low, high = estimate_reliability(curves, found, mirrored, thresholds=usual).reliability
    assert high < 2 * low  # both are in the first bin
