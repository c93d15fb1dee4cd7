"""Whether injected flares are found, from as few answers of the detector as settle it.

More flaring cadences never make less of a flare. So what is certainly flaring and what may be bound
the answer of the mask rule, and where both give the same, the rest need not be computed:

- A flare is found as soon as one run near the peak is certain: most of those that are found have
  one in the *middle*, the fewest cadences around the peak that can hold a run.
- It is not found as soon as every run is broken that could cover the peak, or be merged over it
  with another: those in a stretch *near* the peak that is a little longer than the longest gap.
  Every second cadence is enough for that, where a run needs two or more.

Which of the two is tried first, the detector guesses; what it says about one helps with the other.
Only where both leave the answer open is the detector asked about all cadences, the core first, then
the cadences before it, then those after it, which matter only beside a run before it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cvzmpi.cvz.detection.detector import InjectedFlares
from cvzmpi.cvz.detection.flare_mask import AroundPeak, MaskRule, covered, in_runs


class BatchDecisions:
    """The decisions about a batch of injected flares.

    Parameters
    ----------
    evaluated : bool, shape (batch, cadences of `around`)
        Cadences where the detector looks; elsewhere nothing is flaring.
    """

    def __init__(
        self,
        rule: MaskRule,
        around: AroundPeak,
        tolerance: int,
        injected: InjectedFlares,
        evaluated: np.ndarray,
    ) -> None:
        self._rule, self._around, self._tolerance = rule, around, tolerance
        self._injected, self._evaluated = injected, evaluated
        self._found = np.zeros(len(evaluated), bool)
        self._open = np.ones(len(evaluated), bool)

    def decide(self) -> np.ndarray:
        """Tell which of the flares are found; bool, shape (batch,)."""
        rule, around, injected = self._rule, self._around, self._injected
        everyone, rounds = np.arange(len(self._open)), range(injected.n_rounds)
        left, core, right = around.left_core_right
        above = injected.guess(everyone, around.middle, rule.threshold)
        likely = np.count_nonzero(above, axis=1) >= rule.min_cadences
        self._ask(everyone[likely], around.middle, True, rounds[:3])
        step = 2 if rule.min_cadences > 1 else 1
        self._ask(
            everyone[~likely], slice(around.near.start, around.near.stop, step), False, rounds
        )
        for stretch in (core, left, right):
            if stretch.stop > stretch.start:
                self._ask(everyone, stretch, True, rounds)
        self._settle(np.flatnonzero(self._open))
        return self._found

    def _ask(
        self, members: np.ndarray, cadences: slice, found: bool, rounds: Iterable[int]
    ) -> None:
        """Ask the detector in rounds, until it is settled whether the flares are found."""
        for number in rounds:
            members = members[self._open[members]]
            if len(members) == 0:
                return
            self._injected.ask(members, cadences, found, number)
            certain, possible = self._injected.known(members, self._rule.threshold)
            evaluated = self._evaluated[members]
            self._found[members] = self._covered(certain & evaluated)
            self._open[members] = self._found[members] != self._covered(possible & evaluated)

    def _settle(self, members: np.ndarray) -> None:
        """Decide by the probabilities themselves."""
        probability = self._injected.probability(members, slice(0, self._around.length))
        flaring = self._rule.flaring(probability) & self._evaluated[members]
        self._found[members], self._open[members] = self._covered(flaring), False

    def _covered(self, flaring: np.ndarray) -> np.ndarray:
        runs = in_runs(flaring, self._rule.min_cadences)
        return covered(runs, self._around.peak, self._tolerance, self._rule.merge_gap)
