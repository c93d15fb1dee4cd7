"""The parts of the sliding network, put together by hand, against the plain network."""

from __future__ import annotations

import numpy as np
import pytest

from cvzmpi.cvz.detection.stella import layers
from cvzmpi.cvz.detection.stella import network as nn
from cvzmpi.cvz.detection.stella.ensemble import sigmoid
from cvzmpi.cvz.detection.stella.network import Network
from tests.cvz.plain_network import plain_probabilities, random_curve, random_weights

ROUNDING = 2e-6  # of single precision, for networks with random weights


def sliding_probabilities(weights, flux):
    """Answers to all windows of a batch of curves, from what `layers` offers."""
    network = Network.from_keras(weights)
    n = flux.shape[1]
    n_windows = n - nn.WINDOW + 1
    assert n_windows % nn.STEP == 0
    n_features = n_windows + nn.STEP * (nn.TAPS - 1)
    beyond = n_features + nn.RIGHT_READS - n  # features of the last positions read beyond the curve
    padded = np.pad(flux, ((0, 0), (nn.LEFT_READS, beyond)), constant_values=9.0)
    rows = layers.neighbourhoods(padded.astype(np.float32))
    features = layers.features(network, layers.convolved(network, layers.pooled(network, rows)))
    first_row = nn.LEFT_READS - 3
    left = layers.hidden_left(
        network, rows[:, first_row:][:, : n_windows + nn.BORDER_ROWS], n_windows
    )
    last_row = first_row + nn.RIGHT_BORDER
    right = layers.hidden_right(
        network, rows[:, last_row:][:, : n_windows + nn.BORDER_ROWS], n_windows
    )
    interior = [layers.hidden_interior(network, feature, n_windows) for feature in features]
    hidden = np.stack(interior) + left + right + network.dense_bias
    return sigmoid(layers.logits(network, hidden))


@pytest.mark.parametrize("n_windows", [4, 8, 88, 92, 96, 184, 188])
def test_all_parts_together_are_the_plain_network(n_windows):
    """Around multiples of 23 stretches, too, which the interior sums in one go."""
    weights = random_weights(n_windows)
    flux = random_curve(n_windows + nn.WINDOW - 1, seed=n_windows)
    expected = plain_probabilities(weights, flux)[nn.BEFORE : nn.BEFORE + n_windows]
    got = sliding_probabilities(weights, flux[None])[0]
    assert np.ptp(expected) > 0.01  # the windows do differ
    np.testing.assert_allclose(got, expected, rtol=0, atol=ROUNDING)


def test_curves_of_a_batch_do_not_mix():
    weights = random_weights(1)
    curves = np.stack([random_curve(223, seed) for seed in range(3)])
    together = sliding_probabilities(weights, curves)
    alone = [sliding_probabilities(weights, curve[None])[0] for curve in curves]
    np.testing.assert_allclose(together, alone, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("tap", [0, 1, 2, 24, 25, 47, 48, 49])
def test_every_tap_is_read_with_its_own_weights(tap):
    """Only one tap has weights that are not zero: borders, interior, and where they meet."""
    weights = random_weights(tap)
    only = np.zeros_like(weights["dense1_kernel"])
    rows = slice(64 * tap, 64 * (tap + 1))
    only[rows] = 7 * weights["dense1_kernel"][rows]
    weights["dense1_kernel"] = only
    flux = random_curve(8 + nn.WINDOW - 1, seed=tap)
    expected = plain_probabilities(weights, flux)[nn.BEFORE : nn.BEFORE + 8]
    assert np.ptp(expected) > 0.01
    got = sliding_probabilities(weights, flux[None])[0]
    np.testing.assert_allclose(got, expected, rtol=0, atol=ROUNDING)


def test_features_are_at_the_positions_that_the_names_say():
    """Feature [r, v] belongs to position 4 v + r, and reads x[t-5 .. t+8] and nothing else."""
    network = Network.from_keras(random_weights(3))
    flux = random_curve(120)

    def features(curve):
        rows = layers.neighbourhoods(curve.astype(np.float32)[None, : 4 * 20 + 13])
        return layers.features(network, layers.convolved(network, layers.pooled(network, rows)))[0]

    before = features(flux)
    assert before.shape == (nn.STEP, 20, nn.CHANNELS)
    position = np.arange(nn.STEP)[:, None] + nn.STEP * np.arange(20) + nn.LEFT_READS
    for cadence in (0, 5, 13, 50, 92):
        changed = flux.copy()
        changed[cadence] += 50
        differs = (features(changed) != before).any(axis=2)
        reads = (position - nn.LEFT_READS <= cadence) & (cadence <= position + nn.RIGHT_READS)
        np.testing.assert_array_equal(differs, reads)


@pytest.mark.parametrize("border", [layers.hidden_left, layers.hidden_right])
def test_the_border_of_every_second_window_is_that_of_all(border):
    network = Network.from_keras(random_weights(4))
    rows = layers.neighbourhoods(random_curve(2 * (24 + nn.BORDER_ROWS + 6)).reshape(2, -1))
    everything, every_second = border(network, rows, 24), border(network, rows, 24, step=2)
    assert np.ptp(everything) > 0.1
    np.testing.assert_allclose(every_second, everything[:, ::2], rtol=0, atol=ROUNDING)
