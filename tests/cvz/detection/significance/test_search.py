"""The search of one light curve as the stages ask for it."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.images import Image
from cvzmpi.cvz.detection.significance.measures import MEASURES
from cvzmpi.cvz.detection.significance.search import search_by_significance
from cvzmpi.cvz.detection.significance.vetting import Vetting
from cvzmpi.cvz.detection.significance.whitened.templates import flare
from cvzmpi.cvz.injection.flare_shape import equivalent_duration
from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from tests.cvz.detection.significance.quiet_stars import CONFIG, ERROR, SMOOTH, QuietStar

NOTHING = np.empty((0, 2), int)
PLACES = {700: 3.0, 2000: 8.0}  # of flares, with FWHM in cadences
SPIKE = 2500


@pytest.fixture(scope="module")
def star():
    star = QuietStar.draw(51, parameters=SMOOTH)
    light = [star.flare(40, place + 0.2, fwhm) for place, fwhm in PLACES.items()]
    return star + np.sum(light, axis=0) + (star.samples.place == SPIKE) * 15 * ERROR


@pytest.fixture(scope="module")
def search(star):
    return search_by_significance(star.observation(), NOTHING, CONFIG)


def test_flares_are_found_with_their_measures(star, search):
    columns = search.star.columns
    assert star.samples.place[columns["peak"]] == pytest.approx(list(PLACES), abs=1)
    assert set(columns) == {*MEASURES, "peak"}
    for k, (place, fwhm) in enumerate(PLACES.items()):
        top = flare(star.samples.place, place + 0.2, fwhm).max()
        amplitude = star.flare(40, place + 0.2, fwhm).max() / top
        expected = {
            "template_amplitude": amplitude,
            "fwhm": fwhm * EXPOSURE,
            "equivalent_duration": float(equivalent_duration(amplitude, fwhm * EXPOSURE)),
        }
        for name, value in expected.items():
            error = columns[f"{name}_error"][k]
            assert abs(columns[name][k] - value) < 4 * error, name
            assert error < 0.25 * value, name
        time = star.samples.time[0] + (place + 0.2) * EXPOSURE
        assert columns["template_time"][k] == pytest.approx(time, abs=0.3 * EXPOSURE)
        assert columns["vetting"][k] == 0


def test_flares_hold_their_peaks_and_do_not_touch(search):
    flares = search.star.flares
    peaks = search.star.columns["peak"]
    assert np.all((flares[:, 0] <= peaks) & (peaks <= flares[:, 1]))
    assert np.all(flares[1:, 0] - flares[:-1, 1] > CONFIG.detect.merge_gap)


def test_it_gives_the_same_bits_twice(star, search):
    again = search_by_significance(star.observation(), NOTHING, CONFIG)
    for name in ("snr", "left_out", "event_model", "noise_raised"):
        assert getattr(again, name).tobytes() == getattr(search, name).tobytes(), name
    assert again.fit.mean.tobytes() == search.fit.mean.tobytes()
    for name, column in search.star.columns.items():
        assert again.star.columns[name].tobytes() == column.tobytes(), name
    for image, searched in search.images.items():
        assert again.images[image].flux.tobytes() == searched.flux.tobytes()


def test_the_quiet_star_is_modelled_without_its_flares(star, search):
    bare = QuietStar.draw(51, parameters=SMOOTH)
    off = search.fit.mean - bare.samples.flux / np.median(star.samples.flux)
    assert off.std() < 1.2 * ERROR
    # nor is it drawn up where they are
    near = abs(star.samples.place - 2000) < 40
    assert abs(off[near].mean()) < ERROR


def test_the_series_is_nan_where_left_out_and_high_in_flares(search):
    inside = np.zeros(len(search.snr), bool)
    for first, last in search.star.flares:
        inside[first : last + 1] = True
    np.testing.assert_array_equal(np.isnan(search.snr), search.left_out & ~inside)
    for k, peak in enumerate(search.star.columns["peak"]):
        near = search.snr[peak - 3 : peak + 4]
        assert near.max() > 0.6 * search.star.columns["snr"][k]
    quiet = search.snr[~inside & ~search.left_out]
    assert quiet.max() < CONFIG.significance.min_snr


def test_a_flare_of_stella_is_measured_with_the_event_that_was_refused_in_it(star, search):
    """The event is subtracted from the light curve; to measure without it gave nothing."""
    number = star.number(SPIKE)
    (refused,) = [i for i in search.star.events if abs(i.event.number - number) < 3]
    columns = search.star.measure(np.array([[number - 3, number + 3]]))
    assert columns["snr"][0] == refused.snr
    assert columns["snr"][0] > 8
    assert Vetting(int(columns["vetting"][0])) == Vetting.SINGLE_CADENCE
    assert columns["peak"][0] == number


def test_a_flare_of_stella_that_is_noise_has_the_snr_of_noise(star, search):
    columns = search.star.measure(np.array([[1300, 1305], [1500, 1510]]))
    assert np.all(columns["snr"] < CONFIG.significance.min_snr)
    assert np.all(np.isfinite(columns["equivalent_duration"]))
    not_fitted = search.star.measure(np.array([[1300, 1305]]), fitted=False)
    assert not_fitted["snr"][0] == columns["snr"][0]
    assert np.isnan(not_fitted["equivalent_duration"][0])


def test_found_flares_of_stella_have_the_same_measures(search):
    """Those of the other search that lie within them."""
    columns = search.star.measure(search.star.flares)
    for name in ("snr", "template_amplitude", "fwhm", "equivalent_duration", "peak"):
        np.testing.assert_array_equal(columns[name], search.star.columns[name])


def test_where_a_star_dips_as_it_rises_its_noise_is_raised():
    """Until two events are left in its inverted light curve, and its flares are as few."""
    star = QuietStar.draw(52, 4000, parameters=SMOOTH)
    rng = np.random.default_rng(3)
    signs = np.resize([1, -1], 20)
    places = rng.uniform(50, 3950, len(signs))
    bumps = [
        sign * star.flare(rng.uniform(9, 12), place, 2.5)
        for sign, place in zip(signs, places, strict=True)
    ]
    star += np.sum(bumps, axis=0)
    search = search_by_significance(star.observation(), NOTHING, CONFIG)
    raised = search.noise_raised
    assert np.all(raised >= 1)
    assert np.all(raised[2:6] > 1.3)
    assert len(search.images[Image.INVERTED].flares) <= 2
    assert len(search.star.flares) < 8


def test_of_a_quiet_star_nothing_is_raised(search):
    assert np.all(search.noise_raised == 1)
    assert all(len(image.flares) == 0 for image in search.images.values())
