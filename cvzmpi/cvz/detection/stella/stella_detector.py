"""The detector `stella`: the median of the published networks is the flare probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cvzmpi.cvz.detection.detector import FlareFlux
from cvzmpi.cvz.detection.flare_mask import AroundPeak, MaskRule
from cvzmpi.cvz.detection.stella.changed_features import Buffers
from cvzmpi.cvz.detection.stella.ensemble import (
    MARGIN,
    EnsembleEvaluation,
    ensemble_probability,
)
from cvzmpi.cvz.detection.stella.flares_alone import FlaresAlone, Wanted
from cvzmpi.cvz.detection.stella.injected_windows import InjectedWindows
from cvzmpi.cvz.detection.stella.network import BEFORE, LEFT_READS, STEP, WINDOW, Network
from cvzmpi.cvz.detection.stella.network_order import network_order
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

    def probability_of_flares(
        self,
        observation: Observation,
        rule: MaskRule,
        spans: np.ndarray,
        team: Team,
        shared: ExitStack,
    ) -> np.ndarray:
        """The same median as far as flares and some stretches need it; see `flares_alone`."""
        shape = 2, len(self.networks), len(observation.flux)
        bounds = shared.enter_context(team.shared_array(shape, np.float32))
        known = FlaresAlone(
            observation.flux, observation.evaluated, rule, spans, self.networks, bounds
        )
        team.lead(known.forget)
        order = network_order(len(self.networks), found=False)
        tickets = team.tickets(0, known.majority)

        def begin() -> None:
            for ticket in tickets:
                known.ask_along(order[ticket])
                if known.sees_many(order[ticket]):
                    tickets.close()

        team.each(begin)
        if team.each(known.too_many):
            return self.probability_alone(observation, team, shared)
        for wanted, ask in known.steps():
            _share(team, wanted, ask)
        return team.each(known.probability)


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


def _share(
    team: Team, wanted: Callable[[], Wanted], ask: Callable[[int, np.ndarray], None]
) -> None:
    """Ask each network at the cadences that are wanted of it, as ranks are free: collective.

    All ranks find the same wanted, before any of them learns more.
    """
    by_model = team.each(wanted)
    models = [model for model, cadences in enumerate(by_model) if len(cadences)]
    tickets = team.tickets(0, len(models))

    def compute() -> None:
        for ticket in tickets:
            ask(models[ticket], by_model[models[ticket]])

    team.each(compute)


def _plan(around: AroundPeak) -> WindowPlan:
    return WindowPlan(around.first, around.length // STEP)
