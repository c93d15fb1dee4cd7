"""The compiled model against the one whose formulas can be read."""

import numpy as np
import pytest
from numba import njit
from scipy.special import wofz

from cvzmpi.level2.maps.simulated_map import WAVELENGTH, atmospheres
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.compiled_model import compute
from cvzmpi.level2.spectroscopy.compiled_opacities import _voigt_faraday_far
from cvzmpi.level2.spectroscopy.lanes import CHUNK
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.model_tables import ModelTables, Workspace
from cvzmpi.level2.spectroscopy.spectral_profile import SpectralProfile

ATMOSPHERES = atmospheres(40, np.random.default_rng(8))
# In the wings the compiled Voigt function is another, nearer to the truth: that of the model has
# errors of 4e-9, its slope those of 4e-9 times the distance in Doppler widths.
PROFILES_WITHIN = 1e-8
SLOPES_WITHIN = 2e-5
STRAY_LIGHT = 1 - 0.5 * np.exp(-(((WAVELENGTH - 630.15) / 0.01) ** 2))


@pytest.mark.parametrize("n_wavelengths", [1, CHUNK - 1, CHUNK, 150])
@pytest.mark.parametrize("with_stray_light", [False, True])
def test_profiles_and_derivatives_are_those_of_the_model(n_wavelengths, with_stray_light):
    wavelength = WAVELENGTH[:n_wavelengths]
    stray_light = STRAY_LIGHT[:n_wavelengths] if with_stray_light else None
    model = MilneEddington(wavelength, stray_light=stray_light)
    at = ATMOSPHERES.copy()
    at[:, me.FILLING_FACTOR] = np.linspace(0.1, 1, len(at))
    stokes, derivatives = model.stokes_and_derivatives(at)
    slopes_of_whole_lines = largest_slopes(at)
    tables = ModelTables.of(model)
    work = Workspace.of(tables)
    for row, p in enumerate(at):  # one workspace: what one pixel left is no part of the next
        compute(p, tables, work)
        assert work.stokes == pytest.approx(stokes[row], abs=PROFILES_WITHIN)
        scale = slopes_of_whole_lines[row]
        assert (np.abs(work.derivatives - derivatives[row]) <= SLOPES_WITHIN * scale).all()


@pytest.mark.parametrize("with_stray_light", [False, True])
@pytest.mark.parametrize("fwhm", [1.5, 4.2])
def test_blurred_profiles_and_derivatives_are_those_of_the_model(fwhm, with_stray_light):
    profile = SpectralProfile.of(WAVELENGTH, fwhm)
    stray_light = STRAY_LIGHT if with_stray_light else None
    model = MilneEddington(WAVELENGTH, stray_light=stray_light, spectral_profile=profile)
    at = ATMOSPHERES.copy()
    at[:, me.FILLING_FACTOR] = np.linspace(0.1, 1, len(at))
    stokes, derivatives = model.stokes_and_derivatives(at)
    tables = ModelTables.of(model)
    work = Workspace.of(tables)
    for row, p in enumerate(at):
        compute(p, tables, work)
        assert work.stokes == pytest.approx(stokes[row], abs=PROFILES_WITHIN)
        scale = np.abs(derivatives[row]).max(axis=(1, 2), keepdims=True)
        assert (np.abs(work.derivatives - derivatives[row]) <= SLOPES_WITHIN * scale).all()


def largest_slopes(at):
    """The largest derivatives by each parameter in the whole window, shape (n, n_parameters, 1, 1).

    What a few wavelengths in the continuum have is rounded by the model.
    """
    model = MilneEddington(WAVELENGTH, stray_light=STRAY_LIGHT)
    return np.abs(model.stokes_and_derivatives(at)[1]).max(axis=(2, 3), keepdims=True)


@pytest.mark.parametrize("damping", [0.0, 0.01, 0.5, 5.0])
def test_the_voigt_function_of_the_wings_is_that_of_scipy(damping):
    distance = np.concatenate([np.linspace(7, 40, 500), np.geomspace(40, 1e4, 50)])
    for v in (*distance, *-distance):
        expected = wofz(complex(v, damping))
        absorption, dispersion = _far(v, damping)
        assert abs(complex(absorption, dispersion) - expected) < 2e-8 * abs(expected)
        assert absorption == pytest.approx(expected.real, rel=2e-6, abs=1e-20)


@njit
def _far(v, a):
    return _voigt_faraday_far(v, a)
