"""Where the lines of the Earth's atmosphere are in a spectrum that the Sun's lines calibrated."""

import numpy as np
import pytest

from cvzmpi.level2.maps.prepared_map import PreparedMap, PreparedMapWriter
from cvzmpi.level2.maps.wavelength_calibration import calibrate
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.tellurics import EXPECTED, OXYGEN, find_tellurics, mask_of
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630, SPEED_OF_LIGHT

WIDE = 629.95 + 0.0013 * np.arange(420)


def quiet_sun(shift_pm, depth, noise=5e-4):
    """A spectrum of the Sun that moves, seen through the air; and its calibrated wavelengths."""
    atmosphere = np.zeros((1, me.N_PARAMETERS))
    atmosphere[:, me.VELOCITY] = shift_pm / 630.2e3 * SPEED_OF_LIGHT
    atmosphere[:, me.DOPPLER_WIDTH : me.FILLING_FACTOR] = 3, 0.4, 10, 0.3, 0.7
    profile = MilneEddington(WIDE).stokes(atmosphere)[0, 0]
    for place in OXYGEN:
        profile *= 1 - depth * np.exp(-(((WIDE - place) / 0.0022) ** 2) / 2)
    profile += np.random.default_rng(5).normal(0, noise, len(WIDE))
    return calibrate(WIDE, profile, FE_I_630).apply(WIDE), profile


@pytest.mark.parametrize("shift", [-16, -8, -4, 0, 4, 8, 12])
@pytest.mark.parametrize("depth", [0.05, 0.15, 0.3])
def test_the_lines_of_the_air_are_found_where_the_motion_of_the_sun_leaves_them(shift, depth):
    found = find_tellurics(*quiet_sun(shift, depth))
    off = [1e3 * (line.place - place) + shift for line, place in zip(found, OXYGEN, strict=True)]
    assert np.abs(off).max() < 1  # pm
    assert all(0.006 <= line.half_width <= 0.012 for line in found)


@pytest.mark.parametrize("shift", [-8, 0, 8])
def test_nothing_is_found_in_spectra_from_space(shift):
    assert find_tellurics(*quiet_sun(shift, 0, noise=1e-3)) == ()


def test_one_line_is_found_where_the_spectrum_ends_before_the_other():
    wavelength, profile = quiet_sun(4, 0.15)
    near = wavelength < 630.262
    (found,) = find_tellurics(wavelength[near], profile[near])
    assert found.place == pytest.approx(OXYGEN[0] - 0.004, abs=0.0005)


def prepared_map(path, wavelength, profile, record):
    with PreparedMapWriter(path, (1, 1), wavelength, profile) as writer:
        writer.write(np.ones((1, 4, len(wavelength))))
        writer.record = record
    return PreparedMap.read(path)


def test_a_map_of_an_earlier_version_has_them_in_its_quiet_profile(tmp_path):
    spectrum = quiet_sun(8, 0.15)
    earlier = prepared_map(tmp_path / "earlier.h5", *spectrum, {})
    assert earlier.tellurics == find_tellurics(*spectrum)
    recorded = prepared_map(tmp_path / "now.h5", *spectrum, {"tellurics_nm": [[630.1, 0.007]]})
    assert recorded.tellurics == ((630.1, 0.007),)
    none_seen = prepared_map(tmp_path / "space.h5", *spectrum, {"tellurics_nm": []})
    assert none_seen.tellurics == ()
    simulated = prepared_map(tmp_path / "simulated.h5", *spectrum, {"simulated": True})
    assert simulated.tellurics == EXPECTED


def test_the_mask_is_of_the_places_that_are_given():
    masked = WIDE[mask_of(WIDE, [(630.21, 0.007)])]
    assert masked[[0, -1]] == pytest.approx([630.203, 630.217], abs=0.0013)
