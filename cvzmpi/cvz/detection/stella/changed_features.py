"""The features that flares change, for a batch of flares and one network at a time.

The same values as in `layers`, for many short stretches in place of one long one, and laid out so
that every step reads and writes long contiguous rows:

- *Parities*: a feature at position t depends on the pooled values at t - 2, t, t + 2 and t + 4, all
  of the parity of t. So positions of even and of odd parity (counted from the first feature) are
  computed apart, and cadences of one parity need only half of the work.
- The second convolution is kept apart once more, by every second position of a parity: pooling is
  then the maximum of two contiguous arrays. To keep them contiguous, each flare has one row more
  than it has features; nothing reads what pooling puts there.

A batch's features stand in the order [residue, flare, v, channel], at 4 v + residue.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cvzmpi.cvz.detection.stella.network import CHANNELS, FILTERS, STEP, Network

PARITIES = 2
_PER_PARITY = STEP // PARITIES
_ROW = 16384
_CONV1 = 8  # cadences that the first convolution reads at a position, and a one for its bias


class Buffers:
    """Arrays that are used again and again: fresh memory costs more than what is done in it."""

    def __init__(self) -> None:
        self._memory: dict[str, np.ndarray] = {}
        self._zeros = np.zeros(_ROW, np.float32)

    def get(self, name: str, *shape: int) -> np.ndarray:
        """An array of float32; what the last user of that name left is in it, at first zeros."""
        size = math.prod(shape)
        memory = self._memory.get(name)
        if memory is None or len(memory) < size:
            memory = self._memory[name] = np.zeros(size, np.float32)
        return memory[:size].reshape(shape)

    def rectify(self, values: np.ndarray) -> None:
        """Raise negative values to zero, in place; `values` is contiguous.

        The maximum with rows of zeros that are long, but stay in the processor's nearest caches,
        takes a third of the time of that with the number zero.
        """
        flat, zeros = values.reshape(-1), self._zeros
        whole = len(flat) // _ROW * _ROW
        rows, rest = flat[:whole].reshape(-1, _ROW), flat[whole:]
        np.maximum(rows, zeros, out=rows)
        np.maximum(rest, zeros[: len(rest)], out=rest)


def n_flux(n_v: int) -> int:
    """Cadences that `conv1_rows` needs for `n_v` features of each residue."""
    return STEP * n_v + 13


def conv1_rows(flux: np.ndarray, n_v: int) -> np.ndarray:
    """What the first convolution reads at each position, by parity.

    Parameters
    ----------
    flux : float32, shape (batch, n_flux(n_v))
        The last cadence may be missing: it is of no use to the parity of the first position.

    Returns
    -------
    float32, shape (2, batch, 2 n_v + 4, 8)
        Seven cadences and a one. The last row of the second parity is zero: nothing needs it.
    """
    rows = np.zeros((PARITIES, len(flux), _PER_PARITY * n_v + 4, _CONV1), np.float32)
    windows = sliding_window_view(flux, _CONV1 - 1, axis=1)
    for parity in range(PARITIES):
        own = windows[:, parity::PARITIES]
        rows[parity, :, : own.shape[1], :-1] = own
        rows[parity, :, : own.shape[1], -1] = 1
    return rows


def features(network: Network, rows: np.ndarray, residues: range, buffers: Buffers) -> np.ndarray:
    """The features of a batch by one network.

    Parameters
    ----------
    rows : float32, shape (2, batch, 2 n_v + 4, 8), contiguous
        From `conv1_rows`: those of the parity of the first residue, and of the next.
    residues : range
        The first of all, or every second one.

    Returns
    -------
    float32, shape (n_residues, batch, n_v + 1, 64)
        One of the buffers. The last row of each flare has no meaning.
    """
    _, batch, n_rows, _ = rows.shape
    n_v = (n_rows - 4) // _PER_PARITY
    n_parities = 1 if residues.step == PARITIES else min(PARITIES, len(residues))
    even, odd = _conv2(network, rows, n_parities, buffers)
    buffers.rectify(even)  # and with it the features: each is a maximum of one of these
    result = buffers.get("features", len(residues), batch * (n_v + 1) * CHANNELS)
    np.maximum(even, odd, out=result[:n_parities])
    rest = result[n_parities:].reshape(-1)
    n = max(rest.size - CHANNELS, 0)
    np.maximum(odd.reshape(-1)[:n], even.reshape(-1)[CHANNELS : CHANNELS + n], out=rest[:n])
    return result.reshape(len(residues), batch, n_v + 1, CHANNELS)


def _conv2(network: Network, rows: np.ndarray, n_parities: int, buffers: Buffers) -> np.ndarray:
    """Second convolution with its bias; float32, shape (2, n_parities, batch * (n_v + 1) * 64)."""
    _, batch, n_rows, _ = rows.shape
    n_v = (n_rows - 4) // _PER_PARITY
    pooled = _pooled(network, rows, n_parities, buffers)
    triples = buffers.get("triples", 2, n_parities, batch, n_v + 1, 3 * FILTERS + 1)
    row = pooled.strides[1]
    triples[..., :-1] = np.ndarray(  # rows that overlap
        (*triples.shape[:-1], 3 * FILTERS),
        np.float32,
        buffer=pooled,
        strides=(row, pooled.strides[0], n_rows * row, 2 * row, pooled.itemsize),
    )
    triples[..., -1] = 1  # times the bias
    conv2 = buffers.get("conv2", 2, n_parities, batch * (n_v + 1) * CHANNELS)
    flat = triples.reshape(-1, 3 * FILTERS + 1)
    np.matmul(flat, network.conv2_with_bias, out=conv2.reshape(-1, CHANNELS))
    return conv2


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
