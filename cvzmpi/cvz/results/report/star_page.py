"""The page of a star: its light curves and flares. Made anew only when they changed."""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi import __version__
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import PARTS
from cvzmpi.cvz.quality.quality_marks import DEFINITIONS, marks_of_star, names_in
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.results.index.star_reader import IndexedStar
from cvzmpi.cvz.results.products.ffd_tables import STARS as FFD_STARS
from cvzmpi.cvz.results.products.ffd_tables import Rows
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated
from cvzmpi.cvz.results.products.rate_at_energy import DEFAULT_ENERGY, RateAtEnergy
from cvzmpi.cvz.results.products.star_outcome import outcome_of
from cvzmpi.cvz.results.report.charts.rate_charts import drawn_distribution
from cvzmpi.cvz.results.report.charts.star_charts import star_charts
from cvzmpi.cvz.results.report.light_curve_sections import (
    LightCurveSection,
    open_one,
    remove_others,
    write_light_curve,
)
from cvzmpi.cvz.results.report.star_tables import flare_table, light_curve_table, page_columns
from cvzmpi.cvz.results.report.templates import page
from cvzmpi.cvz.sector_file.data import Columns
from cvzmpi.errors import SectorFileError
from cvzmpi.storage.whole_file import write_derived
from cvzmpi.web.chart import Chart, charts_script

_LAYOUT = 11
"""Counted up when pages of stars change: those of an older cvzmpi are then made anew."""

_STATE = "star.json"


def page_of_star(tic: int) -> str:
    """The address of a star's page, relative to the report; they are spread as sector files are."""
    return f"stars/{tic % 1000:03d}/{tic}/index.html"


