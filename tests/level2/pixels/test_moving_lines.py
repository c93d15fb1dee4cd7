"""Lines that are far from their places in the laboratory are inverted as well as those at rest."""

import numpy as np
import pytest

from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres
from cvzmpi.level2.pixels.bridging import bridged
from cvzmpi.level2.pixels.first_guess import estimate
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED
from cvzmpi.level2.pixels.pixel_inversion import invert
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.spectral_window import around_lines
from cvzmpi.level2.spectroscopy.tellurics import OXYGEN, Telluric, mask_of
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630, SPEED_OF_LIGHT

AIR = tuple(Telluric(place, 0.007) for place in OXYGEN)
N = 300


def moving(shift_pm, speed=None):
    """Pixels of 1 kG in a map whose lines are shifted, seen through the air, which is at rest."""
    random = np.random.default_rng(7)
    truth = atmospheres(N, random)
    truth[:, me.FIELD] = 1000
    if speed is not None:
        truth[:, me.VELOCITY] = random.choice([-speed, speed], N)
    truth[:, me.VELOCITY] += shift_pm / 630.2e3 * SPEED_OF_LIGHT
    profiles = MilneEddington(WAVELENGTH).stokes(truth)
    for place in OXYGEN:
        profiles *= 1 - 0.15 * np.exp(-(((WAVELENGTH - place) / 0.0022) ** 2) / 2)
    return truth, profiles + random.normal(0, NOISE, profiles.shape)


@pytest.mark.parametrize(("shift", "speed"), [(-8, None), (8, None), (0, 8), (8, 8), (-8, 8)])
def test_shifted_lines_are_fitted_without_bias_and_with_true_errors_in_few_steps(shift, speed):
    truth, observed = moving(shift, speed)
    found = invert(MilneEddington(WAVELENGTH), observed, InversionSettings(noise=NOISE), AIR)
    assert (found.status == CONVERGED).all()
    assert found.chi_squared.max() < 1.3
    error = found.parameters[:, me.FIELD] - truth[:, me.FIELD]
    assert abs(error.mean()) < 5  # G
    covered = np.abs(error) < found.uncertainties[:, me.FIELD]
    assert 0.63 <= covered.mean() <= 0.73
    at_rest = invert(MilneEddington(WAVELENGTH), moving(0)[1], InversionSettings(noise=NOISE), AIR)
    assert found.n_iterations.mean() < 1.5 * at_rest.n_iterations.mean()


@pytest.mark.parametrize(("shift", "speed"), [(0, 8), (8, 8), (-8, 8)])
def test_centres_of_gravity_follow_the_lines(shift, speed):
    truth, observed = moving(shift, speed)
    air = mask_of(WAVELENGTH, AIR)
    found = estimate(bridged(observed, WAVELENGTH, air), WAVELENGTH, FE_I_630, air)
    assert np.abs(found.velocity - truth[:, me.VELOCITY]).max() < 0.7
    along = truth[:, me.FIELD] * np.cos(truth[:, me.INCLINATION])
    assert np.median(np.abs(found.field_along - along)) < 100


def test_the_search_of_a_line_ends_before_the_next():
    first, second = around_lines(WAVELENGTH, FE_I_630)
    assert not (first & second).any()
