"""Light curves whose injections are measured: the parts of the package that this needs.

Earlier versions have the same parts under the same names, so that this runs with them too.
"""

from __future__ import annotations

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flares import Detection
from cvzmpi.cvz.detection.stella import published_models
from cvzmpi.cvz.detection.stella.ensemble import ensemble_probability, evaluate
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector, StellaEvaluation
from cvzmpi.cvz.injection.injection import (
    Injections,
    InjectionSearch,
    draw_injections,
)
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.work.stages import FLARES_PER_TICKET


class Ensemble:
    """The ten networks and all that follows from them and the default configuration."""

    def __init__(self) -> None:
        self.detector = StellaDetector(published_models.load(published_models.packed_file()))
        self.networks = self.detector.networks
        self.config = Config()
        self.rule = MaskRule.of(self.config.detect)
        self.tolerance = self.config.inject.peak_tolerance

    def probability(self, flux: np.ndarray, n_models: int = 10) -> np.ndarray:
        """The flare probability at every cadence, as stage `detect` computes it."""
        return evaluate(flux, self.networks[:n_models]).probability()


class Searched:
    """A light curve with its injections, ready to be searched."""

    def __init__(self, ensemble: Ensemble, observation: Observation) -> None:
        config, light_curve = ensemble.config, observation.light_curve
        self.ensemble, self.observation = ensemble, observation
        evaluation = evaluate(observation.flux, ensemble.networks)
        self.by_model = evaluation.model_probabilities()
        self.detection = Detection.apply(
            ensemble.rule, ensemble_probability(self.by_model), observation.evaluated
        )
        self.injections: Injections = draw_injections(
            config.inject,
            (config.seed, light_curve.tic, light_curve.sector),
            observation.flux_error,
            self.detection.candidates(observation.evaluated, ensemble.tolerance),
            observation.time,
            light_curve.exposure,
        )
        self.search = InjectionSearch(
            ensemble.detector,
            ensemble.rule,
            ensemble.tolerance,
            StellaEvaluation(ensemble.detector, evaluation),
            observation,
        )

    def recovered(self, first: int, last: int) -> np.ndarray:
        """Search the flares `first` to `last - 1`, in portions as the stage has them."""
        tickets = [
            slice(start, min(start + FLARES_PER_TICKET, last))
            for start in range(first, last, FLARES_PER_TICKET)
        ]
        return np.concatenate([self.search.recovered(self.injections, t) for t in tickets])
