"""What `make bench-inversion` simulates and reads, and that it runs."""

import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.level2.inversion.map_inversion import PIXELS_PER_TICKET
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.maps.simulated_map import WAVELENGTH, atmospheres
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630
from tools.bench.inversion import hinode, robustness
from tools.bench.inversion.inverted import invert
from tools.bench.inversion.sun import Sun, profiles_of, with_field, write_map
from tools.harness.job_process import ROOT, environment

N = 3


@pytest.fixture
def parameters():
    return atmospheres(N, np.random.default_rng(1))


def written(tmp_path, parameters, noise=0.0, **of_sun):
    """The profiles of a map of this Sun."""
    sun = Sun(noise=noise, **of_sun)
    return profiles_of(sun.write(tmp_path / "map", parameters, np.random.default_rng(2)), N)


def test_the_ideal_sun_has_the_profiles_of_the_model(tmp_path, parameters):
    expected = MilneEddington(WAVELENGTH).stokes(parameters)
    assert written(tmp_path, parameters) == pytest.approx(expected, abs=1e-6)


def test_a_spectral_profile_keeps_the_light_and_makes_the_lines_shallower(tmp_path, parameters):
    sharp = written(tmp_path, parameters)
    smooth = written(tmp_path, parameters, spectral_profile=4.2)
    assert smooth[:, 0].mean(axis=1) == pytest.approx(sharp[:, 0].mean(axis=1), rel=2e-3)
    assert (smooth[:, 0].min(axis=1) > sharp[:, 0].min(axis=1) + 1e-3).all()


def test_a_spectral_profile_has_the_width_it_is_said_to_have(tmp_path, parameters):
    # The variance of a line's depth is the sum of those of the unsmoothed line and the profile.
    parameters[:, me.FIELD] = 0
    near = np.abs(WAVELENGTH - FE_I_630[0].wavelength) < 0.03
    distance = (WAVELENGTH[near] - FE_I_630[0].wavelength) * 1e3
    parameters[:, [me.DAMPING, me.VELOCITY]] = [1e-3, 0]

    def variance(profiles):
        depth = (profiles[:, 0].max(axis=1, keepdims=True) - profiles[:, 0])[:, near]
        return (depth * distance**2).sum(axis=1) / depth.sum(axis=1)

    sharp = written(tmp_path, parameters)
    smooth = written(tmp_path, parameters, spectral_profile=4.2)
    added = np.sqrt(variance(smooth) - variance(sharp)) * np.sqrt(8 * np.log(2))
    assert added == pytest.approx(4.2, rel=0.05)


def test_a_part_of_a_pixel_is_quiet_sun(tmp_path, parameters):
    whole, half = (written(tmp_path, parameters, filling_factor=part) for part in (1.0, 0.5))
    assert half[:, 1:] == pytest.approx(whole[:, 1:] / 2, abs=1e-6)


def test_telluric_lines_stay_when_those_of_the_sun_move(tmp_path, parameters):
    shifted = {"line_shift": 8.0}
    without = written(tmp_path, parameters, **shifted)
    air = written(tmp_path, parameters, telluric_shift=0.0, **shifted) / without
    deepest = WAVELENGTH[air[0, 0].argmin()]
    assert deepest == pytest.approx(630.20005, abs=0.001)


def test_the_noise_is_the_one_that_the_map_records(tmp_path, parameters):
    without = written(tmp_path, parameters)
    noisy = written(tmp_path, parameters, noise=2e-3) - without
    assert noisy.std() == pytest.approx(2e-3, rel=0.05)
    record = PreparedMap.read(next(tmp_path.iterdir())).record
    assert record["noise"] == [2e-3] * 3


def test_copies_that_fill_a_map_up_are_not_counted(tmp_path):
    n = PIXELS_PER_TICKET * 5  # more than one scan position
    random = np.random.default_rng(3)
    truth = with_field(n, 1000.0, random)
    found = invert(Sun().write(tmp_path / "map", truth, random), InversionSettings(), n)
    assert found.parameters.shape == (n, me.N_PARAMETERS)
    assert np.median(np.abs(found.parameters[:, me.FIELD] - 1000)) < 10
    assert found.cpu > 0


def test_a_map_of_a_few_pixels_has_no_copies(tmp_path):
    stokes = np.ones((N, 4, len(WAVELENGTH)))
    path = write_map(tmp_path / "map", stokes, WAVELENGTH, stokes[0, 0], 1e-3)
    assert PreparedMap.read(path).shape == (1, N)


def test_the_uncertainty_of_a_median_is_its_spread_over_many_samples():
    random = np.random.default_rng(4)
    measured = [robustness.median_and_uncertainty(random.normal(3, 2, 400)) for _ in range(300)]
    medians, uncertainties = np.transpose(measured)
    assert np.mean(medians) == pytest.approx(3, abs=0.05)
    assert np.mean(uncertainties) == pytest.approx(np.std(medians), rel=0.15)


@pytest.mark.parametrize("level1", [False, True])
def test_counts_of_hinode_become_profiles_at_calibrated_wavelengths(tmp_path, level1):
    wavelength = 630.2 + 0.00214 * (np.arange(112) - 55.5)
    parameters = with_field(4, 0.0, np.random.default_rng(5))
    parameters[:, me.VELOCITY] = 0
    stokes = MilneEddington(wavelength).stokes(parameters)
    stokes += np.random.default_rng(6).normal(0, 1e-3, stokes.shape)
    counts, hdus = 40000 * stokes, []
    if level1:  # more than 2**15 - 1 is negative there
        counts = counts.swapaxes(0, 1).round().astype(np.uint16).view(np.int16)
    else:
        counts = counts.reshape(2, 2, 4, -1)
        hdus = [fits.ImageHDU((wavelength + 0.005) * 10, name="WAVELENGTH")]
    path = tmp_path / "hinode.fits"
    fits.HDUList([fits.PrimaryHDU(counts), *hdus]).writeto(path)
    profiles, quiet = hinode.read(path)
    assert profiles.wavelength == pytest.approx(wavelength, abs=3e-4)
    assert quiet.max() == pytest.approx(1, abs=0.03)
    level = stokes[:, 0].mean(axis=0).max()
    assert profiles.stokes == pytest.approx(stokes / level, rel=0.02, abs=1e-3)
    assert profiles.noise == pytest.approx(1e-3 / level, rel=0.3)
    assert 0 < np.count_nonzero(~profiles.used) < 20


def test_the_bench_runs_and_says_what_it_did_not_measure(tmp_path):
    page = tmp_path / "page.md"
    few = [f"--{name}=4" for name in ("pixels", "case-pixels", "no-field-pixels")]
    command = [sys.executable, "-m", "tools.bench.inversion", *few, "--repeats=1"]
    subprocess.run(
        [*command, f"--output={page}"],
        cwd=ROOT,
        env=environment(),
        check=True,
        capture_output=True,
        timeout=300,
    )
    text = page.read_text()
    assert "{" not in text
    assert "| filling factor 0.1 |" in text
    assert "| NaN | 1 | 1 |" in text  # damaged and flagged
    assert text.count("Not measured: ") == 2  # neither pixels of Hinode nor pyMilne
