"""Noise that was assumed wrongly, and what is wrong with single pixels."""

import numpy as np
import pytest

from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres
from cvzmpi.level2.pixels import noise
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED, UNUSABLE
from cvzmpi.level2.pixels.outliers import Quality
from cvzmpi.level2.pixels.pixel_inversion import invert
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy import spectral_window
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.spectral_profile import SpectralProfile

MODEL = MilneEddington(WAVELENGTH)
TRUTH = atmospheres(300, np.random.default_rng(5), weakest=600)
CLEAN = MODEL.stokes(TRUTH)
RANDOM = np.random.default_rng(6).normal(size=CLEAN.shape)
OBSERVED = CLEAN + NOISE * RANDOM
SETTINGS = InversionSettings()
N_SUN = 120


def with_spikes(stokes):
    stokes[0, 40], stokes[3, 60], stokes[1, 120] = 9.0, -1.5, 0.2


def with_gaps(stokes):
    stokes[:, 61], stokes[2, 140] = np.nan, np.inf


def saturated(stokes):
    top = 0.97 * stokes[0].max()
    stokes[0] = np.minimum(stokes[0], top * (1 + 1e-5 * np.arange(len(WAVELENGTH))))


def with_fringes(stokes):
    stokes += 2e-3 * np.sin(2 * np.pi * np.arange(len(WAVELENGTH)) / 14)


def dead(stokes):
    stokes[...] = 0


def constant(stokes):
    stokes[...] = 0.7


SPOILERS = [
    (with_spikes, Quality.SPIKES, 3),
    (with_gaps, Quality.GAPS, 5),
    (saturated, Quality.SATURATED, 0),
    (with_fringes, Quality.FRINGES, 0),
    (dead, Quality.NO_LIGHT, 0),
    (constant, Quality.NO_LIGHT, 0),
]


@pytest.mark.parametrize("true", [NOISE / 2, 2 * NOISE])
def test_uncertainties_cover_where_the_noise_assumed_is_wrong_by_two(true):
    found = invert(MODEL, CLEAN + true * RANDOM, InversionSettings(noise=NOISE))
    used = [me.FIELD, me.INCLINATION, me.VELOCITY]
    error = (found.parameters - TRUTH)[:, used]
    covered = (np.abs(error) < found.uncertainties[:, used]).mean()
    assert 0.63 < covered < 0.73
    assert abs(np.median(error[:, 0])) < 5
    assert found.n_iterations.mean() < 20, "hardly a pixel is fitted again"


@pytest.mark.parametrize("true", [NOISE / 2, 3 * NOISE])
def test_the_noise_of_a_pixel_is_measured(true):
    continuum = spectral_window.of_continuum(WAVELENGTH, MODEL.lines)
    found = noise.measure(CLEAN + true * RANDOM, continuum)
    assert np.median(found) == pytest.approx(true, rel=0.02)
    assert (1.4826 * np.median(np.abs(found - true))) < 0.1 * true


def test_a_map_tells_the_noise_of_the_wavelengths_that_it_averaged():
    record = {"noise": [2e-3, 2e-3, 2e-3], "settings": {"spectral_bin": 4}}
    assert noise.of_record(record) == pytest.approx(1e-3)
    assert noise.of_record({"simulated": True}) is None


@pytest.mark.parametrize(("spoil", "bit", "n_left_out"), SPOILERS)
def test_a_spoiled_pixel_is_marked_and_its_neighbours_are_the_same_to_the_bit(
    spoil, bit, n_left_out
):
    whole = invert(MODEL, OBSERVED[:4], SETTINGS)
    assert not whole.quality.any()
    observed = OBSERVED[:4].copy()
    spoil(observed[1])
    found = invert(MODEL, observed, SETTINGS)
    assert found.quality[1] & bit
    for name, values in vars(found).items():
        others = [0, 2, 3]
        assert np.array_equal(values[others], getattr(whole, name)[others]), name
    if bit == Quality.NO_LIGHT:
        assert found.status[1] == UNUSABLE
    else:
        assert found.status[1] == CONVERGED
        assert found.n_outliers[1] == n_left_out
    if bit in (Quality.SPIKES, Quality.GAPS):
        difference = np.abs(found.parameters[1] - whole.parameters[1])[: me.FILLING_FACTOR]
        assert (difference < whole.uncertainties[1, : me.FILLING_FACTOR]).all()


def like_the_sun():
    """Pixels that no single Milne-Eddington atmosphere fits, at the sampling of Hinode/SP."""
    wavelength = np.linspace(630.088, 630.326, 112)
    random = np.random.default_rng(9)
    narrow, broad = (atmospheres(N_SUN, np.random.default_rng(8), 0) for _ in range(2))
    narrow[:, me.FIELD] = broad[:, me.FIELD] = random.uniform(50, 400, N_SUN)
    narrow[:, me.DOPPLER_WIDTH], broad[:, me.DOPPLER_WIDTH] = 2.6, 4
    narrow[:, me.DAMPING], broad[:, me.DAMPING] = 0.1, 0.8
    narrow[:, me.VELOCITY] += 1.5
    blurred = SpectralProfile.of(wavelength, 2.5)
    model = MilneEddington(wavelength, spectral_profile=blurred)
    stokes = (model.stokes(narrow) + model.stokes(broad)) / 2
    stokes += random.normal(0, NOISE / 2, stokes.shape)
    return wavelength, stokes


def test_what_a_model_does_not_fit_is_neither_fringe_nor_spike():
    wavelength, stokes = like_the_sun()
    found = invert(MilneEddington(wavelength), stokes, SETTINGS, ())
    assert (found.quality & Quality.POOR_FIT > 0).mean() > 0.9
    assert (found.quality & Quality.FRINGES > 0).mean() <= 0.01
    assert (found.quality & Quality.SPIKES > 0).mean() <= 0.1
    assert not (found.quality & Quality.SATURATED).any()


def test_spikes_and_fringes_show_where_the_model_does_not_fit():
    wavelength, stokes = like_the_sun()
    stokes[:, 3, 70] += 0.1
    stokes[:, 1:] += 2e-3 * np.sin(2 * np.pi * np.arange(len(wavelength)) / 13)
    found = invert(MilneEddington(wavelength), stokes, SETTINGS, ())
    assert (found.quality & Quality.FRINGES > 0).mean() > 0.98
    assert (found.quality & Quality.SPIKES > 0).mean() > 0.98


@pytest.mark.parametrize("fwhm", [0, 4.2])
def test_flags_hold_at_many_wavelengths_and_with_a_spectral_profile(fwhm):
    wavelength = np.linspace(630.0, 630.35, 2000)
    blurred = SpectralProfile.of(wavelength, fwhm)
    model = MilneEddington(wavelength, spectral_profile=blurred)
    stokes = model.stokes(TRUTH[:24])
    stokes += np.random.default_rng(10).normal(0, NOISE, stokes.shape)
    stokes[:8, 3, 800] += 0.3
    stokes[8:16] += 2e-3 * np.sin(2 * np.pi * wavelength / 0.040)
    found = invert(model, stokes, SETTINGS).quality
    expected = np.repeat([Quality.SPIKES, Quality.FRINGES | Quality.POOR_FIT, 0], 8)
    assert np.array_equal(found, expected)