@dataclass(frozen=True)
class Star:
    """A star as the index has it, and whether its page shows its light curves."""

    indexed: IndexedStar
    with_light_curves: bool
    search: Search = DEFAULT_SEARCH
    energy: float = DEFAULT_ENERGY  # erg; rates are given above it

    @property
    def tic(self) -> int:
        """Its number in its catalogue."""
        return self.indexed.tic

    @property
    def catalogue(self) -> str:
        """TIC, KIC or EPIC."""
        return self.indexed.catalogue

    @property
    def name(self) -> str:
        """As people write it: `TIC 261136679`."""
        return f"{self.catalogue} {self.tic}"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its light curves, by column of the index."""
        return self.indexed.rows

    @property
    def flares(self) -> dict[int, Columns]:
        """Its flares by sector, by column of the index."""
        return self.indexed.flares

    @cached_property
    def reliabilities(self) -> dict[int, FlareReliability | None]:
        """How reliable its flares are, by sector; None where that is not known."""
        return {row["sector"]: self.indexed.reliability(row) for row in self.rows}

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
            [
                __version__,
                _LAYOUT,
                self.search,
                self.energy,
                self.with_light_curves,
                files,
                reliabilities,
            ]
        )
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True)
class StarSummary:
    """The facts about a star for the page of the campaign; numbers are NaN where there are none.

    They are those of `campaign_stars.star_table_columns` that are not in the index. `ffd_duration`
    and `ffd_rate` are the cumulative distribution, corrected: equivalent durations in s, the
    largest first, and flares a day at least as large. `left_out` has
    a line for each light curve that should be on the page and cannot; `drawn` is true if the page
    was made anew.
    """

    rate: float = math.nan
    rate_low: float = math.nan
    rate_high: float = math.nan
    rate_limit: float = math.nan
    ed_min: float = math.nan
    energy_min: float = math.nan
    energy_min_error: float = math.nan
    energy_rate: float = math.nan
    energy_rate_low: float = math.nan
    energy_rate_high: float = math.nan
    energy_rate_limit: float = math.nan
    index: float = math.nan
    index_low: float = math.nan
    index_high: float = math.nan
    marks: str = ""
    ffd_duration: list[float] = field(default_factory=list)
    ffd_rate: list[float] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    drawn: bool = True

    @classmethod
    def of(
        cls, star: Star, rows: Rows | None, at_energy: RateAtEnergy | None, left_out: list[str]
    ) -> StarSummary:
        """The summary of a star, with its rows of the tables of distributions if there are any."""
        known: dict[str, Any] = {}
        if rows is not None:
            named = dict(zip(FFD_STARS, rows["stars"][0], strict=True))
            if named["index_assumed"]:
                named["index"] = math.nan
            known = {f.name: named[f.name] for f in fields(cls) if f.name in named}
            known["ffd_duration"], known["ffd_rate"] = drawn_distribution(rows)
        if at_energy is not None:
            low, high = at_energy.interval
            known |= {
                "energy_rate": at_energy.rate,
                "energy_rate_low": low,
                "energy_rate_high": high,
                "energy_rate_limit": at_energy.upper_limit,
            }
        known["marks"] = marks_of_star(row["marks"] for row in star.rows)
        return cls(**known, left_out=left_out)


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
    outcome = outcome_of(star.indexed.sources(results))
    ffd, left_out = outcome.star, list(outcome.left_out)
    sections: list[LightCurveSection] = []
    if star.with_light_curves:
        for row in star.rows:
            section, problem = write_light_curve(
                row, results, directory, star.search, star.flares.get(row["sector"])
            )
            sections.append(section)
            left_out += [problem] if problem is not None else []
        open_one(sections)
    at_energy = None
    charts: list[Chart] = []
    if ffd is not None:
        rate = isolated(results / star.rows[0]["path"], lambda: RateAtEnergy.of(ffd, star.energy))
        if isinstance(rate, LeftOut):
            left_out.append(rate)
        else:
            at_energy = rate
        described = isolated(results / star.rows[0]["path"], lambda: star_charts(ffd))
        if isinstance(described, LeftOut):
            left_out.append(described)
        else:
            charts = described
    lines = {item.line.replace(f"{results}/", ""): item.unfinished for item in left_out}
    text = page(
        "star.html",
        root="../../..",
        columns=page_columns()[0],
        star=star,
        facts=star.rows[-1],
        ffd=ffd,
        at_energy=at_energy,
        period=_period(star.rows),
        links=_links(star.catalogue, star.tic),
        warnings=_warnings(star.rows),
        left_out=list(lines),
        charts=charts,
        sections=sections,
        n_flares=sum(row["n_flares"] for row in star.rows),
        n_not_positive=sum(row["n_not_positive"] or 0 for row in star.rows),
        n_true=_sum_of_known(row["n_true"] for row in star.rows),
        searched=sum(row["searched"] for row in star.rows),
    )
    drawn_sectors = [section.sector for section in sections]
    data = light_curve_table(star.rows, ffd, drawn_sectors)
    data += flare_table(star.name, star.flares, ffd, drawn_sectors) + charts_script(charts)
    write_derived(directory / "data.js", data.encode())
    write_derived(directory / "index.html", text.encode())
    remove_others(sections, directory)
    failed = [line for line, unfinished in lines.items() if not unfinished]
    summary = StarSummary.of(star, outcome.rows, at_energy, failed)
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


def _warnings(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each quality mark of a star says, and which sectors have it."""
    sectors = {
        mark.meaning: [str(row["sector"]) for row in rows if mark.name in names_in(row["marks"])]
        for mark in DEFINITIONS
    }
    part = PARTS[rows[0]["catalogue"]]
    return [
        f"{meaning} ({part}{'' if len(numbers) == 1 else 's'} {', '.join(numbers)})"
        for meaning, numbers in sectors.items()
        if numbers
    ]


def _period(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """The median period of the Gaussian processes that converged, in days."""
    known = [row["gp_period_d"] for row in rows if row["gp_converged"] and row["gp_period_d"]]
    return statistics.median(known) if known else None


_EXOFOP = {
    "TIC": "tess/target.php",
    "KIC": "kepler/edit_target.php",
    "EPIC": "k2/edit_target.php",
}
"""The page of a star there, by catalogue."""


def _links(catalogue: str, tic: int) -> list[tuple[str, str]]:
    """Where else there is something about a star: title, and address."""
    mast = "https://mast.stsci.edu/portal/Mashup/Clients/Mast/Portal.html?searchQuery"
    return [
        ("SIMBAD", f"https://simbad.cds.unistra.fr/simbad/sim-id?Ident={catalogue}+{tic}"),
        ("ExoFOP", f"https://exofop.ipac.caltech.edu/{_EXOFOP[catalogue]}?id={tic}"),
        ("MAST", f"{mast}={catalogue}%20{tic}"),
    ]


def _sum_of_known(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
