"""One network in every second window of a light curve, for decisions and not for values.

Where no flare is, it is enough to know that of every second window (`flares_alone`). These start
at positions 2 j, and all that they read of the layers stands at even positions too (`network`):

    pooled[j]  = max(conv1[2 j], conv1[2 j + 1])
    conv2[j]   = W0 pooled[j-1] + W1 pooled[j] + W2 pooled[j+1]
    feature[j] = max(conv2[j], conv2[j+1])          taps j, j + 2, ..., j + 98 of window j

So everything but conv1 is half of what `layers` computes of all windows. The borders read the same
pooled values as the interior but for the first and the last three positions of the window, where
conv1 lacks cadences. All that conv1 gives at or beside a position is one product.

The last bits are others than those of `EnsembleEvaluation`: the products have other shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cvzmpi.cvz.detection.stella import layers
from cvzmpi.cvz.detection.stella import network as nn
from cvzmpi.cvz.detection.stella.changed_features import Buffers
from cvzmpi.cvz.detection.stella.ensemble import sigmoid
from cvzmpi.cvz.detection.stella.network import CHANNELS, FILTERS, HIDDEN, Network

_BLOCK = 512  # positions worked on at once: their intermediate values stay in the cache
_READS = 10  # conv1 and the borders at position 2 j read x[2 j - 4 .. 2 j + 5]
_BEFORE = 4
_RIGHT = 96  # the right border of window j begins at position j + 96
_MORE = 6  # of a block: one position before it, five after it


def every_second_row(flux: np.ndarray) -> np.ndarray:
    """What conv1 reads at every second position of a light curve, and a one for its bias.

    Parameters
    ----------
    flux : float, shape (n,)
        With at least one window in it.

    Returns
    -------
    float32, shape (n_windows + 101, 11)
        The first belongs to position -2; `n_windows` is that of `answers`. The same for all
        networks.
    """
    n_positions = n_every_second(len(flux)) + n_every_second(len(flux)) % 2 + _RIGHT + _MORE - 1
    padded = np.ones(2 * n_positions + _READS - 2, np.float32)
    start = 2 + _BEFORE
    padded[start : start + len(flux)] = flux[: len(padded) - start]
    rows = np.empty((n_positions, _READS + 1), np.float32)
    rows[:, :_READS] = sliding_window_view(padded, _READS)[::2]
    rows[:, _READS] = 1
    return rows


def n_every_second(n_cadences: int) -> int:
    """How many windows start at even positions of a light curve and are in it."""
    return (n_cadences - nn.WINDOW) // 2 + 1


@dataclass(frozen=True)
class EverySecondWindow:
    """A network as every second window reads it."""

    network: Network
    # float32, shape (11, 128): conv1 at 2 j and at 2 j + 1; at the first three positions of the
    # window that begins at 2 j; at the last three of the window that ends with 2 j + 1
    conv1: np.ndarray
    # float32, shape (32,): bias of the hidden layer if features are counted from their bias
    dense_bias: np.ndarray

    @classmethod
    def of(cls, network: Network) -> EverySecondWindow:
        """Lay out the weights of a network."""
        conv1 = np.zeros((_READS + 1, 8, FILTERS), np.float32)
        from_position = [0, 1, 0, 1, 2, -1, 0, 1]  # relative to 2 j
        weights = [network.conv1, network.conv1, *network.conv1_left, *network.conv1_right]
        for place, (position, kernel) in enumerate(zip(from_position, weights, strict=True)):
            first = position - 3 + _BEFORE  # conv1 at a position reads three cadences before it
            inside = slice(max(-first, 0), min(_READS - first, 7))  # beyond, the taps are zero
            conv1[first + inside.start : first + inside.stop, place] = kernel[:7][inside]
            conv1[_READS, place] = kernel[7]
        bias = network.bias2.astype(np.float64) @ network.dense.sum(axis=0, dtype=np.float64)
        return cls(
            network,
            conv1.reshape(_READS + 1, 8 * FILTERS),
            (network.dense_bias + bias).astype(np.float32),
        )

    def answers(self, rows: np.ndarray, buffers: Buffers) -> np.ndarray:
        """Flare probability of every second cadence whose window is in the light curve.

        Parameters
        ----------
        rows : float32, shape (n_windows + 101, 11)
            From `every_second_row`.
        buffers : Buffers
            Shared by all networks that are asked one after the other.

        Returns
        -------
        float32, shape (n_windows,), rounded up to an even number
            The first is the answer to the window that begins with the first cadence.
        """
        n_windows = len(rows) - (_RIGHT + _MORE - 1)
        n_positions = n_windows + _RIGHT
        features = buffers.get("features", 2, n_positions // 2, CHANNELS)
        borders = buffers.get("borders", _RIGHT + n_positions, HIDDEN)
        borders[:_RIGHT], borders[_RIGHT:] = 0, self.dense_bias
        for start in range(0, n_positions, _BLOCK):
            stop = min(start + _BLOCK, n_positions)
            block = _Block(self, rows[start : stop + _MORE - 1], buffers)
            block.write_features(features[:, start // 2 : stop // 2])
            borders[_RIGHT + start : _RIGHT + stop] += block.left()
            borders[start:stop] += block.right()
        hidden = layers.hidden_interior(self.network, features, n_windows)
        hidden += borders[_RIGHT : _RIGHT + n_windows]
        return sigmoid(layers.logits(self.network, hidden))


class _Block:
    """A stretch of n positions: one more before it and four more after it are computed.

    Parameters
    ----------
    rows : float32, shape (n + 5, 11)
        Of `every_second_row`, from the position before the first on.
    """

    def __init__(self, lattice: EverySecondWindow, rows: np.ndarray, buffers: Buffers) -> None:
        self._network, self._buffers, network = lattice.network, buffers, lattice.network
        self._n = len(rows) - (_MORE - 1)
        conv1 = buffers.get("conv1", len(rows), 8 * FILTERS)
        np.matmul(rows, lattice.conv1, out=conv1)
        self._conv1 = conv1.reshape(len(rows), 8, FILTERS)
        self._pooled = buffers.get("pooled", len(rows), FILTERS)
        np.maximum(self._conv1[:, 0], self._conv1[:, 1], out=self._pooled)
        buffers.rectify(self._pooled)
        triples = buffers.get("triples", len(rows) - 2, 3 * FILTERS)
        triples[:] = _neighbours(self._pooled, 3)
        # float32, shape (n + 3, 64): without its bias, from the first position on
        self._conv2 = buffers.get("conv2", len(triples), CHANNELS)
        np.matmul(triples, network.conv2, out=self._conv2)

    def write_features(self, features: np.ndarray) -> None:
        """Write the features, counted from their bias; float32, shape (2, n / 2, 64).

        max(value + bias, 0) is max(value, -bias) + bias, and what the bias gives is the same in all
        windows.
        """
        n, result = self._n, features.swapaxes(0, 1)
        one, other = self._conv2[:n], self._conv2[1 : n + 1]
        np.maximum(one.reshape(result.shape), other.reshape(result.shape), out=result)
        np.maximum(result, -self._network.bias2, out=result)

    def left(self) -> np.ndarray:
        """Taps 0 and 1 of the windows that begin here; float32, shape (n, 32), a buffer."""
        n, conv1 = self._n, self._conv1
        values = self._buffers.get("values", n, 5, FILTERS)
        np.maximum(conv1[1 : 1 + n, 2], conv1[1 : 1 + n, 3], out=values[:, 1])
        np.maximum(conv1[1 : 1 + n, 4], conv1[2 : 2 + n, 1], out=values[:, 2])
        np.maximum(values[:, 1:3], 0, out=values[:, 1:3])
        values[:, 3], values[:, 4] = self._pooled[3 : 3 + n], self._pooled[4 : 4 + n]
        values[:, 0] = 0  # what the second convolution finds before the window
        one, two, three = self._border(values)
        return self._summed(self._network.dense_left, one, two, three, self._conv2[3:])

    def right(self) -> np.ndarray:
        """Taps 48 and 49 of the windows that begin 96 positions before; as `left`."""
        n, conv1 = self._n, self._conv1
        values = self._buffers.get("values", n, 5, FILTERS)
        values[:, 0], values[:, 1] = self._pooled[1 : 1 + n], self._pooled[2 : 2 + n]
        np.maximum(conv1[3 : 3 + n, 0], conv1[4 : 4 + n, 5], out=values[:, 2])
        np.maximum(conv1[4 : 4 + n, 6], conv1[4 : 4 + n, 7], out=values[:, 3])
        np.maximum(values[:, 2:4], 0, out=values[:, 2:4])
        values[:, 4] = 0  # and after it
        one, two, three = self._border(values)
        return self._summed(self._network.dense_right, self._conv2[:n], one, two, three)

    def _border(self, values: np.ndarray) -> np.ndarray:
        """The second convolution of five pooled values; float32, shape (3, n, 64)."""
        border = self._buffers.get("border", 3, self._n, CHANNELS)
        flat = values.reshape(self._n, -1)
        for place in range(3):
            read = slice(place * FILTERS, (place + 3) * FILTERS)
            np.matmul(flat[:, read], self._network.conv2, out=border[place])
        return border

    def _summed(self, dense: np.ndarray, *conv2: np.ndarray) -> np.ndarray:
        """What four values of conv2 give as two taps; float32, shape (n, 32)."""
        taps = self._buffers.get("taps", self._n, 2, CHANNELS)
        for tap in range(2):
            one, other = (value[: self._n] for value in conv2[2 * tap : 2 * tap + 2])
            np.maximum(one, other, out=taps[:, tap])
        np.maximum(taps, -self._network.bias2, out=taps)
        summed = self._buffers.get("summed", self._n, HIDDEN)
        return np.matmul(taps.reshape(self._n, -1), dense, out=summed)


def _neighbours(values: np.ndarray, n: int) -> np.ndarray:
    """Each n neighbouring rows as one, without a copy; shape (len(values) - n + 1, n * 16)."""
    return sliding_window_view(values.reshape(-1), n * FILTERS)[::FILTERS]
