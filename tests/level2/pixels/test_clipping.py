"""Intensities that a detector cut off are told from noise, also from that of integers."""

import numpy as np
import pytest

from cvzmpi.level2.maps.simulated_map import WAVELENGTH, atmospheres
from cvzmpi.level2.pixels.clipping import clipped
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington

N = 2000
RANDOM = np.random.default_rng(3)
CLEAN = MilneEddington(WAVELENGTH).stokes(atmospheres(N, RANDOM, 0))[:, 0]
UNIT_NOISE = RANDOM.normal(size=CLEAN.shape)
NOISES = [3e-4, 1e-3, 5e-3]
INCLINED = 1 + 1e-5 * np.arange(len(WAVELENGTH))


def found(light, noise):
    """As the map stores it."""
    light = light.astype(np.float32).astype(float)
    return clipped(light, np.zeros(light.shape, bool), np.full(len(light), noise))


def cut(light, part):
    return np.minimum(light, np.quantile(light, part, axis=1, keepdims=True))


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("part", [0.05, 0.5, 0.8, 0.9])
def test_every_ceiling_with_a_tenth_of_the_samples_is_found(noise, part):
    light = cut(CLEAN + noise * UNIT_NOISE, part)
    for seen in (light, 3e4 * light, light * INCLINED):
        scale = seen.max() / light.max()
        assert found(seen, noise * scale).mean() >= 0.9995


@pytest.mark.parametrize("noise", NOISES)
def test_a_ceiling_with_ten_samples_is_nearly_always_found(noise):
    assert found(cut(CLEAN + noise * UNIT_NOISE, 0.95), noise).mean() > 0.93


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("depth", [0.3, 0.6])
def test_every_floor_with_eight_samples_is_found(noise, depth):
    light = CLEAN + noise * UNIT_NOISE
    low = light.min(axis=1, keepdims=True)
    level = low + depth * (np.median(light, axis=1, keepdims=True) - low)
    many = (light < level).sum(axis=1) >= 8
    assert many.mean() > 0.9
    assert found(np.maximum(light, level)[many], noise).all()


@pytest.mark.parametrize("noise", [*NOISES, 1e-2])
@pytest.mark.parametrize("step", [0, 0.05, 0.2, 0.5, 1, 2, 5])
def test_noise_and_integers_have_no_ceiling(noise, step):
    light = CLEAN + noise * UNIT_NOISE
    if step:
        light = np.round(light / (step * noise)) * (step * noise)
    assert found(light, noise).mean() <= 0.001


@pytest.mark.parametrize("noise", NOISES)
def test_a_ceiling_of_integers_is_found(noise):
    for step in (0.2, 0.5):
        light = cut(CLEAN + noise * UNIT_NOISE, 0.8)
        light = np.round(light / (step * noise)) * (step * noise)
        assert found(light, noise).mean() >= 0.999


def test_straight_lines_in_place_of_gaps_are_no_ceiling():
    light = CLEAN + 1e-3 * UNIT_NOISE
    unknown = np.zeros(light.shape, bool)
    unknown[:, 150:165] = True
    light[:, 150:165] = light.max(axis=1, keepdims=True) + 0.01
    light[:, [149, 165]] = light[:, 150:151]
    assert clipped(light, unknown, np.full(N, 1e-3)).mean() < 0.001
    assert clipped(light, ~unknown, np.full(N, 1e-3)).all()


def test_without_noise_only_an_exact_line_is_a_ceiling():
    light = CLEAN[:200].copy()
    assert not clipped(light, np.zeros(light.shape, bool), np.full(200, np.nan)).any()
    assert clipped(cut(light, 0.9), np.zeros(light.shape, bool), np.zeros(200)).all()
