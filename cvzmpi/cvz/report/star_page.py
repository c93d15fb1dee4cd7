"""The page of a star: its light curves, flares and pictures. Made anew only when they changed."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi import __version__
from cvzmpi.cvz.derived_file import write_derived
from cvzmpi.cvz.products.cumulative_ffd import CumulativeFfd
from cvzmpi.cvz.products.ffd import SectorRate, StarFfd
from cvzmpi.cvz.products.searched_sector import SearchedSector
from cvzmpi.cvz.report import tables
from cvzmpi.cvz.report.tables import table_script
from cvzmpi.cvz.report.templates import page
from cvzmpi.errors import SectorFileError

_LAYOUT = 1
"""Counted up when pages of stars change: those of an older cvzmpi are then made anew."""

_STATE = "star.json"


def page_of_star(tic: int) -> str:
    """The address of a star's page, relative to the report; they are spread as sector files are."""
    return f"stars/{tic % 1000:03d}/{tic}/index.html"


@dataclass(frozen=True)
class Star:
    """A star as the index has it.

    Attributes
    ----------
    tic : int
    rows : list of dict
        Of its light curves, by column of the index.
    pictures : bool
        Whether its page shall have pictures.
    """

    tic: int
    rows: list[dict[str, Any]]
    pictures: bool

    @property
    def directory(self) -> str:
        """Of its page, relative to that of the report."""
        return str(Path(page_of_star(self.tic)).parent)

    def digest(self) -> str:
        """Of everything that its page depends on."""
        files = [(row["path"], row["size"], row["mtime_ns"], row["state"]) for row in self.rows]
        content = json.dumps([__version__, _LAYOUT, self.pictures, files])
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass
class Picture:
    """A picture on a page: its file beside the page, and what it shows."""

    file: str
    caption: str


@dataclass
class _Section:
    """The pictures of one light curve."""

    sector: int
    pictures: list[Picture] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True)
class StarSummary:
    """What the page of the campaign says about a star; rates are NaN where there are none.

    Attributes
    ----------
    rate, rate_low, rate_high, rate_limit : float
        Flares a day above `lower`; 68 % interval; upper limit with 95 % confidence.
    lower : float
        Equivalent duration in s.
    index : float
        Of the power law; NaN where there are too few flares to fit one.
    drawn : bool
        Whether the page was made anew.
    """

    rate: float
    rate_low: float
    rate_high: float
    rate_limit: float
    lower: float
    index: float
    drawn: bool = True

    @classmethod
    def of(cls, ffd: StarFfd | None) -> StarSummary:
        """The summary of a flare frequency distribution, if there is one."""
        if ffd is None:
            nothing = math.nan
            return cls(nothing, nothing, nothing, nothing, nothing, nothing)
        index = math.nan if ffd.power_law is None else ffd.power_law.index
        return cls(ffd.rate, *ffd.interval, ffd.upper_limit, ffd.lower, index)


def write_star(star: Star, results: Path, report: Path) -> StarSummary:
    """Write the page of a star and its pictures, unless they are there already.

    Parameters
    ----------
    star : Star
    results : Path
        The directory of the sector files.
    report : Path
        The directory of the report.

    Raises
    ------
    SectorFileError
        If the page cannot be written.
    """
    directory, digest = report / star.directory, star.digest()
    known = _read_state(directory / _STATE, digest)
    if known is not None:
        return known
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SectorFileError(f"{directory}: cannot be made: {error.strerror}") from error
    ffd, left_out = _distribution(star, results)
    sections: list[_Section] = []
    pictures: list[Picture] = []
    if star.pictures:
        sections = [_light_curve_pictures(row, results, directory) for row in star.rows]
        pictures = list(_star_pictures(ffd, directory)) if ffd is not None else []
    text = page(
        "star.html",
        root="../../..",
        star=star,
        facts=star.rows[-1],
        ffd=ffd,
        left_out=left_out,
        pictures=pictures,
        sections=sections,
        light_curves=_light_curve_table(star, ffd, results, directory),
        flares=_flare_table(ffd),
    )
    write_derived(directory / "index.html", text.encode())
    shown = {p.file for p in [*pictures, *(p for section in sections for p in section.pictures)]}
    for old in directory.glob("*.png"):
        if old.name not in shown:
            old.unlink(missing_ok=True)
    summary = StarSummary.of(ffd)
    # last: where it is, all the rest is
    state = {"digest": digest, "summary": asdict(summary)}
    write_derived(directory / _STATE, json.dumps(state).encode())
    return summary


