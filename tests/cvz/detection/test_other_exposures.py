"""Light curves of other exposures than 120 s are searched by significance alone, in time."""

import math

import numpy as np
import pytest
from scipy.stats import norm

import cvzmpi
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.significance.quiet_noise import box_lengths
from cvzmpi.cvz.detection.significance.vetting import (
    Look,
    Vetting,
    cadences_since_gap,
    hump_fwhm,
)
from cvzmpi.cvz.detection.significance.whitened.templates import bank
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.light_curves.exposure import EXPOSURE, in_cadences
from cvzmpi.errors import LightCurveError
from tools.bench.detection.signal_to_noise import Said, said_by_signal_to_noise

DAYS = 4.0
NOISE = 1e-3  # of 120 s


def columns(seconds, noise=NOISE, days=DAYS):
    """Time, flux and error of a star with white noise and a slow wave."""
    n = int(days * 86400 / seconds)
    error = noise * math.sqrt(120 / seconds)
    time = 2000 + np.arange(n) * seconds / 86400
    flux = 1 + 0.003 * np.sin(2 * np.pi * time / 1.7)
    flux += np.random.default_rng(3).normal(0, error, n)
    return time, flux, np.full(n, error)


@pytest.fixture(scope="module")
def searched():
    """The star at an exposure, with flares injected; each made once."""
    made = {}

    def at(seconds):
        if seconds not in made:
            made[seconds] = cvzmpi.inject(
                columns(seconds), tic=1, sector=1, n_inject=200, n_repeat=2, progress=False
            )
        return made[seconds]

    return at


def test_rules_that_count_cadences_are_as_they_were_at_120_seconds():
    assert [in_cadences(n, EXPOSURE) for n in range(1, 2000)] == list(range(1, 2000))
    assert box_lengths(range(12, 201), EXPOSURE).tolist() == list(range(12, 201))
    assert hump_fwhm(EXPOSURE) == 16


def test_of_other_exposures_they_are_the_same_time():
    assert in_cadences(30, 20 / 86400) == 180
    assert in_cadences(30, 1800 / 86400) == 2
    assert in_cadences(3, 1800 / 86400, least=4) == 4
    for seconds in (20, 58.85, 200, 600, 1765.46, 1800):
        longest = bank(seconds / 86400)[-1].fwhm * seconds / 60
        assert 64 <= longest < 128  # minutes


def test_a_gap_is_a_gap_by_its_length_in_time():
    place = np.array([0, 1, 4, 5, 25])
    assert cadences_since_gap(place, 20 / 86400).tolist() == [0, 1, 4, 5, 0]
    assert cadences_since_gap(place, 1800 / 86400).tolist() == [0, 1, 0, 1, 0]


def test_one_bright_cadence_of_half_an_hour_is_no_particle():
    one = (np.array([value]) for value in (10.0, 0, 50, 0.5, 0.0, 0.0, 99))
    look = Look(*one)
    assert look.refused(20 / 86400) == Vetting.SINGLE_CADENCE
    assert look.refused(200 / 86400) == Vetting.SINGLE_CADENCE
    assert look.refused(1800 / 86400) == Vetting.NONE


@pytest.mark.parametrize("search", ["stella", "both"])
@pytest.mark.parametrize("seconds", [20, 1800])
def test_stella_refuses_other_exposures_with_one_line(search, seconds):
    with pytest.raises(LightCurveError) as caught:
        cvzmpi.search(columns(seconds), search=search, progress=False)
    assert str(caught.value) == (
        f"TIC 0 sector 0: cadence is {seconds} s, expected 120 s for detect.search = '{search}': "
        "stella was trained on these; 'significance' searches others"
    )


@pytest.mark.parametrize("search", [None, "significance", "either"])
def test_where_several_are_asked_for_it_is_left_out_and_that_is_told_once(searched, search):
    data = (
        searched(1800)
        if search is None
        else cvzmpi.search(columns(1800), search=search, progress=False)
    ).data
    assert np.isnan(data.probability).all()
    assert not data.flare_mask.any()
    note = "cadence is 1800 s: searched by significance alone, as stella was trained on 120 s"
    assert data.light_curve.header["input_note"].count(note) == 1


