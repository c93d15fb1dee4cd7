"""What the profiles say before the inversion."""

import numpy as np
import pytest

from cvzmpi.level2.maps.simulated_map import WAVELENGTH, atmospheres, noisy_profiles
from cvzmpi.level2.pixels.first_guess import estimate, first_start, start_with_field
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630


@pytest.fixture(scope="module")
def pixels():
    random = np.random.default_rng(11)
    parameters = atmospheres(300, random, weakest=500)
    observed = noisy_profiles(parameters, random)
    return parameters, observed, estimate(observed, WAVELENGTH, FE_I_630)


def test_centres_of_gravity_measure_velocity_and_the_field_along_the_line_of_sight(pixels):
    parameters, _, estimates = pixels
    along = parameters[:, me.FIELD] * np.cos(parameters[:, me.INCLINATION])
    assert np.median(np.abs(estimates.velocity - parameters[:, me.VELOCITY])) < 0.3
    assert np.corrcoef(estimates.field_along, along)[0, 1] > 0.98


def test_the_azimuth_is_found_from_the_start(pixels):
    parameters, observed, estimates = pixels
    start = first_start(MilneEddington(WAVELENGTH), observed, estimates)
    error = np.degrees(start[:, me.AZIMUTH] - parameters[:, me.AZIMUTH])
    error = np.abs((error + 90) % 180 - 90)
    assert np.median(error) < 5
    assert (error > 45).mean() < 0.03


def test_a_start_with_a_given_field_has_it_and_keeps_the_polarity(pixels):
    parameters, observed, estimates = pixels
    start = start_with_field(MilneEddington(WAVELENGTH), observed, estimates, 2500.0)
    assert (start[:, me.FIELD] == 2500).all()
    clear = np.abs(estimates.field_along) > 200
    towards = np.cos(parameters[clear, me.INCLINATION]) > 0
    assert np.array_equal(start[clear, me.INCLINATION] < np.pi / 2, towards)
