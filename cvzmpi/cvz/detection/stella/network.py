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

The sum over the taps is the bulk of the work, 0.2 of 0.25 MFLOP a window; see `hidden_interior` in
`layers`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
BORDER_ROWS = 9  # rows of `layers.neighbourhoods` beyond the number of windows that a border needs
RIGHT_BORDER = 190  # position in the window where `hidden_right` begins to read

GROUP = 23  # interior taps that `hidden_interior` sums in one go; 46 = 2 x 23


@dataclass(frozen=True)
class Network:
    """The weights of one network, laid out as the sliding evaluation reads them."""

    conv1: np.ndarray  # float32, shape (8, 16): seven taps and the bias
    # conv1_left, conv1_right: float32, shape (3, 8, 16): the same for the first and the last three
    # positions of a window: taps that would read outside of it are zero
    conv1_left: np.ndarray
    conv1_right: np.ndarray
    conv2: np.ndarray  # float32, shape (48, 64)
    conv2_with_bias: np.ndarray  # float32, shape (49, 64): the bias last
    # conv2_left, conv2_right: float32, shape (64, 192): four pooled values to the three border
    # values of conv2
    conv2_left: np.ndarray
    conv2_right: np.ndarray
    bias2: np.ndarray  # float32, shape (64,)
    dense: np.ndarray  # float32, shape (50, 64, 32): by tap, channel and hidden unit
    # float32, shape (23 * 64, 2 * 32): taps 2 to 24 in the left half of the columns, 25 to 47 in
    # the right half
    dense_groups: np.ndarray
    # dense_left, dense_right: float32, shape (2 * 64, 32): border taps
    dense_left: np.ndarray
    dense_right: np.ndarray
    dense_bias: np.ndarray  # float32, shape (32,)
    # output, output_bias: float32, shape (32,) and float
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
        first, second = dense[2 : 2 + GROUP], dense[2 + GROUP : 2 + 2 * GROUP]
        return cls(
            conv1=conv1,
            conv1_left=left,
            conv1_right=right,
            conv2=np.vstack([w0, w1, w2]),
            conv2_with_bias=np.vstack([w0, w1, w2, weights["conv2_bias"]]),
            conv2_left=np.block([[w1, w0, none], [w2, w1, w0], [none, w2, w1], [none, none, w2]]),
            conv2_right=np.block([[w0, none, none], [w1, w0, none], [w2, w1, w0], [none, w2, w1]]),
            bias2=weights["conv2_bias"],
            dense=dense,
            dense_groups=np.hstack([first.reshape(-1, HIDDEN), second.reshape(-1, HIDDEN)]),
            dense_left=np.ascontiguousarray(dense[:2].reshape(-1, HIDDEN)),
            dense_right=np.ascontiguousarray(dense[48:].reshape(-1, HIDDEN)),
            dense_bias=weights["dense1_bias"],
            output=weights["dense2_kernel"][:, 0],
            output_bias=float(weights["dense2_bias"][0]),
        )
