"""What is said of a field covers the truth as often as it says, from no field to strong ones."""

import numpy as np
import pytest
from scipy.special import ive

from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres, noisy_profiles
from cvzmpi.level2.pixels.field_components import COMPONENTS, limits_of_amplitude
from cvzmpi.level2.pixels.pixel_inversion import invert
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington

N = 700  # chance changes a coverage by 1.8 %


def covered(strength):
    """How often the intervals of strength and both components hold the true values."""
    truth = atmospheres(N, np.random.default_rng(21))
    truth[:, me.FIELD] = strength
    observed = noisy_profiles(truth, np.random.default_rng(22))
    settings = InversionSettings(noise=NOISE, restarts=0)
    found = invert(MilneEddington(WAVELENGTH), observed, settings)
    values = dict(zip(COMPONENTS, found.field_components.T, strict=True))
    along, across = (strength * f(truth[:, me.INCLINATION]) for f in (np.cos, np.sin))
    return {
        "strength": (values["strength_lower"] <= strength) & (strength <= values["strength_upper"]),
        "along": np.abs(values["longitudinal"] - along) <= values["longitudinal_error"],
        "across": (values["transverse_lower"] <= across) & (across <= values["transverse_upper"]),
    }


@pytest.mark.parametrize("strength", [0, 20, 50, 100, 200, 300, 1000])
def test_intervals_hold_the_true_field_and_its_components_as_often_as_they_say(strength):
    shares = {name: is_covered.mean() for name, is_covered in covered(strength).items()}
    assert all(0.63 <= share <= 0.73 for share in shares.values()), shares


@pytest.mark.parametrize("true", [0, 0.3, 1, 1.7, 2.5, 4, 7, 12])
def test_limits_of_an_amplitude_hold_the_true_one_as_often_as_they_say(true):
    # The distribution of Rice.
    amplitude = np.arange(0.0005, 25, 0.001)
    density = amplitude * np.exp(-((amplitude - true) ** 2) / 2) * ive(0, amplitude * true)
    lower, upper = limits_of_amplitude(2 * amplitude, np.full(len(amplitude), 2.0))
    inside = (lower <= 2 * true) & (2 * true <= upper)
    assert (density * inside).sum() * 0.001 == pytest.approx(0.683, abs=0.02)
    assert (lower <= upper).all()
