"""Statistics by which found events are compared, and the shapes that their densities may have.

Events are of three *families*, by the searches that found them. Those of the significance search,
alone or with stella, are compared by their S/N. Those of stella alone are compared by their largest
probability: their S/N is below the other search's threshold or was refused by a vetting rule, so it
orders nothing.

The density of false events is a mixture of Gaussian tails of several widths, each above the
threshold: exponentials of the squared S/N. The tail of Gaussian noise is one of them; noise that is
not Gaussian has longer ones. Such mixtures hold exponentials and power laws of the S/N as well
(Bernstein's theorem), while mixtures of exponentials of the S/N itself fall off too slowly for
Gaussian noise.

The density of true flares is linear between knots in the logarithm of the S/N, and a priori a
Pareto law. Its knots are a factor of 1.6 apart: noise falls off within a fraction of that, so what
is steep is not taken for flares even if the mirror images have too few false events.

Both densities are multiplied with the part of the events that pass the vetting. An event must keep
a S/N of 3 without its brightest cadence, so below a S/N of 4.5 ever fewer pass: with a low
threshold, the density of false events is not highest at the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit

from cvzmpi.cvz.configuration import DetectConfig, SignificanceConfig
from cvzmpi.cvz.detection.search import FOUND_BY_SIGNIFICANCE, FOUND_BY_STELLA, Search
from cvzmpi.cvz.detection.significance.vetting import MIN_REST

STELLA, SIGNIFICANCE = FOUND_BY_STELLA, FOUND_BY_SIGNIFICANCE
BOTH = STELLA | SIGNIFICANCE

FAMILIES = (STELLA, SIGNIFICANCE, BOTH)
"""Values of `found_by`."""

MIN_SNR = SignificanceConfig().min_snr
MIN_PROBABILITY = DetectConfig().threshold

PARETO_INDEX = 1.5
"""Of the number of true flares above an S/N, a priori: cool stars have 1 in equivalent duration
(Ilin et al. 2021, A&A 645, A42), and the S/N grows slower than that."""

_FALSE_EVENTS = 2.0  # that the prior of the shape of false events is worth
_TRUE_EVENTS = 5.0  # the same for true flares
# Variances of the Gaussian tails, and their prior.
_VARIANCES = (0.7, 0.85, 1, 1.25, 1.6, 2.1, 2.8, 4, 6, 10, 20, 60, 400)
_VARIANCE_PRIOR = (0.08, 0.12, 0.2, 0.15, 0.12, 0.1, 0.07, 0.05, 0.04, 0.03, 0.02, 0.015, 0.005)
# S/N at which half of the events pass, as it may be, and width of the logistic function: about 3.9
# and 0.17 by the events in mirror images of 120 simulated light curves with a limit of 3.4, over a
# Gaussian tail.
_HALF_PASS, _PASS_WIDTH = (1.2 * MIN_REST, 1.3 * MIN_REST, 1.4 * MIN_REST), 0.12
_SHORTEST_RANGE = 2.0  # of the statistic of probabilities
_LARGEST_GAP = 1e-6  # of a probability to 1 that is told apart; float32 has 6e-8
_STEP = 1e-3  # for the integrals of shapes over bins, of the whole range


def counted_families(search: Search) -> tuple[int, ...]:
    """The families whose events a choice of searches counts."""
    return tuple(np.array(FAMILIES)[search.flares(np.array(FAMILIES))].tolist())


@dataclass(frozen=True)
class Thresholds:
    """The least values that events of the searches have."""

    snr: float = MIN_SNR
    probability: float = MIN_PROBABILITY


DEFAULT_THRESHOLDS = Thresholds()


@dataclass(frozen=True)
class Statistic:
    """A statistic in bins, and the shapes of densities of it."""

    # float64, shape (n_bins + 1,); increasing. Values outside belong to the first or last bin.
    edges: np.ndarray
    false_shapes: np.ndarray  # float64, shape (n_false, n_bins); each a probability of each bin
    false_prior: np.ndarray  # float64, shape (n_false,); events that the prior is worth
    true_shapes: np.ndarray  # float64, shape (n_true, n_bins)
    true_prior: np.ndarray  # float64, shape (n_true,)

    @property
    def middle(self) -> np.ndarray:
        """Middles of the bins; float64, shape (n_bins,)."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    def bin_of(self, values: np.ndarray) -> np.ndarray:
        """The bin of each value; int64."""
        return np.clip(np.searchsorted(self.edges, values, "right") - 1, 0, len(self.edges) - 2)

    def interpolated(self, table: np.ndarray, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Linear between the middles of bins in some rows of a table of shape (n, n_bins)."""
        middle = self.middle
        position = np.interp(values, middle, np.arange(len(middle)))
        left = np.minimum(position.astype(np.int64), len(middle) - 2)
        part = position - left
        return (1 - part) * table[rows, left] + part * table[rows, left + 1]


def by_snr(threshold: float) -> Statistic:
    """The statistic of events that the significance search found: their S/N."""
    near = threshold + np.concatenate([np.arange(0, 2, 0.1), np.arange(2, 5, 0.25)])
    edges = np.concatenate([near, (threshold + 5) * np.geomspace(1, 60, 22)])
    false = _exponentials((edges**2 - threshold**2) / 2, np.array(_VARIANCES))
    knots = [0, 0.5, 1, 1.5, 2.1, 2.8, 3.6, 4.5]
    true, true_prior = _hats(np.log(edges / edges[0]), knots, PARETO_INDEX)
    passes = [_passing((edges[1:] + edges[:-1]) / 2, half) for half in _HALF_PASS]
    return Statistic(
        edges=edges,
        false_shapes=np.concatenate([_normalised(false * passing) for passing in passes]),
        false_prior=np.tile(_FALSE_EVENTS * np.array(_VARIANCE_PRIOR) / len(passes), len(passes)),
        true_shapes=_normalised(true * np.mean(passes, axis=0)),
        true_prior=true_prior,
    )


def by_probability(threshold: float) -> Statistic:
    """The statistic of events that stella alone found: `probability_statistic`."""
    lowest, stop = probability_statistic(np.array([threshold, 1.0])).tolist()
    start = min(lowest, stop - _SHORTEST_RANGE)
    edges = np.linspace(start, stop, 41)
    true, true_prior = _hats(edges - start, [0, 2, 4, 7, 10, 14], 0.3)
    return Statistic(
        edges=edges,
        false_shapes=_exponentials(edges - start, np.array([0.3, 0.6, 1.2, 2.5, 5])),
        false_prior=_FALSE_EVENTS * np.array([0.2, 0.25, 0.25, 0.2, 0.1]),
        true_shapes=true,
        true_prior=true_prior,
    )


def probability_statistic(probability: np.ndarray) -> np.ndarray:
    """-ln(1 - p), in which probabilities near 1 can be told apart."""
    return -np.log(np.maximum(1 - probability.astype(np.float64), _LARGEST_GAP))


def statistic_values(found_by: np.ndarray, snr: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """The statistic of each event, by its family; float64, shape (n_events,)."""
    return np.where(found_by == STELLA, probability_statistic(probability), snr.astype(np.float64))


def _passing(snr: np.ndarray, half: float) -> np.ndarray:
    """Part of events of a S/N that pass the vetting, flares or not; nearly 1 from 4.7 on."""
    return np.asarray(expit((snr - half) / _PASS_WIDTH))


def _normalised(shapes: np.ndarray) -> np.ndarray:
    return np.asarray(shapes / shapes.sum(axis=1, keepdims=True))


def _exponentials(position: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Probabilities of bins; `position` is that of their edges, from 0 on."""
    below = -np.expm1(-position / scales[:, None])
    below[:, -1] = 1
    return np.diff(below, axis=1)


def _hats(
    position: np.ndarray, knots: Sequence[float], fall: float
) -> tuple[np.ndarray, np.ndarray]:
    """Shapes that are linear between knots, and their prior, a density falling exponentially.

    `position` is that of the edges of the bins, from 0 on. Knots that are too far behind the last
    one have no shape.
    """
    knots = [
        knot for knot, before in zip(knots, [0, *knots], strict=False) if before < position[-1]
    ]
    fine = np.arange(0, 1 + _STEP, _STEP) * position[-1]
    shapes, masses = [], []
    for number in range(len(knots)):
        hat = np.interp(fine, knots, np.eye(len(knots))[number])
        below = np.concatenate([[0], np.cumsum((hat[1:] + hat[:-1]) / 2)])
        shapes.append(np.diff(np.interp(position, fine, below / below[-1])))
        masses.append(float(hat @ np.exp(-fall * fine)))
    prior = np.array(masses) / sum(masses)
    return np.array(shapes), _TRUE_EVENTS * prior


@cache
def statistics(thresholds: Thresholds) -> Mapping[int, Statistic]:
    """The statistic of each family."""
    snr = by_snr(thresholds.snr)
    return {STELLA: by_probability(thresholds.probability), SIGNIFICANCE: snr, BOTH: snr}
