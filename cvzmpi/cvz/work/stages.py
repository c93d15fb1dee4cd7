"""The stages of a light curve: download, detect, model, inject.

Each stage ends with its checkpoint in the sector file, and is skipped where that is there already.
The leader of the team does what is short or cannot be shared, and writes the checkpoints; all
members share the evaluations by the detector and, above all, the injections.

A light curve whose file is at checkpoint `model` in format version 1 is finished as one of that:
with the answers of stella alone.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.detector import Evaluation
from cvzmpi.cvz.detection.flares import Detection
from cvzmpi.cvz.detection.not_searched import stella_looks
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.detection.significance.injected import InjectedSignificance
from cvzmpi.cvz.injection.injection import FLARE_FLOOR, InjectionSearch
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.sector_file.data import SectorData
from cvzmpi.cvz.work.checkpoints import Checkpoints, FileCheckpoints
from cvzmpi.cvz.work.model_stage import fitted_parameters, model_stage, tolerance_of
from cvzmpi.cvz.work.search_setup import SearchSetup
from cvzmpi.cvz.work.starting_point import StartingPoint, starting_point
from cvzmpi.scheduler.tickets import TaperedTickets, work_through

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team
    from cvzmpi.scheduler.campaign import Control

FLARES_PER_TICKET = 160
"""Flares that a member of a team takes at a time, but for the last ones.

Many at once save a tenth and more of the time of forty. The cut is the same whatever the team: a
matrix product with other dimensions may round differently.
"""

_LEAST_FLARES = 20
"""The fewest flares of a ticket, at the end."""


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
    search = Search(config.detect.search)
    start = team.lead(
        lambda: starting_point(
            source, path, config.inject.n_inject, setup.provenance, search, config.light_curve
        )
    )
    result = {"path": str(path)} | ({"note": start.note} if start.note else {})
    if start.checkpoint is Stage.MODEL and start.n_remaining == 0:
        return result  # another job was faster
    control.check_stop(team)
    checkpoints = FileCheckpoints(path, setup.provenance, config.checkpoint.fsync)
    do_stages(setup, start, checkpoints, team, control)
    return result


def do_stages(
    setup: SearchSetup,
    start: StartingPoint,
    checkpoints: Checkpoints,
    team: Team,
    control: Control,
    last: Stage = Stage.INJECT,
) -> None:
    """Do the stages that come after a starting point: collective over the team.

    Parameters
    ----------
    checkpoints : Checkpoints
        Keep what the stages make.
    control : Control
        As of `work_on_light_curve`.
    last : Stage
        `model` leaves the injections out.

    Raises
    ------
    LightCurveError
        If the light curve cannot be searched.
    """
    config, data = setup.config, start.data
    setup = setup.of_light_curve(data.light_curve)
    observation = team.each(
        lambda: Observation.prepare(data.light_curve, config, setup.detector.window)
    )
    with ExitStack() as shared:
        clock = time.perf_counter()
        evaluation = setup.detector.evaluate(observation, team, shared)
        if start.checkpoint is Stage.DOWNLOAD:
            data = team.lead(
                lambda: _detect(setup, observation, evaluation, data, checkpoints, clock)
            )
            control.check_stop(team)
        if start.checkpoint is not Stage.MODEL:
            data = model_stage(setup, observation, data, checkpoints, team)
            start = replace(start, n_remaining=config.inject.n_inject)
        if last is Stage.INJECT:
            _inject(
                setup,
                observation,
                evaluation,
                data,
                start.n_remaining,
                checkpoints,
                team,
                control,
            )


def _detect(
    setup: SearchSetup,
    observation: Observation,
    evaluation: Evaluation,
    data: SectorData,
    checkpoints: Checkpoints,
    clock: float,
) -> SectorData:
    """Flare probability and flare mask; ends with checkpoint 1."""
    detection = Detection.apply(setup.rule, evaluation.probability(), observation.evaluated)
    data.probability = observation.spread(detection.probability, np.float32, np.nan)
    data.flare_mask = detection.row_mask(observation)
    data.seconds[Stage.DETECT] = time.perf_counter() - clock
    setup.write(checkpoints, data)
    return data


def _inject(
    setup: SearchSetup,
    observation: Observation,
    evaluation: Evaluation,
    data: SectorData,
    n_remaining: int,
    checkpoints: Checkpoints,
    team: Team,
    control: Control,
) -> None:
    """Injections and recoveries; a checkpoint 3 at every interval, and before the job stops."""
    assert data.injections is not None
    injections = replace(
        data.injections, cadence=np.searchsorted(observation.rows, data.injections.cadence)
    )
    tolerance = tolerance_of(setup, observation)
    by_stella = (
        team.each(
            lambda: InjectionSearch(setup.detector, setup.rule, tolerance, evaluation, observation)
        )
        if stella_looks(data.light_curve)
        else None
    )
    by_significance = team.each(lambda: _injected_significance(setup.config, observation, data))
    n_inject, n_repeat = injections.cadence.shape
    tickets = TaperedTickets(n_inject - n_remaining, n_inject, FLARES_PER_TICKET, _LEAST_FLARES)
    seconds_before, clock = data.seconds.get(Stage.INJECT, 0.0), time.perf_counter()
    writer = checkpoints.recoveries(team)

    def work(flare_ids: slice) -> None:
        not_found = np.zeros((flare_ids.stop - flare_ids.start, n_repeat), bool)
        answers = [by_stella.recovered(injections, flare_ids) if by_stella else not_found]
        if by_significance is not None:
            answers.append(
                by_significance.recovered(
                    injections.amplitude[flare_ids],
                    injections.fwhm[flare_ids],
                    injections.cadence[flare_ids],
                    injections.time[flare_ids],
                )
            )
        writer.write_rows(flare_ids, *answers)

    def commit(n_done: int) -> None:
        seconds = team.lead(lambda: seconds_before + time.perf_counter() - clock)
        writer.count_down(n_inject - tickets.n_items(n_done), seconds)

    work_through(
        tickets,
        n_done=0,
        work=work,
        commit=commit,
        writer=writer,
        team=team,
        control=control,
        interval=setup.config.checkpoint.interval,
        steps_per_item=n_repeat,
    )


def _injected_significance(
    config: Config, observation: Observation, data: SectorData
) -> InjectedSignificance | None:
    """The second search for injected flares; None where the file has no room for its answers."""
    if data.significance is None:
        return None
    assert data.left_out is not None
    assert data.noise_raised is not None
    assert data.event_model is not None
    rows = observation.rows
    return InjectedSignificance(
        observation,
        data.gp_facts["gp_kernel"],
        fitted_parameters(data.gp_facts),
        data.event_model[rows],
        data.left_out[rows],
        data.noise_raised,
        config.significance.min_snr,
        FLARE_FLOOR * observation.flux_error,
    )