def _read_state(path: Path, digest: str) -> StarSummary | None:
    """What an earlier run found out about a star; None if anything has changed since."""
    try:
        state = json.loads(path.read_bytes())
        if state["digest"] != digest:
            return None
        return StarSummary(**state["summary"] | {"drawn": False})
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none there, torn, or of another cvzmpi


def _distribution(star: Star, results: Path) -> tuple[StarFfd | None, list[str]]:
    """The flare frequency distribution, and one line for each light curve that is not in it."""
    sectors, left_out = [], []
    for row in star.rows:
        try:
            sectors.append(SearchedSector.read(results / row["path"]))
        except SectorFileError as error:
            left_out.append(str(error).removeprefix(f"{results}/"))
    return (StarFfd.of(sectors) if sectors else None), left_out


def _star_pictures(ffd: StarFfd, directory: Path) -> Iterator[Picture]:
    from cvzmpi.cvz.pictures.star import draw_ffd, draw_sectors
    from cvzmpi.cvz.pictures.style import save

    save(lambda: draw_ffd(ffd), directory / "ffd.png")
    yield Picture("ffd.png", "Cumulative flare frequency distribution")
    save(lambda: draw_sectors(ffd), directory / "sectors.png")
    yield Picture("sectors.png", "Rate, flares and fractional flare energy by sector")


def _light_curve_pictures(row: Mapping[str, Any], results: Path, directory: Path) -> _Section:
    from cvzmpi.cvz.pictures.completeness_curve import draw_completeness
    from cvzmpi.cvz.pictures.content import Content
    from cvzmpi.cvz.pictures.light_curve import title_of
    from cvzmpi.cvz.pictures.overview import draw_overview
    from cvzmpi.cvz.pictures.recovery_map import draw_recovery_intervals
    from cvzmpi.cvz.pictures.style import save
    from cvzmpi.cvz.pictures.zooms import draw_zooms

    section = _Section(row["sector"])

    def add(name: str, caption: str, draw: Callable[[], Any]) -> None:
        file = f"{row['sector']}_{name}.png"
        save(draw, directory / file)
        section.pictures.append(Picture(file, caption))

    try:
        content = Content.read(results / row["path"])
    except SectorFileError as error:
        section.problem = str(error).removeprefix(f"{results}/")
        return section
    add("light_curve", "Light curve, largest flare, recovery", lambda: draw_overview(content))
    if row["n_flares"]:
        add("flares", "The largest flares", lambda: draw_zooms(content))
    recovery, title = content.recovery, title_of(content)
    if recovery is not None and recovery.n_done:
        add("completeness", "Completeness", lambda: draw_completeness(recovery, title))
        add("recovery", "Recovered fraction", lambda: draw_recovery_intervals(recovery, title))
    return section


def _light_curve_table(star: Star, ffd: StarFfd | None, results: Path, directory: Path) -> str:
    rates: dict[int, SectorRate] = {}
    if ffd is not None:
        numbers = (sector.sector for sector in ffd.sectors)
        rates = dict(zip(numbers, ffd.sector_rates(), strict=True))
    rows = [
        row
        | {
            "anchor": f"#sector-{row['sector']}" if star.pictures else "",
            "rate": rates[row["sector"]].rate if row["sector"] in rates else None,
            "amplitude_50_percent": _percent(row["amplitude_50"]),
            "seconds": sum(v or 0.0 for k, v in row.items() if k.startswith("seconds_")),
            "file": os.path.relpath(results / row["path"], directory),
        }
        for row in star.rows
    ]
    return table_script("light-curves", tables.LIGHT_CURVES, rows)


def _flare_table(ffd: StarFfd | None) -> str:
    if ffd is None:
        return table_script("flares", tables.FLARES, [])
    points = CumulativeFfd.of(ffd)
    names = ("sector", "peak_time", "amplitude", "duration", "duration_error", "completeness")
    columns = {name: getattr(points, name).tolist() for name in (*names, "rate")}
    columns["amplitude_percent"] = (100 * np.asarray(columns.pop("amplitude"))).tolist()
    rows = _rows(columns)
    return table_script("flares", tables.FLARES, rows)


def _rows(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
