"""Wavelengths from the places of the lines."""

import numpy as np
import pytest

from cvzmpi.errors import Level1Error
from cvzmpi.level2.maps.simulated_map import WAVELENGTH, atmospheres
from cvzmpi.level2.maps.wavelength_calibration import calibrate
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy import spectral_window, tellurics
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630

WIDE = 629.95 + 0.0013 * np.arange(420)


@pytest.fixture(scope="module")
def quiet():
    p = atmospheres(1, np.random.default_rng(4))
    p[:, [me.FIELD, me.VELOCITY]] = 0
    profile = 20000 * MilneEddington(WIDE).stokes(p)[0, 0]
    profile[tellurics.mask_of(WIDE)] *= 0.8  # the air's lines are there as well
    return profile


@pytest.mark.parametrize("shift", [-0.06, -0.0123, 0, 0.0004, 0.055])
def test_a_shift_is_found_to_some_metres_a_second(quiet, shift):
    calibration = calibrate(WIDE + shift, quiet, FE_I_630)
    corrected = calibration.apply(WIDE + shift)
    assert np.abs(corrected - WIDE).max() < 1e-4
    near = spectral_window.of_moving_lines(WIDE, FE_I_630, np.zeros(1))[0][0]
    assert np.abs(corrected - WIDE)[near].max() < 2e-5  # nm: 10 m/s


def test_a_wrong_dispersion_is_found(quiet):
    wrong = 630.2 + (WIDE - 630.2) * 1.01 + 0.003
    calibration = calibrate(wrong, quiet, FE_I_630)
    assert calibration.stretch == pytest.approx(1 / 1.01, abs=3e-4)
    assert np.abs(calibration.apply(wrong) - WIDE).max() < 1e-4


def test_a_spectrum_without_lines_is_refused():
    with pytest.raises(Level1Error, match="no spectral line near"):
        calibrate(WAVELENGTH, np.ones(len(WAVELENGTH)), FE_I_630)


def test_lines_at_a_wrong_distance_are_refused(quiet):
    wrong = 630.2 + (WIDE - 630.2) * 1.04
    with pytest.raises(Level1Error):
        calibrate(wrong, quiet, FE_I_630)


def test_one_line_tells_the_shift(quiet):
    near = WIDE < 630.21
    calibration = calibrate(WIDE[near] + 0.0123, quiet[near], FE_I_630[:1])
    assert calibration.stretch == 1
    assert calibration.shift == pytest.approx(-0.0123, abs=5e-5)
