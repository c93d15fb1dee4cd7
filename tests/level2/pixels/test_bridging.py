"""Straight lines in place of wavelengths and of samples are the same lines."""

import numpy as np

from cvzmpi.level2.pixels.bridging import bridged

WAVELENGTH = np.array([630.0, 630.001, 630.003, 630.004, 630.008, 630.009])
RANDOM = np.random.default_rng(1)
PROFILES = RANDOM.normal(size=(3, 4, 6))
MASK = np.array([True, False, True, True, False, True])


def test_lines_are_straight_by_wavelength_and_level_beyond_the_ends():
    found = bridged(PROFILES, WAVELENGTH, MASK)
    left, right = PROFILES[..., 1], PROFILES[..., 4]
    expected = left + (right - left) * 2 / 7
    assert np.allclose(found[..., 2], expected, rtol=0, atol=1e-8)
    assert np.array_equal(found[..., 0], left)
    assert np.array_equal(found[..., 5], right)
    assert np.array_equal(found[..., ~MASK], PROFILES[..., ~MASK])


def test_one_mask_for_all_and_one_for_each_sample_give_the_same_bits():
    of_samples = np.broadcast_to(MASK, PROFILES.shape)
    assert np.array_equal(
        bridged(PROFILES, WAVELENGTH, MASK), bridged(PROFILES, WAVELENGTH, of_samples)
    )


def test_only_what_is_left_out_changes_and_a_profile_without_a_number_is_zero():
    spoiled = PROFILES.copy()
    spoiled[1, 2, 3], spoiled[2, 3] = np.nan, np.nan
    left_out = ~np.isfinite(spoiled)
    found = bridged(spoiled, WAVELENGTH, left_out)
    assert np.isfinite(found).all()
    assert np.array_equal(found[~left_out], spoiled[~left_out])
    assert (found[2, 3] == 0).all()
    assert np.isnan(spoiled[1, 2, 3]), "what was given stays"
