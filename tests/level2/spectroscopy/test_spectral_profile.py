"""Spectra that an instrument blurs, against a fine grid, and what the inversion finds in them."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres
from cvzmpi.level2.pixels.pixel_inversion import invert
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.spectral_profile import (
    SpectralProfile,
    Transmission,
    UnevenWavelengthsError,
)
from cvzmpi.level2.spectroscopy.zeeman import SPEED_OF_LIGHT

FINE = 0.1  # pm
FWHM = 4.2  # pm; of the instrument of the tests


def gaussian(offset, fwhm):
    return np.exp(-4 * np.log(2) * (offset / fwhm) ** 2)


def blurred_finely(parameters, wavelength, transmission, reach):
    """The profiles, from a fine grid that goes beyond the window, by a plain sum.

    The light at a wavelength is that of the wavelength plus the offset.
    """
    margin = (reach + 5) * 1e-3
    fine = np.arange(wavelength[0] - margin, wavelength[-1] + margin, FINE * 1e-3)
    sharp = MilneEddington(fine).stokes(parameters)
    offset = FINE * np.arange(-int(reach / FINE), int(reach / FINE) + 1)
    weights = transmission(offset) / transmission(offset).sum()
    blurred = np.apply_along_axis(np.convolve, 2, sharp, weights[::-1], "same")
    return CubicSpline(fine, blurred, axis=2)(wavelength)


@pytest.mark.parametrize("fwhm", [1.0, 2.0, FWHM, 8.0])
@pytest.mark.parametrize("every", [1, 2, 4], ids=["1.3 pm", "2.6 pm", "5.2 pm"])
def test_a_gaussian_profile_is_that_of_a_fine_grid_however_coarse_the_spectrum(fwhm, every):
    wavelength = WAVELENGTH[::every]
    at = atmospheres(6, np.random.default_rng(1))
    model = MilneEddington(wavelength, spectral_profile=SpectralProfile.of(wavelength, fwhm))
    expected = blurred_finely(at, wavelength, lambda x: gaussian(x, fwhm), 3 * fwhm)
    assert model.stokes(at) == pytest.approx(expected, abs=1e-4)  # a tenth of the noise


def test_macroturbulence_is_a_gaussian_in_velocity_added_in_quadrature():
    at = atmospheres(6, np.random.default_rng(2))
    speed = 1.4  # km/s
    pm = speed / SPEED_OF_LIGHT * 630.2e3
    fwhm = np.hypot(FWHM, 2 * np.sqrt(np.log(2)) * pm)
    expected = blurred_finely(at, WAVELENGTH, lambda x: gaussian(x, fwhm), 3 * fwhm)
    profile = SpectralProfile.of(WAVELENGTH, FWHM, speed)
    model = MilneEddington(WAVELENGTH, spectral_profile=profile)
    assert model.stokes(at) == pytest.approx(expected, abs=1e-4)


def lopsided(offset):
    """Some profile that is not symmetric, with wings."""
    return np.interp(offset, [-6, -2, 0.5, 3, 9], [0, 0.1, 1.0, 0.3, 0], left=0, right=0)


@pytest.mark.parametrize("macroturbulence", [0.0, 1.0])
def test_a_table_is_the_transmission_of_the_light_at_an_offset(macroturbulence):
    at = atmospheres(6, np.random.default_rng(3))
    offset = np.linspace(-6, 9, 31)
    table = Transmission(offset, 7 * lopsided(offset))

    def transmission(x):
        if macroturbulence == 0:
            return lopsided(x)
        fwhm = 2 * np.sqrt(np.log(2)) * macroturbulence / SPEED_OF_LIGHT * 630.2e3
        kernel = gaussian(FINE * np.arange(-80, 81), fwhm)
        return np.convolve(lopsided(x), kernel, "same")

    profile = SpectralProfile.of(WAVELENGTH, macroturbulence=macroturbulence, table=table)
    model = MilneEddington(WAVELENGTH, spectral_profile=profile)
    expected = blurred_finely(at, WAVELENGTH, transmission, 20.0)
    assert model.stokes(at) == pytest.approx(expected, abs=2e-4)


def test_a_table_of_a_gaussian_does_what_the_gaussian_does():
    offset = np.linspace(-12, 12, 97)
    by_table = SpectralProfile.of(WAVELENGTH, table=Transmission(offset, gaussian(offset, FWHM)))
    at = atmospheres(6, np.random.default_rng(4))
    one = MilneEddington(WAVELENGTH, spectral_profile=by_table).stokes(at)
    profile = SpectralProfile.of(WAVELENGTH, FWHM)
    other = MilneEddington(WAVELENGTH, spectral_profile=profile).stokes(at)
    assert one == pytest.approx(other, abs=2e-4)


def test_nothing_blurs_where_nothing_is_said():
    assert SpectralProfile.of(WAVELENGTH) is None


def test_wavelengths_are_kept_to_the_bit_and_go_on_beyond_both_ends():
    wavelength = WAVELENGTH[:20]
    profile = SpectralProfile.of(wavelength, 2.0)
    assert profile.oversampling == 2
    extended = profile.extended(wavelength)
    inside = slice(profile.n_before, profile.n_before + 2 * 19 + 1, 2)
    assert np.array_equal(extended[inside], wavelength)
    assert np.diff(extended) == pytest.approx(0.00065)


@pytest.mark.parametrize("spoiled", [[630.1], [630.1, 630.2, 630.4], [630.2, 630.1]])
def test_wavelengths_that_are_not_evenly_spaced_are_refused(spoiled):
    with pytest.raises(UnevenWavelengthsError, match="where a spectral profile needs"):
        SpectralProfile.of(np.array(spoiled), FWHM)


def test_the_derivatives_of_blurred_profiles_are_those_of_differences():
    quiet = np.linspace(0.9, 1, len(WAVELENGTH))
    profile = SpectralProfile.of(WAVELENGTH, FWHM)
    model = MilneEddington(WAVELENGTH, stray_light=quiet, spectral_profile=profile)
    at = atmospheres(6, np.random.default_rng(3))
    at[:, me.FILLING_FACTOR] = np.linspace(0.3, 1, len(at))
    derivatives = model.stokes_and_derivatives(at)[1]
    for index in range(me.N_PARAMETERS):
        step = 1e-4 * np.maximum(np.abs(at[:, index]), 0.1)
        more, less = at.copy(), at.copy()
        more[:, index] += step
        less[:, index] -= step
        difference = (model.stokes(more) - model.stokes(less)) / (2 * step)[:, None, None]
        derivative = derivatives[:, index]
        assert np.abs(derivative - difference).max() < 1e-5 * np.abs(derivative).max()


def test_stray_light_is_not_blurred_once_more():
    quiet = 1 - 0.5 * np.exp(-(((WAVELENGTH - 630.15) / 0.004) ** 2))
    profile = SpectralProfile.of(WAVELENGTH, FWHM)
    model = MilneEddington(WAVELENGTH, stray_light=quiet, spectral_profile=profile)
    at = atmospheres(2, np.random.default_rng(3))
    at[:, me.FILLING_FACTOR] = 0
    assert model.stokes(at)[:, 0] == pytest.approx(np.tile(quiet, (2, 1)), abs=1e-15)


@pytest.fixture(scope="module")
def blurred():
    """Fields of 1 kG, seen through an instrument, with noise."""
    random = np.random.default_rng(7)
    truth = atmospheres(400, random)
    truth[:, me.FIELD] = 1000
    observed = blurred_finely(truth, WAVELENGTH, lambda x: gaussian(x, FWHM), 3 * FWHM)
    return truth, observed + random.normal(0, NOISE, observed.shape)


def test_a_known_instrument_biases_neither_fields_nor_uncertainties(blurred):
    """The acceptance: at 1 kG a bias of at most 5 G, and 63 to 73 % within the uncertainties."""
    truth, observed = blurred
    profile = SpectralProfile.of(WAVELENGTH, FWHM)
    model = MilneEddington(WAVELENGTH, spectral_profile=profile)
    found = invert(model, observed, InversionSettings(noise=NOISE))
    error = found.parameters[:, me.FIELD] - truth[:, me.FIELD]
    assert abs(np.median(error)) < 5
    assert abs(error.mean()) < 5
    assert 0.63 < np.mean(np.abs(error) < found.uncertainties[:, me.FIELD]) < 0.73
    assert np.median(found.chi_squared) == pytest.approx(1, abs=0.02)


def test_an_instrument_that_is_not_known_biases_fields(blurred):
    truth, observed = (part[:40] for part in blurred)
    found = invert(MilneEddington(WAVELENGTH), observed, InversionSettings(noise=NOISE))
    assert np.median(found.parameters[:, me.FIELD] - truth[:, me.FIELD]) < -15
    assert np.median(found.chi_squared) > 1.5
