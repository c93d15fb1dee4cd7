"""The layers of a network along many positions at once; see `network` for what a position is."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from cvzmpi.cvz.detection.stella.network import CHANNELS, FILTERS, GROUP, HIDDEN, STEP, Network


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
    rows[:, :, :7] = sliding_window_view(x, 7, axis=1)
    rows[:, :, 7] = 1
    return rows


def pooled(network: Network, rows: np.ndarray) -> np.ndarray:
    """First convolution, relu and pooling at every position; float32, shape (batch, n - 1, 16).

    Parameters
    ----------
    rows : float32, shape (batch, n, 8)
        From `neighbourhoods`.
    """
    conv1 = _product(rows, network.conv1)
    values = np.maximum(conv1[:, :-1], conv1[:, 1:])
    return np.maximum(values, 0, out=values)


def convolved(network: Network, pooled_values: np.ndarray, step: int = 1) -> np.ndarray:
    """Second convolution, without its bias, at every position.

    Parameters
    ----------
    pooled_values : float32, shape (batch, n, 16)
    step : int
        2 for every second position.

    Returns
    -------
    float32, shape (batch, (n - 4) / step, 64), rounded up
        [:, p] belongs to the position of pooled_values[:, step p + 2].
    """
    batch, n, _ = pooled_values.shape
    n_out = -(-(n - 4) // step)
    outer, row, inner = pooled_values.strides
    triples = as_strided(
        pooled_values,
        (batch, n_out, 3, FILTERS),
        (outer, step * row, 2 * row, inner),
        writeable=False,
    )
    return _product(triples.reshape(batch, n_out, 3 * FILTERS), network.conv2)


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
        With n >= n_windows / 4 + 47. Or (2, n, 64), for every second position and window: then with
        n >= n_windows / 2 + 47.
    n_windows : int
        A multiple of 4, or of 2.

    Returns
    -------
    float32, shape (n_windows, 32)
    """
    n_residues, n, _ = feature.shape
    per_residue = n_windows // n_residues
    hidden = np.empty((per_residue, n_residues, HIDDEN), np.float32)
    stretches = np.empty((n - GROUP + 1, 2 * HIDDEN), np.float32)
    for residue in range(n_residues):
        for begin in range(GROUP):
            rows = (n - begin) // GROUP
            vectors = feature[residue, begin : begin + rows * GROUP].reshape(rows, -1)
            stretches[begin::GROUP] = vectors @ network.dense_groups
        np.add(
            stretches[2 : 2 + per_residue, :HIDDEN],
            stretches[2 + GROUP : 2 + GROUP + per_residue, HIDDEN:],
            out=hidden[:, residue],
        )
    return hidden.reshape(n_windows, HIDDEN)


