"""The page of the campaign: all stars in one table, and what they have in common in charts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quality.quality_marks import DEFINITIONS, marks_in_words
from cvzmpi.cvz.results.index.read_table import read_table
from cvzmpi.cvz.results.products.rate_at_energy import DEFAULT_ENERGY
from cvzmpi.cvz.results.report import tables
from cvzmpi.cvz.results.report.campaign_stars import campaign_stars, star_table, star_table_columns
from cvzmpi.cvz.results.report.charts.campaign_charts import campaign_charts
from cvzmpi.cvz.results.report.downloads import DIRECTORY, FORMATS, write_downloads
from cvzmpi.cvz.results.report.star_page import StarSummary
from cvzmpi.cvz.results.report.star_tables import percent
from cvzmpi.cvz.results.report.tables import table_script
from cvzmpi.cvz.results.report.templates import page
from cvzmpi.storage.whole_file import write_derived
from cvzmpi.web.chart import charts_script

_COUNTED = 6
"""Configurations and sets of versions that are named, the most frequent ones."""


_USED = (
    *("tic", "catalogue", "state", "marks", "n_flares", "n_true", "n_not_positive", "searched"),
    *("tess_magnitude", "temperature", "radius", "right_ascension", "declination", "crowdsap"),
    *("largest_flare", "largest_flare_error", "largest_energy", "largest_energy_error"),
    *("equivalent_duration_50", "energy_50", "recovered_fraction", "gp_period_d", "gp_converged"),
    *("n_inject", "n_inject_remaining", "n_repeat", "config_sha256", "software"),
    *(f"seconds_{stage}" for stage in Stage),
)
_FEW_TEXTS = ("catalogue", "state", "marks", "config_sha256", "software")
"""Columns of the table of light curves that the page needs, and those whose texts are few."""


def write_campaign(
    summaries: Mapping[int, StarSummary],
    index: Path,
    report: Path,
    include_marked: bool = False,
    energy: float = DEFAULT_ENERGY,
) -> None:
    """Write the page with its data and charts, and the tables of the campaign as files.

    Parameters
    ----------
    summaries : mapping
        By number.
    index, report : Path
        Directories of the index, and of the report.
    include_marked : bool
        Draw stars and light curves with quality marks as well.
    energy : float
        In erg; the table has the rates of flares above it.

    Raises
    ------
    SectorFileError, ConfigError
        If something cannot be written.
    """
    light_curves = read_table(index, "light_curves", _USED, read_dictionary=_FEW_TEXTS)
    stars = campaign_stars(light_curves, summaries)
    columns = star_table_columns(energy)
    problems = read_table(index, "problems")
    shown = (
        star
        | {"marks": marks_in_words(star["marks"]), "own_light_percent": percent(star["crowdsap"])}
        for star in stars
    )
    charts = campaign_charts(light_curves, stars, energy, include_marked)
    scripts = {
        "charts": charts_script(charts),
        "stars": table_script(
            "stars",
            tables.star_columns(energy, sorted({star["catalogue"] for star in stars}) or ["TIC"]),
            shown,
            "n_flares",
            described=columns,
            whole="the downloads",
        ),
        "problems": table_script("problems", tables.PROBLEMS, problems.to_pylist(), described={}),
    }
    for name, script in scripts.items():
        write_derived(report / "data" / f"{name}.js", script.encode())
    text = page(
        "campaign.html",
        root=".",
        campaign=_campaign(light_curves, stars, problems.num_rows),
        charts=charts,
        include_marked=include_marked,
        definitions=DEFINITIONS,
        energy=energy,
    )
    write_derived(report / "index.html", text.encode())
    downloads = write_downloads(star_table(stars, energy), index, report)
    text = page(
        "downloads.html",
        root=".",
        downloads=downloads,
        formats=FORMATS,
        directory=DIRECTORY,
        titles={"stars": "Stars", "light_curves": "Light curves", "flares": "Flares"},
    )
    write_derived(report / "downloads.html", text.encode())


def _campaign(
    light_curves: pa.Table, stars: list[dict[str, Any]], n_problems: int
) -> dict[str, Any]:
    """The facts at the head of the page."""
    seconds = [name for name in light_curves.column_names if name.startswith("seconds_")]
    flares_done = pc.subtract(light_curves["n_inject"], light_curves["n_inject_remaining"])
    return {
        "n_stars": len(stars),
        "n_light_curves": light_curves.num_rows,
        "n_done": pc.sum(pc.equal(light_curves["state"], "done")).as_py(),
        "n_flares": pc.sum(light_curves["n_flares"]).as_py(),
        "n_placed": pc.sum(pc.multiply(flares_done, light_curves["n_repeat"])).as_py() or 0,
        "n_problems": n_problems,
        "n_marked": sum(bool(star["marks"]) for star in stars),
        "searched": pc.sum(light_curves["searched"]).as_py(),
        "seconds": sum(pc.sum(light_curves[name]).as_py() or 0.0 for name in seconds),
        "configurations": _most_frequent(light_curves["config_sha256"]),
        "software": [
            (", ".join(f"{name} {version}" for name, version in json.loads(text).items()), count)
            for text, count in _most_frequent(light_curves["software"])
        ],
    }


def _most_frequent(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    counts = [(item["values"], item["counts"]) for item in pc.value_counts(column).to_pylist()]
    return sorted(counts, key=lambda item: -item[1])[:_COUNTED]
