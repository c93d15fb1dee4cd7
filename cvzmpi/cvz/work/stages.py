"""The stages of a light curve: download, detect, model, inject.

Each stage ends with its checkpoint in the sector file, and is skipped where that is there already.
The leader of the team does what is short or cannot be shared, and writes the checkpoints; all
members share the evaluation of the networks and, above all, the injections.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
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
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quality.quality_marks import marks_text, quality_marks
from cvzmpi.cvz.quiet_star.gaussian_process import GaussianProcessFit, fit_gaussian_process
from cvzmpi.cvz.sector_file.data import Provenance, SectorData, SectorProgress
from cvzmpi.cvz.sector_file.reading import read_progress_by_name, read_sector_data
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.cvz.sector_file.writing import write_sector_file
from cvzmpi.errors import DamagedFileError, LightCurveError, SectorFileError
from cvzmpi.scheduler.tickets import RowTickets, work_through
from cvzmpi.storage.resumable import check_same_configuration, check_same_data
from cvzmpi.storage.whole_file import set_aside

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team
    from cvzmpi.scheduler.control import Control

FLARES_PER_TICKET = 40
"""Flares that a member of a team takes at a time.

Always the same, whatever the team: a matrix product with other dimensions may round differently.
"""


@dataclass(frozen=True)
class Tools:
    """What the stages need, for any light curve."""

    config: Config
    detector: Detector
    rule: MaskRule
    provenance: Provenance


@dataclass(frozen=True)
class _Start:
    """Where the work on a light curve begins."""

    data: SectorData
    checkpoint: Stage
    n_remaining: int
    note: str | None = None


def work_on_light_curve(
    tools: Tools, source: LightCurveSource, team: Team, control: Control
) -> dict[str, Any]:
    """Bring a light curve from wherever it is to its last checkpoint: collective over the team.

    Parameters
    ----------
    tools : Tools
    source : LightCurveSource
        The FITS file is not needed once checkpoint `detect` is in the sector file.
    team : Team
    control : Control
        Is told how many injections were done, and says when to stop.

    Returns
    -------
    dict
        `path`, and `note` where there is something to be told.
    """
    path = source.id.path(tools.config.output.directory)
    start = team.lead(lambda: _start(tools, source, path))
    result = {"path": str(path)} | ({"note": start.note} if start.note else {})
    if start.checkpoint is Stage.MODEL and start.n_remaining == 0:
        return result  # another job was faster
    control.check_stop(team)
    data = start.data
    observation = team.each(
        lambda: Observation.prepare(data.light_curve, tools.config, tools.detector.window)
    )
    with ExitStack() as shared:
        clock = time.perf_counter()
        evaluation = tools.detector.evaluate(observation, team, shared)
        if start.checkpoint is Stage.DOWNLOAD:
            data = team.lead(lambda: _detect(tools, observation, evaluation, data, path, clock))
            control.check_stop(team)
        if start.checkpoint is not Stage.MODEL:
            data = team.lead(lambda: _model(tools, observation, data, path))
            start = replace(start, n_remaining=tools.config.inject.n_inject)
        _inject(tools, observation, evaluation, data, start.n_remaining, path, team, control)
    return result


def check_resume(path: Path, progress: SectorProgress, ours: Provenance) -> None:
    """Refuse to go on with a file that another configuration made, or other models.

    Raises
    ------
    SectorFileError
        With the difference.
    """
    check_same_configuration(path, ours.config_json, progress.config_json, SectorFileError)
    data = (ours.models_checksum, progress.models_checksum)
    check_same_data(path, "models", *data, SectorFileError)


def _start(tools: Tools, source: LightCurveSource, path: Path) -> _Start:
    """Go on from the sector file, or read the FITS file: stage `download`."""
    note = None
    try:
        progress = read_progress_by_name(path)
        if progress is not None:
            check_resume(path, progress, tools.provenance)
            return _Start(read_sector_data(path), progress.checkpoint, progress.n_inject_remaining)
    except DamagedFileError as error:
        note = _make_way(source, path, error)
    if source.path is None:
        raise LightCurveError(f"{path}: gone, and its FITS file is not in the input")
    clock = time.perf_counter()
    light_curve, told = _read_best([source.path, *(other.path for other in source.others)])
    notes = [text for text in (note, *told) if text]
    nothing = np.empty(0)
    data = SectorData(light_curve, nothing, nothing)
    data.seconds[Stage.DOWNLOAD] = time.perf_counter() - clock
    return _Start(data, Stage.DOWNLOAD, tools.config.inject.n_inject, "; ".join(notes) or None)


def _read_best(files: Sequence[Path]) -> tuple[LightCurve, list[str]]:
    """Read the first of the files of a light curve that is whole, and say what is odd about it.

    Raises
    ------
    LightCurveError
        What is wrong with the first, where none is whole.
    """
    # A table that differs from its own sum is taken where there is nothing better.
    damage: list[LightCurveError] = []
    attempts = [(file, True) for file in files] if len(files) > 1 else []
    for file, sum_must_fit in [*attempts, *((file, False) for file in files)]:
        try:
            light_curve = read_light_curve(file, sum_must_fit=sum_must_fit)
        except LightCurveError as error:
            damage.append(error)
            continue
        told = [f"{damage[0]}; {file} was read"] if file != files[0] else []
        if "input_note" in light_curve.header:
            told.append(f"{file}: {light_curve.header['input_note']}")
        return light_curve, told
    if len(files) == 1:
        raise damage[0]
    raise type(damage[0])(f"{damage[0]}; none of its {len(files)} files can be read") from damage[0]


def _make_way(source: LightCurveSource, path: Path, error: DamagedFileError) -> str:
    """Set a damaged sector file aside, if its light curve can be begun anew; what to tell of it.

    Raises
    ------
    LightCurveError
        If the FITS file is not here. One that the archive has is fetched for the next attempt,
        since by then there is no sector file. Where there is no other way to it, the damaged file
        stays: it is all that tells of this light curve.
    """
    if source.path is not None:
        return f"{error}; kept as {set_aside(path).name}, started anew"
    if source.product is not None:
        kept = set_aside(path).name
        raise LightCurveError(f"{error}; kept as {kept}, its FITS file is fetched again") from error
    message = f"{error}; its FITS file is needed again, and is not in the input"
    raise LightCurveError(message) from error


def _detect(
    tools: Tools,
    observation: Observation,
    evaluation: Evaluation,
    data: SectorData,
    path: Path,
    clock: float,
) -> SectorData:
    """Flare probability and flare mask; ends with checkpoint 1."""
    detection = Detection.apply(tools.rule, evaluation.probability(), observation.evaluated)
    data.probability = observation.spread(detection.probability, np.float32, np.nan)
    data.flare_mask = detection.row_mask(observation)
    data.marks = _marks(tools, data)
    data.seconds[Stage.DETECT] = time.perf_counter() - clock
    write_sector_file(path, data, tools.provenance, tools.config.checkpoint.fsync)
    return data


def _model(tools: Tools, observation: Observation, data: SectorData, path: Path) -> SectorData:
    """Gaussian process, table of flares, and what will be injected; ends with checkpoint 2."""
    clock = time.perf_counter()
    config, light_curve = tools.config, data.light_curve
    rows, median = observation.rows, observation.median_flux
    probability = data.probability[rows]
    detection = Detection.apply(tools.rule, probability, observation.evaluated)
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
    data.marks = _marks(tools, data)
    data.seconds[Stage.MODEL] = time.perf_counter() - clock
    write_sector_file(path, data, tools.provenance, tools.config.checkpoint.fsync)
    return data


def _marks(tools: Tools, data: SectorData) -> str:
    """The quality marks that can be known so far."""
    return marks_text(quality_marks(data, json.loads(tools.provenance.config_json)))


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
    tools: Tools,
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
    tolerance = tools.config.inject.peak_tolerance
    search = team.each(
        lambda: InjectionSearch(tools.detector, tools.rule, tolerance, evaluation, observation)
    )
    n_inject, n_repeat = injections.cadence.shape
    tickets = RowTickets(n_inject, FLARES_PER_TICKET)
    seconds_before, clock = data.seconds.get(Stage.INJECT, 0.0), time.perf_counter()
    writer = RecoveryWriter(path, team, tools.config.checkpoint.fsync)

    def work(flare_ids: slice) -> None:
        writer.write_rows(flare_ids, search.recovered(injections, flare_ids))

    def vouch(n_done: int) -> None:
        seconds = team.lead(lambda: seconds_before + time.perf_counter() - clock)
        writer.count_down(n_inject - tickets.n_items(n_done), seconds)

    work_through(
        tickets,
        (n_inject - n_remaining) // FLARES_PER_TICKET,
        work,
        vouch,
        writer=writer,
        team=team,
        control=control,
        interval=tools.config.checkpoint.interval,
        steps_per_item=n_repeat,
    )
