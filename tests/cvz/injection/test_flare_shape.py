"""The flare shape against brute force: quadrature, dense sampling, and its own definition."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from cvzmpi.cvz.injection import flare_shape as module
from cvzmpi.cvz.injection.flare_shape import (
    equivalent_duration,
    flare_shape,
    mean_flare_shape,
    shape_area,
    support,
)

TWO_MINUTES = 120 / 86400


def convolved_shape(phase):
    """The shape from its definition: Gaussian and double exponential, convolved numerically."""

    def integrand(lag):
        decays = module.F1 * np.exp(-module.D1 * lag) + (1 - module.F1) * np.exp(-module.D2 * lag)
        return module.A * np.exp(-(((phase - lag - module.B) / module.C) ** 2)) * decays

    centre = max(phase - module.B, 0.0)
    edges = sorted({max(centre + step * module.C, 0.0) for step in (-9, -3, 0, 3, 9)})
    edges = edges if len(edges) > 1 else [0.0, module.C]
    # erfc(a + DC/2) exp(...) carries exp(B^2/C^2), which the plain convolution has not
    scale = np.exp((module.B / module.C) ** 2)
    return scale * sum(
        quad(integrand, *pair, epsabs=0, epsrel=1e-12)[0] for pair in pairwise(edges)
    )


def mean_by_quadrature(begin, length):
    """Mean of the instantaneous shape from `begin` on, in phases."""
    n = max(4, int(np.ceil(length / 0.2)))
    edges = np.linspace(begin, begin + length, n + 1)
    return (
        sum(quad(flare_shape, *pair, epsabs=0, epsrel=1e-12)[0] for pair in pairwise(edges))
        / length
    )


def published_formula(phase):
    """The formula as printed, term by term."""
    from scipy.special import erfc

    a, b, c = module.A, module.B, module.C
    return sum(
        0.5 * np.sqrt(np.pi) * a * c * f
        * np.exp(-d * phase + (b / c + d * c / 2) ** 2)
        * erfc((b - phase) / c + d * c / 2)
        for f, d in ((module.F1, module.D1), (1 - module.F1, module.D2))
    )  # fmt: skip


def test_shape_is_the_published_formula():
    phase = np.linspace(-3, 30, 5001)
    np.testing.assert_allclose(flare_shape(phase), published_formula(phase), rtol=1e-13)


@pytest.mark.parametrize("phase", [-1.0, -0.3, 0.0, 0.4, 2.0])
def test_shape_is_a_gaussian_convolved_with_two_decays(phase):
    ratio = flare_shape(phase) / convolved_shape(phase)
    assert ratio == pytest.approx(flare_shape(0.1) / convolved_shape(0.1), rel=1e-9)


def test_peak_is_about_one_at_phase_zero_and_as_wide_as_its_fwhm():
    phase = np.linspace(-2, 4, 60001)
    shape = flare_shape(phase)
    assert shape.max() == pytest.approx(0.95015, abs=1e-4)
    assert shape.max() < module._HIGHEST
    assert abs(phase[shape.argmax()]) < 0.005
    assert np.ptp(phase[shape >= 0.5]) == pytest.approx(1.0207, abs=1e-3)


def test_shape_rises_to_the_peak_and_falls_after_it():
    before, after = (
        flare_shape(np.linspace(-6, -0.01, 999)),
        flare_shape(np.linspace(0.01, 300, 999)),
    )
    assert np.all(np.diff(before) > 0)
    assert np.all(np.diff(after) < 0)


def test_area_is_the_integral_over_all_phases():
    edges = [-7, -2, -1, 0, 1, 2, 5, 20, 60, 250]
    area = sum(quad(flare_shape, *pair, epsabs=1e-14, epsrel=1e-13)[0] for pair in pairwise(edges))
    assert shape_area() == pytest.approx(area, rel=1e-12)


def test_equivalent_duration_is_amplitude_times_width_times_area():
    assert equivalent_duration(0.1, 0.01) == pytest.approx(86.4 * shape_area())
    time = np.arange(-2000, 30000) * 1e-5
    sampled = 0.1 * mean_flare_shape(time, 0.002, 1e-5).sum() * 1e-5 * 86400
    assert equivalent_duration(0.1, 0.002) == pytest.approx(sampled, rel=1e-9)


@pytest.mark.parametrize("length", [1e-5, 0.00299, 0.003, 0.05, 0.3, 2.0, 12.0])
def test_mean_over_the_exposure_equals_quadrature(length):
    rng = np.random.default_rng(7)
    begins = np.concatenate([rng.uniform(-1.4, 3, 12), rng.uniform(3, 160, 4), [-length / 2]])
    expected = [mean_by_quadrature(begin, length) for begin in begins]
    assert min(expected) > 1e-12
    mean = mean_flare_shape((begins + length / 2) * 0.004, 0.004, length * 0.004)
    np.testing.assert_allclose(mean, expected, rtol=1e-9)


def test_mean_is_continuous_where_the_formula_changes():
    for border in (module._TAIL_PHASE, -1.0, 0.0):
        at = border + np.array([-1e-9, 1e-9])
        mean = mean_flare_shape(at + 0.25, 1.0, 0.5)
        assert mean[0] == pytest.approx(mean[1], rel=1e-7)
    for time in (-1.0, 0.0, 1.0, 5.0):
        mean = mean_flare_shape(time, 1.0, module._SHORT_EXPOSURE * np.array([1 - 1e-9, 1 + 1e-9]))
        assert mean[0] == pytest.approx(mean[1], rel=1e-9)


def test_means_of_neighbouring_exposures_add_up_to_the_whole():
    time = TWO_MINUTES * np.arange(-400, 4000)
    for fwhm in (2e-5, 0.0007, 0.002, 0.02):
        total = mean_flare_shape(time, fwhm, TWO_MINUTES).sum() * TWO_MINUTES
        assert total == pytest.approx(fwhm * shape_area(), rel=1e-11)


def test_no_exposure_is_the_instantaneous_shape():
    phase = np.linspace(-3, 40, 1001)
    np.testing.assert_allclose(
        mean_flare_shape(phase * 0.01, 0.01, 0.0), flare_shape(phase), rtol=1e-13
    )


def test_a_long_exposure_sees_the_whole_flare():
    assert mean_flare_shape(0.0, 1e-5, 2.0) == pytest.approx(1e-5 * shape_area() / 2, rel=1e-12)


@pytest.mark.filterwarnings("error")
def test_any_argument_gives_a_finite_value_without_warning():
    phase = np.array([-1e300, -1e5, -1e4, -6.6, -6.4, 0.0, 1e4, 1e5, 1e300, np.inf, -np.inf])
    shape = flare_shape(phase)
    assert np.all((shape >= 0) & (shape < 1))
    for exposure in (0.0, 1e-6, 1.0, 1e5):
        mean = mean_flare_shape(phase[:-2], 1.0, exposure)
        assert np.all((mean >= 0) & (mean < 1))
    assert flare_shape(1000.0) == pytest.approx(8.1e-69, rel=0.1)


def test_nan_stays_nan_and_harms_no_other():
    time = np.array([0.0, np.nan, 0.001])
    mean = mean_flare_shape(time, 0.002, TWO_MINUTES)
    assert list(np.isnan(mean)) == [False, True, False]
    assert np.isnan(flare_shape(np.nan))


def test_a_value_does_not_depend_on_what_else_is_computed():
    rng = np.random.default_rng(3)
    fwhm = 0.002 * np.exp(0.7 * rng.standard_normal((300, 1)))
    time = TWO_MINUTES * (np.arange(-8, 92) + rng.uniform(-0.5, 0.5, (300, 1)))
    together = mean_flare_shape(time, fwhm, TWO_MINUTES)
    for row in range(0, 300, 10):
        alone = mean_flare_shape(time[row], fwhm[row], TWO_MINUTES)
        assert np.array_equal(alone, together[row])
        for column in range(0, 100, 9):
            one = mean_flare_shape(time[row, column], fwhm[row, 0], TWO_MINUTES)
            assert one == together[row, column]


def test_arguments_are_broadcast():
    assert mean_flare_shape(0.0, 0.002, TWO_MINUTES).shape == ()
    assert mean_flare_shape(np.zeros((5, 1)), np.full(3, 0.1), TWO_MINUTES).shape == (5, 3)
    assert mean_flare_shape(np.zeros(0), 0.1, TWO_MINUTES).shape == (0,)
    assert mean_flare_shape(np.zeros((4, 0)), 0.1, TWO_MINUTES).shape == (4, 0)


@pytest.mark.parametrize(("fwhm", "exposure"), [(0.0, 0.1), (-1.0, 0.1), (np.nan, 0.1), (1, -0.1)])
def test_impossible_widths_and_exposures_are_refused(fwhm, exposure):
    with pytest.raises(ValueError, match="above 0"):
        mean_flare_shape(0.0, fwhm, exposure)


@pytest.mark.parametrize("floor", [1e-8, 1e-5, 1e-3])
def test_outside_its_support_a_flare_stays_below_the_floor(floor):
    rng = np.random.default_rng(11)
    n = 2000
    fwhm, amplitude = 10 ** rng.uniform(-5, 0, n), 10 ** rng.uniform(-4, 2, n)
    exposure = 10 ** rng.uniform(-6, -1, n)
    before, after = support(amplitude, fwhm, exposure, floor)
    beyond = 1 + np.concatenate([[0], np.logspace(-12, 1, 60)])
    for edge in (-before, after):
        mean = mean_flare_shape(edge[:, None] * beyond, fwhm[:, None], exposure[:, None])
        assert np.all(amplitude[:, None] * mean <= floor)


@pytest.mark.parametrize("floor", [1e-8, 1e-5, 1e-3])
def test_support_is_hardly_longer_than_necessary(floor):
    amplitude = np.geomspace(1.07 * floor, 100, 500)
    before, after = support(amplitude, 1.0, 0.0, floor)
    for edge, side in ((before, -1), (after, 1)):
        inside = np.maximum(edge - 0.3, 0)
        assert np.all(amplitude * flare_shape(side * inside) > floor)


def test_support_of_a_flare_below_the_floor_is_nothing():
    before, after = support([1e-6, 0.0, 1.0], 0.002, TWO_MINUTES, 1e-5)
    assert list(before[:2]) == list(after[:2]) == [0, 0]
    assert before[2] > TWO_MINUTES / 2
    with pytest.raises(ValueError, match="above 0"):
        support(1.0, 0.002, TWO_MINUTES, 0.0)
