"""`cvzmpi ffd`: flare frequency distributions of some or all stars of a campaign."""

from __future__ import annotations

import multiprocessing
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

from cvzmpi.cvz.products.ffd import ASSUMED_INDEX, StarFfd
from cvzmpi.cvz.products.searched_sector import SearchedSector
from cvzmpi.cvz.sector_file import sector_files
from cvzmpi.errors import ConfigError, SectorFileError


@dataclass(frozen=True)
class FfdSettings:
    """How the distributions are made; see `StarFfd.of`."""

    min_completeness: float = 0.5
    upper: float = float("inf")
    assumed_index: float = ASSUMED_INDEX


@dataclass(frozen=True)
class StarOutcome:
    """What became of a star.

    Attributes
    ----------
    star : StarFfd or None
        None where no light curve of it can be used.
    left_out : list of str
        One line for each sector file that is half-done or unreadable, naming it.
    """

    star: StarFfd | None
    left_out: list[str]


def star_outcomes(
    directory: Path,
    tics: Collection[int] | None,
    settings: FfdSettings,
    processes: int = 1,
) -> Iterator[StarOutcome]:
    """Work through the stars in an output directory, in the order of their files.

    Parameters
    ----------
    directory : Path
        Of the sector files; a job may be writing there.
    tics : collection of int, or None
        Which stars; None for all.
    settings : FfdSettings
    processes : int
        How many stars are worked on at a time.

    Raises
    ------
    ConfigError
        If there are no sector files, or none of one of the stars.
    """
    files = sector_files(directory)
    if not files:
        raise ConfigError(f"{directory}: no sector files in here")
    missing = sorted(set(tics or ()) - {tic for tic, _ in files})
    if missing:
        raise ConfigError(f"{directory}: no sector file of TIC {', '.join(map(str, missing))}")
    of_stars = [
        [files[unit] for unit in units]
        for tic, units in groupby(sorted(files), key=lambda unit: unit[0])
        if tics is None or tic in tics
    ]
    work = partial(_outcome, settings=settings)
    if processes == 1:
        yield from map(work, of_stars)
        return
    # h5py may have started MPI, which does not survive a fork
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(work, of_stars, chunksize=4)


def _outcome(paths: Sequence[Path], settings: FfdSettings) -> StarOutcome:
    sectors, left_out = [], []
    for path in paths:
        try:
            sectors.append(SearchedSector.read(path))
        except SectorFileError as error:
            left_out.append(str(error))
    if not sectors:
        return StarOutcome(None, left_out)
    star = StarFfd.of(sectors, settings.min_completeness, settings.upper, settings.assumed_index)
    return StarOutcome(star, left_out)
