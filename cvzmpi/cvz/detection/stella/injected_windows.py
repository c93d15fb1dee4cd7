"""Injected flares: in which of the windows around their peaks the flare probability is high.

Whether a cadence is flaring needs the median of the networks only so far: once more than half of
all agree on one side of the threshold, the others change nothing. Six of ten settle most cadences,
and a seventh and an eighth most of the others; which are asked first, `network_order` says. The
median of an even number is the mean of the middle two: it is above the threshold if both are, and
not if neither is, also after rounding, which keeps the order of numbers.

The last bits of a matrix product depend on how many rows are multiplied at once, and that depends
on what is asked here. So a probability within `ROUNDING` of the threshold says nothing: a network
there is counted on neither side, and a median there has to be computed for the flare alone
(`probability`), always by the same products. So decisions do not depend on what is asked together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from cvzmpi.cvz.detection.detector import FlareFlux
from cvzmpi.cvz.detection.stella import network as nn
from cvzmpi.cvz.detection.stella.changed_features import Buffers
from cvzmpi.cvz.detection.stella.changed_windows import ChangedWindows
from cvzmpi.cvz.detection.stella.ensemble import EnsembleEvaluation, ensemble_probability
from cvzmpi.cvz.detection.stella.network_order import network_order
from cvzmpi.cvz.detection.stella.window_plan import Reach, WindowPlan

ROUNDING = 1e-4
"""More than a probability can change by the number of windows that are computed at once."""

_SAMPLED = 16  # each of so many flares shows how bright those are that are seen


class InjectedWindows:
    """A batch of injections into one light curve, and what is known about them.

    Parameters
    ----------
    evaluation, plan, reaches, peaks, buffers
        As of `ChangedWindows`.
    """

    def __init__(
        self,
        evaluation: EnsembleEvaluation,
        plan: WindowPlan,
        reaches: Sequence[Reach],
        peaks: np.ndarray,
        buffers: Buffers,
    ) -> None:
        self._n_networks = len(evaluation.networks)
        self._windows = ChangedWindows(evaluation, plan, reaches, peaks, buffers)
        # flare probabilities by model, flare and cadence of the plan; NaN where not asked for yet
        shape = (self._n_networks, len(peaks), nn.STEP * plan.n_u)
        self._answers = np.full(shape, np.nan, np.float32)

    def inject(self, flare_flux: FlareFlux) -> None:
        """Add the flares; see `ChangedWindows.inject`."""
        self._windows.inject(flare_flux)

    @property
    def n_rounds(self) -> int:
        """How many rounds of questions there are: a majority of the networks, up to all."""
        return self._n_networks - self._majority + 1

    @property
    def _majority(self) -> int:
        return self._n_networks // 2 + 1

    def guess(self, members: np.ndarray, cadences: slice, threshold: float) -> np.ndarray:
        """Ask the one network that is most often right; bool, shape (k, cadences).

        Nobody is asked about the faintest: of all flares, in the order of their brightness, some
        are asked about first, and those that are well below all that are seen are not seen either.
        """
        model = network_order(self._n_networks, True)[0]
        by_brightness = members[np.argsort(self._windows.brightness()[members], kind="stable")]
        sample = by_brightness[::_SAMPLED]
        self._ask([model], sample, cadences)
        seen = np.any(self._answers[model, sample, cadences] > threshold, axis=1)
        first = int(np.argmax(seen)) if seen.any() else len(seen)
        self._ask([model], by_brightness[max(first - 1, 0) * _SAMPLED :], cadences)
        above: np.ndarray = self._answers[model, members, cadences] > threshold  # NaN is not
        return above

    def ask(self, members: np.ndarray, cadences: slice, found: bool, number: int) -> None:
        """Ask more networks about some of the flares at some of the cadences, for `known`.

        Parameters
        ----------
        members : int, shape (k,)
            Which flares of the batch.
        cadences : slice
            Of the plan's cadences, from a multiple of 4 on; the step is 1 or 2.
        found : bool
            Whether the answer probably is that the flare is found: which networks come first.
        number : int
            Of the round, from 0: how many networks more than a majority.
        """
        order = network_order(self._n_networks, found)
        self._ask(order[: self._majority + number], members, cadences)

    def known(self, members: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Where the flare probability is certainly, and where it may be, above a threshold.

        Returns
        -------
        bool, shape (k, cadences of the plan) each
            By all answers so far. What `probability` says is always between the two.
        """
        answers = self._answers[:, members]
        high, low = threshold + ROUNDING, threshold - ROUNDING
        n_high, n_low = np.empty((2, *answers.shape[1:]), np.int16)
        np.sum(answers > high, axis=0, out=n_high)
        np.sum(answers < low, axis=0, out=n_low)
        certain, possible = n_high >= self._majority, n_low < self._majority
        at = np.nonzero(possible & ~certain & ~np.any(np.isnan(answers), axis=0))
        if len(at[0]):
            median = ensemble_probability(answers[:, at[0], at[1]])
            certain[at], possible[at] = median > high, median >= low
        return certain, possible

    def probability(self, members: np.ndarray, cadences: slice) -> np.ndarray:
        """Flare probability by all networks, each flare computed alone.

        Parameters
        ----------
        members, cadences
            As of `ask`.

        Returns
        -------
        float32, shape (k, cadences)
            The same bits whatever else is in the batch or was asked before.
        """
        everything = slice(0, self._answers.shape[2])
        probability = np.empty((len(members), everything.stop), np.float32)
        for row, member in enumerate(members):
            alone = self._windows.alone(member)
            question = alone.question(np.array([0]), everything)
            by_model = [alone.by_model(model, question)[0] for model in range(self._n_networks)]
            probability[row] = ensemble_probability(np.stack(by_model))
        return probability[:, cadences]

    def _ask(self, models: Iterable[int], members: np.ndarray, cadences: slice) -> None:
        """Ask networks, where they were not asked yet; flares of similar reach together."""
        alike: dict[tuple[bytes, int], tuple[slice, np.ndarray, list[int]]] = {}
        for model in models:  # networks that are asked the same, together
            for part, missing in self._not_asked(model, members, cadences):
                key = missing.tobytes(), part.start
                alike.setdefault(key, (part, missing, []))[2].append(model)
        for part, missing, together in alike.values():
            for chunk in self._windows.chunks(missing):
                question = self._windows.question(chunk, part)
                for model in together:
                    self._answers[model, chunk, part] = self._windows.by_model(model, question)

    def _not_asked(
        self, model: int, members: np.ndarray, cadences: slice
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """What a network was not asked yet: cadences, and of which flares.

        Of flares for which it knows every second cadence, the others are enough.
        """
        unknown = np.isnan(self._answers[model, members, cadences])
        others = slice(cadences.start + 1, cadences.stop, 2)
        every_second = unknown[:, ::2].any(axis=1)
        if cadences.step in (None, 1):
            missing = unknown[:, 1::2].any(axis=1) & ~every_second
            if missing.any():
                yield others, members[missing]
        else:
            every_second = unknown.any(axis=1)
        if every_second.any():
            yield cadences, members[every_second]
