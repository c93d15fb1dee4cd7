"""The windows around injected flares, evaluated by computing only the changes that they make.

An injected flare changes the flux at some cadences around its peak, so features only around them,
and the hidden layer of a window only by the changed features:

    hidden'[s] = hidden[s] + sum over t (feature'[t] - feature[t]) W[(t - s) / 4]

All injections see the same picture relative to their peak (`window_plan`), so that the sum is one
matrix product for the windows at u of a whole batch of flares. A flare so long that it reaches the
border of a window also changes the window's border taps: see `_border_change`.

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
from cvzmpi.cvz.detection.stella.question import (
    ChangedBorder,
    Question,
    asked_windows,
    beyond,
    residue_order,
)
from cvzmpi.cvz.detection.stella.window_plan import Reach, WindowPlan

_CHUNK = 150  # flares that are computed at once: what is read and written stays in the cache
_WASTE = 200  # features of as many flares are computed in the time that one more chunk takes


class ChangedWindows:
    """The windows around a batch of injections into one light curve.

    Parameters
    ----------
    evaluation : EnsembleEvaluation
        Of the light curve without injections.
    reaches : sequence of Reach, of length batch
    peaks : int, shape (batch,)
        Cadences (indices into the usable ones) of the injected peaks.
    buffers : Buffers
        Shared by all batches that are evaluated one after the other.
    """

    def __init__(
        self,
        evaluation: EnsembleEvaluation,
        plan: WindowPlan,
        reaches: Sequence[Reach],
        peaks: np.ndarray,
        buffers: Buffers,
    ) -> None:
        self._evaluation, self._plan = evaluation, plan
        self._networks = evaluation.networks
        self._reaches, self._peaks, self._buffers = reaches, peaks, buffers
        self._s0 = window_of_cadence(peaks + plan.first_cadence)
        # int, shape (batch, 2): the features of each flare's reach; those that change at all
        self._within = np.array([(reach.v_start, reach.v_stop) for reach in reaches])
        self._changed = self._within.copy()
        # bool, shape (2, batch): whether the left and the right border change, where the flux does
        self._borders = np.array(
            [(reach.left_border, reach.right_border) for reach in reaches], bool
        ).T
        n_v = plan.n_u + nn.TAPS - 1
        self._positions = self._s0[:, None] + np.arange(n_flux(n_v))
        self._without: np.ndarray = evaluation.flux[self._positions]
        self._flux = self._without.copy()
        # int, shape (batch, 2): the first and the last of these cadences that change
        self._changed_flux = np.tile([0, self._flux.shape[1] - 1], (len(peaks), 1))

    def inject(self, flare_flux: FlareFlux) -> None:
        """Add the flares.

        Parameters
        ----------
        flare_flux : callable
            Gives the relative flux of some flares (int, shape (k,)) at positions of the padded flux
            of the evaluation (int, shape (k, n)).
        """
        members: dict[Reach, list[int]] = {}
        for member, reach in enumerate(self._reaches):
            members.setdefault(reach, []).append(member)
        for reach, of_reach in members.items():
            same = np.array(of_reach)
            first = nn.STEP * reach.v_start
            read = slice(first, first + n_flux(reach.v_stop - reach.v_start))
            flux = flare_flux(same, self._positions[same, read]).astype(np.float32)
            self._add(same, read, flux)

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
        self._changed_flux[members] = first, last
        self._changed[members] = start, max(min(end, int(last) // nn.STEP + 1), start + 1)

    def brightness(self) -> np.ndarray:
        """What each flare adds to the flux at most; float32, shape (batch,)."""
        added: np.ndarray = np.max(self._flux - self._without, axis=1)
        return added

    def alone(self, member: int) -> ChangedWindows:
        """The windows around one of the injections, computed without what the others share."""
        alone = ChangedWindows(
            self._evaluation,
            self._plan,
            [self._reaches[member]],
            self._peaks[[member]],
            self._buffers,
        )
        alone._flux = self._flux[[member]]
        return alone

    def chunks(self, members: np.ndarray) -> Iterator[np.ndarray]:
        """Flares that are computed together: of one reach, or of several where they are few.

        Everyone in a chunk costs as much as the one with the longest tail.
        """
        members = members[np.argsort(-self._changed[members, 1], kind="stable")]
        stops = self._changed[members, 1]
        first = 0
        for next_one in (np.flatnonzero(stops[1:] < stops[:-1]) + 1).tolist():
            same = np.count_nonzero(stops == stops[next_one])
            too_many = next_one - first + same > _CHUNK
            if too_many or same * (stops[first] - stops[next_one]) > _WASTE:
                yield from _in_parts(members[first:next_one])
                first = next_one
        yield from _in_parts(members[first:])

    def question(self, members: np.ndarray, cadences: slice) -> Question:
        """Prepare to ask networks about some windows of some of the flares.

        Parameters
        ----------
        members : int, shape (k,)
            Which flares of the batch; best a chunk.
        cadences : slice
            As of `asked_windows`.
        """
        u, residues = asked_windows(cadences)
        v = self._read_features(members, u)
        read_from = nn.STEP * v.start + residues.start
        read = slice(read_from, read_from + n_flux(len(v)))
        first = self._s0[members] + np.array(residues)[:, None]  # [residue, flare]
        place = residue_order(first, self._evaluation.features.shape[2])
        return Question(
            members=members,
            u=u,
            residues=residues,
            n_cadences=len(range(cadences.start, cadences.stop, cadences.step or 1)),
            v=v,
            rows=conv1_rows(self._flux[members, read], len(v)),
            places=place[..., None] + np.arange(v.start, v.stop + 1),
            windows=first + nn.STEP * np.array(u)[:, None, None],
            left_out=beyond(self._within[members], v),
            borders=self._changed_borders(members, u, residues),
        )

    def by_model(self, model: int, question: Question) -> np.ndarray:
        """Flare probability by one network.

        Returns
        -------
        float32, shape (k, cadences)
        """
        network, windows = self._networks[model], question.windows
        hidden = self._buffers.get("hidden", *windows.shape, nn.HIDDEN)
        # out= is written without a copy only if indices are not checked; all are in range
        np.take(self._evaluation.hidden[model], windows, axis=0, out=hidden, mode="clip")
        self._add_changes(model, question, hidden)
        for border in question.borders:
            hidden[:, :, border.of] += self._border_change(network, border, question)
        self._buffers.rectify(hidden)
        answers = hidden.reshape(-1, nn.HIDDEN) @ network.output
        answers += np.float32(network.output_bias)
        probability = sigmoid(answers).reshape(windows.shape)
        by_flare = probability.transpose(2, 0, 1).reshape(len(question.members), -1)
        return by_flare[:, : question.n_cadences]

    def _read_features(self, members: np.ndarray, u: range) -> range:
        """The changed features that are interior taps of windows in a stretch of u."""
        start = max(int(self._changed[members, 0].min()), u[0] + nn.INTERIOR.start)
        stop = min(int(self._changed[members, 1].max()), u[-1] + nn.INTERIOR.stop)
        return range(start, max(stop, start))

    def _add_changes(self, model: int, question: Question, hidden: np.ndarray) -> None:
        """Add what the changed features change in the input of the hidden layer.

        Parameters
        ----------
        hidden : float32, shape (n_u, n_residues, k, 32)
        """
        network, changes = self._networks[model], self._changes(model, question)
        product = self._buffers.get("product", len(changes), nn.HIDDEN)
        for u, of_u in zip(question.u, hidden, strict=True):
            taps = question.taps(u)
            first = taps.start + u - question.v.start
            read = slice(nn.CHANNELS * first, nn.CHANNELS * (first + taps.stop - taps.start))
            weights = network.dense[taps].reshape(-1, nn.HIDDEN)
            np.matmul(changes[:, read], weights, out=product)
            of_u += product.reshape(of_u.shape)

    def _changes(self, model: int, question: Question) -> np.ndarray:
        """The changes of the features that the windows read.

        Returns
        -------
        float32, shape (n_residues * k, (n_v + 1) * 64)
            One of the buffers.
        """
        changed = features(self._networks[model], question.rows, question.residues, self._buffers)
        stored = self._evaluation.features[model].reshape(-1, nn.CHANNELS)
        without = self._buffers.get("stored", *question.places.shape, nn.CHANNELS)
        np.take(stored, question.places, axis=0, out=without, mode="clip")
        changed -= without
        for members, part in question.left_out:
            changed[:, members, part] = 0
        return changed.reshape(-1, (len(question.v) + 1) * nn.CHANNELS)

    def _changed_borders(
        self, members: np.ndarray, u: range, residues: range
    ) -> list[ChangedBorder]:
        """The borders of these windows that some of the members change."""
        first, last = self._changed_flux[members].T
        borders = []
        parts = border_rows(nn.STEP * u.start + residues.start, _n_windows(u, residues))
        for is_left, part, reached in zip(
            (True, False), parts, self._borders[:, members], strict=True
        ):
            read = slice(part.start, part.stop + 6)  # rows read seven cadences
            some = np.flatnonzero(reached & (first < read.stop) & (last >= read.start))
            if len(some):
                flux = np.concatenate([x[members[some], read] for x in (self._flux, self._without)])
                borders.append(ChangedBorder(is_left, some, layers.neighbourhoods(flux)))
        return borders

    def _border_change(
        self, network: Network, border: ChangedBorder, question: Question
    ) -> np.ndarray:
        """Change of a border's sum: with the flares minus without.

        Returns
        -------
        float32, shape (n_u, n_residues, b, 32)
        """
        hidden = layers.hidden_left if border.is_left else layers.hidden_right
        u, residues, b = question.u, question.residues, len(border.of)
        sums = hidden(network, border.rows, _n_windows(u, residues), residues.step)
        change = (sums[:b] - sums[b:]).reshape(b, len(u), len(residues), nn.HIDDEN)
        return change.transpose(1, 2, 0, 3)


def _n_windows(u: range, residues: range) -> int:
    """From the first window to the last, and those between that are not asked for."""
    return len(u) * len(residues) * residues.step


def _in_parts(members: np.ndarray) -> list[np.ndarray]:
    """Parts of `_CHUNK` at most, of nearly the same size."""
    return np.array_split(members, -(-len(members) // _CHUNK))
