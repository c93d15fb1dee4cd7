"""The prior of neighbours in the normal equations of a pixel."""

import numpy as np
import pytest

from cvzmpi.level2.fitting import least_squares
from cvzmpi.level2.maps.simulated_map import NOISE, atmospheres, noisy_profiles
from cvzmpi.level2.neighbours import coupled_fit
from cvzmpi.level2.neighbours.coupled_fit import N_QUANTITIES, SCALES, quantities
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.model_tables import ModelTables
from tools.harness.invented_programs import WAVELENGTH

N_FREE = me.FILLING_FACTOR
TABLES = ModelTables.of(MilneEddington(WAVELENGTH))


@pytest.fixture(scope="module")
def pixels():
    """Profiles, their weights, and what fits them best."""
    random = np.random.default_rng(3)
    truth = atmospheres(8, random, weakest=600)
    observed = noisy_profiles(truth, random, WAVELENGTH)
    weights = np.full(observed.shape, 1 / NOISE)
    return observed, weights, least_squares.fit(TABLES, observed, weights, truth, N_FREE, 60)


def fit(pixels, mean, precision, n=60):
    observed, weights, best = pixels
    return coupled_fit.fit(TABLES, observed, weights, best.parameters, mean, precision, N_FREE, n)


def test_without_precision_the_fit_stays_where_it_is(pixels):
    best = pixels[2]
    mean, none = np.zeros((8, N_QUANTITIES)), np.zeros((8, N_QUANTITIES))
    found = fit(pixels, mean, none)
    assert found.chi_squared == pytest.approx(best.chi_squared, rel=1e-4)
    assert (found.chi_squared <= best.chi_squared).all()


def test_a_precise_mean_is_taken_also_across_where_the_azimuth_wraps(pixels):
    mean = quantities(pixels[2].parameters)
    mean[:, :3] += 5
    mean[:, 3] += 0.01
    precision = np.full(mean.shape, 1e8)
    precision[:, 4:] = 0
    found = quantities(fit(pixels, mean, precision).parameters)
    assert found[:, :3] == pytest.approx(mean[:, :3], abs=0.1)
    assert found[:, 3] == pytest.approx(mean[:, 3], abs=1e-3)


def test_the_result_is_where_profiles_and_neighbours_pull_alike(pixels):
    """The sum of chi^2 and the distances is smallest there, by its own derivatives in NumPy."""
    observed, weights, best = pixels
    mean = quantities(best.parameters) + np.array([*SCALES.values()])
    precision = np.full(mean.shape, 1.0) / np.array([*SCALES.values()]) ** 2
    found = fit(pixels, mean, precision).parameters

    def total(parameters):
        residual = (observed - MilneEddington(WAVELENGTH).stokes(parameters)) * weights
        distance = mean - quantities(parameters)
        return (residual**2).sum(axis=(1, 2)) + (precision * distance**2).sum(axis=1)

    least = total(found)
    assert (least < total(best.parameters)).all()
    for index, step in enumerate([2, 1e-2, 1e-2, 0.01, 0.03, 0.02, 0.3, 3e-3, 3e-3]):
        for sign in (-1, 1):
            moved = found.copy()
            moved[:, index] += sign * step
            assert (total(moved) > least - 0.02).all(), index


def test_chi_squared_and_curvature_are_of_the_profiles_alone(pixels):
    observed, weights, best = pixels
    mean = quantities(best.parameters)
    found = fit(pixels, mean, np.full(mean.shape, 1e3), n=0)
    assert found.chi_squared == pytest.approx(best.chi_squared)
    again = least_squares.fit(TABLES, observed, weights, best.parameters, N_FREE, 0)
    assert (found.curvature == again.curvature).all()


def test_the_bits_of_a_pixel_do_not_depend_on_the_others(pixels):
    observed, weights, best = pixels
    mean = quantities(best.parameters) * 1.01
    precision = np.full(mean.shape, 1.0)
    together = fit(pixels, mean, precision).parameters
    for row in range(8):
        one = slice(row, row + 1)
        alone = coupled_fit.fit(
            TABLES, observed[one], weights[one], best.parameters[one], mean[one], precision[one],
            N_FREE, 60,
        )  # fmt: skip
        assert alone.parameters.tobytes() == together[one].tobytes()
