"""Eclipses are left out at all their cycles, also where one is no dip of its own."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance import finding
from cvzmpi.cvz.detection.significance.finding import find_flares
from cvzmpi.cvz.detection.significance.injected import InjectedSignificance
from cvzmpi.cvz.injection.injection import FLARE_FLOOR, draw_injections
from tests.cvz.detection.significance.quiet_stars import CONFIG, ERROR, SMOOTH, QuietStar

PERIOD, HALF, DEPTH = 900, 25, 60  # cadences, cadences, errors
CUT = slice(4880, 4952)  # places without cadences: of the eclipse at 4950 only the end was observed


def find(star):
    nothing = np.zeros(len(star.samples), bool)
    return find_flares(star.observation(), nothing, CONFIG)


def in_eclipse(star):
    phase = star.samples.place % PERIOD - PERIOD / 2
    return abs(phase) < HALF


@pytest.fixture(scope="module")
def binary():
    """An eclipsing binary with smooth eclipses, of which one was observed in part."""
    star = QuietStar.draw(33, 9000, gap=CUT, parameters=SMOOTH)
    phase = star.samples.place % PERIOD - PERIOD / 2
    light = -DEPTH * ERROR * np.cos(np.pi / 2 * np.clip(phase / HALF, -1, 1)) ** 2
    return star, star + light


@pytest.fixture(scope="module")
def found(binary):
    return find(binary[1])


def test_an_eclipse_of_which_only_the_end_was_observed_is_left_out(binary, found):
    star, _ = binary
    cut = in_eclipse(star) & (abs(star.samples.place - 4950) < HALF)
    deep = cut & (star.samples.place < 4950 + 0.8 * HALF)
    assert np.count_nonzero(deep) > HALF / 2
    assert found.clean.whitening.left_out[deep].all()
    assert found.eclipsed[deep].all()
    assert found.flares == []


def recovered(star, found, n=150):
    """The part of injected flares that is found, away from eclipses."""
    observation = star.observation()
    search = InjectedSignificance(
        observation,
        found.fit.kernel,
        found.fit.parameters,
        found.clean.event_model * observation.median_flux,
        found.clean.whitening.left_out,
        np.ones(len(found.quiet.templates)),
        CONFIG.significance.min_snr,
        FLARE_FLOOR * observation.flux_error,
    )
    phase = star.samples.place % PERIOD - PERIOD / 2
    away = np.flatnonzero(abs(phase) > 6 * HALF)
    entropy = (1, *observation.light_curve.id[:2])
    draws = draw_injections(
        *(CONFIG.inject, entropy, observation.flux_error, away),
        *(observation.time, observation.light_curve.exposure),
    )
    places = (draws.amplitude[:n], draws.fwhm[:n], draws.cadence[:n], draws.time[:n])
    return search.recovered(*places).mean()


def test_of_an_eclipsing_binary_as_many_injected_flares_are_found_as_without_eclipses(
    binary, found
):
    star, eclipsing = binary
    without = recovered(star, find(star))
    assert recovered(eclipsing, found) > without - 0.01


@pytest.mark.parametrize("after", [27, 35])
def test_a_flare_at_the_end_of_an_eclipse_is_found(binary, after):
    star, eclipsing = binary
    peak = 7 * PERIOD + PERIOD // 2 + after
    found = find(eclipsing + star.flare(120, peak, 6))
    assert [item.fit.peak for item in found.flares] == [pytest.approx(peak, abs=1)]


def test_a_star_with_as_many_dips_as_flares_is_fitted_once(star_of_pulses, monkeypatch):
    fits = []
    fit = finding.fit_quiet_star
    monkeypatch.setattr(finding, "fit_quiet_star", lambda *a: fits.append(1) or fit(*a))
    quiet, pulsating = star_of_pulses
    found = find(pulsating)
    assert len(found.clean.dips) >= len(found.clean.flares) > 5
    assert len(fits) == 1
    fits.clear()
    find(quiet)
    assert len(fits) == 2  # until nothing changes


@pytest.fixture
def star_of_pulses():
    """A quiet star, and the same with bumps and dips at random that the process cannot follow."""
    star, rng = QuietStar.draw(34, 9000, parameters=SMOOTH), np.random.default_rng(1)
    n = 60
    signs, snrs = rng.choice([-1, -1, 1], n), rng.uniform(6, 9, n)
    pulses = [
        sign * star.flare(snr, place, 2)
        for sign, snr, place in zip(signs, snrs, rng.uniform(0, 9000, n), strict=True)
    ]
    return star, star + np.sum(pulses, axis=0)
