"""The page of a star: its light curves and flares. Made anew only when they changed."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi import __version__
from cvzmpi.cvz.detection.search import Search, found_by_in_words
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.quality.quality_marks import DEFINITIONS, marks_in_words, marks_of_star, names_in
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.results.index.build import flares_in_index
from cvzmpi.cvz.results.index.indexed_reliability import IndexedReliability
from cvzmpi.cvz.results.products.ffd import SectorRate, StarFfd, cumulative_ffd
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated
from cvzmpi.cvz.results.products.star_outcome import star_outcome
from cvzmpi.cvz.results.report import tables
from cvzmpi.cvz.results.report.light_curve_sections import (
    LightCurveSection,
    open_one,
    remove_others,
    write_light_curve,
)
from cvzmpi.cvz.results.report.star_pictures import Picture, star_pictures
from cvzmpi.cvz.results.report.tables import table_script
from cvzmpi.cvz.results.report.templates import page
from cvzmpi.cvz.sector_file.data import Columns
from cvzmpi.errors import SectorFileError
from cvzmpi.storage.whole_file import write_derived

_LAYOUT = 5
"""Counted up when pages of stars change: those of an older cvzmpi are then made anew."""

_STATE = "star.json"


def page_of_star(tic: int) -> str:
    """The address of a star's page, relative to the report; they are spread as sector files are."""
    return f"stars/{tic % 1000:03d}/{tic}/index.html"


@dataclass(frozen=True)
class Star:
    """The light curves of a star, by column of the index, and whether its page shows them."""

    rows: list[dict[str, Any]]
    index: Path  # directory of the index
    with_light_curves: bool
    reliability: IndexedReliability
    search: Search = DEFAULT_SEARCH

    @property
    def tic(self) -> int:
        """Its TIC number."""
        return self.rows[0]["tic"]

    @cached_property
    def flares(self) -> dict[int, Columns]:
        """Its flares by sector, as they were measured for the index."""
        shard = self.rows[0]["path"].partition("/")[0]
        flares = flares_in_index(self.index, shard, self.tic, self.search)
        for sector, columns in flares.items():
            pooled = self.reliabilities[sector]
            if pooled is not None and len(pooled.reliability) == len(columns["reliability"]):
                columns["reliability"] = pooled.reliability.astype(np.float32)
        return flares

    @cached_property
    def reliabilities(self) -> dict[int, FlareReliability | None]:
        """How reliable its flares are, by sector; None where that is not known."""
        return {
            row["sector"]: self.reliability.of_light_curve(LightCurveId(self.tic, row["sector"]))
            for row in self.rows
        }

    def digest(self) -> str:
        """A checksum of everything that its page depends on, as far as it can be seen there.

        Each light curve of the campaign changes the reliabilities of all stars a little.
        """
        reliabilities = [
            None if r is None else np.round([*r.reliability, r.background_error], 2).tolist()
            for r in self.reliabilities.values()
        ]
        files = [(row["path"], row["size"], row["mtime_ns"], row["state"]) for row in self.rows]
        content = json.dumps(
            [__version__, _LAYOUT, self.search, self.with_light_curves, files, reliabilities]
        )
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True)
class StarSummary:
    """The facts about a star for the page of the campaign; numbers are NaN where there are none.

    Rates are flares a day above the equivalent duration `lower` in s, with the 68 % interval and
    the upper limit with 95 % confidence; `index` is that of the power law. `left_out` has a line
    for each light curve that should be on the page and cannot; `drawn` is true if the page was
    made anew.
    """

    rate: float
    rate_low: float
    rate_high: float
    rate_limit: float
    lower: float
    index: float
    marks: str
    left_out: list[str]
    drawn: bool = True

    @classmethod
    def of(cls, star: Star, ffd: StarFfd | None, left_out: list[str]) -> StarSummary:
        """The summary of a star, with its flare frequency distribution if there is one."""
        marks = marks_of_star(row["marks"] for row in star.rows)
        if ffd is None:
            return cls(*(math.nan,) * 6, marks, left_out)
        index = math.nan if ffd.power_law is None else ffd.power_law.index
        return cls(ffd.rate, *ffd.interval, ffd.upper_limit, ffd.lower, index, marks, left_out)


