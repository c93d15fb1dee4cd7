"""The whole report: pages of stars on all ranks, then the page of the campaign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cvzmpi.cvz.results.index.build import IndexReport, update_index
from cvzmpi.cvz.results.index.merge import table_path
from cvzmpi.cvz.results.report.campaign_page import write_campaign
from cvzmpi.cvz.results.report.star_page import Star, StarSummary, write_star
from cvzmpi.errors import ConfigError
from cvzmpi.mpi.launch import World
from cvzmpi.storage.whole_file import write_derived


@dataclass(frozen=True)
class SiteReport:
    """A written report.

    Attributes
    ----------
    page : Path
        The one to open.
    n_stars, n_drawn : int
        All stars, and those whose pages were made anew.
    left_out : list of str
        A line for each sector file that should be in the report and cannot.
    """

    page: Path
    n_stars: int
    n_drawn: int
    left_out: list[str]


@dataclass(frozen=True)
class _Slice:
    """The rows of a star in the table of light curves."""

    tic: int
    start: int
    length: int


def write_site(
    results: Path, report: Path, world: World, n_pictured: int, include_marked: bool = False
) -> SiteReport | None:
    """Write the report of a campaign, bringing its index up to date first: collective.

    Parameters
    ----------
    results : Path
        The directory of the sector files.
    report : Path
        Where the report is to be; it is created where missing.
    world : World
    n_pictured : int
        So many stars, those with the most flares, get pictures on their pages.
    include_marked : bool
        Draw stars and light curves with quality marks in the pictures of the campaign as well.

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
    index = update_index(results, world)
    world.first(lambda: _begin(results, report, index))
    table = pq.read_table(table_path(index.directory, "light_curves"))
    stars = _slices(table)
    pictured = _most_flares(table, stars, n_pictured)

    def work(star: _Slice) -> StarSummary:
        rows = table.slice(star.start, star.length).to_pylist()
        return write_star(Star(star.tic, rows, star.tic in pictured), results, report)

    summaries = world.scatter(stars, work)
    if world.rank > 0:
        world.first(lambda: None)
        return None

    def finish() -> None:
        by_tic = {star.tic: summary for star, summary in zip(stars, summaries, strict=True)}
        write_campaign(table, by_tic, index.directory, results, report, include_marked)

    world.first(finish)
    n_drawn = sum(summary.drawn for summary in summaries)
    left_out = [*index.left_out, *(line for summary in summaries for line in summary.left_out)]
    return SiteReport(report / "index.html", len(stars), n_drawn, left_out)


def _begin(results: Path, report: Path, index: IndexReport) -> None:
    """Directories, style and script of the report."""
    if not index.n_light_curves:
        if index.left_out:
            lines = "\n".join(index.left_out)
            raise ConfigError(f"{results}: no sector file in here can be used\n{lines}")
        raise ConfigError(f"{results}: no sector files in here")
    try:
        for name in ("assets", "data", "pictures"):
            (report / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{report}: cannot be made: {error.strerror}") from error
    for name in ("report.css", "report.js"):
        content = files("cvzmpi.cvz.results.report").joinpath("assets", name).read_bytes()
        write_derived(report / "assets" / name, content)


def _slices(table: pa.Table) -> list[_Slice]:
    """The rows of each star, which follow one another."""
    tics = table["tic"].to_numpy()
    starts = np.flatnonzero(np.diff(tics, prepend=-1))
    lengths = np.diff(starts, append=len(tics))
    return [
        _Slice(int(tics[start]), int(start), int(length))
        for start, length in zip(starts, lengths, strict=True)
    ]


def _most_flares(table: pa.Table, stars: Sequence[_Slice], n_stars: int) -> set[int]:
    flares = table["n_flares"].to_numpy()
    counts = np.add.reduceat(flares, [star.start for star in stars])
    order = np.argsort(-counts, kind="stable")[:n_stars]
    return {stars[number].tic for number in order}
