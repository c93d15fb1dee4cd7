"""`cvzmpi ffd`: flare frequency distributions of some or all stars of a campaign."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path

import click

from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.ffd_tables import FfdTables
from cvzmpi.cvz.results.products.star_outcome import FfdSettings, StarOutcome, star_outcome
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.errors import ConfigError


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
    work = partial(star_outcome, settings=settings)
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
) -> bool:
    """Write the tables, and say what is in them: each star that was asked for by its number.

    Returns
    -------
    bool
        Whether every light curve is in them that is done.
    """
    rows, left_out, n_sectors = [], [], 0
    for outcome in star_outcomes(directory, tics, settings, processes):
        for item in outcome.left_out:
            click.echo(f"left out: {item.line}", err=True)
        left_out += outcome.left_out
        if outcome.star is not None and outcome.rows is not None:
            rows.append(outcome.rows)
            n_sectors += len(outcome.star.sectors)
            if tics is not None:
                click.echo(summary(outcome.star))
    for path in FfdTables.of(rows).write(output, kind):
        click.echo(path)
    n_unfinished = sum(item.unfinished for item in left_out)
    unfinished = f" ({n_unfinished} unfinished)" if n_unfinished else ""
    click.echo(
        f"{len(rows)} stars, {n_sectors} light curves; {len(left_out)} left out{unfinished}",
        err=True,
    )
    return len(left_out) == n_unfinished


def summary(star: StarFfd) -> str:
    """One line about a star."""
    sectors = f"{len(star.sectors)} sector{'s' if len(star.sectors) > 1 else ''}"
    n_flares = star.n_flares
    if math.isnan(star.lower):  # none of them counts
        n_flares = sum(len(sector.duration) for sector in star.sectors)
    start = f"TIC {star.tic}: {n_flares} flares in {star.time.searched:.1f} d of {sectors}"
    marks = f"; marks: {star.marks}" if star.marks else ""
    return f"{start}: {_rate(star)}{marks}"


def _rate(star: StarFfd) -> str:
    if star.little_searched:
        return "no rate, since too little was searched"
    if math.isnan(star.lower):
        return f" the completeness that is asked for is not reached below {star.upper:g} s"
    low, high = star.interval
    rate = f"{star.rate:.3g} ({low:.3g} to {high:.3g}) a day above {star.lower:.3g} s"
    if not star.n_flares:
        rate = f"below {star.upper_limit:.3g} a day above {star.lower:.3g} s (95 %)"
    index = f"{star.index:.2f} (assumed)"
    if star.power_law is not None:
        low, high = star.power_law.index_interval
        index = f"{star.index:.2f} ({low:.2f} to {high:.2f})"
    return f"{rate}, index {index}"
