"""Mean and variance at every cadence against the dense solution."""

from __future__ import annotations

import numpy as np
import pytest

from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS
from cvzmpi.cvz.quiet_star.celerite_prediction import drawn_deviation, predict
from tests.cvz.quiet_star.kernel_terms import TERMS, THETA


def curve(noise, n=400):
    """Irregular times with a gap; unused cadences alone, in a row, and at both ends."""
    rng = np.random.default_rng(5)
    time = np.cumsum(rng.uniform(0.002, 0.05, n))
    time[n // 2 :] += 2.5
    time -= time.mean()
    used = rng.uniform(size=n) > 0.1
    used[:25] = used[120:170] = used[-15:] = False
    flux = 3 + np.sin(2 * time) + noise * rng.normal(size=n)
    return time, flux, (noise * rng.uniform(0.5, 2.0, n)) ** 2, used


def dense(term, mean, time, flux, variance, used):
    K = term.get_value(time[:, None] - time[None, :])
    known = K[np.ix_(used, used)] + np.diag(variance[used])
    gain = np.linalg.solve(known, K[used])
    return mean + (flux[used] - mean) @ gain, np.diag(K) - np.einsum("ij,ij->j", K[used], gain)


@pytest.mark.parametrize("noise", [1e-5, 1e-3, 0.1, 1.0, 1e3])
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_equals_the_dense_solution(name, noise):
    time, flux, variance, used = curve(noise)
    mean, var = predict(KERNELS[name], THETA[name], 2.9, time, flux, variance, used)
    dense_mean, dense_var = dense(TERMS[name], 2.9, time, flux, variance, used)
    kernel_variance = float(np.ravel(TERMS[name].get_value(np.zeros(1)))[0])
    np.testing.assert_allclose(mean, dense_mean, rtol=0, atol=1e-9 * np.sqrt(kernel_variance))
    np.testing.assert_allclose(var, dense_var, rtol=0, atol=1e-8 * kernel_variance)
    if noise < 1e3:  # there the relative error of a small variance counts as well
        np.testing.assert_allclose(np.sqrt(var), np.sqrt(dense_var), rtol=1e-4)


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_unused_measurements_have_no_influence_at_all(name):
    time, flux, variance, used = curve(0.1)
    first = predict(KERNELS[name], THETA[name], 3.0, time, flux, variance, used)
    flux[~used], variance[~used] = np.nan, np.nan
    second = predict(KERNELS[name], THETA[name], 3.0, time, flux, variance, used)
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_far_from_all_measurements_the_process_is_its_prior(name):
    time, flux, variance, used = curve(0.1)
    time = np.append(time, time[-1] + 1e4)
    flux, variance, used = np.append(flux, 0.0), np.append(variance, 1.0), np.append(used, False)
    mean, var = predict(KERNELS[name], THETA[name], 2.5, time, flux, variance, used)
    assert mean[-1] == pytest.approx(2.5, abs=1e-9)
    assert var[-1] == pytest.approx(float(TERMS[name].get_value(np.zeros(1))[0]), rel=1e-9)


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_a_drawn_deviation_has_the_covariance_of_the_process_given_the_measurements(name):
    time, _, variance, used = curve(0.3, 120)
    parameters = dict(zip(KERNELS[name].parameters, np.exp(THETA[name]), strict=True))
    rng = np.random.default_rng(3)
    draws = np.array(
        [drawn_deviation(name, parameters, time, variance, used, rng) for _ in range(4000)]
    )
    K = TERMS[name].get_value(time[:, None] - time[None, :])
    known = K[np.ix_(used, used)] + np.diag(variance[used])
    expected = K - K[:, used] @ np.linalg.solve(known, K[used])
    sd = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(draws.mean(axis=0) / sd, 0, atol=0.08)
    np.testing.assert_allclose(
        np.cov(draws.T) / np.outer(sd, sd), expected / np.outer(sd, sd), atol=0.12
    )
