"""Levenberg-Marquardt on profiles whose atmospheres are known."""

import os
import subprocess
import sys

import numpy as np
import pytest

from cvzmpi.level2.fitting import least_squares
from cvzmpi.level2.fitting.levenberg_marquardt import bring_into_range
from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.model_tables import ModelTables, thinned
from cvzmpi.level2.spectroscopy.spectral_profile import SpectralProfile

MODEL = MilneEddington(WAVELENGTH)
TRUTH = atmospheres(12, np.random.default_rng(4), weakest=600)
START = TRUTH * [*[1.1] * me.FILLING_FACTOR, 1]


def fitted(
    observed, start, *, n_free=me.FILLING_FACTOR, weight=1 / NOISE, max_iterations=60, model=MODEL
):
    return least_squares.fit(
        ModelTables.of(model),
        observed,
        np.full(observed.shape, weight),
        start,
        n_free,
        max_iterations,
    )


def test_it_finds_the_parameters_of_every_pixel():
    result = fitted(MODEL.stokes(TRUTH), START)
    assert result.converged.all()
    assert result.parameters[:, : me.FILLING_FACTOR] == pytest.approx(
        TRUTH[:, : me.FILLING_FACTOR], rel=1e-3
    )


def test_the_inverse_curvature_is_the_covariance():
    random = np.random.default_rng(1)
    truth = np.repeat(TRUTH[:1], 1500, axis=0)
    observed = MODEL.stokes(truth) + random.normal(0, NOISE, (1500, 4, len(WAVELENGTH)))
    result = fitted(observed, truth)
    expected = np.sqrt(np.diag(np.linalg.inv(result.curvature[0])))
    found = result.parameters[:, : me.FILLING_FACTOR].std(axis=0)
    assert found == pytest.approx(expected, rel=0.1)


def test_what_is_not_free_stays():
    result = fitted(MODEL.stokes(TRUTH), START, n_free=me.LINE_STRENGTH)
    fixed = slice(me.LINE_STRENGTH, None)
    assert np.array_equal(result.parameters[:, fixed], START[:, fixed])
    assert (result.parameters[:, : me.AZIMUTH] != START[:, : me.AZIMUTH]).all()


def test_parameters_stay_in_their_ranges():
    strong = TRUTH.copy()
    strong[:, me.FIELD] = 7000
    result = fitted(MODEL.stokes(strong), START)
    assert result.parameters[:, me.FIELD].max() == 6000.0


def test_a_negative_field_is_one_in_the_opposite_direction():
    p = np.ones(me.N_PARAMETERS)
    p[[me.FIELD, me.INCLINATION, me.AZIMUTH]] = -800, 0.4, 3 * np.pi + 0.3
    bring_into_range(p)
    assert p[[me.FIELD, me.INCLINATION, me.AZIMUTH]] == pytest.approx([800, np.pi - 0.4, 0.3])


def test_what_has_not_converged_says_so():
    result = fitted(MODEL.stokes(TRUTH), START, max_iterations=1)
    assert not result.converged.any()
    assert (result.n_iterations == 1).all()


def test_a_pixel_does_not_depend_on_the_others():
    observed = MODEL.stokes(TRUTH)
    together = fitted(observed, START)
    for row in range(len(TRUTH)):
        alone = fitted(observed[row : row + 1], START[row : row + 1])
        assert np.array_equal(alone.parameters[0], together.parameters[row])
        assert np.array_equal(alone.curvature[0], together.curvature[row])
        assert alone.n_iterations[0] == together.n_iterations[row]


def test_the_better_of_two_fits_is_taken_pixel_by_pixel():
    observed = MODEL.stokes(TRUTH[:4])
    good = fitted(observed, START[:4])
    mixed = fitted(observed, START[:4], max_iterations=1)
    iterations = mixed.n_iterations + good.n_iterations * [0, 1, 0, 1]
    rows = np.array([1, 3])
    mixed.take_better(rows, fitted(observed[rows], START[rows]))
    assert np.array_equal(mixed.parameters[rows], good.parameters[rows])
    assert not np.array_equal(mixed.parameters[[0, 2]], good.parameters[[0, 2]])
    assert np.array_equal(mixed.n_iterations, iterations)


def test_the_bits_are_the_same_where_the_machine_code_is_made_and_where_it_is_read(tmp_path):
    code = (
        "from tests.level2.fitting.test_least_squares import MODEL, START, TRUTH, fitted\n"
        "found = fitted(MODEL.stokes(TRUTH), START, max_iterations=7)\n"
        "print(found.parameters.tobytes().hex(), found.curvature.tobytes().hex())\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            check=True,
            capture_output=True,
        ).stdout
        for _ in range(2)
    }
    assert list(tmp_path.rglob("*.nbi"))
    assert len(outputs) == 1


@pytest.mark.parametrize("spacing", [1, 2])  # with 2, there are too few for a rough fit
def test_of_several_starts_the_one_that_fits_goes_on(spacing):
    model = MilneEddington(WAVELENGTH[::spacing])
    observed = model.stokes(TRUTH)
    far = START * 1.0
    far[:, me.VELOCITY] += 15
    both = np.stack([far, START])
    result = fitted(observed, both, model=model)
    assert result.chi_squared.max() < 1
    again = fitted(observed, both[::-1], model=model)
    assert np.array_equal(result.parameters, again.parameters)


def test_a_rough_fit_takes_wavelengths_near_the_lines():
    rough, picked = thinned(ModelTables.of(MODEL))
    assert len(rough.wavelength) == len(picked) == rough.n_wavelengths < len(WAVELENGTH) / 2
    assert np.array_equal(rough.wavelength, WAVELENGTH[picked])
    few = ModelTables.of(MilneEddington(WAVELENGTH[:40]))
    assert len(thinned(few)[1]) == 0


@pytest.mark.parametrize("fwhm", [2.0, 4.2, 12.0])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_rough_fit_of_blurred_spectra_sums_over_fewer_wavelengths(fwhm, stride):
    wavelength = WAVELENGTH[::stride]
    tables = ModelTables.of(
        MilneEddington(wavelength, spectral_profile=SpectralProfile.of(wavelength, fwhm))
    )
    rough, picked = thinned(tables)
    assert len(rough.wavelength) < 0.7 * len(tables.wavelength)
    found, expected = least_squares.profiles(rough, TRUTH), least_squares.profiles(tables, TRUTH)
    assert found == pytest.approx(expected[:, :, picked], abs=3 * NOISE)
