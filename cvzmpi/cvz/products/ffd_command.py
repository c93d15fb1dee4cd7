"""`cvzmpi ffd`: flare frequency distributions of some or all stars of a campaign."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import click

from cvzmpi.cvz.products.ffd import ASSUMED_INDEX, StarFfd
from cvzmpi.cvz.products.ffd_tables import FfdTables
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


def make_tables(
    directory: Path,
    tics: Collection[int] | None,
    settings: FfdSettings,
    output: Path,
    kind: str,
    processes: int,
) -> None:
    """Write the tables, and say what is in them: each star that was asked for by its number."""
    stars, n_left_out = [], 0
    for outcome in star_outcomes(directory, tics, settings, processes):
        for line in outcome.left_out:
            click.echo(f"left out: {line}", err=True)
        n_left_out += len(outcome.left_out)
        if outcome.star is not None:
            stars.append(outcome.star)
            if tics is not None:
                click.echo(summary(outcome.star))
    for path in FfdTables.of(stars).write(output, kind):
        click.echo(path)
    n_sectors = sum(len(star.sectors) for star in stars)
    click.echo(f"{len(stars)} stars, {n_sectors} light curves; {n_left_out} left out", err=True)


def summary(star: StarFfd) -> str:
    """One line about a star."""
    sectors = f"{len(star.sectors)} sector{'s' if len(star.sectors) > 1 else ''}"
    start = f"TIC {star.tic}: {star.n_flares} flares in {star.time.searched:.1f} d of {sectors}"
    if math.isnan(star.lower):
        return f"{start}: the completeness that is asked for is not reached below {star.upper:g} s"
    low, high = star.interval
    rate = f"{star.rate:.3g} ({low:.3g} to {high:.3g}) a day above {star.lower:.3g} s"
    if not star.n_flares:
        rate = f"below {star.upper_limit:.3g} a day above {star.lower:.3g} s (95 %)"
    index = f"{star.index:.2f} (assumed)"
    if star.power_law is not None:
        low, high = star.power_law.index_interval
        index = f"{star.index:.2f} ({low:.2f} to {high:.2f})"
    return f"{start}: {rate}, index {index}"


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
