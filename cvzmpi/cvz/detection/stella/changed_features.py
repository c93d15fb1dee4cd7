"""The features that flares change, for a batch of flares and one network at a time.

The same values as in `layers`, for many short stretches in place of one long one, and laid out so
that every step reads and writes long contiguous rows:

- *Parities*: a feature at position t depends on the pooled values at t - 2, t, t + 2 and t + 4, all
  of the parity of t. So positions of even and of odd parity (counted from the first feature) are
  computed apart, and cadences of one parity need only half of the work.
- The second convolution of one parity is kept apart once more, by every second of its positions:
  pooling is then the maximum of two contiguous arrays.

A batch's features stand in the order [parity, flare, i, v, channel], at 4 v + parity + 2 i.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cvzmpi.cvz.detection.stella.network import CHANNELS, FILTERS, STEP, Network

PARITIES = 2
_PER_PARITY = STEP // PARITIES
_ZEROS = 2048
_CONV1 = 8  # cadences that the first convolution reads at a position, and a one for its bias


class Buffers:
    """Arrays that are used again and again: fresh memory costs more than what is done in it."""

    def __init__(self) -> None:
        self._memory: dict[str, np.ndarray] = {}

    def get(self, name: str, *shape: int) -> np.ndarray:
        """An array of float32; what the last user of that name left is in it, at first zeros."""
        size = math.prod(shape)
        memory = self._memory.get(name)
        if memory is None or len(memory) < size:
            memory = self._memory[name] = np.zeros(size, np.float32)
        return memory[:size].reshape(shape)

    def rectify(self, values: np.ndarray) -> None:
        """Raise negative values to zero, in place; `values` is contiguous.

        The maximum with an array of zeros takes a third of the time of that with the number zero,
        and less if the array is short, and stays in the processor's nearest cache.
        """
        flat, zeros = values.reshape(-1), self.get("zeros", _ZEROS)
        whole = len(flat) // _ZEROS * _ZEROS
        rows, rest = flat[:whole].reshape(-1, _ZEROS), flat[whole:]
        np.maximum(rows, zeros, out=rows)
        np.maximum(rest, zeros[: len(rest)], out=rest)


def n_flux(n_v: int) -> int:
    """Cadences that `conv1_rows` needs for `n_v` features of each residue."""
    return STEP * n_v + 13


def conv1_rows(flux: np.ndarray) -> np.ndarray:
    """What the first convolution reads at each position, by parity.

    Parameters
    ----------
    flux : float32, shape (batch, 4 n_v + 13)

    Returns
    -------
    float32, shape (2, batch, 2 n_v + 4, 8)
        Seven cadences and a one. The last row of the second parity is zero: nothing needs it.
    """
    batch, n = flux.shape
    rows = np.zeros((PARITIES, batch, (n - 5) // PARITIES, _CONV1), np.float32)
    windows = sliding_window_view(flux, _CONV1 - 1, axis=1)
    for parity in range(PARITIES):
        own = windows[:, parity::PARITIES]
        rows[parity, :, : own.shape[1], :-1] = own
        rows[parity, :, : own.shape[1], -1] = 1
    return rows


def features(network: Network, rows: np.ndarray, n_parities: int, buffers: Buffers) -> np.ndarray:
    """The features of a batch by one network.

    Parameters
    ----------
    rows : float32, shape (2, batch, 2 n_v + 4, 8), contiguous
        From `conv1_rows`.
    n_parities : int
        1 for even positions alone, 2 for all.

    Returns
    -------
    float32, shape (n_parities, batch, 2, n_v, 64)
        One of the buffers.
    """
    _, batch, n_rows, _ = rows.shape
    n_v = (n_rows - 4) // _PER_PARITY
    pooled = _pooled(network, rows, n_parities, buffers)
    triples = buffers.get("triples", n_parities, 2, batch, n_v + 1, 3 * FILTERS)
    row = pooled.strides[1]
    triples[...] = np.ndarray(  # rows that overlap
        triples.shape,
        np.float32,
        buffer=pooled,
        strides=(pooled.strides[0], row, n_rows * row, 2 * row, pooled.itemsize),
    )
    conv2 = buffers.get("conv2", n_parities, 2, batch, n_v + 1, CHANNELS)
    np.matmul(triples.reshape(-1, 3 * FILTERS), network.conv2, out=conv2.reshape(-1, CHANNELS))
    result = buffers.get("features", n_parities, batch, 2, n_v, CHANNELS)
    even, odd = conv2[:, 0], conv2[:, 1]
    np.maximum(even[:, :, :-1], odd[:, :, :-1], out=result[:, :, 0])
    np.maximum(odd[:, :, :-1], even[:, :, 1:], out=result[:, :, 1])
    bias = buffers.get("bias", 2, n_v, CHANNELS)
    bias[...] = network.bias2  # repeated: long rows are added faster
    result += bias
    buffers.rectify(result)
    return result


def _pooled(network: Network, rows: np.ndarray, n_parities: int, buffers: Buffers) -> np.ndarray:
    """First convolution, relu and pooling; float32, shape (n_parities, batch * rows, 16).

    Flares follow each other without a gap: the last rows of a flare may hold values across to the
    next one, which nothing reads.
    """
    n = rows.shape[1] * rows.shape[2]
    conv1 = buffers.get("conv1", PARITIES, n, FILTERS)
    np.matmul(rows.reshape(-1, _CONV1), network.conv1, out=conv1.reshape(-1, FILTERS))
    pooled = buffers.get("pooled", n_parities, n, FILTERS)
    np.maximum(conv1[0], conv1[1], out=pooled[0])
    if n_parities == PARITIES:
        np.maximum(conv1[1, :-1], conv1[0, 1:], out=pooled[1, :-1])
        pooled[1, -1] = 0
    buffers.rectify(pooled)
    return pooled
