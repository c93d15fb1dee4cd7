"""The seam: any detector can be searched with, not the networks alone."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest

from cvzmpi.cvz.configuration import Config, InjectConfig
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flares import Detection
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.injection.injection import InjectionSearch, draw_injections
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.simulation.simulate import simulate_light_curve
from cvzmpi.mpi.team import Team
from tests.cvz.plain_detector import BrightnessDetector


@pytest.mark.parametrize(
    ("rule", "tolerance"), [(MaskRule(0.5, 3, 20), 3), (MaskRule(0.5, 1, 9), 0)]
)
def test_another_detector_finds_the_flares_that_a_plain_search_with_it_finds(rule, tolerance):
    detector = BrightnessDetector()
    light_curve, _ = simulate_light_curve(9_000_000_001, 1, 1, n_cadences=3000, active=True)
    observation = Observation.prepare(light_curve, Config(), detector.window)
    assert observation.evaluated.all()
    evaluation = detector.evaluate(observation, None, ExitStack())
    detection = Detection.apply(rule, evaluation.probability(), observation.evaluated)
    injections = draw_injections(
        InjectConfig(n_inject=40, n_repeat=3),
        (1, *light_curve.id[:2]),
        observation.flux_error,
        detection.candidates(observation.evaluated, tolerance),
        observation.time,
        light_curve.exposure,
    )
    search = InjectionSearch(detector, rule, tolerance, evaluation, observation)
    recovered = search.recovered(injections, slice(0, 40))
    for i, j in np.ndindex(recovered.shape):
        since_peak = observation.time - injections.time[i, j]
        shape = mean_flare_shape(since_peak, injections.fwhm[i], light_curve.exposure)
        injected = observation.flux + injections.amplitude[i] * shape
        flares = rule.flares(evaluation.probability(injected))
        peak = injections.cadence[i, j]
        covers = (flares[:, 0] - tolerance <= peak) & (peak <= flares[:, 1] + tolerance)
        assert recovered[i, j] == covers.any()
    assert 0.1 < recovered.mean() < 0.9


def test_the_probability_alone_is_that_of_the_evaluation(models):
    """To the last bit: mirror images are searched so, with less memory."""
    detector = StellaDetector(models)
    light_curve, _ = simulate_light_curve(9_000_000_001, 1, 1, n_cadences=1500, active=True)
    observation = Observation.prepare(light_curve, Config(), detector.window)
    with ExitStack() as shared:
        expected = detector.evaluate(observation, Team.alone(), shared).probability()
        alone = detector.probability_alone(observation, Team.alone(), shared)
    np.testing.assert_array_equal(alone, expected)
