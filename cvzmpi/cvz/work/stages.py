"""The stages of a light curve: download, detect, model, inject.

Each stage ends with its checkpoint in the sector file, and is skipped where that is there already.
The leader of the team does what is short or cannot be shared, and writes the checkpoints; all
members share the evaluation by the detector and, above all, the injections.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.detector import Detector, Evaluation
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flares import Detection, flare_table
from cvzmpi.cvz.injection.flare_shape import equivalent_duration
from cvzmpi.cvz.injection.injection import InjectionSearch, draw_injections
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quality.quality_marks import marks_text, quality_marks
from cvzmpi.cvz.quiet_star.gaussian_process import GaussianProcessFit, fit_gaussian_process
from cvzmpi.cvz.sector_file.data import Provenance, SectorData
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.cvz.sector_file.writing import write_sector_file
from cvzmpi.cvz.work.starting_point import starting_point
from cvzmpi.errors import LightCurveError
from cvzmpi.scheduler.tickets import RowTickets, work_through

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team
    from cvzmpi.scheduler.campaign import Control

FLARES_PER_TICKET = 40
"""Flares that a member of a team takes at a time.

Always the same, whatever the team: a matrix product with other dimensions may round differently.
"""


@dataclass(frozen=True)
class SearchSetup:
    """Everything that the stages need besides a light curve."""

    config: Config
    detector: Detector
    rule: MaskRule
    provenance: Provenance


def work_on_light_curve(
    setup: SearchSetup, source: LightCurveSource, team: Team, control: Control
) -> dict[str, Any]:
    """Bring a light curve from wherever it is to its last checkpoint: collective over the team.

    Parameters
    ----------
    source : LightCurveSource
        The FITS file is not needed once checkpoint `detect` is in the sector file.
    control : Control
        Is told how many injections were done, and says when to stop.

    Returns
    -------
    dict
        `path`, and `note` where there is something to be told.
    """
    config = setup.config
    path = source.id.path(config.output.directory)
    start = team.lead(
        lambda: starting_point(source, path, config.inject.n_inject, setup.provenance)
    )
    result = {"path": str(path)} | ({"note": start.note} if start.note else {})
    if start.checkpoint is Stage.MODEL and start.n_remaining == 0:
        return result  # another job was faster
    control.check_stop(team)
    data = start.data
    observation = team.each(
        lambda: Observation.prepare(data.light_curve, config, setup.detector.window)
    )
    with ExitStack() as shared:
        clock = time.perf_counter()
        evaluation = setup.detector.evaluate(observation, team, shared)
        if start.checkpoint is Stage.DOWNLOAD:
            data = team.lead(lambda: _detect(setup, observation, evaluation, data, path, clock))
            control.check_stop(team)
        if start.checkpoint is not Stage.MODEL:
            data = team.lead(lambda: _model(setup, observation, data, path))
            start = replace(start, n_remaining=config.inject.n_inject)
        _inject(setup, observation, evaluation, data, start.n_remaining, path, team, control)
    return result


def _detect(
    setup: SearchSetup,
    observation: Observation,
    evaluation: Evaluation,
    data: SectorData,
    path: Path,
    clock: float,
) -> SectorData:
    """Flare probability and flare mask; ends with checkpoint 1."""
    detection = Detection.apply(setup.rule, evaluation.probability(), observation.evaluated)
    data.probability = observation.spread(detection.probability, np.float32, np.nan)
    data.flare_mask = detection.row_mask(observation)
    data.marks = _marks(setup, data)
    data.seconds[Stage.DETECT] = time.perf_counter() - clock
    write_sector_file(path, data, setup.provenance, setup.config.checkpoint.fsync)
    return data


def _model(
    setup: SearchSetup, observation: Observation, data: SectorData, path: Path
) -> SectorData:
    """Gaussian process, table of flares, and what will be injected; ends with checkpoint 2."""
    clock = time.perf_counter()
    config, light_curve = setup.config, data.light_curve
    rows, median = observation.rows, observation.median_flux
    probability = data.probability[rows]
    detection = Detection.apply(setup.rule, probability, observation.evaluated)
    # Where the detector cannot look, at the ends and beside gaps, there may be flares as well.
    used = observation.spread(observation.evaluated, bool, False) & ~data.flare_mask
    try:
        fit = fit_gaussian_process(
            light_curve.time,
            light_curve.flux / median,
            light_curve.flux_err / median,
            used,
            config.model,
        )
    except LightCurveError as error:
        raise LightCurveError(f"{light_curve.described}: {error}") from error
    data.gp_mu, data.gp_sigma = fit.mean * median, fit.sd * median
    data.gp_facts = _facts(fit)
    data.flares = flare_table(observation, detection, fit.mean[rows], fit.sd[rows])
    injections = draw_injections(
        config.inject,
        (config.seed, *light_curve.id),
        observation.flux_error,
        detection.candidates(observation.evaluated, config.inject.peak_tolerance),
        observation.time,
        light_curve.exposure,
    )
    data.equivalent_duration = equivalent_duration(injections.amplitude, injections.fwhm)
    data.injections = replace(injections, cadence=rows[injections.cadence])
    data.marks = _marks(setup, data)
    data.seconds[Stage.MODEL] = time.perf_counter() - clock
    write_sector_file(path, data, setup.provenance, setup.config.checkpoint.fsync)
    return data


def _marks(setup: SearchSetup, data: SectorData) -> str:
    """The quality marks that can be known so far."""
    return marks_text(quality_marks(data, json.loads(setup.provenance.config_json)))


def _facts(fit: GaussianProcessFit) -> dict[str, Any]:
    """The fit as attributes of the group `lc`."""
    return {
        "gp_kernel": fit.kernel,
        "gp_converged": fit.converged,
        "gp_message": fit.message,
        "gp_log_likelihood": fit.log_likelihood,
        "gp_n_evaluations": fit.n_evaluations,
        **{f"gp_{name}": value for name, value in fit.parameters.items()},
    }


def _inject(
    setup: SearchSetup,
    observation: Observation,
    evaluation: Evaluation,
    data: SectorData,
    n_remaining: int,
    path: Path,
    team: Team,
    control: Control,
) -> None:
    """Injections and recoveries; a checkpoint 3 at every interval, and before the job stops."""
    assert data.injections is not None
    injections = replace(
        data.injections, cadence=np.searchsorted(observation.rows, data.injections.cadence)
    )
    tolerance = setup.config.inject.peak_tolerance
    search = team.each(
        lambda: InjectionSearch(setup.detector, setup.rule, tolerance, evaluation, observation)
    )
    n_inject, n_repeat = injections.cadence.shape
    tickets = RowTickets(n_inject, FLARES_PER_TICKET)
    seconds_before, clock = data.seconds.get(Stage.INJECT, 0.0), time.perf_counter()
    writer = RecoveryWriter(path, team, setup.config.checkpoint.fsync)

    def work(flare_ids: slice) -> None:
        writer.write_rows(flare_ids, search.recovered(injections, flare_ids))

    def commit(n_done: int) -> None:
        seconds = team.lead(lambda: seconds_before + time.perf_counter() - clock)
        writer.count_down(n_inject - tickets.n_items(n_done), seconds)

    work_through(
        tickets,
        (n_inject - n_remaining) // FLARES_PER_TICKET,
        work,
        commit,
        writer=writer,
        team=team,
        control=control,
        interval=setup.config.checkpoint.interval,
        steps_per_item=n_repeat,
    )
