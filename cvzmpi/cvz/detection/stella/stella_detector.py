"""The detector `stella`: the median of the published networks is the flare probability."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cvzmpi.cvz.detection.detector import FlareFlux
from cvzmpi.cvz.detection.flare_mask import AroundPeak
from cvzmpi.cvz.detection.stella.changed_features import Buffers
from cvzmpi.cvz.detection.stella.ensemble import (
    MARGIN,
    EnsembleEvaluation,
    ensemble_probability,
)
from cvzmpi.cvz.detection.stella.injected_windows import InjectedWindows
from cvzmpi.cvz.detection.stella.network import BEFORE, LEFT_READS, STEP, WINDOW, Network
from cvzmpi.cvz.detection.stella.published_models import StellaModels
from cvzmpi.cvz.detection.stella.window_plan import Reach, WindowPlan
from cvzmpi.cvz.light_curves.observation import Observation, Window

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team


class StellaDetector:
    """The ensemble of networks as a `Detector`."""

    window = Window(before=BEFORE, after=WINDOW - BEFORE)
    step = STEP

    def __init__(self, models: StellaModels) -> None:
        self._models = models

    @property
    def checksum(self) -> str:
        """SHA-256 over the weights of all networks."""
        return self._models.checksum

    @cached_property
    def networks(self) -> list[Network]:
        """The networks, laid out for this process."""
        return [
            Network.from_keras(self._models.of_model(model)) for model in range(len(self._models))
        ]

    def prepare(self) -> None:
        """Lay out the networks."""
        _ = self.networks

    def evaluate(self, observation: Observation, team: Team, shared: ExitStack) -> StellaEvaluation:
        """Evaluate the networks along a light curve; the ranks of the team take one at a time."""
        evaluation = EnsembleEvaluation.allocate(
            observation.flux,
            self.networks,
            lambda shape, dtype: shared.enter_context(team.shared_array(shape, dtype)),
        )
        tickets = team.tickets(0, len(self.networks))

        def compute() -> None:
            for model in tickets:
                evaluation.compute(model)

        team.each(compute)
        return StellaEvaluation(self, evaluation)

    def probability_alone(
        self, observation: Observation, team: Team, shared: ExitStack
    ) -> np.ndarray:
        """The same median over the networks; each rank keeps what one network computed."""
        shape = len(self.networks), len(observation.flux)
        by_model = shared.enter_context(team.shared_array(shape, np.float32))
        tickets = team.tickets(0, len(self.networks))

        def compute() -> None:
            evaluation = EnsembleEvaluation.allocate(observation.flux, self.networks[:1])
            for model in tickets:
                evaluation = replace(evaluation, networks=[self.networks[model]])
                evaluation.compute(0)
                by_model[model] = evaluation.model_probabilities()[0]

        team.each(compute)
        return team.each(lambda: ensemble_probability(by_model))


@dataclass(frozen=True)
class StellaEvaluation:
    """The networks evaluated along a light curve, as an `Evaluation`."""

    detector: StellaDetector
    ensemble: EnsembleEvaluation
    _buffers: Buffers = field(default_factory=Buffers, compare=False, repr=False)

    def probability(self) -> np.ndarray:
        """The median over the networks."""
        return self.ensemble.probability()

    def reach(self, around: AroundPeak, before: int, after: int) -> Reach:
        """The features and the border taps that a flare changes."""
        return _plan(around).reach(before, after)

    def inject(
        self,
        around: AroundPeak,
        reaches: Sequence[Reach],
        peaks: np.ndarray,
        flare_flux: FlareFlux,
    ) -> InjectedWindows:
        """Put flares into the light curve, each of them alone."""
        plan = _plan(around)
        windows = InjectedWindows(self.ensemble, plan, reaches, peaks, self._buffers)
        windows.inject(
            lambda members, positions: flare_flux(members, positions - (LEFT_READS + MARGIN))
        )
        return windows


def _plan(around: AroundPeak) -> WindowPlan:
    return WindowPlan(around.first, around.length // STEP)
