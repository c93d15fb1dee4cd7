"""Injected flares, evaluated by computing only the changes that they make.

An injected flare changes the flux at some cadences around its peak, so features only around them,
and the hidden layer of a window only by the changed features:

    hidden'[s] = hidden[s] + sum over t (feature'[t] - feature[t]) W[(t - s) / 4]

All injections see the same picture relative to their peak. The windows that are asked for start at
s = s0 + 4 u + r, the changed features stand at t = s0 + 4 v + r (residues do not mix), so that the
tap is v - u. For each injection and residue the changes are one vector over (v, channel), and the
sum is its product with a matrix over (u, hidden unit) that is the same for all:

                    u = 0   u = 1   u = 2  ...
            v = 0 [ W[0]                    ]     W[v - u], interior taps only;
            v = 1 [ W[1]    W[0]            ]     zero elsewhere
            v = 2 [ W[2]    W[1]    W[0]    ]

One matrix product for a whole batch; its rows are a stretch of v (where the flares changed
something), its columns a stretch of u (which windows are asked for). A flare so long that it
reaches the border of a window also changes the window's border taps: see `_border_change`.

Whether a cadence is flaring needs the median of the networks only so far: once more than half of
all agree on one side of the threshold, the others change nothing. Six of ten settle most cadences,
and a seventh and an eighth most of the others (`bounds`). No network is asked the same twice.

The flux keeps the normalisation of the curve without the flare: the median of 20,000 cadences does
not move by a flare of a few (1e-4 at most), and the features away from it stay what they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.stella import layers
from cvzmpi.cvz.detection.stella import network as nn
from cvzmpi.cvz.detection.stella.ensemble import (
    EnsembleEvaluation,
    border_rows,
    ensemble_probability,
    sigmoid,
    window_of_cadence,
)
from cvzmpi.cvz.detection.stella.network import Network


def toeplitz(network: Network, n_u: int) -> np.ndarray:
    """The matrix above; float32, shape ((n_u + 49) * 64, n_u * 32)."""
    n_v = n_u + nn.TAPS - 1
    matrix = np.zeros((n_v, nn.CHANNELS, n_u, nn.HIDDEN), np.float32)
    interior = network.dense[nn.INTERIOR]
    for u in range(n_u):
        matrix[u + nn.INTERIOR.start : u + nn.INTERIOR.stop, :, u] = interior
    return matrix.reshape(n_v * nn.CHANNELS, n_u * nn.HIDDEN)


@dataclass(frozen=True, order=True)
class Reach:
    """The features that a flare may change, v in [v_start, v_stop), and the border taps.

    Flares of the same reach are evaluated together.
    """

    v_start: int
    v_stop: int
    left_border: bool
    right_border: bool


@dataclass(frozen=True)
class WindowPlan:
    """The windows around a peak: cadences first_cadence + 0 .. 4 n_u - 1 relative to it."""

    first_cadence: int
    n_u: int

    def reach(self, before: int, after: int, step: int = 4) -> Reach:
        """The features that change with the flux from `before` to `after` cadences of the peak.

        Parameters
        ----------
        step : int
            Bounds are widened to multiples of this, so that fewer different reaches occur.
        """
        n_v = self.n_u + nn.TAPS - 1
        to_peak = nn.BEFORE - self.first_cadence  # from the start of the first window to the peak
        begin, end = to_peak - before, to_peak + after
        v_start = (begin - nn.RIGHT_READS) // nn.STEP // step * step
        v_stop = -(-((end + nn.LEFT_READS) // nn.STEP + 1) // step) * step
        # A border's flux has to be there as well: on the left from v = 0, on the right to n_v.
        left_border = begin < nn.STEP * self.n_u - 1 + nn.BORDER_READS
        right_border = end >= nn.WINDOW - nn.BORDER_READS
        return Reach(
            v_start=0 if left_border else max(v_start, 0),
            v_stop=n_v if right_border else min(v_stop, n_v),
            left_border=left_border,
            right_border=right_border,
        )


class InjectedWindows:
    """A batch of injections of the same reach into one light curve.

    Parameters
    ----------
    evaluation : EnsembleEvaluation
        Of the light curve without injections.
    matrices : sequence of ndarray
        `toeplitz(network, plan.n_u)` of each of its networks.
    peaks : int, shape (batch,)
        Cadences (indices into the usable ones) of the injected peaks.
    """

    def __init__(
        self,
        evaluation: EnsembleEvaluation,
        matrices: Sequence[np.ndarray],
        plan: WindowPlan,
        reach: Reach,
        peaks: np.ndarray,
    ) -> None:
        self._evaluation = evaluation
        self._networks = evaluation.networks
        self._matrices = matrices
        self._reach = reach
        self._s0 = window_of_cadence(peaks + plan.first_cadence)
        self._rows = np.empty((0, 0, 8), np.float32)
        self._stored = np.empty((0, 0, 0), np.int64)
        # by model: the changes of the features, and of which injections they are there
        self._changes: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        # by model and ends of a stretch: flare probabilities, and of which injections
        self._answers: dict[tuple[int, int, int], tuple[np.ndarray, np.ndarray]] = {}

    def flux_positions(self) -> np.ndarray:
        """Positions at which `inject` needs the flux of the flares.

        Returns
        -------
        int, shape (batch, n)
            Indices into the padded flux of the evaluation.
        """
        n = nn.STEP * (self._reach.v_stop - self._reach.v_start)
        offsets = np.arange(n + nn.LEFT_READS + nn.RIGHT_READS) + nn.STEP * self._reach.v_start
        return self._s0[:, None] + offsets

    def inject(self, flare_flux: np.ndarray) -> None:
        """Add the flares and compute the features that they change.

        Parameters
        ----------
        flare_flux : float, shape (batch, n)
            Relative flux of the flares at `flux_positions`.
        """
        positions = self.flux_positions()
        flux = self._evaluation.flux[positions] + flare_flux.astype(np.float32)
        self._rows = layers.neighbourhoods(flux)
        n = self._evaluation.features.shape[2]
        n_v = self._reach.v_stop - self._reach.v_start
        start = positions[:, :1] + np.arange(nn.STEP)  # position of the first feature by residue
        stored = ((start % nn.STEP) * n + start // nn.STEP)[:, :, None] + np.arange(n_v)
        self._stored = stored
        self._changes, self._answers = {}, {}

    @property
    def n_bounds(self) -> int:
        """How many bounds there are: with a majority of the networks, up to all but one."""
        return max(1, len(self._networks) - self._majority)

    @property
    def _majority(self) -> int:
        return len(self._networks) // 2 + 1

    def bounds(
        self, members: np.ndarray, stretch: slice, threshold: float, number: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the flare probability is certainly, and where it may be, above a threshold.

        Parameters
        ----------
        members, stretch
            As of `probability`.
        number : int
            Of the bound, from 0: how many networks more than a majority are asked.

        Returns
        -------
        bool, shape (k, cadences in the stretch) each
        """
        asked = range(self._majority + number)
        above = [self._answer(model, members, stretch) > threshold for model in asked]
        n_above = np.sum(above, axis=0)
        certain = n_above >= self._majority
        possible = len(asked) - n_above < self._majority
        return _in_order(certain), _in_order(possible)

    def probability(self, members: np.ndarray, stretch: slice) -> np.ndarray:
        """Flare probability at a stretch of the plan's cadences, for some of the injections.

        Parameters
        ----------
        members : int, shape (k,)
            Which injections of the batch.
        stretch : slice
            Of the plan's cadences; both ends are multiples of 4.

        Returns
        -------
        float32, shape (k, cadences in the stretch)
        """
        models = range(len(self._networks))
        by_model = np.stack([self._answer(model, members, stretch) for model in models])
        return _in_order(ensemble_probability(by_model))

    def _answer(self, model: int, members: np.ndarray, stretch: slice) -> np.ndarray:
        """As `_by_model`; computed when it is asked for, and kept."""
        batch, n_u = len(self._s0), (stretch.stop - stretch.start) // nn.STEP
        key = (model, stretch.start, stretch.stop)
        if key not in self._answers:
            answers = np.empty((batch, nn.STEP, n_u), np.float32)
            self._answers[key] = answers, np.zeros(batch, bool)
        answers, known = self._answers[key]
        missing = members[~known[members]]
        if len(missing):
            answers[missing], known[missing] = self._by_model(model, missing, stretch), True
        return answers[members]

    def _by_model(self, model: int, members: np.ndarray, stretch: slice) -> np.ndarray:
        """Flare probability by one network; float32, shape (k, 4, n_u): by residue and u."""
        reach, network = self._reach, self._networks[model]
        u_start, u_stop = stretch.start // nn.STEP, stretch.stop // nn.STEP
        n_u = u_stop - u_start
        rows = slice(reach.v_start * nn.CHANNELS, reach.v_stop * nn.CHANNELS)
        columns = slice(u_start * nn.HIDDEN, u_stop * nn.HIDDEN)
        first = self._s0[members] + nn.STEP * u_start
        windows = (  # by residue and u, as the product has them
            first[:, None, None] + np.arange(nn.STEP)[:, None] + nn.STEP * np.arange(n_u)
        )
        changes = self._changes_of(model, members)
        product = changes.reshape(len(members) * nn.STEP, -1) @ self._matrices[model][rows, columns]
        hidden = self._evaluation.hidden[model][windows]
        hidden += product.reshape(hidden.shape)
        for is_left in (True, False):
            if reach.left_border if is_left else reach.right_border:
                hidden += self._border_change(network, is_left, members, u_start, n_u)
        return sigmoid(layers.logits(network, hidden))

    def _changes_of(self, model: int, members: np.ndarray) -> np.ndarray:
        """The changes of the features of some injections; computed when they are asked for."""
        batch, n_v = len(self._s0), self._stored.shape[2]
        if model not in self._changes:
            changes = np.empty((batch, nn.STEP, n_v, nn.CHANNELS), np.float32)
            self._changes[model] = changes, np.zeros(batch, bool)
        changes, known = self._changes[model]
        missing = members[~known[members]]
        if len(missing):
            network = self._networks[model]
            conv2 = layers.convolved(network, layers.pooled(network, self._rows[missing]))
            features = layers.features(network, conv2)
            stored = self._evaluation.features[model].reshape(-1, nn.CHANNELS)
            features -= stored[self._stored[missing]]
            changes[missing], known[missing] = features, True
        return changes if len(members) == batch else changes[members]

    def _border_change(
        self, network: Network, is_left: bool, members: np.ndarray, u_start: int, n_u: int
    ) -> np.ndarray:
        """Change of a border's sum, shape (k, 4, n_u, 32): with the flares minus without."""
        n_windows = nn.STEP * n_u
        left, right = border_rows(nn.STEP * (u_start - self._reach.v_start), n_windows)
        rows, hidden = (left, layers.hidden_left) if is_left else (right, layers.hidden_right)
        without = self._evaluation.flux[self.flux_positions()[members]]
        change = hidden(network, self._rows[members, rows], n_windows)
        change -= hidden(network, layers.neighbourhoods(without)[:, rows], n_windows)
        return change.reshape(len(members), n_u, nn.STEP, nn.HIDDEN).swapaxes(1, 2)


def _in_order(values: np.ndarray) -> np.ndarray:
    """Bring values by residue and u, (k, 4, n_u), to the order of cadences: (k, 4 n_u)."""
    return values.swapaxes(1, 2).reshape(len(values), -1)
