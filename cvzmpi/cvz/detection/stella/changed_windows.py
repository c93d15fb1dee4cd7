"""The windows around injected flares, evaluated by computing only the changes that they make.

An injected flare changes the flux at some cadences around its peak, so features only around them,
and the hidden layer of a window only by the changed features:

    hidden'[s] = hidden[s] + sum over t (feature'[t] - feature[t]) W[(t - s) / 4]

All injections see the same picture relative to their peak, so that the sum is one matrix product
for a whole batch of flares (`window_plan`); its rows are a stretch of v (where the flares changed
something), its columns a stretch of u (which windows are asked for). A flare so long that it
reaches the border of a window also changes the window's border taps: see `_border_change`.

The flux keeps the normalisation of the curve without the flare: the median of 20,000 cadences does
not move by a flare of a few (1e-4 at most), and the features away from it stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cvzmpi.cvz.detection.detector import FlareFlux
from cvzmpi.cvz.detection.stella import layers
from cvzmpi.cvz.detection.stella import network as nn
from cvzmpi.cvz.detection.stella.changed_features import (
    PARITIES,
    Buffers,
    conv1_rows,
    features,
    n_flux,
)
from cvzmpi.cvz.detection.stella.ensemble import (
    EnsembleEvaluation,
    border_rows,
    sigmoid,
    window_of_cadence,
)
from cvzmpi.cvz.detection.stella.network import Network
from cvzmpi.cvz.detection.stella.window_plan import Reach, WindowPlan

_CHUNK = 150  # flares that are computed at once: what is read and written stays in the cache
_WASTE = 200  # features of as many flares are computed in the time that one more chunk takes


class ChangedWindows:
    """The windows around a batch of injections into one light curve.

    Parameters
    ----------
    evaluation : EnsembleEvaluation
        Of the light curve without injections.
    matrices : sequence of ndarray
        `toeplitz(network, plan.n_u)` of each of its networks.
    reaches : sequence of Reach, of length batch
    peaks : int, shape (batch,)
        Cadences (indices into the usable ones) of the injected peaks.
    buffers : Buffers
        Shared by all batches that are evaluated one after the other.
    """

    def __init__(
        self,
        evaluation: EnsembleEvaluation,
        matrices: Sequence[np.ndarray],
        plan: WindowPlan,
        reaches: Sequence[Reach],
        peaks: np.ndarray,
        buffers: Buffers,
    ) -> None:
        self._evaluation, self._plan = evaluation, plan
        self._networks, self._matrices = evaluation.networks, matrices
        self._reaches, self._peaks, self._buffers = reaches, peaks, buffers
        self._s0 = window_of_cadence(peaks + plan.first_cadence)
        # int, shape (batch, 2): the features of each flare's reach; those that change at all
        self._within = np.array([(reach.v_start, reach.v_stop) for reach in reaches])
        self._changed = self._within.copy()
        # bool, shape (2, batch): whether the left and the right border change
        self._borders = np.array(
            [(reach.left_border, reach.right_border) for reach in reaches], bool
        ).T
        n_v = plan.n_u + nn.TAPS - 1
        self._positions = self._s0[:, None] + np.arange(n_flux(n_v))
        self._without: np.ndarray = evaluation.flux[self._positions]
        self._flux = self._without.copy()
        self._rows = np.empty((0, 0, 0, 0), np.float32)

    def inject(self, flare_flux: FlareFlux) -> None:
        """Add the flares.

        Parameters
        ----------
        flare_flux : callable
            Gives the relative flux of some flares (int, shape (k,)) at positions of the padded flux
            of the evaluation (int, shape (k, n)).
        """
        for reach in sorted(set(self._reaches)):
            same = np.array([i for i, other in enumerate(self._reaches) if other == reach])
            first = nn.STEP * reach.v_start
            read = slice(first, first + n_flux(reach.v_stop - reach.v_start))
            flux = flare_flux(same, self._positions[same, read]).astype(np.float32)
            self._add(same, read, flux)
        self._rows = conv1_rows(self._flux)

    def _add(self, members: np.ndarray, read: slice, flux: np.ndarray) -> None:
        """Add flares of the same reach at a stretch of cadences, and find what changes.

        The rise of most flares is lost in the last bit of the flux before the reach begins.
        """
        self._flux[members, read] += flux
        changed = np.any(self._flux[members, read] != self._without[members, read], axis=0)
        cadences = read.start + np.flatnonzero(changed)
        begin, end = self._within[members[0]]
        first, last = (cadences[0], cadences[-1]) if len(cadences) else (nn.STEP * begin, 0)
        # feature 4 v + r reads cadences 4 v + r to 4 v + r + 13
        start = min(max(begin, -(-(int(first) - 16) // nn.STEP)), end - 1)
        self._changed[members] = start, max(min(end, int(last) // nn.STEP + 1), start + 1)

    def alone(self, member: int) -> ChangedWindows:
        """The windows around one of the injections, computed without what the others share."""
        alone = ChangedWindows(
            self._evaluation,
            self._matrices,
            self._plan,
            [self._reaches[member]],
            self._peaks[[member]],
            self._buffers,
        )
        alone._flux = self._flux[[member]]
        alone._rows = conv1_rows(alone._flux)
        return alone

    def chunks(self, members: np.ndarray) -> Iterator[np.ndarray]:
        """Flares that are computed together: of one reach, or of several where they are few.

        Everyone in a chunk costs as much as the one with the longest tail.
        """
        stops = self._changed[members, 1]
        chunk, longest = np.empty(0, np.int64), 0
        for stop in sorted(set(stops.tolist()), reverse=True):
            same = members[stops == stop]
            apart = len(same) * (longest - stop) > _WASTE or len(chunk) + len(same) > _CHUNK
            if len(chunk) and apart:
                yield chunk
                chunk = np.empty(0, np.int64)
            longest = longest if len(chunk) else stop
            chunk = np.append(chunk, same)
        parts = -(-len(chunk) // _CHUNK)
        yield from np.array_split(chunk, parts)

    def by_model(self, model: int, members: np.ndarray, cadences: slice) -> np.ndarray:
        """Flare probability by one network.

        Parameters
        ----------
        members : int, shape (k,)
            Which flares of the batch; best a chunk.
        cadences : slice
            Of the plan's cadences; both ends are multiples of 4, the step is 1 or 2.

        Returns
        -------
        float32, shape (k, cadences)
        """
        network, n_parities = self._networks[model], PARITIES // (cadences.step or 1)
        u = range(cadences.start // nn.STEP, cadences.stop // nn.STEP)
        v = self._read_features(members, u)
        changes = self._changes(model, members, v, n_parities)
        product = self._buffers.get("product", len(changes), len(u) * nn.HIDDEN)
        np.matmul(changes, self._weights(model, v, u), out=product)
        first = self._s0[members, None, None] + nn.STEP * np.array(u)
        windows = first + _residues(n_parities)[:, None, :, None]  # parity, flare, i, u
        hidden = self._buffers.get("hidden", *windows.shape, nn.HIDDEN)
        # out= is written without a copy only if indices are not checked; all are in range
        np.take(self._evaluation.hidden[model], windows, axis=0, out=hidden, mode="clip")
        hidden += product.reshape(hidden.shape)
        for is_left, changes_border in zip((True, False), self._borders[:, members], strict=True):
            some = np.flatnonzero(changes_border)
            if len(some):
                change = self._border_change(network, is_left, members[some], u)
                hidden[:, some] += change[:, :, _residues(n_parities)].transpose(2, 0, 3, 1, 4)
        self._buffers.rectify(hidden)
        answers = hidden.reshape(-1, nn.HIDDEN) @ network.output
        answers += np.float32(network.output_bias)
        probability = sigmoid(answers).reshape(windows.shape)
        return probability.transpose(1, 3, 2, 0).reshape(len(members), -1)

    def _read_features(self, members: np.ndarray, u: range) -> range:
        """The changed features that are interior taps of windows in a stretch of u."""
        start = max(int(self._changed[members, 0].min()), u[0] + nn.INTERIOR.start)
        stop = min(int(self._changed[members, 1].max()), u[-1] + nn.INTERIOR.stop)
        return range(start, max(stop, start))

    def _weights(self, model: int, v: range, u: range) -> np.ndarray:
        """The matrix from changes at v to hidden units of windows at u."""
        if len(u) == 1:  # a part of the weights as they are
            rows = slice((v.start - u[0]) * nn.CHANNELS, (v.stop - u[0]) * nn.CHANNELS)
            return self._networks[model].dense.reshape(-1, nn.HIDDEN)[rows]
        rows = slice(v.start * nn.CHANNELS, v.stop * nn.CHANNELS)
        return self._matrices[model][rows, u.start * nn.HIDDEN : u.stop * nn.HIDDEN]

    def _changes(self, model: int, members: np.ndarray, v: range, n_parities: int) -> np.ndarray:
        """The changes of features in a stretch of v.

        Returns
        -------
        float32, shape (n_parities * k * 2, n_v * 64)
            The rows in the order [parity, flare, i]; one of the buffers.
        """
        n_v = len(v)
        rows = self._rows[:, members, 2 * v.start : 2 * v.stop + 4]
        changed = features(self._networks[model], rows, n_parities, self._buffers)
        stored = self._evaluation.features[model]
        position = self._s0[members, None] + _residues(n_parities)[:, None]  # parity, flare, i
        position = (position % nn.STEP) * stored.shape[1] + position // nn.STEP + v.start
        without = self._buffers.get("stored", *position.shape, n_v, nn.CHANNELS)
        places = position[..., None] + np.arange(n_v)
        np.take(stored.reshape(-1, nn.CHANNELS), places, axis=0, out=without, mode="clip")
        changed -= without
        self._leave_out(changed, members, v)
        return changed.reshape(position.size, n_v * nn.CHANNELS)

    def _leave_out(self, changes: np.ndarray, members: np.ndarray, v: range) -> None:
        """Set changes to zero beyond the reach of each flare."""
        begin, end = self._within[members].T
        for start in set(begin[begin > v.start].tolist()):
            changes[:, begin == start, :, : start - v.start] = 0
        for stop in set(end[end < v.stop].tolist()):
            changes[:, end == stop, :, max(stop - v.start, 0) :] = 0

    def _border_change(
        self, network: Network, is_left: bool, members: np.ndarray, u: range
    ) -> np.ndarray:
        """Change of a border's sum, shape (k, n_u, 4, 32): with the flares minus without."""
        n_windows = nn.STEP * len(u)
        left, right = border_rows(nn.STEP * u.start, n_windows)
        part, hidden = (left, layers.hidden_left) if is_left else (right, layers.hidden_right)
        read = slice(part.start, part.stop + 6)  # rows read seven cadences
        change = hidden(network, layers.neighbourhoods(self._flux[members, read]), n_windows)
        change -= hidden(network, layers.neighbourhoods(self._without[members, read]), n_windows)
        return change.reshape(len(members), len(u), nn.STEP, nn.HIDDEN)


def _residues(n_parities: int) -> np.ndarray:
    """Residues of the first n parities; int, shape (n_parities, 2): [0, 2] and [1, 3]."""
    return np.arange(n_parities)[:, None] + np.array([0, 2])
