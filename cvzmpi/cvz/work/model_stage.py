"""The stage `model`: the quiet star, the flares of both searches, and what will be injected.

The leader fits the Gaussian process and searches by significance. What stella sees in the mirror
images of the light curve is computed by all members of the team.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cvzmpi.cvz.detection.detector import LeanDetector
from cvzmpi.cvz.detection.flare_table import FoundFlares, flare_table, mirror_table
from cvzmpi.cvz.detection.flares import Detection, row_mask
from cvzmpi.cvz.detection.significance.search import (
    SearchedFlux,
    SignificanceSearch,
    search_by_significance,
)
from cvzmpi.cvz.injection.flare_shape import equivalent_duration
from cvzmpi.cvz.injection.injection import draw_injections
from cvzmpi.cvz.light_curves.exposure import EXPOSURE, in_cadences
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS
from cvzmpi.cvz.quiet_star.gaussian_process import GaussianProcessFit
from cvzmpi.cvz.reliability.estimate import reliability_alone
from cvzmpi.cvz.reliability.statistic import Thresholds
from cvzmpi.cvz.sector_file.data import SectorData
from cvzmpi.cvz.work.checkpoints import Checkpoints
from cvzmpi.cvz.work.search_setup import SearchSetup
from cvzmpi.errors import LightCurveError

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team


def model_stage(
    setup: SearchSetup,
    observation: Observation,
    data: SectorData,
    checkpoints: Checkpoints,
    team: Team,
) -> SectorData:
    """Do the stage; ends with checkpoint 2: collective over the team.

    Returns
    -------
    SectorData
        On all ranks, what `checkpoints` have then.
    """
    clock = time.perf_counter()
    searches: list[SignificanceSearch] = []  # of the leader alone

    def search() -> list[tuple[np.ndarray, np.ndarray]]:
        searches.append(_search(setup, observation, data))
        return [(image.flux, image.flares) for image in searches[0].images.values()]

    in_images = [
        _probability(setup, replace(observation, flux=flux), flares, team)
        for flux, flares in team.lead(search)
    ]

    def finish() -> SectorData:
        _add_searches(setup, observation, data, searches[0], in_images)
        add_injections(setup, observation, data)
        data.seconds[Stage.MODEL] = time.perf_counter() - clock
        setup.write(checkpoints, data)
        return data

    return team.lead(finish)


def fit_facts(fit: GaussianProcessFit) -> dict[str, Any]:
    """The fit as attributes of the group `lc`."""
    return {
        "gp_kernel": fit.kernel,
        "gp_converged": fit.converged,
        "gp_message": fit.message,
        "gp_log_likelihood": fit.log_likelihood,
        "gp_n_evaluations": fit.n_evaluations,
        **{f"gp_{name}": value for name, value in fit.parameters.items()},
    }


def fitted_parameters(facts: Mapping[str, Any]) -> dict[str, float]:
    """The parameters of the fit that these attributes tell of."""
    names = (*KERNELS[facts["gp_kernel"]].parameters, "jitter", "mean")
    return {name: float(facts[f"gp_{name}"]) for name in names}


def _search(setup: SearchSetup, observation: Observation, data: SectorData) -> SignificanceSearch:
    detection = _by_stella(setup, observation, data.probability[observation.rows])
    try:
        return search_by_significance(observation, detection.flares, setup.config)
    except LightCurveError as error:
        raise LightCurveError(f"{data.light_curve.described}: {error}") from error


def tolerance_of(setup: SearchSetup, observation: Observation) -> int:
    """`inject.peak_tolerance` in cadences of the light curve."""
    exposure = observation.light_curve.exposure
    return in_cadences(setup.config.inject.peak_tolerance, exposure, least=0)


def _probability(
    setup: SearchSetup, image: Observation, flares: np.ndarray, team: Team
) -> np.ndarray | None:
    """What the detector says of a mirror image, for the leader; collective over the team.

    Parameters
    ----------
    flares : int, shape (k, 2)
        First and last usable cadence of those that the significance search found in it.
    """
    detector = setup.detector
    with ExitStack() as shared:
        if isinstance(detector, LeanDetector):
            probability = detector.probability_of_flares(image, setup.rule, flares, team, shared)
            return probability if team.is_leader else None
        evaluation = detector.evaluate(image, team, shared)
        return team.each(lambda: evaluation.probability() if team.is_leader else None)


def _by_stella(setup: SearchSetup, observation: Observation, probability: np.ndarray) -> Detection:
    return Detection.apply(setup.rule, probability, observation.evaluated)


def _add_searches(
    setup: SearchSetup,
    observation: Observation,
    data: SectorData,
    search: SignificanceSearch,
    in_images: list[np.ndarray | None],
) -> None:
    """Add the flares of both searches, how reliable they are, and the events of mirror images."""
    rows, median, fit = observation.rows, observation.median_flux, search.fit
    data.gp_mu, data.gp_sigma = fit.mean * median, fit.sd * median
    data.gp_facts = fit_facts(fit)
    data.noise_raised = search.noise_raised
    data.significance = observation.spread(search.snr, np.float32, np.nan)
    data.significance_mask = row_mask(search.star.flares, observation)
    data.left_out = observation.spread(search.left_out, bool, False)
    data.event_model = observation.spread(search.event_model, np.float32, 0.0)

    detection = _by_stella(setup, observation, data.probability[rows])
    tolerance = tolerance_of(setup, observation)
    found = _found(detection, search.star, tolerance, fitted=True)
    data.flares = flare_table(
        observation, found, detection.probability, fit.mean[rows], fit.sd[rows]
    )
    images = {}
    for (number, image), probability in zip(search.images.items(), in_images, strict=True):
        assert probability is not None
        in_image = _by_stella(setup, observation, probability)
        images[int(number)] = (
            _found(in_image, image, tolerance, fitted=False),
            in_image.probability,
        )
    data.mirror_events = mirror_table(images, observation)
    thresholds = Thresholds(setup.config.significance.min_snr, setup.config.detect.threshold)
    alone = reliability_alone(data.flares, data.mirror_events, len(images), thresholds)
    data.flares["reliability"] = alone.astype(np.float32)


def _found(
    detection: Detection, searched: SearchedFlux, tolerance: int, fitted: bool
) -> FoundFlares:
    """The flares of both searches in a light curve or a mirror image."""
    return FoundFlares.of(
        detection.flares,
        searched.flares,
        searched.columns,
        lambda flares: searched.measure(flares, fitted),
        tolerance,
    )


def add_injections(setup: SearchSetup, observation: Observation, data: SectorData) -> None:
    """Draw what will be injected, away from what stella found."""
    config, light_curve, rows = setup.config, data.light_curve, observation.rows
    detection = _by_stella(setup, observation, data.probability[rows])
    injections = draw_injections(
        config.inject,
        (config.seed, light_curve.tic, light_curve.sector),
        # of 120 s, so that the same flares are injected whatever the exposure
        observation.flux_error * math.sqrt(light_curve.exposure / EXPOSURE),
        detection.candidates(observation.evaluated, tolerance_of(setup, observation)),
        observation.time,
        light_curve.exposure,
    )
    data.equivalent_duration = equivalent_duration(injections.amplitude, injections.fwhm)
    data.injections = replace(injections, cadence=rows[injections.cadence])
