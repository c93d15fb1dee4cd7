"""The flare frequency distributions of stars, and the light curves that are not in them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.results.products.counted_once import not_counted
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.ffd_tables import Rows, star_rows
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated
from cvzmpi.cvz.results.products.searched_sector import SearchedSector
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.errors import ConfigError


@dataclass(frozen=True)
class StarOutcome:
    """The distribution of a star and its rows of the tables, and the files that are not in it.

    There is none where all light curves are half-done, unreadable, or of odd content.
    """

    star: StarFfd | None = None
    rows: Rows | None = None
    left_out: list[LeftOut] = field(default_factory=list)


def star_outcomes(
    directory: Path,
    tics: Collection[int] | None,
    settings: Mapping[str, Any],
    processes: int = 1,
    search: Search = DEFAULT_SEARCH,
    pooled: Callable[[Path], FlareReliability | None] | None = None,
) -> Iterator[StarOutcome]:
    """Work through the stars in an output directory, in the order of their files.

    First come the light curves of stars whose number another star has: they are left out.

    Parameters
    ----------
    directory : Path
        Of the sector files; a job may be writing there.
    tics : collection of int, or None
        Which stars; None for all.
    settings : mapping
        Arguments of `StarFfd.of`.
    processes : int
        How many stars are worked on at a time.
    search : str
        The search chosen.
    pooled : callable, optional
        The reliabilities of the flares of a file, from all light curves of the campaign; None
        where they are not known, and those from the light curve alone are taken.

    Raises
    ------
    ConfigError
        If there are no sector files, or none of one of the stars.
    """
    files = sector_files(directory)
    if not files:
        raise ConfigError(f"{directory}: no sector files in here")
    others = {one: (files[one], reason) for one, reason in not_counted(files, search).items()}
    files = {one: path for one, path in files.items() if one not in others}
    catalogues = {one.tic: one.catalogue for one in files}
    yield from (
        StarOutcome(left_out=[LeftOut(f"{path}: {reason}")])
        for one, (path, reason) in others.items()
        if one.catalogue != catalogues[one.tic] and (tics is None or one.tic in tics)
    )
    missing = sorted(set(tics or ()) - {unit.tic for unit in files})
    if missing:
        raise ConfigError(f"{directory}: no sector file of star {', '.join(map(str, missing))}")
    of_stars = [
        {files[unit]: None if pooled is None else pooled(files[unit]) for unit in units}
        for tic, units in groupby(sorted(files), key=lambda unit: unit.tic)
        if tics is None or tic in tics
    ]
    work = partial(_outcome, settings, search)
    if processes == 1:
        yield from map(work, of_stars)
        return
    # h5py may have started MPI, which does not survive a fork
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(work, of_stars, chunksize=4)


def _outcome(
    settings: Mapping[str, Any], search: Search, files: Mapping[Path, FlareReliability | None]
) -> StarOutcome:
    return star_outcome(list(files), settings, search, pooled=files)


def star_outcome(
    paths: Sequence[Path],
    settings: Mapping[str, Any] = {},
    search: Search = DEFAULT_SEARCH,
    pooled: Mapping[Path, FlareReliability | None] = {},
) -> StarOutcome:
    """Make the distribution of a star, of all its sector files that can be used.

    `settings` are arguments of `StarFfd.of`; `pooled` of some of the files are the reliabilities
    of their flares from all light curves of the campaign.
    """
    return outcome_of(
        [
            SectorSource(path, partial(SearchedSector.read, path, search), pooled.get(path))
            for path in paths
        ],
        settings,
    )


@dataclass(frozen=True)
class SectorSource:
    """A light curve of a star, from its sector file or from the index."""

    path: Path  # of the sector file, also where that is not read
    read: Callable[[], SearchedSector]
    # reliabilities of its flares from all light curves of the campaign; None where not known
    reliability: FlareReliability | None = None


def outcome_of(
    light_curves: Sequence[SectorSource], settings: Mapping[str, Any] = {}
) -> StarOutcome:
    """Make the distribution of a star, of all its light curves that can be used.

    `settings` are arguments of `StarFfd.of`.
    """
    sectors: list[_Sector] = []
    left_out: list[LeftOut] = []
    for source in light_curves:
        sector = isolated(source.path, source.read)
        if isinstance(sector, LeftOut):
            left_out.append(sector)
        else:
            sectors.append(_Sector(sector, _reliability(sector, source.reliability)))
    if not sectors:
        return StarOutcome(left_out=left_out)
    made = _made(sectors, settings)
    if isinstance(made, LeftOut):
        sectors, spoilt = _without_spoilers(sectors, settings, made)
        left_out += spoilt
        made = _made(sectors, settings) if sectors else made
    if isinstance(made, LeftOut):
        return StarOutcome(left_out=left_out)
    return StarOutcome(*made, left_out)


class _Sector(NamedTuple):
    """A light curve, and how reliable its flares are."""

    searched: SearchedSector
    reliability: FlareReliability


def _reliability(sector: SearchedSector, pooled: FlareReliability | None) -> FlareReliability:
    if pooled is not None and len(pooled.reliability) == sector.n_flares:
        return pooled
    return FlareReliability.alone(sector.flares["reliability"])


def _made(
    sectors: Sequence[_Sector], settings: Mapping[str, Any]
) -> tuple[StarFfd, Rows] | LeftOut:
    """The distribution with all that is made of it, so that no product meets an error in it."""

    def make() -> tuple[StarFfd, Rows]:
        searched, reliabilities = zip(*sectors, strict=True)
        star = StarFfd.of(searched, reliabilities=reliabilities, **settings)
        return star, star_rows(star)

    return isolated(sectors[0].searched.path, make)


def _without_spoilers(
    sectors: list[_Sector], settings: Mapping[str, Any], failure: LeftOut
) -> tuple[list[_Sector], list[LeftOut]]:
    """The light curves that a distribution can be made of, and why not of the others.

    Those are left out that fail alone; or the one without which the others do not fail; or all.
    """
    alone = [(sector, _made([sector], settings)) for sector in sectors]
    good = [sector for sector, made in alone if not isinstance(made, LeftOut)]
    spoilt = [made for _, made in alone if isinstance(made, LeftOut)]
    if spoilt and (not good or not isinstance(_made(good, settings), LeftOut)):
        return good, spoilt
    for sector in sectors if len(sectors) > 1 else ():
        others = [other for other in sectors if other is not sector]
        if not isinstance(_made(others, settings), LeftOut):
            return others, [_with_its_star(sector, failure)]
    return [], [_with_its_star(sector, failure) for sector in sectors]


def _with_its_star(sector: _Sector, failure: LeftOut) -> LeftOut:
    reason = failure.line.partition(": ")[2]
    return LeftOut(f"{sector.searched.path}: together with the star's other light curves: {reason}")
