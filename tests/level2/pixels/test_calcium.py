"""Ca II 854.2 nm gives the longitudinal field of core and wings, and the velocity of the core."""

import numpy as np
import pytest

from cvzmpi.level2.pixels.calcium import PRODUCTS, measure
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED, NOT_CONVERGED, UNUSABLE
from cvzmpi.level2.pixels.outliers import Quality
from cvzmpi.level2.settings import InversionSettings
from tests.level2.simulated_calcium import WAVELENGTH, profiles

SETTINGS = InversionSettings()
NEAR = np.abs(WAVELENGTH - 854.209) < 0.26
KEPT = WAVELENGTH[NEAR]


def random():
    return np.random.default_rng(5)


def test_fields_are_right_to_the_range_of_the_approximation():
    field = np.array([-1200.0, -600, -100, 0, 100, 600, 1200])
    found = measure(KEPT, profiles(KEPT, field, np.zeros(7)), InversionSettings(noise=1e-4))
    assert (found.status == CONVERGED).all()
    # Centeno (2018) finds the core good up to some 1200 G.
    assert found.values["core/longitudinal"] == pytest.approx(field, rel=0.08)
    assert found.values["core/longitudinal"][1:6] == pytest.approx(field[1:6], rel=0.02)
    assert found.values["wing/longitudinal"] == pytest.approx(field, rel=0.01)


@pytest.mark.parametrize("name", ["core/longitudinal", "wing/longitudinal", "core/velocity"])
def test_errors_are_those_of_the_noise(name):
    n = 400
    field, velocity = random().uniform(-300, 300, n), random().uniform(-3, 3, n)
    observed = profiles(KEPT, field, velocity, 1e-3, random())
    found = measure(KEPT, observed, SETTINGS)
    truth = velocity if "velocity" in name else field
    exact = measure(KEPT, profiles(KEPT, field, velocity), InversionSettings(noise=1e-3))
    pull = (found.values[name] - exact.values[name]) / found.values[f"{name}_error"]
    assert pull.std() == pytest.approx(1, abs=0.15)
    assert np.abs(exact.values[name] - truth).max() < 0.05 * np.abs(truth).max()


def test_velocities_are_redshifts_and_the_core_is_followed():
    velocity = np.array([-8.0, -3, 0, 3, 8])
    found = measure(
        KEPT, profiles(KEPT, np.full(5, 300.0), velocity), InversionSettings(noise=1e-4)
    )
    assert found.values["core/velocity"] == pytest.approx(velocity, rel=0.08, abs=0.01)
    assert found.values["core/longitudinal"] == pytest.approx(np.full(5, 300.0), rel=0.03)


def test_a_core_in_emission_has_no_velocity():
    observed = profiles(KEPT, np.zeros(2), np.zeros(2), 1e-3, random())
    observed[0, 0] += 0.8 * np.exp(-(((KEPT - 854.209) / 0.03) ** 2))
    found = measure(KEPT, observed, SETTINGS)
    assert found.status.tolist() == [NOT_CONVERGED, CONVERGED]
    assert np.isnan(found.values["core/velocity"][0])
    assert np.isfinite(found.values["core/longitudinal"]).all()


def test_damaged_pixels_are_flagged_and_the_others_unchanged_to_the_bit():
    field = np.full(6, 400.0)
    good = profiles(KEPT, field, np.zeros(6), 1e-3, random())
    observed = good.copy()
    observed[1] = np.nan
    observed[2, 3, 140] += 0.5
    observed[3, 0, 120:125] = np.nan
    observed[4] = 0.7
    found, undamaged = measure(KEPT, observed, SETTINGS), measure(KEPT, good, SETTINGS)
    assert found.status.tolist() == [CONVERGED, UNUSABLE, CONVERGED, CONVERGED, UNUSABLE, CONVERGED]
    assert found.quality[1] & Quality.NO_LIGHT
    assert found.quality[2] & Quality.SPIKES
    assert found.quality[3] & Quality.GAPS
    assert found.quality[4] & Quality.NO_LIGHT
    assert found.quality[[0, 5]].tolist() == [0, 0]
    assert (found.n_outliers[2], found.n_outliers[0]) == (1, 0)
    for name in PRODUCTS:
        values, before = found.values[name], undamaged.values[name]
        assert values[[0, 5]].tobytes() == before[[0, 5]].tobytes()
        assert np.isnan(values[[1, 4]]).all()
        if not name.endswith("_error"):
            error = found.values[f"{name}_error"][2:4]
            assert (np.abs(values[2:4] - before[2:4]) < 3 * error).all()


def test_v_that_no_weak_field_makes_is_a_poor_fit():
    observed = profiles(KEPT, np.zeros(2), np.zeros(2), 1e-3, random())
    observed[0, 3] += 0.02 * np.exp(-(((KEPT - 854.209) / 0.01) ** 2))
    found = measure(KEPT, observed, SETTINGS)
    assert [bool(bits & Quality.POOR_FIT) for bits in found.quality] == [True, False]


def test_a_pixel_does_not_depend_on_those_measured_with_it():
    observed = profiles(KEPT, np.linspace(-500, 500, 64), np.zeros(64), 1e-3, random())
    together = measure(KEPT, observed, SETTINGS)
    alone = measure(KEPT, observed[17:18], SETTINGS)
    for name in PRODUCTS:
        assert together.values[name][17:18].tobytes() == alone.values[name].tobytes()


def test_masked_wavelengths_do_not_count():
    observed = profiles(KEPT, np.full(1, 300.0), np.zeros(1))
    observed[0, 3, np.abs(KEPT - 854.30) < 0.01] = 0.3
    masked = InversionSettings(noise=1e-4, masked=((854.285, 854.315),))
    found = measure(KEPT, observed, masked)
    assert found.values["wing/longitudinal"] == pytest.approx([300.0], rel=0.01)
    spoiled = measure(KEPT, observed, InversionSettings(noise=1e-4))
    assert abs(spoiled.values["wing/longitudinal"][0] - 300) > 30
