"""Mirror images hold the noise of the star and none of its flares."""

import numpy as np
import pytest

from cvzmpi.cvz.configuration import Config, SignificanceConfig
from cvzmpi.cvz.detection.significance.finding import find_flares
from cvzmpi.cvz.detection.significance.images import BLOCK, NEIGHBOURS, Image, mirror_image
from cvzmpi.cvz.detection.significance.vetting import Vetting
from cvzmpi.cvz.detection.significance.whitened.statistic import StatisticMap, noise_scales
from cvzmpi.cvz.detection.significance.whitened.templates import bank
from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from tests.cvz.detection.significance.quiet_stars import (
    CONFIG,
    ERROR,
    PARAMETERS,
    SMOOTH,
    QuietStar,
)

TEMPLATES = bank(EXPOSURE)
FLARES = (300, 900, 1500, 2100, 2700)


class Mirrored:
    def __init__(self, star, config=CONFIG):
        self.star, self.observation = star, star.observation()
        nothing = np.zeros(len(star.samples), bool)
        self.found = find_flares(self.observation, nothing, config)
        self.mean = self.found.fit.mean[self.observation.rows]

    def images(self, *entropy):
        samples = self.found.clean.whitening.samples
        return {i: mirror_image(i, samples, self.found, self.mean, entropy) for i in Image}


@pytest.fixture(scope="module")
def mirrored():
    star = QuietStar.draw(41, parameters=SMOOTH)
    return Mirrored(star + np.sum([star.flare(30, place, 3) for place in FLARES], axis=0))


def test_they_hold_no_flares_of_the_star(mirrored):
    assert len(mirrored.found.flares) == len(FLARES)
    for image in mirrored.images(1, 2, 3).values():
        assert image.events == []
        peaks = [mirrored.star.number(place) for place in FLARES]
        assert np.all(np.abs(image.flux - mirrored.mean)[peaks] < 5 * ERROR)
        assert np.all((mirrored.observation.flux - mirrored.mean)[peaks] > 5 * ERROR)


def test_nor_what_the_template_leaves_of_them():
    star = QuietStar.draw(41, parameters=SMOOTH)
    light = star.flare(150, 2000.3, 6)
    light *= 1 + 0.1 * np.sin((star.samples.place - 2000) / 2)
    for image in Mirrored(star + light).images(1, 2, 3).values():
        assert image.events == []
        assert np.all(np.abs(image.flux - Mirrored(star).mean) < 6 * ERROR)


def test_away_from_the_flares_the_inverted_flux_is_that_of_the_star_turned_over(mirrored):
    image = mirrored.images(1, 2, 3)[Image.INVERTED]
    away = ~mirrored.found.clean.whitening.left_out
    away &= mirrored.found.clean.event_model < 1e-12
    flux = mirrored.observation.flux
    np.testing.assert_allclose(
        (image.flux - image.quiet)[away], -(flux - image.quiet)[away], atol=1e-11
    )
    assert away.sum() > 500


def test_the_quiet_star_is_the_mean_in_one_and_drawn_in_the_other(mirrored):
    sd = mirrored.found.fit.sd[mirrored.observation.rows]
    inverted, shuffled = mirrored.images(1, 2, 3).values()
    np.testing.assert_array_equal(inverted.quiet, mirrored.mean)
    used = ~mirrored.found.clean.whitening.left_out
    assert 0.7 < np.std(((shuffled.quiet - mirrored.mean) / sd)[used]) < 1.3


def test_a_dip_of_the_star_is_an_event_of_its_inverted_image():
    star = QuietStar.draw(42, parameters=SMOOTH)
    mirrored = Mirrored(star + -star.flare(20, 2000, 4))
    events = mirrored.images(1, 2, 3)[Image.INVERTED].events
    assert [abs(star.samples.place[item.event.number] - 2000) <= 2 for item in events] == [True]
    assert events[0].snr > 15
    assert mirrored.images(1, 2, 3)[Image.SHUFFLED].events == []


def test_transits_are_no_events_of_the_inverted_image():
    star = QuietStar.draw(43, 6000, parameters=SMOOTH)
    in_transit = abs(star.samples.place % 900 - 450) < 12
    image = Mirrored(star + in_transit * -10 * ERROR).images(1, 2, 3)[Image.INVERTED]
    assert image.events == []


@pytest.mark.parametrize("period", [4.0, 1.3, 0.2])
def test_the_shuffled_one_has_the_noise_of_the_star_for_each_template(period):
    """Where process and noise are equally strong, the mean follows half of the noise."""
    ratios = np.mean([_noise_ratios(100 + seed, period) for seed in range(4)], axis=0)
    np.testing.assert_allclose(ratios[1], 1, atol=0.07)
    assert np.all(ratios[0] < 1.03)
    assert np.all(ratios[0] > 0.6)


