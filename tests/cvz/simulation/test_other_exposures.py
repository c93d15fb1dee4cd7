"""Simulated light curves of other exposures are those of 120 s, finer or in sums."""

import numpy as np
import pytest

from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.simulation.other_exposures import with_exposure
from cvzmpi.cvz.simulation.qlp_fits import write_qlp_fits
from cvzmpi.cvz.simulation.simulate import simulate_light_curve


@pytest.fixture(scope="module")
def two_minutes():
    return simulate_light_curve(9_000_000_001, 1, seed=3, n_cadences=4500)[0]


def test_six_cadences_of_20_s_are_one_of_120(two_minutes):
    fine = with_exposure(two_minutes, 20, seed=3)
    assert fine.n_cadences == 6 * two_minutes.n_cadences
    means = fine.flux.astype(float).reshape(-1, 6).mean(axis=1)
    np.testing.assert_allclose(means, two_minutes.flux, rtol=1e-6)
    np.testing.assert_allclose(
        fine.time.reshape(-1, 6).mean(axis=1), two_minutes.time, atol=1e-9, rtol=0
    )


@pytest.mark.parametrize("seconds", [20, 200, 600, 1800])
def test_the_noise_is_what_the_errors_say(two_minutes, seconds):
    """Of white noise, which is all that is left in the differences of neighbours at 20 to 200 s."""
    made = with_exposure(two_minutes, seconds, seed=3)
    assert made.exposure_seconds == pytest.approx(seconds)
    good = made.usable(0)
    assert good.mean() == pytest.approx(two_minutes.usable(0).mean(), abs=0.05)
    expected = np.nanmedian(two_minutes.flux_err) * np.sqrt(120 / seconds)
    assert np.nanmedian(made.flux_err) == pytest.approx(expected, rel=0.02)
    if seconds <= 200:
        scatter = 1.4826 * np.nanmedian(np.abs(np.diff(made.flux))) / np.sqrt(2)
        assert scatter == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("sector", "seconds"), [(1, 1800), (27, 600), (56, 200)])
def test_a_file_of_qlp_is_read_as_one(tmp_path, sector, seconds):
    light_curve = with_exposure(
        simulate_light_curve(9_000_000_001, sector, seed=3, n_cadences=2000)[0], seconds, seed=3
    )
    path = tmp_path / "llc.fits"
    write_qlp_fits(path, light_curve)
    found = read_light_curve(path)
    assert found.id == (9_000_000_001, sector, f"qlp-{seconds}")
    assert np.nanmedian(found.flux) == pytest.approx(1.0)
    np.testing.assert_array_equal(np.isnan(found.flux), np.isnan(light_curve.flux))