def write_star(star: Star, results: Path, report: Path) -> StarSummary:
    """Write the page of a star with all that it shows, unless it is there already.

    `results` and `report` are the directories of the sector files and of the report.

    Raises
    ------
    SectorFileError
        If the page cannot be written.
    """
    directory, digest = (report / page_of_star(star.tic)).parent, star.digest()
    known = _read_state(directory / _STATE, digest)
    if known is not None:
        return known
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SectorFileError(f"{directory}: cannot be made: {error.strerror}") from error
    paths = {row["sector"]: results / row["path"] for row in star.rows}
    measured = {paths[sector]: flares for sector, flares in star.flares.items()}
    pooled = {paths[sector]: known for sector, known in star.reliabilities.items()}
    outcome = star_outcome(
        list(paths.values()), search=star.search, known_flares=measured, pooled=pooled
    )
    ffd, left_out = outcome.star, list(outcome.left_out)
    sections: list[LightCurveSection] = []
    pictures: list[Picture] = []
    if star.with_light_curves:
        for row in star.rows:
            section, problem = write_light_curve(
                row, results, directory, star.search, star.flares.get(row["sector"])
            )
            sections.append(section)
            left_out += [problem] if problem is not None else []
        open_one(sections)
        if ffd is not None:
            drawn = isolated(results / star.rows[0]["path"], lambda: star_pictures(ffd, directory))
            if isinstance(drawn, LeftOut):
                left_out.append(drawn)
            else:
                pictures = drawn
    lines = {item.line.replace(f"{results}/", ""): item.unfinished for item in left_out}
    text = page(
        "star.html",
        root="../../..",
        star=star,
        facts=star.rows[-1],
        ffd=ffd,
        marks=_marks(star.rows),
        left_out=list(lines),
        pictures=pictures,
        sections=sections,
        light_curve_table=_light_curve_table(star, ffd, results, directory),
        flares=_flare_table(star.flares, ffd),
        n_flares=sum(row["n_flares"] for row in star.rows),
        n_not_positive=sum(row["n_not_positive"] or 0 for row in star.rows),
        n_true=_sum_of_known(row["n_true"] for row in star.rows),
        searched=sum(row["searched"] for row in star.rows),
    )
    write_derived(directory / "index.html", text.encode())
    remove_others(sections, directory)
    shown = {picture.file for picture in pictures}
    for old in directory.glob("*.png"):
        if old.name not in shown:
            old.unlink(missing_ok=True)
    failed = [line for line, unfinished in lines.items() if not unfinished]
    summary = StarSummary.of(star, ffd, failed)
    # last: where it is, all the rest is
    state = {"digest": digest, "summary": asdict(summary)}
    write_derived(directory / _STATE, json.dumps(state).encode())
    return summary


def _read_state(path: Path, digest: str) -> StarSummary | None:
    """The summary that an earlier run wrote; None if anything has changed since."""
    try:
        state = json.loads(path.read_bytes())
        if state["digest"] != digest:
            return None
        return StarSummary(**state["summary"] | {"drawn": False})
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none there, torn, or of another cvzmpi


def _marks(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The meaning of each quality mark of a star, and the sectors that have it."""
    sectors = {
        mark.meaning: [str(row["sector"]) for row in rows if mark.name in names_in(row["marks"])]
        for mark in DEFINITIONS
    }
    return [(meaning, ", ".join(numbers)) for meaning, numbers in sectors.items() if numbers]


def _light_curve_table(star: Star, ffd: StarFfd | None, results: Path, directory: Path) -> str:
    rates: dict[int, SectorRate] = {}
    if ffd is not None:
        numbers = (sector.sector for sector in ffd.sectors)
        rates = dict(zip(numbers, ffd.sector_rates(), strict=True))
    rows = [
        row
        | {
            "anchor": f"#sector-{row['sector']}" if star.with_light_curves else "",
            "rate": rates[row["sector"]].rate if row["sector"] in rates else None,
            "amplitude_50_percent": _percent(row["amplitude_50"]),
            "own_light_percent": _percent(row["crowdsap"]),
            "marks": marks_in_words(row["marks"]),
            "seconds": sum(v or 0.0 for k, v in row.items() if k.startswith("seconds_")),
            "file": os.path.relpath(results / row["path"], directory),
        }
        for row in star.rows
    ]
    return table_script("light-curves", tables.LIGHT_CURVES, rows)


def _flare_table(flares: Mapping[int, Columns], ffd: StarFfd | None) -> str:
    """All flares that were found, with the points of the distribution that they are."""
    rates = {}
    if ffd is not None:
        points = cumulative_ffd(ffd)
        names = ("sector", "peak_time", "completeness", "rate")
        for sector, peak_time, completeness, rate in zip(
            *(points[name].tolist() for name in names), strict=True
        ):
            rates[sector, peak_time] = {"completeness": completeness, "rate": rate}
    rows = []
    for sector, columns in flares.items():
        for values in zip(*(column.tolist() for column in columns.values()), strict=True):
            row = dict(zip(columns, values, strict=True)) | {"sector": sector}
            row |= rates.get((sector, row["peak_time"]), {})
            row["at_edge"] = "yes" if row["at_edge"] else ""
            row["searches"] = found_by_in_words(row["found_by"])
            row["measure"] = "template" if row["template_fitted"] else "mask"
            row["amplitude_percent"] = 100 * row["amplitude"]
            rows.append(row)
    rows.sort(key=lambda row: -row["equivalent_duration"])
    return table_script("flares", tables.FLARES, rows)


def _sum_of_known(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