def expected_recovery(done, seconds):
    """The part of the injected flares that is above the threshold by its signal-to-noise.

    In white noise it is amplitude times the root of the sum of the squared shape, over the error;
    noise scatters it by 1. A template of the bank is not the flare, which costs some 3 %.
    """
    injections, exposure = done.data.injections, seconds / 86400
    error = NOISE * math.sqrt(120 / seconds)
    above = []
    for amplitude, fwhm, times, cadences in zip(
        injections.amplitude, injections.fwhm, injections.time, injections.cadence, strict=True
    ):
        for time, cadence in zip(times, cadences, strict=True):
            since = done.data.light_curve.time - time
            near = slice(max(0, cadence - 500), cadence + 3000)
            shape = mean_flare_shape(since[near], fwhm, exposure)
            snr = amplitude * math.sqrt(np.sum(shape**2)) / error
            above.append(norm.sf(Config().significance.min_snr - 0.97 * snr))
    return float(np.mean(above))


@pytest.mark.parametrize("seconds", [20, 120, 600, 1800])
def test_completeness_is_what_the_integrated_signal_to_noise_says(searched, seconds):
    done = searched(seconds)
    found = done.answers.recovered_significance.mean()
    assert found == pytest.approx(expected_recovery(done, seconds), rel=0.1)


@pytest.mark.parametrize("seconds", [20, 600, 1800])
def test_noise_makes_no_more_false_alarms_than_at_120_seconds(searched, seconds):
    data = searched(seconds).data
    assert len(data.flares["peak"]) <= 1
    events = data.mirror_events
    assert np.count_nonzero(events["vetting"] == 0) <= 2


def test_the_same_flares_are_injected_whatever_the_exposure(searched):
    amplitudes = {s: searched(s).data.injections.amplitude for s in (20, 120, 1800)}
    assert np.allclose(amplitudes[20], amplitudes[120], rtol=0.01)
    assert np.allclose(amplitudes[1800], amplitudes[120], rtol=0.01)


def test_a_flare_of_20_second_cadences_is_found_where_it_is():
    time, flux, error = columns(20)
    peak = time[12_000] + 3 / 86400
    flux = flux + 0.02 * mean_flare_shape(time - peak, 0.001, 20 / 86400)
    flares = cvzmpi.search((time, flux, error), progress=False).flares
    assert len(flares) == 1
    assert flares["template_amplitude"][0] == pytest.approx(0.02, rel=0.25)
    assert flares["fwhm"].to_value("d")[0] == pytest.approx(0.001, rel=0.3)
    assert abs(flares["peak"][0] - 12_000) <= 1


def test_as_much_time_is_left_out_beside_a_large_flare_as_at_120_seconds():
    """There it may differ from the template, so that the rest would be noise of the star."""
    left_out = []
    for seconds in (20, 120):
        time, flux, error = columns(seconds)
        since = time - time[0] - 1.3
        flux = flux + 0.05 * mean_flare_shape(since, 0.004, seconds / 86400)
        found = cvzmpi.search((time, flux, error), tic=1, sector=1, progress=False)
        assert len(found.flares) == 1
        left_out.append(seconds * np.sum(found.data.left_out))
    assert left_out[0] == pytest.approx(left_out[1], rel=0.15)


def test_deep_eclipses_are_no_noise_of_the_star():
    """In some cycles the dips of an eclipse are many times as strong as in others.

    Turned over, they would raise the noise until no flare is found.
    """
    time, flux, error = columns(600, days=25)
    phase = (time - 2000.4 + 0.735) % 1.47 - 0.735
    flux -= 0.15 * np.clip(1.3 * (1 - abs(phase) / 0.06), 0, 1) ** 1.3
    flux -= 0.07 * np.clip(1.3 * (1 - (0.735 - abs(phase)) / 0.06), 0, 1) ** 1.3
    found = cvzmpi.search((time, flux, error), tic=1, sector=1, progress=False)
    assert found.data.noise_raised.max() < 2
    assert found.data.left_out.mean() < 0.3
    assert len(found.data.flares["peak"]) == 0


@pytest.mark.parametrize("seconds", [120, 600])
def test_as_many_injected_flares_are_found_as_their_signal_to_noise_says(searched, seconds):
    said = said_by_signal_to_noise(searched(seconds))
    assert said.verdict in {"yes", "chance"}
    assert said.error < 0.1


def test_a_share_is_judged_where_flares_are_found_and_with_the_error_of_its_sample():
    def verdict(found, chance):
        rng = np.random.default_rng(1)
        time = np.repeat(np.arange(400.0), 5).reshape(400, 5)
        shape = time.shape
        return Said(np.full(shape, chance), rng.random(shape) < found, time).verdict

    assert verdict(0.5, 0.5) == "yes"
    assert verdict(0.5, 0.4) == "no"
    assert verdict(0.06, 0.052) == "chance"  # 2,000 flares: 0.06 is within 0.01
    assert verdict(0.005, 0.015) == "-"