def hidden_interior_of(network: Network, feature: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """The same sum for some of the windows, to the last bit.

    The last bits of a matrix product depend on its shape. So these are the same products, but only
    those of the 92 that the windows are rows of.

    Parameters
    ----------
    feature
        As of `hidden_interior`; those that the windows do not read may have any finite value.
    windows : int, shape (k,)

    Returns
    -------
    float32, shape (k, 32)
    """
    hidden = np.empty((len(windows), HIDDEN), np.float32)
    u, residues = np.divmod(windows, STEP)
    row, begins = np.divmod(u + 2, GROUP)
    for residue, begin in sorted(set(zip(residues.tolist(), begins.tolist(), strict=True))):
        rows = (feature.shape[1] - begin) // GROUP
        vectors = feature[residue, begin : begin + rows * GROUP].reshape(rows, -1)
        sums = vectors @ network.dense_groups
        of = (residues == residue) & (begins == begin)
        hidden[of] = sums[row[of], :HIDDEN] + sums[row[of] + 1, HIDDEN:]
    return hidden


def hidden_left(network: Network, rows: np.ndarray, n_windows: int, step: int = 1) -> np.ndarray:
    """Sum of taps 0 and 1, a part of the input of the hidden layer.

    Parameters
    ----------
    rows : float32, shape (batch, n_windows + 9, 8)
        From `neighbourhoods`; rows[:, 0] belongs to the first position of the first window. Its
        three cadences before the window are multiplied by zero.
    step : int
        2 for every second window; `n_windows` is a multiple of it.

    Returns
    -------
    float32, shape (batch, n_windows / step, 32)
    """
    first, second, third = (
        _product(rows[:, p : p + n_windows : step], network.conv1_left[p]) for p in range(3)
    )
    conv1 = _product(rows[:, 3 : n_windows + 9], network.conv1)  # from position 3 on
    inner = np.maximum(conv1[:, :-1], conv1[:, 1:])  # pooled from position 3 on, before relu
    values = np.concatenate(
        [
            np.maximum(first, second),
            np.maximum(third, conv1[:, :n_windows:step]),
            inner[:, 1 : 1 + n_windows : step],  # position 4
            inner[:, 3 : 3 + n_windows : step],  # position 6
        ],
        axis=2,
    )
    np.maximum(values, 0, out=values)
    np.maximum(inner, 0, out=inner)
    border = _product(values, network.conv2_left)
    after = convolved(network, inner[:, 1:], step)[:, : n_windows // step]  # conv2 at position 6
    return _border_taps(network, border, after, network.dense_left, inner_first=False)


def hidden_right(network: Network, rows: np.ndarray, n_windows: int, step: int = 1) -> np.ndarray:
    """Sum of taps 48 and 49, a part of the input of the hidden layer.

    Parameters
    ----------
    rows : float32, shape (batch, n_windows + 9, 8)
        From `neighbourhoods`; rows[:, 0] belongs to position 190 of the first window.
    step : int
        As of `hidden_left`.

    Returns
    -------
    float32, shape (batch, n_windows / step, 32)
    """
    third_last, second_last, last = (
        _product(rows[:, p + 7 : p + 7 + n_windows : step], network.conv1_right[p])
        for p in range(3)
    )
    conv1 = _product(rows[:, : n_windows + 6], network.conv1)  # from position 190 on
    inner = np.maximum(conv1[:, :-1], conv1[:, 1:])  # pooled from position 190 on, before relu
    values = np.concatenate(
        [
            inner[:, 2 : 2 + n_windows : step],  # position 192
            inner[:, 4 : 4 + n_windows : step],  # position 194
            np.maximum(conv1[:, 6 : 6 + n_windows : step], third_last),
            np.maximum(second_last, last),
        ],
        axis=2,
    )
    np.maximum(values, 0, out=values)
    np.maximum(inner, 0, out=inner)
    border = _product(values, network.conv2_right)
    before = convolved(network, inner, step)[:, : n_windows // step]  # conv2 at position 192
    return _border_taps(network, border, before, network.dense_right, inner_first=True)


def logits(network: Network, hidden: np.ndarray) -> np.ndarray:
    """The answer of the network before the sigmoid; float32, shape (...,).

    Parameters
    ----------
    hidden : float32, shape (..., 32)
        Input of the hidden layer, bias included; overwritten.
    """
    np.maximum(hidden, 0, out=hidden)
    return outputs(network, hidden)


def outputs(network: Network, hidden: np.ndarray) -> np.ndarray:
    """The same from what the hidden layer gives."""
    return hidden @ network.output + np.float32(network.output_bias)


def separate_windows(network: Network, flux: np.ndarray) -> np.ndarray:
    """The answers to windows that share nothing, before the sigmoid; float32, shape (k,).

    A window takes four times the work that it has among its neighbours, but these are none.

    Parameters
    ----------
    flux : float32, shape (k, 200)
    """
    n, length = flux.shape
    conv1 = _product(neighbourhoods(np.pad(flux, ((0, 0), (3, 3)))), network.conv1)
    # pooled, with the zeros that the second convolution finds beyond the window
    values = np.zeros((n, length // 2 + 2, FILTERS), np.float32)
    pooled_values = values[:, 1:-1]
    np.maximum(conv1[:, ::2], conv1[:, 1::2], out=pooled_values)
    np.maximum(pooled_values, 0, out=pooled_values)
    triples = sliding_window_view(values.reshape(n, -1), 3 * FILTERS, axis=1)[:, ::FILTERS]
    conv2 = _product(triples, network.conv2)
    taps = np.maximum(conv2[:, ::2], conv2[:, 1::2])
    taps += network.bias2
    np.maximum(taps, 0, out=taps)
    hidden = taps.reshape(n, -1) @ network.dense.reshape(-1, HIDDEN)
    hidden += network.dense_bias
    return logits(network, hidden)


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
