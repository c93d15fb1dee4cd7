"""The stages of a campaign on one light curve, by a team of this process alone."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.detection.stella import published_models
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.in_memory.checkpoints import CheckpointsInMemory
from cvzmpi.cvz.in_memory.given_light_curve import GivenLightCurve, as_light_curve
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.results.views.sector_file import SectorFile
from cvzmpi.cvz.sector_file.data import Provenance, SectorData
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.cvz.work.model_stage import add_injections
from cvzmpi.cvz.work.search_setup import SearchSetup
from cvzmpi.cvz.work.stages import do_stages
from cvzmpi.cvz.work.starting_point import StartingPoint, as_searched
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control


def setup_of(config: Config) -> SearchSetup:
    """Everything that the stages need, as a campaign of these settings has it."""
    campaign = CvzCampaign(config, _detector(config.detector.file))
    campaign.prepare()
    return campaign.setup


@cache
def _detector(file: Path | None) -> StellaDetector:
    """The networks, read and laid out once for all light curves."""
    return StellaDetector(published_models.load(file or published_models.packed_file()))


def begin(
    given: GivenLightCurve, tic: int | None, sector: int | None, config: Config, search: Search
) -> StartingPoint:
    """A light curve of which nothing is done: stage `download`."""
    clock = time.perf_counter()
    nothing = np.empty(0)
    light_curve = as_light_curve(given, tic, sector, config.input.columns)
    light_curve = as_searched(light_curve, search, config.light_curve)
    data = SectorData(light_curve, nothing, nothing)
    data.seconds[Stage.DOWNLOAD] = time.perf_counter() - clock
    return StartingPoint(data, Stage.DOWNLOAD, config.inject.n_inject)


def work(
    setup: SearchSetup,
    start: StartingPoint,
    checkpoints: CheckpointsInMemory,
    last: Stage = Stage.INJECT,
) -> None:
    """Do the stages that are left, as far as the last one wanted."""
    control = Control(StopRequest(), steps_done=lambda _: None)
    do_stages(setup, start, checkpoints, Team.alone(), control, last)


def seen(checkpoints: CheckpointsInMemory, provenance: Provenance, search: Search) -> SectorFile:
    """What was found, as the sector file of it would be read."""
    assert checkpoints.data is not None
    content = SectorContent.in_memory(
        checkpoints.data, provenance, checkpoints.answers, checkpoints.n_done
    )
    return SectorFile.of(content, search)


def draw_anew(setup: SearchSetup, data: SectorData) -> None:
    """Draw other flares to be injected."""
    setup = setup.of_light_curve(data.light_curve)
    observation = Observation.prepare(data.light_curve, setup.config, setup.detector.window)
    add_injections(setup, observation, data)
    data.seconds.pop(Stage.INJECT, None)
