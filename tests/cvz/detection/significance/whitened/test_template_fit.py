"""Fits of the flare template: exact flares exactly, and errors that are the scatter."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.whitened.template_fit import (
    FittedTemplate,
    fit_covariance,
    fit_template,
)
from cvzmpi.cvz.detection.significance.whitened.templates import flare
from tests.cvz.detection.significance.quiet_stars import PARAMETERS, QuietStar, covariance


@pytest.mark.parametrize(("peak", "fwhm"), [(500.3, 1.7), (499.8, 5.0), (501.1, 20.0)])
def test_of_an_exact_flare_amplitude_peak_and_fwhm_are_found(peak, fwhm):
    star = QuietStar.draw(1, 1400, None)
    nothing = star.samples.with_flux(np.full(1400, PARAMETERS["mean"]))
    star = QuietStar(nothing) + 0.05 * flare(nothing.place, peak, fwhm)
    fit = fit_template(star.whitening(), peak + 0.6, 1.3 * fwhm, 500)
    assert fit.amplitude == pytest.approx(0.05, rel=0.01)
    assert fit.peak == pytest.approx(peak, abs=0.03)
    assert fit.fwhm == pytest.approx(fwhm, rel=0.02)


def test_the_snr_is_the_amplitude_over_its_dense_error():
    star = QuietStar.draw(2, 1000, None)
    star += star.flare(15, 500.2, 4)
    whitening = star.whitening()
    fit = fit_template(whitening, 500, 4, 500)
    inverse = np.linalg.inv(covariance(whitening))
    shape = flare(star.samples.place, fit.peak, fit.fwhm)
    error = (shape @ inverse @ shape) ** -0.5
    assert fit.snr == pytest.approx(fit.amplitude / error, rel=1e-3)
    # no other amplitude, peak or FWHM fits better
    residual = star.samples.flux - 1

    def chi_squared(amplitude, peak, fwhm):
        left = residual - amplitude * flare(star.samples.place, peak, fwhm)
        return left @ inverse @ left

    best = chi_squared(fit.amplitude, fit.peak, fit.fwhm)
    for change in (0.9, 1.1):
        assert chi_squared(change * fit.amplitude, fit.peak, fit.fwhm) > best
        assert chi_squared(fit.amplitude, fit.peak, change * fit.fwhm) > best - 0.1
        assert chi_squared(fit.amplitude, fit.peak + 3 * (change - 1), fit.fwhm) > best - 0.1


def test_the_errors_are_the_scatter_of_the_fits():
    """Amplitude, peak and ln FWHM of one flare in 60 draws of the process and the noise."""
    peak, fwhm = 500.3, 6.0
    truth, pulls, durations = None, [], []
    for seed in range(60):
        star = QuietStar.draw(seed, 1000, None)
        light = star.flare(20, peak, fwhm)
        amplitude = light.max() / flare(star.samples.place, peak, fwhm).max()
        truth = np.array([amplitude, peak, np.log(fwhm)])
        whitening = (star + light).whitening()
        fit = fit_template(whitening, 500, 8, 500)
        covariance = fit_covariance(whitening, fit, 500)
        off = np.array([fit.amplitude, fit.peak, np.log(fit.fwhm)]) - truth
        pulls.append(off / np.sqrt(np.diag(covariance)))
        gradient = np.array([1 / fit.amplitude, 0, 1])
        error = np.sqrt(gradient @ covariance @ gradient)
        durations.append(np.log(fit.amplitude * fit.fwhm / (amplitude * fwhm)) / error)
    pulls = np.column_stack([pulls, durations])
    # 60 draws: the standard deviation is known to 9 %, the mean to 0.13
    np.testing.assert_allclose(pulls.std(axis=0), 1, atol=0.3)
    np.testing.assert_allclose(pulls.mean(axis=0), 0, atol=0.5)


def test_the_covariance_is_the_inverse_of_the_dense_fisher_matrix():
    star = QuietStar.draw(4, 1000, None)
    whitening = star.whitening()
    fit = FittedTemplate(0.02, 500.3, 5.0, 20.0)
    inverse = np.linalg.inv(covariance(whitening))
    place, step = star.samples.place, 1e-3

    def model(amplitude, peak, log_fwhm):
        return amplitude * flare(place, peak, np.exp(log_fwhm))

    at = np.array([fit.amplitude, fit.peak, np.log(fit.fwhm)])
    jacobian = np.column_stack(
        [(model(*(at + d)) - model(*(at - d))) / (2 * step) for d in step * np.eye(3)]
    )
    expected = np.linalg.inv(jacobian.T @ inverse @ jacobian)
    np.testing.assert_allclose(
        fit_covariance(whitening, fit, 500),
        expected,
        rtol=0.03,
        atol=1e-3 * np.sqrt(np.outer(np.diag(expected), np.diag(expected))).max(),
    )
