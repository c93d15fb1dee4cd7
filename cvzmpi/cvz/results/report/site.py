"""The whole report: pages of stars on all ranks, then the page of the campaign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.index.build import IndexReport, update_index
from cvzmpi.cvz.results.index.indexed_reliability import IndexedReliability
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.products.rate_at_energy import DEFAULT_ENERGY
from cvzmpi.cvz.results.report.campaign_page import write_campaign
from cvzmpi.cvz.results.report.gallery.choice import choose_flares
from cvzmpi.cvz.results.report.gallery.write_gallery import write_gallery
from cvzmpi.cvz.results.report.star_page import Star, StarSummary, write_star
from cvzmpi.errors import ConfigError
from cvzmpi.messages.progress_bar import ProgressBar
from cvzmpi.mpi.launch import World
from cvzmpi.storage.whole_file import write_derived
from cvzmpi.web.assets import shared_assets


@dataclass(frozen=True)
class SiteReport:
    """A written report: the page to open, and how many of its stars have a page that was made anew.

    `left_out` has a line for each sector file that should be in the report and cannot.
    """

    page: Path
    n_stars: int
    n_drawn: int
    left_out: list[str]


def write_site(
    results: Path,
    report: Path,
    world: World,
    n_pictured: int,
    include_marked: bool = False,
    search: Search = DEFAULT_SEARCH,
    energy: float = DEFAULT_ENERGY,
) -> SiteReport | None:
    """Write the report of a campaign, bringing its index up to date first: collective.

    Parameters
    ----------
    results, report : Path
        Directories of the sector files, and of the report; that one is created where missing.
    n_pictured : int
        So many stars, those with the most flares, get pictures on their pages.
    include_marked : bool
        Have stars and light curves with quality marks in the pictures of the campaign, and in all
        sets of the gallery, as well.
    search : str
        The search chosen.
    energy : float
        In erg; stars are compared by their rates of flares above it.

    Returns
    -------
    SiteReport or None
        On rank 0.

    Raises
    ------
    ConfigError
        If there are no sector files, or the report cannot be written there.
    SectorFileError
        If the index or a page cannot be written.
    """
    index = update_index(results, world, search)
    world.first(lambda: _begin(results, report, index))
    table = pq.read_table(table_path(index.directory, "light_curves"))
    stars = _slices(table)
    pictured = _most_flares(table, stars, n_pictured)
    gallery = world.first(lambda: choose_flares(index.directory, include_marked))
    reliability = IndexedReliability.read(results, search)

    def work(star: slice) -> StarSummary:
        rows = table[star].to_pylist()
        pictures = star.start in pictured
        return write_star(
            Star(rows, index.directory, pictures, reliability, search, energy), results, report
        )

    with ProgressBar() as bar:
        summaries = world.scatter(
            stars, work, lambda done, total: bar.show("star", done, total, " have their pages")
        )
    missing = write_gallery(gallery, results, report, world, search)
    if world.rank > 0:
        world.first(lambda: None)
        return None

    def finish() -> None:
        tics = table["tic"].take([star.start for star in stars]).to_pylist()
        by_tic = dict(zip(tics, summaries, strict=True))
        write_campaign(table, by_tic, index.directory, report, include_marked, energy)

    world.first(finish)
    n_drawn = sum(summary.drawn for summary in summaries)
    of_stars = (line for summary in summaries for line in summary.left_out)
    # a file may be missing on the page of its star and in the gallery for the same reason
    left_out = list(dict.fromkeys([*index.left_out, *of_stars, *missing]))
    return SiteReport(report / "index.html", len(stars), n_drawn, left_out)


def _begin(results: Path, report: Path, index: IndexReport) -> None:
    """Directories, style and script of the report."""
    if not index.n_light_curves:
        if index.left_out:
            lines = "\n".join(index.left_out)
            raise ConfigError(f"{results}: no sector file in here can be used\n{lines}")
        raise ConfigError(f"{results}: no sector files in here")
    try:
        for name in ("assets", "data"):
            (report / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{report}: cannot be made: {error.strerror}") from error
    own = files("cvzmpi.cvz.results.report").joinpath("assets").iterdir()
    for name, content in [*shared_assets(), *((file.name, file.read_bytes()) for file in own)]:
        file = report / "assets" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        write_derived(file, content)


def _slices(table: pa.Table) -> list[slice]:
    """The rows of each star, which follow one another."""
    starts = np.flatnonzero(np.diff(table["tic"].to_numpy(), prepend=-1)).tolist()
    return [slice(*rows) for rows in pairwise([*starts, table.num_rows])]


def _most_flares(table: pa.Table, stars: Sequence[slice], n_stars: int) -> set[int]:
    """The first rows of the stars with the most flares."""
    starts = np.array([star.start for star in stars])
    counts = np.add.reduceat(table["n_flares"].to_numpy(), starts)
    return set(starts[np.argsort(-counts, kind="stable")[:n_stars]].tolist())
