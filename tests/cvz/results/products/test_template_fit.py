"""Template fits: the equivalent duration of a whole flare, not only of its mask."""

import numpy as np
import pytest

from cvzmpi.cvz.injection.flare_shape import equivalent_duration, mean_flare_shape
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.results.products.template_fit import fit_flares
from cvzmpi.cvz.sector_file.data import SectorData
from cvzmpi.cvz.sector_file.reading import read_sector_data
from tests.cvz.example_file import CONFIG, EXPOSURE, PEAKS, write_example

BITMASK = CONFIG.light_curve.quality_bitmask
ERROR = 0.002


def with_flares(rng, amplitude, fwhm, mask=(2, 4), n_flares=40, gap=None):
    """A flat light curve with equal flares, each masked from and to so many cadences from it."""
    n = 300 * n_flares
    time = 1500 + EXPOSURE * np.arange(n)
    peaks = 150 + 300 * np.arange(n_flares)
    flux = 1 + ERROR * rng.standard_normal(n)
    for peak in peaks:
        at = time - time[peak] - rng.uniform(-0.5, 0.5) * EXPOSURE
        flux += amplitude * mean_flare_shape(at, fwhm, EXPOSURE)
    curve = LightCurve(
        1,
        1,
        time,
        (1000 * flux).astype("f4"),
        np.full(n, 1000 * ERROR, "f4"),
        np.zeros(n, "i4"),
        EXPOSURE,
    )
    flare_mask = np.zeros(n, bool)
    for peak in peaks:
        flare_mask[peak - mask[0] : peak + mask[1] + 1] = True
    data = SectorData(curve, np.zeros(n, "f4"), flare_mask, gp_mu=np.full(n, 1000.0))
    data.flares = {"start": peaks - mask[0], "stop": peaks + mask[1], "peak": peaks}
    return data


@pytest.mark.parametrize(("amplitude", "fwhm"), [(0.02, 0.003), (0.05, 0.0015), (0.3, 0.006)])
def test_the_whole_flare_is_measured_without_bias_and_within_its_error(amplitude, fwhm):
    truth = equivalent_duration(amplitude, fwhm)
    data = with_flares(np.random.default_rng(1), amplitude, fwhm)
    fits = fit_flares(data, BITMASK)
    found = np.array([(fit.duration, fit.duration_error) for fit in fits])
    assert np.median(found[:, 0]) == pytest.approx(truth, rel=0.07)
    pulls = (found[:, 0] - truth) / found[:, 1]
    assert 0.6 < np.mean(np.abs(pulls) < 1) < 0.85  # 0.68 is expected
    # what the mask holds of it is far less
    inside = data.flare_mask
    summed = (data.light_curve.flux[inside] / 1000 - 1).sum() * 120 / len(fits)
    assert summed < 0.8 * truth


def test_noise_has_no_template():
    data = with_flares(np.random.default_rng(2), 0.0, 0.003, n_flares=16)
    assert sum(fit is None for fit in fit_flares(data, BITMASK)) > 8


def test_a_neighbours_cadences_are_not_part_of_the_flare(tmp_path):
    """The larger flare of the example, brought within the window of the smaller one."""
    data = read_sector_data(write_example(tmp_path / "1.h5", flares=(400, 440)))
    fits = fit_flares(data, BITMASK)
    assert len(fits) == 2
    truth = equivalent_duration(0.1, 0.005)
    assert fits[1].duration == pytest.approx(truth, rel=0.25)


def test_the_flares_of_a_sector_file_are_those_put_into_it(tmp_path):
    data = read_sector_data(write_example(tmp_path / "1.h5"))
    for number, fit in enumerate(fit_flares(data, BITMASK)):
        truth = equivalent_duration(0.05 * (number + 1), 0.005)
        assert abs(fit.duration - truth) < 4 * fit.duration_error
        assert fit.fwhm == pytest.approx(0.005, rel=0.2)
    assert len(PEAKS) == 2
