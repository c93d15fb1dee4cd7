"""The statistic is the amplitude of a template over its error; its scale, the star's own noise."""

from itertools import pairwise

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.quiet_noise import QuietNoise
from cvzmpi.cvz.detection.significance.whitened.statistic import (
    MIN_COVERAGE,
    StatisticMap,
    noise_scales,
    places_of,
)
from cvzmpi.cvz.detection.significance.whitened.templates import bank
from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from tests.cvz.detection.significance.quiet_stars import GAP, QuietStar, covariance, with_errors

TEMPLATES = bank(EXPOSURE)


def statistic_of(star, left_out=None):
    whitening = star.whitening(left_out)
    information = QuietNoise.of(star.whitening(), TEMPLATES).information
    return StatisticMap.of(whitening, TEMPLATES, information), whitening


def test_it_is_the_amplitude_over_its_error_by_generalised_least_squares():
    star = QuietStar.draw(5, 1500, None)
    star += star.flare(12, 750.2, 3)
    statistic, whitening = statistic_of(star)
    inverse = np.linalg.inv(covariance(whitening))
    residual = star.samples.flux - 1
    for k, template in enumerate(TEMPLATES):
        for place in (500, 720, 750, 760, 1000):
            shape = np.zeros(1500)
            shape[place - template.before : place + template.after + 1] = template.shape
            error = (shape @ inverse @ shape) ** -0.5
            amplitude = shape @ inverse @ residual * error**2
            # the information is taken as the same everywhere
            expected = pytest.approx(amplitude / error, abs=1e-3, rel=0.01)
            assert statistic.statistic[k, place] == expected, (template.fwhm, place)


def test_it_has_unit_variance_for_each_template_where_the_process_is_right():
    values = [statistic_of(QuietStar.draw(seed, 4000))[0].statistic for seed in range(6)]
    values = np.concatenate(values, axis=1)
    for template, row in zip(TEMPLATES, values, strict=True):
        row = row[np.isfinite(row)]
        assert abs(row.mean()) < 0.1, template.fwhm
        # 24000 cadences are some 24000 / (4 FWHM) independent values
        tolerance = 4 * np.sqrt(0.5 * (4 * template.fwhm + 4) / 24000)
        assert row.std() == pytest.approx(1, abs=min(tolerance, 0.12)), template.fwhm


def test_where_too_little_of_a_template_is_usable_there_is_none():
    star = QuietStar.draw(6)
    left_out = np.zeros(len(star.samples), bool)
    left_out[300:420] = True
    statistic, whitening = statistic_of(star, left_out)
    assert np.all(np.isnan(statistic.statistic[0, 310:410]))
    assert np.all(np.isnan(statistic.statistic[0, GAP.start + 5 : GAP.stop - 5]))
    usable = np.zeros(3000)
    usable[star.samples.place[~left_out]] = 1
    for k, template in enumerate(TEMPLATES):
        for place in (400, 425, GAP.start - 2, GAP.stop, 2000):
            squares = template.shape**2
            part = usable[place - template.before : place + template.after + 1] @ squares
            assert statistic.coverage[k, place] == pytest.approx(part / squares.sum(), abs=1e-12)
    np.testing.assert_array_equal(np.isnan(statistic.statistic), statistic.coverage < MIN_COVERAGE)
    at_samples = statistic.at_samples(whitening)
    assert np.all(np.isnan(at_samples[:, left_out]))


def test_where_a_part_of_a_template_is_usable_it_has_unit_variance_too():
    left_out = np.zeros(2940, bool)
    places = np.arange(100, 1150, 12)
    left_out[places[:, None] + np.arange(1, 7)] = True  # after each, half of the cadences
    values = [statistic_of(QuietStar.draw(seed), left_out)[0].statistic for seed in range(8)]
    short = [k for k, template in enumerate(TEMPLATES) if template.fwhm == 1]
    at_edges = np.array(values)[:, short][..., places]
    assert at_edges.std() == pytest.approx(1, abs=0.1)


def test_errors_catalogued_twice_too_large_halve_the_statistic_and_its_scale():
    star = QuietStar.draw(7)
    right, _ = statistic_of(star)
    wrong, whitening = statistic_of(with_errors(star, 2))
    scales = noise_scales(wrong.at_samples(whitening), TEMPLATES)
    assert np.median(scales[0]) == pytest.approx(0.5, abs=0.05)
    ratio = np.nanmedian(np.abs(wrong.statistic[0])) / np.nanmedian(np.abs(right.statistic[0]))
    assert ratio == pytest.approx(0.5, abs=0.05)


def test_the_scale_is_that_of_the_noisier_part_and_not_raised_by_flares():
    rng = np.random.default_rng(8)
    values = rng.normal(size=(len(TEMPLATES), 7200))
    values[:, 3600:5400] *= 3
    values[:, 100:150] = 50
    scales = noise_scales(values, TEMPLATES)
    assert scales[0, 4500] == pytest.approx(3, abs=0.4)
    # nowhere below that of all, which half a day of quiet cannot lower
    overall = 1.4826 * np.median(np.abs(values[0]))
    assert scales[0].min() == pytest.approx(overall)
    assert scales[0, 125] < 1.6


def test_without_any_value_the_scale_is_one():
    assert np.all(noise_scales(np.full((len(TEMPLATES), 500), np.nan), TEMPLATES) == 1)


def test_places_without_a_cadence_have_the_value_before():
    samples = QuietStar.draw(1, 1400, slice(2, 5)).samples
    values = places_of(samples, np.arange(len(samples))[None])[0]
    assert values[:7].tolist() == [0, 1, 1, 1, 1, 2, 3]


def test_the_scale_of_a_part_is_the_median_of_what_is_known_there():
    """Where less than a quarter is, that of the whole."""
    n, rng = 18137, np.random.default_rng(4)
    statistic = rng.normal(size=(1, n)) * (1 + np.sin(np.arange(n) / 2000))
    statistic[0, rng.choice(n, 3000, replace=False)] = np.nan
    statistic[0, 5000:6000] = np.nan
    scales = noise_scales(statistic, TEMPLATES[:1])[0]
    overall = 1.4826 * np.nanmedian(abs(statistic))
    edges = np.linspace(0, n, n // 360 + 1).astype(int)
    parts = [abs(statistic[0, a:b]) for a, b in pairwise(edges)]
    enough = [np.isfinite(part).sum() > len(part) / 4 for part in parts]
    values = [
        1.4826 * np.nanmedian(part) if known else overall
        for part, known in zip(parts, enough, strict=True)
    ]
    assert 1 < enough.count(False) < 4
    expected = np.interp(np.arange(n), (edges[:-1] + edges[1:]) / 2, values)
    np.testing.assert_array_equal(scales, np.maximum(overall, expected))
