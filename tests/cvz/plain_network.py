"""The stella network as its Keras definition reads: plain and slow.

One window at a time, nothing shared between windows; what the fast code is compared with.

    Conv1D(16, 7, padding="same", activation="relu")    MaxPooling1D(2)
    Conv1D(64, 3, padding="same", activation="relu")    MaxPooling1D(2)
    Flatten()   Dense(32, activation="relu")   Dense(1, activation="sigmoid")

In double precision it says what is right; in single precision, how far rounding alone may take the
answer away from that, for Keras as for us.
"""

from __future__ import annotations

import numpy as np

SEES = 200  # cadences of a window
SEES_BEFORE = 100  # of them before the cadence that it is about

ROUNDING = 2e-6  # of single precision, for networks with random weights


def plain_probability(weights, window, dtype=np.float64):
    """The network's answer to one window."""
    w = {name: values.astype(dtype) for name, values in weights.items()}
    assert window.shape == (SEES,)
    x = window.astype(dtype)[:, None]
    x = _pool(_relu(_convolve(x, w["conv1_kernel"], w["conv1_bias"])))
    x = _pool(_relu(_convolve(x, w["conv2_kernel"], w["conv2_bias"])))
    x = _relu(x.ravel() @ w["dense1_kernel"] + w["dense1_bias"])
    (logit,) = x @ w["dense2_kernel"] + w["dense2_bias"]
    return 1 / (1 + np.exp(-np.clip(logit, -80, 80)))


def plain_probabilities(weights, flux, cadences=None, dtype=np.float64):
    """The network's answer at each cadence whose window lies in the curve; NaN elsewhere.

    Parameters
    ----------
    cadences : iterable of int, optional
        Only at these.
    """
    flux = flux.astype(np.float32)  # what Keras is given
    probability = np.full(len(flux), np.nan)
    whole = range(SEES_BEFORE, len(flux) - SEES + SEES_BEFORE + 1)
    for i in whole if cadences is None else cadences:
        window = flux[i - SEES_BEFORE : i - SEES_BEFORE + SEES]
        probability[i] = plain_probability(weights, window, dtype)
    return probability


def random_weights(seed):
    """Weights of a network that nobody trained: of sizes that keep all layers alive."""
    rng = np.random.default_rng(seed)

    def normal(*shape, size):
        return (size * rng.standard_normal(shape)).astype(np.float32)

    return {
        "conv1_kernel": normal(7, 1, 16, size=7**-0.5),
        "conv1_bias": normal(16, size=0.3),
        "conv2_kernel": normal(3, 16, 64, size=48**-0.5),
        "conv2_bias": normal(64, size=0.3),
        "dense1_kernel": normal(3200, 32, size=3200**-0.5),
        "dense1_bias": normal(32, size=0.3),
        "dense2_kernel": normal(32, 1, size=0.5),
        "dense2_bias": normal(1, size=0.3),
    }


def random_curve(n, seed=0):
    """A curve that has every layer of a random network change its mind all the time."""
    return np.random.default_rng(seed).standard_normal(n)


def flaring_curve(n, seed=0, noise=1e-3):
    """A curve like a star's, relative to its median: noise, a slow wave, flares of all sizes."""
    rng = np.random.default_rng(seed)
    flux = 1 + noise * (rng.standard_normal(n) + 5 * np.sin(np.arange(n) / 80))
    for peak in range(int(rng.integers(20, 60)), n, 120):
        decay = np.exp(-np.arange(n - peak) / rng.uniform(1, 15))
        flux[peak:] += noise * np.exp(rng.uniform(1, 5)) * decay
    return flux


def _convolve(x, kernel, bias):
    """Conv1D with padding "same": the output at p reads p - k//2 .. p + k//2, zero outside."""
    taps = len(kernel)
    padded = np.pad(x, ((taps // 2, taps // 2), (0, 0)))
    output = np.tile(bias, (len(x), 1))
    for tap in range(taps):
        output += padded[tap : tap + len(x)] @ kernel[tap]
    return output


def _pool(x):
    return np.maximum(x[0::2], x[1::2])


def _relu(x):
    return np.maximum(x, 0)
