"""The weak-field approximation gives the fields that made the profiles."""

from dataclasses import replace

import numpy as np
import pytest

from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres, noisy_profiles
from cvzmpi.level2.pixels.weak_field import (
    derivative,
    longitudinal_amplitude,
    second_lande,
    weak_field,
)
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.spectral_profile import SpectralProfile
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630, LARMOR

N = 400
WEIGHTS = np.full((4, len(WAVELENGTH)), 1 / NOISE)


@pytest.fixture(scope="module")
def model():
    return MilneEddington(WAVELENGTH)


def with_field(strength, seed=1, n=N):
    p = atmospheres(n, np.random.default_rng(seed))
    p[:, me.FIELD] = strength
    return p


def components(p):
    strength, inclination = p[:, me.FIELD], p[:, me.INCLINATION]
    return strength * np.cos(inclination), strength * np.sin(inclination)


@pytest.mark.parametrize(("strength", "largest"), [(20, 0.02), (100, 0.03), (400, 0.15)])
def test_both_components_are_those_of_the_atmosphere(model, strength, largest):
    p = with_field(strength)
    found = weak_field(model, model.stokes(p), WEIGHTS, p)
    along, across = components(p)
    assert np.percentile(np.abs(found.longitudinal - along), 95) < largest * strength
    assert np.percentile(np.abs(found.transverse - across), 95) < largest * strength


def test_a_finer_grid_gives_the_same_field():
    fine = WAVELENGTH[0] + 0.000125 * np.arange(1990)
    p = with_field(100, n=60)
    model = MilneEddington(fine)
    stokes = noisy_profiles(p, np.random.default_rng(4), fine)
    found = weak_field(model, stokes, np.full((4, len(fine)), 1 / NOISE), p)
    along, _ = components(p)
    assert np.median(np.abs(found.longitudinal - along)) < 1


def test_lines_of_other_excitation_have_their_strengths_in_both_components():
    one, other = FE_I_630
    lines = (one, replace(other, excitation=0.5))
    model, p = MilneEddington(WAVELENGTH, lines), with_field(100, n=60)
    found = weak_field(model, model.stokes(p), WEIGHTS, p)
    _, across = components(p)
    assert np.percentile(np.abs(found.transverse - across), 95) < 0.03 * 100


@pytest.mark.parametrize("strength", [0, 20, 60])
def test_the_error_of_the_longitudinal_field_is_what_the_errors_are(model, strength):
    p = with_field(strength, seed=2, n=1200)
    stokes = noisy_profiles(p, np.random.default_rng(3))
    found = weak_field(model, stokes, WEIGHTS, p)
    along, _ = components(p)
    pull = (found.longitudinal - along) / found.longitudinal_error
    assert np.std(pull) == pytest.approx(1, abs=0.1)
    assert np.mean(pull) == pytest.approx(0, abs=0.1)


def test_noise_alone_takes_off_chi_squared_what_its_distribution_says(model):
    p = with_field(0, n=2000)
    found = weak_field(model, noisy_profiles(p, np.random.default_rng(5)), WEIGHTS, p)
    # The medians of chi^2 with two and with three degrees of freedom.
    assert np.median(found.linear_delta_chi_squared) == pytest.approx(1.386, abs=0.12)
    assert np.median(found.delta_chi_squared) == pytest.approx(2.366, abs=0.15)


def test_wavelengths_that_are_not_used_and_their_slopes_change_nothing(model):
    p = with_field(100)[:20]
    stokes, weights = model.stokes(p), WEIGHTS.copy()
    spoiled = stokes.copy()
    spoiled[:, :, 60] = 7
    weights[:, 60] = 0
    one, other = (weak_field(model, s, weights, p) for s in (stokes, spoiled))
    for name, values in vars(one).items():
        assert np.array_equal(values, getattr(other, name)), name


@pytest.mark.parametrize("speed", [-8, 8])
def test_both_components_are_found_in_lines_that_move(model, speed):
    p = with_field(100, n=60)
    p[:, me.VELOCITY] += speed
    found = weak_field(model, model.stokes(p), WEIGHTS, p)
    along, across = components(p)
    assert np.percentile(np.abs(found.longitudinal - along), 95) < 0.03 * 100
    assert np.percentile(np.abs(found.transverse - across), 95) < 0.03 * 100
    noise = (found.longitudinal_error, found.transverse_error)
    at_rest = weak_field(model, model.stokes(with_field(100, n=60)), WEIGHTS, with_field(100, n=60))
    for moving, resting in zip(
        noise, (at_rest.longitudinal_error, at_rest.transverse_error), strict=True
    ):
        assert np.median(moving / resting) == pytest.approx(1, abs=0.05)


def test_a_pixel_that_moves_changes_nothing_of_the_others(model):
    p = with_field(100, n=12)
    alone = weak_field(model, model.stokes(p), WEIGHTS, p)
    p[0, me.VELOCITY] = 9
    found = weak_field(model, model.stokes(p), WEIGHTS, p)
    for name, values in vars(found).items():
        assert np.array_equal(values[1:], getattr(alone, name)[1:]), name


@pytest.mark.parametrize("blur", [{"fwhm": 4.2}, {"macroturbulence": 2.0}])
def test_both_components_are_found_through_an_instrument_and_macroturbulence(blur):
    profile = SpectralProfile.of(WAVELENGTH, **blur)
    model = MilneEddington(WAVELENGTH, spectral_profile=profile)
    p = with_field(100, n=60)
    found = weak_field(model, model.stokes(p), WEIGHTS, p)
    along, across = components(p)
    assert np.percentile(np.abs(found.longitudinal - along), 95) < 0.03 * 100
    assert np.percentile(np.abs(found.transverse - across), 95) < 0.03 * 100


def test_second_order_lande_factors_are_those_of_the_lines():
    # Of a triplet, the square of its Lande factor; eq. 9.78 for the other.
    assert [second_lande(line) for line in FE_I_630] == pytest.approx([2.5167, 6.25], abs=1e-4)


def test_the_field_of_a_calcium_line_is_found_from_its_wavelength_and_lande_factor():
    wavelength = 854.1 + 0.002 * np.arange(100)
    field, lande, line = 150.0, 1.1, 854.2091
    shift = LARMOR * line**2 * lande * field  # nm

    def intensity(at):
        distance = at - line - 0.003
        return 1 - 0.6 * np.exp(-((distance / 0.02) ** 2)) - 0.2 / (1 + (distance / 0.1) ** 2)

    right, left = intensity(wavelength - shift), intensity(wavelength + shift)
    stokes = np.zeros((200, 4, len(wavelength)))
    stokes[:, 0], stokes[:, 3] = (right + left) / 2, (right - left) / 2
    stokes += np.random.default_rng(6).normal(0, NOISE, stokes.shape)
    weights = np.broadcast_to((np.abs(wavelength - line) < 0.05) / NOISE, stokes[:, 3].shape)
    slope = derivative(wavelength, stokes[:, 0], np.ones(weights.shape, bool))
    splitting = LARMOR * line**2 * 1e3 * lande
    found = longitudinal_amplitude(slope, stokes[:, 3], weights, splitting)
    assert np.mean(found.value) == pytest.approx(field, rel=0.02)
    assert np.std((found.value - field) / found.error) == pytest.approx(1, abs=0.15)
