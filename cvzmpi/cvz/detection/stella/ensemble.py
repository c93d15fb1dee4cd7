"""The ensemble: flare probabilities of all networks at every cadence.

An `EnsembleEvaluation` holds what the networks computed along one light curve: their features at
every position and the input of the hidden layer in every window. The probabilities follow from it
at once, and injected flares need only what they change (`injected_windows`).

Positions: the flux is padded with ones, so that position p is cadence p - MARGIN and the window of
cadence i starts at position i + MARGIN - 100. Windows that reach into the padding are computed like
all others, which keeps every index in range; they are never called evaluated (`segments`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from cvzmpi.cvz.detection.stella import layers
from cvzmpi.cvz.detection.stella import network as nn
from cvzmpi.cvz.detection.stella.network import Network

MARGIN = 160
"""Positions before the first and after the last cadence.

`injected_windows` reads up to 128 cadences around a peak (the largest reach that the configuration
allows, rounded up) and eight more, also where the peak is the first or last evaluated cadence.
"""
_BLOCK = 512  # positions worked on at once: their intermediate values stay in the cache

Allocate = Callable[[tuple[int, ...], type], np.ndarray]


@dataclass(frozen=True)
class EnsembleEvaluation:
    """Intermediate values of an ensemble of networks along one light curve."""

    flux: np.ndarray  # float32, shape (4 n + 13,): the padded flux; index k is position k - 5
    # float32, shape (n_models, 4, n, 64): in residue order: [m, r, v] belongs to position 4 v + r
    features: np.ndarray
    # float32, shape (n_models, n_windows, 32): input of the hidden layer, bias included, by the
    # position where the window starts
    hidden: np.ndarray
    n_cadences: int
    networks: Sequence[Network]

    @classmethod
    def allocate(
        cls, flux: np.ndarray, networks: Sequence[Network], allocate: Allocate = np.empty
    ) -> EnsembleEvaluation:
        """Make room for the evaluation of a light curve.

        Parameters
        ----------
        flux : float, shape (n_cadences,)
            The usable cadences, divided by their median.
        allocate : callable
            Makes an array from shape and dtype; a team passes one that all its ranks share.
        """
        n_cadences = len(flux)
        n_windows = n_cadences + 2 * MARGIN - nn.WINDOW
        n_windows += -n_windows % nn.STEP
        n = n_windows // nn.STEP + nn.TAPS - 1
        padded = np.ones(nn.STEP * n + nn.LEFT_READS + nn.RIGHT_READS, np.float32)
        start = nn.LEFT_READS + MARGIN
        padded[start : start + n_cadences] = flux
        return cls(
            flux=padded,
            features=allocate((len(networks), nn.STEP, n, nn.CHANNELS), np.float32),
            hidden=allocate((len(networks), n_windows, nn.HIDDEN), np.float32),
            n_cadences=n_cadences,
            networks=networks,
        )

    def compute(self, model: int) -> None:
        """Evaluate one network of the ensemble along the whole light curve."""
        network = self.networks[model]
        rows = layers.neighbourhoods(self.flux[None])
        for start in range(0, self.features.shape[2], _BLOCK // nn.STEP):
            self._compute_features(model, network, rows, start)
        hidden = self.hidden[model]
        hidden[:] = layers.hidden_interior(network, self.features[model], len(hidden))
        hidden += network.dense_bias
        for start in range(0, len(hidden), _BLOCK):
            n = min(_BLOCK, len(hidden) - start)
            for border in _borders(network, rows, start, n):
                hidden[start : start + n] += border

    def some_probabilities(self, model: int, cadences: np.ndarray) -> np.ndarray:
        """What `model_probabilities` says of some cadences, to the last bit, without the others.

        Parameters
        ----------
        cadences : int, shape (k,)
            What is not computed for them has to be finite: `allocate` with `numpy.zeros`.

        Returns
        -------
        float32, shape (k,)
            `features` and `hidden` are of no use for anything else then.
        """
        network, windows = self.networks[model], window_of_cadence(cadences)
        rows = layers.neighbourhoods(self.flux[None])
        first, last = (windows + nn.STEP * tap for tap in (nn.INTERIOR.start, nn.INTERIOR.stop - 1))
        for block in np.unique(np.concatenate([first // _BLOCK, last // _BLOCK])).tolist():
            self._compute_features(model, network, rows, block * (_BLOCK // nn.STEP))
        hidden, feature = self.hidden[model], self.features[model]
        hidden[windows] = layers.hidden_interior_of(network, feature, windows)
        hidden[windows] += network.dense_bias
        for block in np.unique(windows // _BLOCK).tolist():
            start = block * _BLOCK
            of = windows[windows // _BLOCK == block]
            for border in _borders(network, rows, start, min(_BLOCK, len(hidden) - start)):
                hidden[of] += border[of - start]
        hidden[windows] = np.maximum(hidden[windows], 0)
        answers = layers.outputs(network, hidden[self._windows])
        return sigmoid(answers)[cadences]

    def _compute_features(self, model: int, network: Network, rows: np.ndarray, start: int) -> None:
        """Fill `features[model, :, start : start + _BLOCK / 4]`."""
        features = self.features[model]
        stop = min(start + _BLOCK // nn.STEP, features.shape[1])
        # conv2 needs two positions more than features, pooled four more than that, conv1 one more
        block = rows[:, nn.STEP * start : nn.STEP * stop + 2 + 4 + 1]
        conv2 = layers.convolved(network, layers.pooled(network, block))
        features[:, start:stop] = layers.features(network, conv2)[0]

    def model_probabilities(self) -> np.ndarray:
        """Flare probability of each cadence by each network.

        Returns
        -------
        float32, shape (n_models, n_cadences)
            Also at cadences whose window reaches over an edge or a gap.
        """
        return np.stack(
            [
                sigmoid(layers.logits(network, self.hidden[model, self._windows].copy()))
                for model, network in enumerate(self.networks)
            ]
        )

    @property
    def _windows(self) -> slice:
        """The windows of all cadences."""
        start = window_of_cadence(0)
        return slice(start, start + self.n_cadences)

    def probability(self) -> np.ndarray:
        """Flare probability of each cadence; float32, shape (n_cadences,)."""
        return ensemble_probability(self.model_probabilities())


def evaluate(flux: np.ndarray, networks: Sequence[Network]) -> EnsembleEvaluation:
    """Evaluate all networks along a light curve in this process.

    Parameters
    ----------
    flux : float, shape (n_cadences,)
        The usable cadences, divided by their median.
    """
    evaluation = EnsembleEvaluation.allocate(flux, networks)
    for model in range(len(networks)):
        evaluation.compute(model)
    return evaluation


Index = TypeVar("Index", int, np.ndarray)


def window_of_cadence(cadence: Index) -> Index:
    """Position where the window of a cadence, or of each of an array of them, starts."""
    return cadence + MARGIN - nn.BEFORE


def border_rows(window: int, n_windows: int) -> tuple[slice, slice]:
    """Rows of `neighbourhoods(flux)` that the left and the right border of windows read."""
    first = window + nn.LEFT_READS - 3  # row p belongs to index p + 3, that is position p + 3 - 5
    last = first + nn.RIGHT_BORDER
    return (
        slice(first, first + n_windows + nn.BORDER_ROWS),
        slice(last, last + n_windows + nn.BORDER_ROWS),
    )


def _borders(network: Network, rows: np.ndarray, start: int, n: int) -> Iterator[np.ndarray]:
    """Sums of the left and of the right border of n windows; float32, shape (n, 32) each."""
    left, right = border_rows(start, n)
    yield layers.hidden_left(network, rows[:, left], n)[0]
    yield layers.hidden_right(network, rows[:, right], n)[0]


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """The logistic function; its argument is overwritten."""
    np.negative(logits, out=logits)
    with np.errstate(over="ignore"):  # exp overflows to inf where the probability is 0
        np.exp(logits, out=logits)
    logits += 1
    return np.reciprocal(logits, out=logits)


def ensemble_probability(model_probabilities: np.ndarray) -> np.ndarray:
    """The flare probability: the median over the networks (first axis)."""
    return np.median(model_probabilities, axis=0)
