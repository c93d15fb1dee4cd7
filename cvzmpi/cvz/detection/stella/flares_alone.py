"""The flares of a light curve that is searched for nothing else, without all answers of networks.

Of a mirror image, only its flares count, and how probable each is at most. Nearly all of its
cadences are quiet. So the networks are asked step by step, and no more than decides:

1. More than half of them at every second cadence (`every_second`): where they all say that nothing
   flares, the median says so, and a flare of two cadences or more has one of these in it.
2. The others, where that is open; then all of them at the cadences between, where there may still
   be a flare, and in stretches that another search found (`layers.separate_windows`).
3. What the evaluation of the whole light curve says, to the last bit
   (`EnsembleEvaluation.some_probabilities`): the networks that are in the middle, at cadences near
   the threshold, and where flares are most probable.

Answers of the first two kinds differ from that of the whole evaluation in their last bits. So each
is known between two bounds, and so is the median, which is the greater the greater each answer is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from cvzmpi.cvz.detection.flare_mask import MaskRule, flare_mask
from cvzmpi.cvz.detection.stella import layers
from cvzmpi.cvz.detection.stella import network as nn
from cvzmpi.cvz.detection.stella.changed_features import Buffers
from cvzmpi.cvz.detection.stella.ensemble import (
    EnsembleEvaluation,
    ensemble_probability,
    sigmoid,
)
from cvzmpi.cvz.detection.stella.every_second import (
    EverySecondWindow,
    every_second_row,
    n_every_second,
)
from cvzmpi.cvz.detection.stella.injected_windows import ROUNDING
from cvzmpi.cvz.detection.stella.network import Network

_SINGLE = 1e-6  # rounding of a probability itself, in single precision
_UNKNOWN = -1.0, 2.0  # bounds of what nobody was asked about
_BRIGHTEST = 30.0  # in medians: beyond it, rounding may be more than `rounding` says
_CHUNK = 64  # windows that are computed at once: their values stay in the cache
_MANY = 1 / 12  # with a greater part of the cadences open, all are computed in less time

Wanted = list[np.ndarray]
"""By network, at which cadences it is asked (int)."""


@dataclass(frozen=True)
class FlaresAlone:
    """What is known of the answers of all networks along a light curve.

    Attributes
    ----------
    flux : float64, shape (n,)
        The usable cadences, divided by their median.
    evaluated : bool, shape (n,)
        Cadences whose window is in one segment.
    spans : int, shape (k, 2)
        First and last cadence of stretches of which the greatest probability is wanted as well.
    bounds : float32, shape (2, n_networks, n)
        Between what each answer is; the ranks of a team share it.
    """

    flux: np.ndarray
    evaluated: np.ndarray
    rule: MaskRule
    spans: np.ndarray
    networks: Sequence[Network]
    bounds: np.ndarray
    _buffers: Buffers = field(default_factory=Buffers, repr=False)

    @property
    def majority(self) -> int:
        """So many networks that agree are the median."""
        return len(self.networks) // 2 + 1

    def steps(self) -> list[tuple[Callable[[], Wanted], Callable[[int, np.ndarray], None]]]:
        """What comes after a majority was asked along the light curve.

        Each step says at which cadences the networks are to be asked, and how one of them is.
        """
        return [
            (self.others_where_open, self.ask_at),
            (self.all_between, self.ask_at),
            (self.middle_near_threshold, self.compute_at),
            (self.middle_where_greatest, self.compute_at),
        ]

    @cached_property
    def brightest(self) -> float:
        """The greatest absolute flux."""
        return float(np.max(np.abs(self.flux)))

    @cached_property
    def _evaluation(self) -> EnsembleEvaluation:
        """Room for what one network computes, at first zeros."""
        return EnsembleEvaluation.allocate(self.flux, self.networks[:1], np.zeros)

    # ------------------------------------------------- asking one network, by any rank of a team

    def forget(self) -> None:
        """Begin with nothing known; for one rank of a team."""
        self.bounds[0], self.bounds[1] = _UNKNOWN

    def ask_along(self, model: int) -> None:
        """Ask a network at every second cadence, or at all of them if one can be a flare."""
        lattice = EverySecondWindow.of(self.networks[model])
        for first in range(1 if self.rule.min_cadences > 1 else 2):
            flux = self.flux[first:]
            n = n_every_second(len(flux))
            if n > 0:
                answers = lattice.answers(every_second_row(flux), self._buffers)[:n]
                start = nn.BEFORE + first
                self._learn(model, slice(start, start + 2 * n, 2), answers)

    def ask_at(self, model: int, cadences: np.ndarray) -> None:
        """Ask a network at some of the evaluated cadences."""
        for start in range(0, len(cadences), _CHUNK):
            chunk = cadences[start : start + _CHUNK]
            windows = self.flux[chunk[:, None] + np.arange(-nn.BEFORE, nn.WINDOW - nn.BEFORE)]
            logits = layers.separate_windows(self.networks[model], windows.astype(np.float32))
            self._learn(model, chunk, sigmoid(logits))

    def compute_at(self, model: int, cadences: np.ndarray) -> None:
        """Learn what the evaluation of the whole light curve says at some cadences."""
        evaluation = replace(self._evaluation, networks=[self.networks[model]])
        self.bounds[:, model, cadences] = evaluation.some_probabilities(0, cadences)

    def _learn(self, model: int, cadences: slice | np.ndarray, answers: np.ndarray) -> None:
        margin = rounding(answers, self.brightest)
        self.bounds[0, model, cadences] = answers - margin
        self.bounds[1, model, cadences] = answers + margin

    def sees_many(self, model: int) -> bool:
        """Tell whether a network that was asked sees so many flares that others need not be."""
        above = self.evaluated & (self.bounds[0, model] > self.rule.threshold)
        asked = self.evaluated & (self.bounds[0, model] > _UNKNOWN[0])
        return bool(np.count_nonzero(above) > _MANY * np.count_nonzero(asked))

    # ----------------------------------------------- what to ask: the same on all ranks of a team

    def too_many(self) -> bool:
        """Tell whether so much is open that all answers are computed in less time.

        So it is where a part of the majority was not asked. All are computed as well where the flux
        is so bright that the bounds would not hold.
        """
        if self.brightest > _BRIGHTEST:
            return True
        open_ones = np.count_nonzero(self._open() & self._asked().any(axis=0))
        return bool(open_ones + np.count_nonzero(self._in_spans()) > _MANY * len(self.flux))

    def others_where_open(self) -> Wanted:
        """The networks that were not asked at cadences where others were, and may be flaring."""
        asked = self._asked()
        return self._where(~asked & self._may_count() & asked.any(axis=0))

    def all_between(self) -> Wanted:
        """All networks, at all cadences that may be in a flare or are in the given stretches."""
        return self._where(~self._asked() & (self._may_count() | self._in_spans()))

    def middle_near_threshold(self) -> Wanted:
        """The networks in the middle, where the median may be on either side of the threshold."""
        cadences = np.flatnonzero(self._may_count())
        lower, upper = self._median(cadences)
        flaring = self.rule.flaring
        return self._middle(cadences[flaring(upper + _SINGLE) & ~flaring(lower - _SINGLE)])

    def middle_where_greatest(self) -> Wanted:
        """The networks in the middle, where a flare or a given stretch may be most probable."""
        cadences = []
        answered = self._asked().all(axis=0) & self.evaluated
        for first, last in [*self.rule.flares(self.probability()), *self.spans]:
            inside = first + np.flatnonzero(answered[first : last + 1])
            if len(inside):
                lower, upper = self._median(inside)
                cadences.append(inside[upper >= lower.max()])
        return self._middle(np.unique(np.concatenate([np.empty(0, int), *cadences])))

    # ------------------------------------------------------------------------- what is known

    def probability(self) -> np.ndarray:
        """Flare probability where it was asked for, and might count; float32, shape (n,).

        NaN where there is no flare. Once all was asked, the rule finds the same flares in it as in
        that of the whole evaluation, and the greatest value of each, and of each given stretch, is
        the same to the last bit.
        """
        probability = np.full(len(self.flux), np.nan, np.float32)
        known = np.flatnonzero(self._asked().all(axis=0) & self.evaluated)
        lower, upper = self.bounds[:, :, known]
        exact = lower == upper
        probability[known] = ensemble_probability(np.where(exact, lower, (lower + upper) / 2))
        return probability

    def _asked(self) -> np.ndarray:
        asked: np.ndarray = self.bounds[0] > _UNKNOWN[0]
        return asked

    def _open(self) -> np.ndarray:
        """Evaluated cadences that may be flaring by all answers so far; bool, shape (n,)."""
        above = self.bounds[1] >= self.rule.threshold
        possible = self.evaluated & (np.sum(above, axis=0, dtype=np.int16) >= self._at_least)
        at = np.flatnonzero(possible)
        possible[at] = self._median(at)[1] >= self.rule.threshold - _SINGLE
        return possible

    @property
    def _at_least(self) -> int:
        """With fewer networks above the threshold, the median is not: it has none in the middle."""
        return len(self.networks) - self.majority + 1

    def _may_count(self) -> np.ndarray:
        """Cadences that may be flaring within a flare, in a run of it or between two; (n,)."""
        possible = self._open()
        within = flare_mask(self.rule.flares(possible.astype(float)), len(possible))
        return possible & within

    def _in_spans(self) -> np.ndarray:
        inside = np.zeros(len(self.flux), bool)
        for first, last in self.spans:
            inside[first : last + 1] = True
        return inside & self.evaluated

    def _median(self, cadences: np.ndarray) -> np.ndarray:
        """Bounds of the median at some cadences; float32, shape (2, k)."""
        return np.median(self.bounds[:, :, cadences], axis=1)

    def _middle(self, cadences: np.ndarray) -> Wanted:
        """The networks whose answers may be the one, or one of the two, that the median is."""
        n = len(self.networks)
        lower, upper = self.bounds[:, :, cadences]
        least = np.sort(lower, axis=0)[(n - 1) // 2]
        most = np.sort(upper, axis=0)[n // 2]
        middle = (upper >= least) & (lower <= most) & (lower < upper)
        return [cadences[of_network] for of_network in middle]

    def _where(self, wanted: np.ndarray) -> Wanted:
        return [np.flatnonzero(of_network) for of_network in wanted]


def rounding(answers: np.ndarray, brightest: float = 1.0) -> np.ndarray:
    """More than answers change by how many windows are computed at once.

    `ROUNDING` is that of a probability of one half. Rounding is that of the sum before the sigmoid,
    so that there is less of it where the sigmoid is flat, and more where greater numbers are added.

    Parameters
    ----------
    brightest : float
        The greatest absolute flux, in medians; up to `_BRIGHTEST`.
    """
    sensitive = 4 * answers * (1 - answers)
    margin: np.ndarray = ROUNDING * max(1.0, brightest) * sensitive + _SINGLE
    return margin
