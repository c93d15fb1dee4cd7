"""The stella network on every window of a light curve, each common part computed once.

stella's network answers one question, "is the middle cadence of these 200 part of a flare?":

    window x (200)
      -> conv1: 16 filters, kernel 7, zero-padded, relu -> max over pairs      (100, 16)
      -> conv2: 64 filters, kernel 3, zero-padded, relu -> max over pairs      (50, 64)
      -> flatten (3200) -> dense 32, relu -> dense 1, sigmoid

Windows of neighbouring cadences share 199 of their 200 cadences. So nothing is computed by window:
the value of a filter depends only on the *position* t where it stands in the light curve. Pooling
keeps every second value, counted from the start of the window; computed at every position, it
becomes a max of t and its neighbour, and the next layer takes its neighbours two positions away:

    pooled[t]  = max(conv1[t], conv1[t+1])                  reads x[t-3 .. t+4]
    conv2[t]   = W0 pooled[t-2] + W1 pooled[t] + W2 pooled[t+2]
    feature[t] = max(conv2[t], conv2[t+2])                  reads x[t-5 .. t+8]

The window that starts at s flattens feature[s], feature[s+4], ..., feature[s+196]: its 50 *taps*.
Only the zero padding is a matter of the window: it changes taps 0, 1, 48 and 49 (the *border*),
which are computed for each window apart. Taps 2 to 47 are the *interior*.

        x:  s . . . . . . . . . . . . . . . . . . . . . . . . . . . . s+199
     taps:  [0][1]|[2] [3]  ...        interior        ...  [47]|[48][49]
            border|                                              |border

Positions are kept in *residue order*: (4, n, 64), where [r, v] is position 4 v + r. Then the taps
of a window are 50 neighbouring rows, and a matrix product can read many of them without a copy.

The sum over the taps is the bulk of the work, 0.2 of 0.25 MFLOP a window; see `hidden_interior`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

WINDOW = 200  # cadences that the network sees
BEFORE = 100  # of them before the evaluated cadence: window i is [i-100, i+100)
TAPS = 50  # features that a window flattens, STEP positions apart
STEP = 4
FILTERS = 16
CHANNELS = 64  # of a feature
HIDDEN = 32
INTERIOR = slice(2, 48)  # taps that the zero padding of the window does not reach
LEFT_READS, RIGHT_READS = 5, 8  # feature[t] reads x[t-5 .. t+8]
BORDER_READS = 13  # taps 0, 1 read x[s .. s+12], taps 48, 49 read x[s+187 .. s+199]
BORDER_ROWS = 9  # rows of `neighbourhoods` beyond the number of windows that a border needs
RIGHT_BORDER = 190  # position in the window where `hidden_right` begins to read

_GROUP = 23  # interior taps that `hidden_interior` sums in one go; 46 = 2 x 23


@dataclass(frozen=True)
class Network:
    """The weights of one network, laid out as the sliding evaluation reads them.

    Attributes
    ----------
    conv1 : float32, shape (8, 16)
        Seven taps and the bias.
    conv1_left, conv1_right : float32, shape (3, 8, 16)
        The same for the first and the last three positions of a window: taps that would read
        outside of it are zero.
    conv2 : float32, shape (48, 64)
    conv2_left, conv2_right : float32, shape (64, 192)
        Four pooled values to the three border values of conv2.
    bias2 : float32, shape (64,)
    dense : float32, shape (50, 64, 32)
        By tap, channel and hidden unit.
    dense_groups : float32, shape (23 * 64, 2 * 32)
        Taps 2 to 24 in the left half of the columns, 25 to 47 in the right half.
    dense_left, dense_right : float32, shape (2 * 64, 32)
        Border taps.
    dense_bias : float32, shape (32,)
    output, output_bias : float32, shape (32,) and float
    """

    conv1: np.ndarray
    conv1_left: np.ndarray
    conv1_right: np.ndarray
    conv2: np.ndarray
    conv2_left: np.ndarray
    conv2_right: np.ndarray
    bias2: np.ndarray
    dense: np.ndarray
    dense_groups: np.ndarray
    dense_left: np.ndarray
    dense_right: np.ndarray
    dense_bias: np.ndarray
    output: np.ndarray
    output_bias: float

    @classmethod
    def from_keras(cls, weights: dict[str, np.ndarray]) -> Network:
        """Lay out the weights of a Keras model.

        Parameters
        ----------
        weights : dict
            `conv1_kernel` (7, 1, 16), `conv1_bias` (16,), `conv2_kernel` (3, 16, 64),
            `conv2_bias` (64,), `dense1_kernel` (3200, 32), `dense1_bias` (32,),
            `dense2_kernel` (32, 1), `dense2_bias` (1,), as float32.
        """
        conv1 = np.vstack([weights["conv1_kernel"][:, 0, :], weights["conv1_bias"]])
        left = np.stack([conv1] * 3)
        right = np.stack([conv1] * 3)
        for position in range(3):
            left[position, : 3 - position] = 0  # position 0 lacks the three taps before it
            right[position, 6 - position : 7] = 0  # position 197 lacks the last tap, 199 three
        w0, w1, w2 = weights["conv2_kernel"]
        none = np.zeros_like(w0)
        dense = np.ascontiguousarray(weights["dense1_kernel"].reshape(TAPS, CHANNELS, HIDDEN))
        first, second = dense[2 : 2 + _GROUP], dense[2 + _GROUP : 2 + 2 * _GROUP]
        return cls(
            conv1=conv1,
            conv1_left=left,
            conv1_right=right,
            conv2=np.vstack([w0, w1, w2]),
            conv2_left=np.block([[w1, w0, none], [w2, w1, w0], [none, w2, w1], [none, none, w2]]),
            conv2_right=np.block([[w0, none, none], [w1, w0, none], [w2, w1, w0], [none, w2, w1]]),
            bias2=weights["conv2_bias"],
            dense=dense,
            dense_groups=np.hstack(
                [first.reshape(-1, HIDDEN), second.reshape(-1, HIDDEN)],
            ),
            dense_left=np.ascontiguousarray(dense[:2].reshape(-1, HIDDEN)),
            dense_right=np.ascontiguousarray(dense[48:].reshape(-1, HIDDEN)),
            dense_bias=weights["dense1_bias"],
            output=weights["dense2_kernel"][:, 0],
            output_bias=float(weights["dense2_bias"][0]),
        )


def neighbourhoods(x: np.ndarray) -> np.ndarray:
    """The seven cadences that conv1 reads at each position, and a one for its bias.

    Parameters
    ----------
    x : float32, shape (batch, n)

    Returns
    -------
    float32, shape (batch, n - 6, 8)
        [:, p] belongs to position p + 3. The same for all networks of an ensemble.
    """
    batch, n = x.shape
    rows = np.empty((batch, n - 6, 8), np.float32)
    rows[:, :, :7] = np.lib.stride_tricks.sliding_window_view(x, 7, axis=1)
    rows[:, :, 7] = 1
    return rows


def pooled(network: Network, rows: np.ndarray) -> np.ndarray:
    """First convolution, relu and pooling at every position.

    Parameters
    ----------
    rows : float32, shape (batch, n, 8)
        From `neighbourhoods`.

    Returns
    -------
    float32, shape (batch, n - 1, 16)
    """
    conv1 = _product(rows, network.conv1)
    values = np.maximum(conv1[:, :-1], conv1[:, 1:])
    return np.maximum(values, 0, out=values)


def convolved(network: Network, pooled_values: np.ndarray) -> np.ndarray:
    """Second convolution, without its bias, at every position.

    Parameters
    ----------
    pooled_values : float32, shape (batch, n, 16)

    Returns
    -------
    float32, shape (batch, n - 4, 64)
        [:, p] belongs to the position of pooled_values[:, p + 2].
    """
    batch, n, _ = pooled_values.shape
    outer, step, inner = pooled_values.strides
    triples = as_strided(
        pooled_values, (batch, n - 4, 3, FILTERS), (outer, step, 2 * step, inner), writeable=False
    )
    return _product(triples.reshape(batch, n - 4, 3 * FILTERS), network.conv2)


def features(network: Network, conv2: np.ndarray) -> np.ndarray:
    """Pooled second layer at every position, in residue order.

    Parameters
    ----------
    conv2 : float32, shape (batch, 4 n + 2, 64)

    Returns
    -------
    float32, shape (batch, 4, n, 64)
        [:, r, v] belongs to the position of conv2[:, 4 v + r].
    """
    batch, positions, _ = conv2.shape
    n = (positions - 2) // STEP
    result = np.empty((batch, STEP, n, CHANNELS), np.float32)
    shape = (batch, n, STEP, CHANNELS)
    np.maximum(conv2[:, :-2].reshape(shape), conv2[:, 2:].reshape(shape), out=result.swapaxes(1, 2))
    result += network.bias2
    return np.maximum(result, 0, out=result)


def hidden_interior(network: Network, feature: np.ndarray, n_windows: int) -> np.ndarray:
    """Sum of the interior taps of every window, the input of the hidden layer without the border.

    For windows 4 u + r the sum runs over feature[r, u+2 .. u+47]. Rows k, k+1, ..., k+22 of
    `feature[r]` are one contiguous vector of 23 * 64 numbers; for k, k+23, k+46, ... these vectors
    do not overlap, so that for each of the 23 possible beginnings one matrix product without any
    copy gives what *every* stretch of 23 features contributes, once as taps 2 to 24 and once as
    taps 25 to 47. A window is then the sum of two neighbouring stretches. No multiplication is
    done twice and none is wasted.

    Parameters
    ----------
    feature : float32, shape (4, n, 64), contiguous
        With n >= n_windows / 4 + 47.
    n_windows : int
        A multiple of 4.

    Returns
    -------
    float32, shape (n_windows, 32)
    """
    per_residue = n_windows // STEP
    hidden = np.empty((per_residue, STEP, HIDDEN), np.float32)
    n = feature.shape[1]
    stretches = np.empty((n - _GROUP + 1, 2 * HIDDEN), np.float32)
    for residue in range(STEP):
        for begin in range(_GROUP):
            rows = (n - begin) // _GROUP
            vectors = feature[residue, begin : begin + rows * _GROUP].reshape(rows, -1)
            stretches[begin::_GROUP] = vectors @ network.dense_groups
        np.add(
            stretches[2 : 2 + per_residue, :HIDDEN],
            stretches[2 + _GROUP : 2 + _GROUP + per_residue, HIDDEN:],
            out=hidden[:, residue],
        )
    return hidden.reshape(n_windows, HIDDEN)


def hidden_left(network: Network, rows: np.ndarray, n_windows: int) -> np.ndarray:
    """What taps 0 and 1 add to the input of the hidden layer.

    Parameters
    ----------
    rows : float32, shape (batch, n_windows + 9, 8)
        From `neighbourhoods`; rows[:, 0] belongs to the first position of the first window. Its
        three cadences before the window are multiplied by zero.

    Returns
    -------
    float32, shape (batch, n_windows, 32)
    """
    first, second, third = (
        _product(rows[:, p : p + n_windows], network.conv1_left[p]) for p in range(3)
    )
    conv1 = _product(rows[:, 3 : n_windows + 9], network.conv1)  # from position 3 on
    inner = np.maximum(conv1[:, :-1], conv1[:, 1:])  # pooled from position 3 on, before relu
    values = np.concatenate(
        [
            np.maximum(first, second),
            np.maximum(third, conv1[:, :n_windows]),
            inner[:, 1 : 1 + n_windows],  # position 4
            inner[:, 3 : 3 + n_windows],  # position 6
        ],
        axis=2,
    )
    np.maximum(values, 0, out=values)
    np.maximum(inner, 0, out=inner)
    border = _product(values, network.conv2_left)
    after = convolved(network, inner[:, 1:])[:, :n_windows]  # conv2 at position 6
    return _border_taps(network, border, after, network.dense_left, inner_first=False)


def hidden_right(network: Network, rows: np.ndarray, n_windows: int) -> np.ndarray:
    """What taps 48 and 49 add to the input of the hidden layer.

    Parameters
    ----------
    rows : float32, shape (batch, n_windows + 9, 8)
        From `neighbourhoods`; rows[:, 0] belongs to position 190 of the first window.

    Returns
    -------
    float32, shape (batch, n_windows, 32)
    """
    third_last, second_last, last = (
        _product(rows[:, p + 7 : p + 7 + n_windows], network.conv1_right[p]) for p in range(3)
    )
    conv1 = _product(rows[:, : n_windows + 6], network.conv1)  # from position 190 on
    inner = np.maximum(conv1[:, :-1], conv1[:, 1:])  # pooled from position 190 on, before relu
    values = np.concatenate(
        [
            inner[:, 2 : 2 + n_windows],  # position 192
            inner[:, 4 : 4 + n_windows],  # position 194
            np.maximum(conv1[:, 6 : 6 + n_windows], third_last),
            np.maximum(second_last, last),
        ],
        axis=2,
    )
    np.maximum(values, 0, out=values)
    np.maximum(inner, 0, out=inner)
    border = _product(values, network.conv2_right)
    before = convolved(network, inner)[:, :n_windows]  # conv2 at position 192
    return _border_taps(network, border, before, network.dense_right, inner_first=True)


def logits(network: Network, hidden: np.ndarray) -> np.ndarray:
    """The answer of the network before the sigmoid.

    Parameters
    ----------
    hidden : float32, shape (..., 32)
        Input of the hidden layer, bias included; overwritten.

    Returns
    -------
    float32, shape (...,)
    """
    np.maximum(hidden, 0, out=hidden)
    return hidden @ network.output + np.float32(network.output_bias)


def _border_taps(
    network: Network,
    border: np.ndarray,
    interior: np.ndarray,
    dense: np.ndarray,
    inner_first: bool,
) -> np.ndarray:
    """Pool three border values of conv2 and the interior one beside them to two taps, and sum.

    The four values stand in the order of their positions: the interior one is the last on the left
    border, and the first on the right border.
    """
    one, two, three = (border[..., i * CHANNELS : (i + 1) * CHANNELS] for i in range(3))
    four_values = (interior, one, two, three) if inner_first else (one, two, three, interior)
    taps = np.empty((*border.shape[:-1], 2 * CHANNELS), np.float32)
    np.maximum(four_values[0], four_values[1], out=taps[..., :CHANNELS])
    np.maximum(four_values[2], four_values[3], out=taps[..., CHANNELS:])
    taps[..., :CHANNELS] += network.bias2
    taps[..., CHANNELS:] += network.bias2
    np.maximum(taps, 0, out=taps)
    return _product(taps, dense)


def _product(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """`rows @ matrix` as *one* matrix product, whatever the leading dimensions of `rows`."""
    flat = rows.reshape(-1, rows.shape[-1]) @ matrix
    return flat.reshape(*rows.shape[:-1], matrix.shape[1])
