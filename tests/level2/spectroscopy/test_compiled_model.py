"""The compiled model against the one whose formulas can be read."""

import numpy as np
import pytest

from cvzmpi.level2.maps.simulated_map import WAVELENGTH, atmospheres
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.compiled_model import compute
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.model_tables import BLOCK, ModelTables, Workspace
from cvzmpi.level2.spectroscopy.spectral_profile import SpectralProfile

ATMOSPHERES = atmospheres(40, np.random.default_rng(8))
STRAY_LIGHT = 1 - 0.5 * np.exp(-(((WAVELENGTH - 630.15) / 0.01) ** 2))


@pytest.mark.parametrize("n_wavelengths", [1, BLOCK - 1, BLOCK, 150])
@pytest.mark.parametrize("with_stray_light", [False, True])
def test_profiles_and_derivatives_are_those_of_the_model(n_wavelengths, with_stray_light):
    wavelength = WAVELENGTH[:n_wavelengths]
    stray_light = STRAY_LIGHT[:n_wavelengths] if with_stray_light else None
    model = MilneEddington(wavelength, stray_light=stray_light)
    at = ATMOSPHERES.copy()
    at[:, me.FILLING_FACTOR] = np.linspace(0.1, 1, len(at))
    stokes, derivatives = model.stokes_and_derivatives(at)
    tables = ModelTables.of(model)
    work = Workspace.of(tables)
    for row, p in enumerate(at):  # one workspace: what one pixel left is no part of the next
        compute(p, tables, work)
        assert work.stokes == pytest.approx(stokes[row], rel=1e-12, abs=1e-14)
        scale = np.abs(derivatives[row]).max(axis=(1, 2), keepdims=True)
        assert np.abs(work.derivatives - derivatives[row]).max() <= 1e-11 * scale.max()
        assert (np.abs(work.derivatives - derivatives[row]) <= 1e-10 * scale + 1e-300).all()


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
        assert work.stokes == pytest.approx(stokes[row], rel=1e-12, abs=1e-14)
        scale = np.abs(derivatives[row]).max(axis=(1, 2), keepdims=True)
        assert (np.abs(work.derivatives - derivatives[row]) <= 1e-10 * scale + 1e-300).all()
