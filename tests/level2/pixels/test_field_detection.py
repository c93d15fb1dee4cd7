"""A field is told from none by the polarisation, and what is said about it covers the truth."""

import numpy as np
import pytest

from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres, noisy_profiles
from cvzmpi.level2.pixels.field_detection import DETECTED, sigmas
from cvzmpi.level2.pixels.pixel_inversion import invert
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington

SETTINGS = InversionSettings(noise=NOISE, restarts=0)
N_WITHOUT, N_WITH = 1500, 256


@pytest.fixture(scope="module")
def model():
    return MilneEddington(WAVELENGTH)


def with_field(strength, n=N_WITH, seed=1):
    p = atmospheres(n, np.random.default_rng(seed))
    p[:, me.FIELD] = strength
    return p


@pytest.fixture(scope="module")
def without_field(model):
    p = with_field(0, N_WITHOUT)
    return invert(model, noisy_profiles(p, np.random.default_rng(2)), SETTINGS)


def test_without_a_field_none_is_detected(without_field):
    assert (without_field.field_significance >= DETECTED).mean() <= 0.003
    # ... and not because the test never says anything.
    assert (without_field.field_significance >= 1).mean() > 0.1


def test_a_field_that_is_not_detected_is_zero_within_what_the_polarisation_allows(without_field):
    nothing = without_field.field_significance < DETECTED
    field = without_field.parameters[nothing, me.FIELD]
    limit = without_field.uncertainties[nothing, me.FIELD]
    assert (field == 0).all()
    assert ((limit > 5) & (limit < 400)).all()
    assert np.isnan(without_field.uncertainties[nothing, me.INCLINATION]).all()
    assert np.isfinite(without_field.parameters[nothing]).all()
    assert np.median(without_field.chi_squared) == pytest.approx(1, abs=0.02)


def test_lines_too_broad_for_the_model_are_no_field(model):
    p = with_field(0, 128)
    narrow, broad = p.copy(), p.copy()
    narrow[:, me.DOPPLER_WIDTH] *= 0.7
    narrow[:, me.VELOCITY] -= 1.5
    broad[:, me.DOPPLER_WIDTH] *= 1.4
    stokes = (model.stokes(narrow) + model.stokes(broad)) / 2
    stokes += np.random.default_rng(3).normal(0, NOISE, stokes.shape)
    found = invert(model, stokes, SETTINGS)
    assert np.median(found.chi_squared) > 3
    assert (found.field_significance < DETECTED).all()
    assert (found.parameters[:, me.FIELD] == 0).all()


def test_more_noise_than_is_assumed_is_no_field(model):
    p = with_field(0, 512)
    stokes = model.stokes(p) + np.random.default_rng(4).normal(
        0, 1.5 * NOISE, (len(p), 4, len(WAVELENGTH))
    )
    assert (invert(model, stokes, SETTINGS).field_significance >= DETECTED).sum() <= 2


@pytest.mark.parametrize("strength", [500, 1000, 2500])
def test_strong_fields_are_all_detected_whatever_their_direction(model, strength):
    p = with_field(strength)
    found = invert(model, noisy_profiles(p, np.random.default_rng(5)), InversionSettings())
    assert (found.field_significance >= DETECTED).all()
    pull = (found.parameters[:, me.FIELD] - strength) / found.uncertainties[:, me.FIELD]
    assert 1.4826 * np.median(np.abs(pull)) == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize("strength", [5, 20, 50])
def test_the_uncertainties_of_weak_fields_reach_the_truth(model, strength):
    p = with_field(strength)
    found = invert(model, noisy_profiles(p, np.random.default_rng(6)), SETTINGS)
    pull = (found.parameters[:, me.FIELD] - strength) / found.uncertainties[:, me.FIELD]
    assert (np.abs(pull) < 1).mean() > 0.63
    assert (np.abs(pull) < 3).mean() > 0.98
    along = strength * np.cos(p[:, me.INCLINATION])
    of_v = (found.weak_field[:, 0] - along) / found.weak_field[:, 1]
    assert np.std(of_v) == pytest.approx(1, abs=0.15)


def test_significance_is_that_of_a_gaussian_variable():
    # P(chi^2 with 4 degrees of freedom > x): 1, and the two-sided chances beyond 1, 3 and 5 sigma.
    fall = np.array([-1, 0, 4.7195, 16.2513, 34.5549, 1e5])
    expected = [0, 0, 1, 3, 5, np.sqrt(1e5)]
    assert sigmas(fall) == pytest.approx(expected, rel=1e-3, abs=1e-6)
