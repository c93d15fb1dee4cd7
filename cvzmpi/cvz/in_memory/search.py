"""`cvzmpi.search` and `cvzmpi.inject`: the stages of a campaign, for one light curve in memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.configuration import Config, load
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.detection.stella import published_models
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.in_memory.checkpoints import CheckpointsInMemory
from cvzmpi.cvz.in_memory.given_light_curve import GivenLightCurve, as_light_curve
from cvzmpi.cvz.in_memory.one_thread import one_thread
from cvzmpi.cvz.in_memory.progress import ProgressBar
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.results.views.reading import chosen_search
from cvzmpi.cvz.results.views.sector_file import SectorFile
from cvzmpi.cvz.sector_file.data import Provenance, SectorData
from cvzmpi.cvz.sector_file.layout import FORMAT_VERSION
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.cvz.work.model_stage import add_injections
from cvzmpi.cvz.work.search_setup import SearchSetup
from cvzmpi.cvz.work.stages import do_stages
from cvzmpi.cvz.work.starting_point import StartingPoint
from cvzmpi.errors import ConfigError
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control

_ALONE = "inject."
_NOT_ALONE = "inject.peak_tolerance"
"""Of the settings that begin so, the search itself depends on one; it depends on all others."""


def search(
    light_curve: GivenLightCurve,
    *,
    tic: int | None = None,
    sector: int | None = None,
    search: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> SectorFile:
    """Search one light curve for flares, as a campaign does: see `cvzmpi.search`."""
    config = _configured(settings or {})
    with one_thread(), ProgressBar(progress, config.inject.n_inject) as bar:
        checkpoints = CheckpointsInMemory(bar.reached, bar.flares_done)
        setup = _setup(config)
        start = _begin(light_curve, tic, sector, config)
        _work(setup, start, checkpoints, last=Stage.MODEL)
        return _seen(checkpoints, setup.provenance, _chosen(search, config))


def inject(
    light_curve: GivenLightCurve | SectorFile,
    *,
    n_inject: int | None = None,
    n_repeat: int | None = None,
    tic: int | None = None,
    sector: int | None = None,
    search: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> SectorFile:
    """Inject flares into one light curve and search for them: see `cvzmpi.inject`."""
    numbers = {"inject.n_inject": n_inject, "inject.n_repeat": n_repeat}
    changed = dict(settings or {}) | {key: n for key, n in numbers.items() if n is not None}
    if isinstance(light_curve, SectorFile):
        if tic is not None or sector is not None:
            raise ConfigError("tic and sector are those of the search that was given")
        return _go_on(light_curve, changed, search, progress)
    config = _configured(changed)
    with one_thread(), ProgressBar(progress, config.inject.n_inject) as bar:
        checkpoints = CheckpointsInMemory(bar.reached, bar.flares_done)
        setup = _setup(config)
        start = _begin(light_curve, tic, sector, config)
        _work(setup, start, checkpoints)
        return _seen(checkpoints, setup.provenance, _chosen(search, config))


def _go_on(
    found: SectorFile, changed: Mapping[str, Any], search: str | None, progress: bool | None
) -> SectorFile:
    """Go on from a search, whose own settings hold but for what is injected."""
    _check_changes(found, changed)
    if found.format_version != FORMAT_VERSION:
        raise ConfigError(
            f"{found.described}: made by an earlier version (format {found.format_version}), "
            "search its light curve anew"
        )
    config = _configured(found.config | dict(changed))
    chosen = chosen_search(search, found.search)
    with one_thread(), ProgressBar(progress, config.inject.n_inject) as bar:
        checkpoints = CheckpointsInMemory(bar.reached, bar.flares_done)
        setup = _setup(config)
        if setup.provenance.models_checksum != found.models_checksum:
            raise ConfigError(f"{found.described}: searched with other networks")
        data, n_remaining = _copied(found.data), found.n_inject_remaining
        if found.checkpoint is Stage.MODEL:
            if config.science_json() == found.config_json:
                checkpoints.go_on_from(data, found.answers)
            else:
                _draw_anew(setup, data)
                setup.write(checkpoints, data)
                n_remaining = config.inject.n_inject
            bar.reached(Stage.MODEL)
            bar.flares_done(config.inject.n_inject - n_remaining)
        _work(setup, StartingPoint(data, found.checkpoint, n_remaining), checkpoints)
        return _seen(checkpoints, setup.provenance, chosen)


def _configured(settings: Mapping[str, Any]) -> Config:
    """The settings, those of a campaign by default."""
    return load(None, values_by_key=settings)


def _chosen(search: str | None, config: Config) -> Search:
    return chosen_search(search, Search(config.detect.search))


def _setup(config: Config) -> SearchSetup:
    """Everything that the stages need, as a campaign of these settings has it."""
    campaign = CvzCampaign(config, _detector(config.detector.file))
    campaign.prepare()
    return campaign.setup


@cache
def _detector(file: Path | None) -> StellaDetector:
    """The networks, read and laid out once for all light curves."""
    return StellaDetector(published_models.load(file or published_models.packed_file()))


def _begin(
    given: GivenLightCurve, tic: int | None, sector: int | None, config: Config
) -> StartingPoint:
    """A light curve of which nothing is done: stage `download`."""
    clock = time.perf_counter()
    nothing = np.empty(0)
    data = SectorData(as_light_curve(given, tic, sector), nothing, nothing)
    data.seconds[Stage.DOWNLOAD] = time.perf_counter() - clock
    return StartingPoint(data, Stage.DOWNLOAD, config.inject.n_inject)


def _work(
    setup: SearchSetup,
    start: StartingPoint,
    checkpoints: CheckpointsInMemory,
    last: Stage = Stage.INJECT,
) -> None:
    control = Control(StopRequest(), steps_done=lambda _: None)
    do_stages(setup, start, checkpoints, Team.alone(), control, last)


def _seen(checkpoints: CheckpointsInMemory, provenance: Provenance, search: Search) -> SectorFile:
    """What was found, as the sector file of it would be read."""
    assert checkpoints.data is not None
    content = SectorContent.in_memory(
        checkpoints.data, provenance, checkpoints.answers, checkpoints.n_done
    )
    return SectorFile.of(content, search)


def _check_changes(found: SectorFile, changed: Mapping[str, Any]) -> None:
    """Refuse settings that the search itself depends on.

    Raises
    ------
    ConfigError
        Naming the setting.
    """
    for key, value in changed.items():
        alone = key.startswith(_ALONE) and key != _NOT_ALONE
        if not alone and key in found.config and found.config[key] != value:
            raise ConfigError(
                f"{key}: the search was made with {found.config[key]!r}: give the light curve "
                "itself, to search it anew"
            )


def _copied(data: SectorData) -> SectorData:
    """The same, whose change leaves what was given as it is."""
    return replace(data, seconds=dict(data.seconds), gp_facts=dict(data.gp_facts))


def _draw_anew(setup: SearchSetup, data: SectorData) -> None:
    """Draw other flares to be injected."""
    observation = Observation.prepare(data.light_curve, setup.config, setup.detector.window)
    add_injections(setup, observation, data)
    data.seconds.pop(Stage.INJECT, None)
