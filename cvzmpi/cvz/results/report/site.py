"""The whole report: pages of stars on all ranks, then the page of the campaign."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.index.build import IndexReport, index_alone, update_index
from cvzmpi.cvz.results.index.read_table import read_table
from cvzmpi.cvz.results.index.star_reader import StarReader
from cvzmpi.cvz.results.products.rate_at_energy import DEFAULT_ENERGY
from cvzmpi.cvz.results.report.campaign_page import write_campaign
from cvzmpi.cvz.results.report.drawn_stars import ask_for, drawn_stars
from cvzmpi.cvz.results.report.gallery.choice import Choice, choose_flares, gallery_stars
from cvzmpi.cvz.results.report.gallery.write_gallery import write_gallery
from cvzmpi.cvz.results.report.star_page import Star, StarSummary, write_star
from cvzmpi.cvz.results.report.star_tables import page_columns
from cvzmpi.errors import ConfigError
from cvzmpi.messages.progress_bar import ProgressBar
from cvzmpi.mpi.launch import World
from cvzmpi.storage.whole_file import write_derived
from cvzmpi.web.assets import shared_assets

_COUNTED = ["tic", "n_flares"]


@dataclass(frozen=True)
class SiteReport:
    """A written report: the page to open, and how many of its stars have a page that was made anew.

    `left_out` has a line for each sector file that should be in the report and cannot; `alone` is
    true if it is from the index alone.
    """

    page: Path
    n_stars: int
    n_drawn: int
    left_out: list[str]
    alone: bool = False

    @classmethod
    def of(
        cls,
        page: Path,
        summaries: Sequence[StarSummary],
        index: IndexReport,
        of_gallery: Sequence[str] = (),
        alone: bool = False,
    ) -> SiteReport:
        """What there is to say about the pages of stars that were written, and the gallery."""
        n_drawn = sum(summary.drawn for summary in summaries)
        of_stars = (line for each in summaries for line in each.left_out)
        # a file may be missing on the page of its star and in the gallery for the same reason
        left_out = dict.fromkeys([*index.left_out, *of_stars, *of_gallery])
        return cls(page, len(summaries), n_drawn, list(left_out), alone)


def write_site(
    results: Path,
    report: Path,
    world: World,
    n_stars: int,
    include_marked: bool = False,
    search: Search = DEFAULT_SEARCH,
    energy: float = DEFAULT_ENERGY,
) -> SiteReport | None:
    """Write the report of a campaign, bringing its index up to date first: collective.

    Where there is only the index, without the sector files, the report is from the index alone:
    then no light curves are drawn, and the gallery is empty.

    Parameters
    ----------
    results, report : Path
        Directories of the sector files, and of the report; that one is created where missing.
    n_stars : int
        So many stars, those with the most flares, have their light curves on their pages, and
        those of the gallery unless this is 0; and those that `write_named_stars` added.
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
    alone = world.first(lambda: index_alone(results, search))
    index = alone or update_index(results, world, search)
    world.first(lambda: _begin(results, report, index))
    gallery, drawn = Choice.nothing(), set[int]()
    if alone is None:
        gallery = world.first(lambda: choose_flares(index.directory, include_marked))
        counts = read_table(index.directory, "light_curves", _COUNTED)
        drawn = drawn_stars(counts, n_stars, gallery_stars(gallery) if n_stars else (), report)
    stars = StarReader(index.directory)
    summaries = _write_stars(stars, stars.tics, drawn, results, report, world, search, energy)
    missing = write_gallery(gallery, results, report, world, search)
    if world.rank > 0:
        world.first(lambda: None)
        return None

    def finish() -> None:
        by_tic = dict(zip(stars.tics, summaries, strict=True))
        write_campaign(by_tic, index.directory, report, include_marked, energy)

    world.first(finish)
    return SiteReport.of(report / "index.html", summaries, index, missing, alone is not None)


def write_named_stars(
    results: Path,
    report: Path,
    world: World,
    tics: Collection[int],
    search: Search = DEFAULT_SEARCH,
    energy: float = DEFAULT_ENERGY,
) -> SiteReport | None:
    """Write the pages of some stars, with their light curves, in a report that exists: collective.

    The page of the campaign stays as it is. Later reports have these light curves as well.

    Returns
    -------
    SiteReport or None
        On rank 0, about these stars only.

    Raises
    ------
    ConfigError
        If there is no report, or a star has no light curve.
    SectorFileError
        If the index or a page cannot be written.
    """
    index = update_index(results, world, search)
    stars = StarReader(index.directory)

    def begin() -> None:
        if not (report / "index.html").exists():
            raise ConfigError(f"{report}: no report in here; without --star it is made")
        for tic in tics:
            if tic not in stars.tics:
                raise ConfigError(f"star {tic}: no light curve of it in {results}")
        _begin(results, report, index)
        ask_for(tics, report)

    world.first(begin)
    asked = sorted(set(tics))
    summaries = _write_stars(stars, asked, set(asked), results, report, world, search, energy)
    if world.rank > 0:
        return None
    return SiteReport.of(report / "index.html", summaries, index)


def _write_stars(
    stars: StarReader,
    tics: list[int],
    drawn: set[int],
    results: Path,
    report: Path,
    world: World,
    search: Search,
    energy: float,
) -> list[StarSummary]:
    """Write the pages of some stars; on rank 0, their summaries."""

    def work(tic: int) -> StarSummary:
        star = Star(stars.star(tic), tic in drawn, search, energy)
        return write_star(star, results, report)

    with ProgressBar() as bar:
        return world.scatter(
            tics, work, lambda done, total: bar.show("star", done, total, " have their pages")
        )


def _begin(results: Path, report: Path, index: IndexReport) -> None:
    """Directories, styles and scripts of the report: all that its pages share."""
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
    name, content = page_columns()
    write_derived(report / "data" / name, content)
