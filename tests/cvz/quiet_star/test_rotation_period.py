"""Binning, and the period from the Lomb-Scargle periodogram."""

from __future__ import annotations

import numpy as np
import pytest

from cvzmpi.cvz.quiet_star.rotation_period import bin_curve, rotation_period


def test_bins_are_means_and_empty_ones_are_left_out():
    time = np.array([0.0, 0.1, 0.2, 5.0, 5.3])
    flux = np.array([1.0, 2.0, 6.0, 4.0, 6.0])
    binned = bin_curve(time, flux, np.array([1.0, 2.0, 3.0, 4.0, 4.0]), 1.0)
    np.testing.assert_allclose(binned.time, [0.1, 5.15])
    np.testing.assert_allclose(binned.flux, [3.0, 5.0])
    np.testing.assert_allclose(binned.variance, [2 / 3, 2.0])
    np.testing.assert_array_equal(binned.count, [3, 2])


@pytest.mark.parametrize("period", [0.15, 0.9, 4.3, 11.0])
def test_finds_the_period_in_noise_and_gaps(period):
    rng = np.random.default_rng(1)
    time = np.arange(0, 27, 2 / 1440)
    time = time[(time < 12) | (time > 14)]
    flux = 1 + 1e-3 * np.sin(2 * np.pi * time / period) + 2e-3 * rng.normal(size=len(time))
    binned = bin_curve(time, flux, np.full(len(time), 4e-6), 20 / 1440)
    assert rotation_period(binned, 0.1, 27.0) == pytest.approx(
        period, rel=0.03 * max(1, period / 5)
    )


def test_a_constant_curve_has_the_longest_period():
    time = np.arange(0, 5, 0.02)
    binned = bin_curve(time, np.ones(len(time)), np.ones(len(time)), 0.02)
    assert rotation_period(binned, 0.1, 20.0) == pytest.approx(20.0)