def _noise_ratios(seed, period):
    """Noise of the images over that of the star, in each template: inverted and shuffled."""
    mirrored = Mirrored(QuietStar.draw(seed, 4000, parameters=PARAMETERS | {"period_d": period}))
    cleaner, clean = mirrored.found.cleaner, mirrored.found.clean
    ratios = []
    for image in mirrored.images(1, 2, seed).values():
        nothing = np.zeros(len(image.flux))
        samples = clean.whitening.samples.with_flux(image.flux)
        whitening = cleaner.whiten(samples, nothing, nothing > 0)
        statistic = StatisticMap.of(whitening, TEMPLATES, cleaner.information)
        scales = noise_scales(statistic.at_samples(whitening), TEMPLATES)
        ratios.append(np.median(scales, axis=1) / np.median(clean.scales, axis=1))
    return ratios


def test_noise_below_the_star_is_in_both_of_them():
    """Noise above it is found, so that it is taken out with the flares."""
    n_found, n_events = 0, dict.fromkeys(Image, 0)
    places = 300 + 400 * np.arange(20) + np.random.default_rng(2).integers(0, 200, 20)
    config = Config(significance=SignificanceConfig(min_snr=3.8))
    for seed in (46, 47, 48):
        star = QuietStar.draw(seed, 9000, parameters=SMOOTH)
        noise = [(-1) ** k * star.flare(4.6, place, 4) for k, place in enumerate(places)]
        mirrored = Mirrored(star + np.sum(noise, axis=0), config)
        n_found += len(mirrored.found.flares)
        for image, made in mirrored.images(1, 2, 3).items():
            n_events[image] += len(made.events)
    assert n_found > 20
    assert n_events[Image.INVERTED] > 20
    # without the deepest: dips are left out from a signal-to-noise of 5 on
    assert n_events[Image.SHUFFLED] > 5


def test_noisy_hours_stay_in_the_noisy_part_of_the_light_curve():
    star = QuietStar.draw(45, 6000, parameters=SMOOTH)
    noisy = (star.samples.place > 2000) & (star.samples.place < 2400)
    noise = np.random.default_rng(1).normal(size=len(noisy))
    mirrored = Mirrored(star + noisy * 4 * ERROR * noise)
    image = mirrored.images(1, 2, 3)[Image.SHUFFLED]
    excess = abs(image.flux - image.quiet)
    far = abs(star.samples.place - 2200) > 200 + NEIGHBOURS * BLOCK
    assert excess[far].max() < 6 * ERROR
    assert (excess > 8 * ERROR).any()


def test_they_depend_on_seed_tic_and_sector_alone(mirrored):
    first, again = (mirrored.images(1, 2, 3)[Image.SHUFFLED].flux for _ in range(2))
    np.testing.assert_array_equal(first, again)
    for other in ((2, 2, 3), (1, 3, 3), (1, 2, 4)):
        assert np.mean(mirrored.images(*other)[Image.SHUFFLED].flux != first) > 0.9


def test_blocks_of_an_hour_stay_together(mirrored):
    """So that the noise keeps its correlation."""
    image = mirrored.images(1, 2, 3)[Image.SHUFFLED]
    flux = image.flux - image.quiet
    found = mirrored.found
    turned = image.quiet + found.clean.event_model - mirrored.observation.flux
    pool = turned[~found.clean.whitening.left_out]
    order = np.argsort(pool)
    place = order[np.clip(np.searchsorted(pool[order], flux - 1e-12), 0, len(pool) - 1)]
    np.testing.assert_allclose(pool[place], flux, atol=1e-10)
    together = np.diff(place) == 1
    assert 0.94 < together.mean() < 0.98  # 29 of 30


@pytest.mark.parametrize(("second", "held"), [(0.0, True), (2.4, False)])
def test_they_hold_single_bright_cadences_but_no_short_flares_that_were_just_refused(second, held):
    star = QuietStar.draw(44, parameters=SMOOTH)
    light = np.zeros(len(star.samples))
    number = star.number(2000)
    light[number : number + 2] = (12 * ERROR, second * ERROR)
    mirrored = Mirrored(star + light)
    (refused,) = (item for item in mirrored.found.refused if item.event.number == number)
    assert refused.refused == Vetting.SINGLE_CADENCE
    image = mirrored.images(1, 2, 3)[Image.SHUFFLED]
    assert (np.max(image.flux - mirrored.mean) > 8 * ERROR) == held
