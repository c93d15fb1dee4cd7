"""Likelihood and gradient against celerite2's own classes and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from celerite2 import GaussianProcess

from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS
from cvzmpi.cvz.quiet_star.celerite_likelihood import CeleriteLikelihood
from tests.cvz.quiet_star.kernel_terms import TERMS, THETA


def curve(noise, n=300):
    rng = np.random.default_rng(11)
    time = np.cumsum(rng.uniform(0.01, 0.05, n))
    time[n // 2 :] += 3.0
    time -= time.mean()
    flux = 1 + np.sin(3 * time) + noise * rng.normal(size=n)
    return time, flux, (noise * rng.uniform(0.5, 1.5, n)) ** 2


@pytest.mark.parametrize("noise", [1e-3, 0.3, 1e3])
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_value_is_celerite2_with_the_best_mean(name, noise):
    time, flux, variance = curve(noise)
    likelihood = CeleriteLikelihood(KERNELS[name], time, flux, variance, np.ones(len(time)))
    theta = np.append(THETA[name], np.log(0.5 * noise))
    value = likelihood(theta)[0]

    def by_celerite2(mean):
        gp = GaussianProcess(TERMS[name], mean=mean)
        gp.compute(time, diag=variance + (0.5 * noise) ** 2)
        return gp.log_likelihood(flux)

    mean = likelihood.mean(theta)
    assert value == pytest.approx(by_celerite2(mean), rel=1e-10)
    assert value > max(by_celerite2(mean * 1.01), by_celerite2(mean * 0.99))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("noise", [1e-2, 0.3, 30.0])
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_gradient_is_that_of_finite_differences(name, noise, weighted):
    time, flux, variance = curve(noise)
    weight = np.linspace(0.1, 1, len(time)) if weighted else np.ones(len(time))
    likelihood = CeleriteLikelihood(KERNELS[name], time, flux, variance, weight)
    theta = np.append(THETA[name], np.log(0.5 * noise))
    _, gradient = likelihood(theta)
    step = 1e-5
    for i, slope in enumerate(gradient):
        delta = step * (np.arange(len(theta)) == i)
        numerical = (likelihood(theta + delta)[0] - likelihood(theta - delta)[0]) / (2 * step)
        assert slope == pytest.approx(numerical, rel=1e-5, abs=1e-5)
