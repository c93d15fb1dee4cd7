"""The page of the campaign: all stars in one table, and what they have in common in pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cvzmpi.cvz.quality.quality_marks import DEFINITIONS, marks_in_words
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.pictures.campaign import draw_limits, draw_rates, draw_sky
from cvzmpi.cvz.results.report import tables
from cvzmpi.cvz.results.report.star_page import StarSummary, page_of_star
from cvzmpi.cvz.results.report.star_pictures import Picture
from cvzmpi.cvz.results.report.tables import table_script
from cvzmpi.cvz.results.report.templates import page
from cvzmpi.pictures.style import save
from cvzmpi.storage.whole_file import write_derived

_MAX_PROBLEMS = 5000
_COUNTED = 6
"""Configurations and sets of versions that are named, the most frequent ones."""

_STAR_FACTS = (
    ("state", "count", "n_light_curves"),
    ("done", "sum", "n_done"),
    ("searched", "sum", "searched"),
    ("n_flares", "sum", "n_flares"),
    ("n_true", "sum", "n_true"),
    ("n_not_positive", "sum", "n_not_positive"),
    ("largest_flare", "max", "largest_flare"),
    ("largest_energy", "max", "largest_energy"),
    ("equivalent_duration_50", "approximate_median", "equivalent_duration_50"),
    ("energy_50", "approximate_median", "energy_50"),
    *(
        (name, "max", name)
        for name in ("tess_magnitude", "temperature", "right_ascension", "declination")
    ),
)
"""Facts about a star from its light curves: column of the index, aggregation, and name."""


def write_campaign(
    light_curves: pa.Table,
    summaries: Mapping[int, StarSummary],
    index: Path,
    results: Path,
    report: Path,
    include_marked: bool = False,
) -> None:
    """Write the page, its data and pictures.

    Parameters
    ----------
    light_curves : pa.Table
        Of the index.
    summaries : mapping
        By TIC number.
    index, results, report : Path
        Directories: of the index, of the sector files, and of the report.
    include_marked : bool
        Draw stars and light curves with quality marks as well.

    Raises
    ------
    SectorFileError, ConfigError
        If something cannot be written.
    """
    stars = _stars(light_curves, summaries)
    problems = pq.read_table(table_path(index, "problems"))
    addressed = [
        row | {"file": os.path.relpath(results / row["path"], report)}
        for row in problems.slice(0, _MAX_PROBLEMS).to_pylist()
    ]
    shown = [star | {"marks": marks_in_words(star["marks"])} for star in stars]
    scripts = {
        "stars": table_script("stars", tables.STARS, shown, "n_flares"),
        "problems": table_script("problems", tables.PROBLEMS, addressed),
    }
    for name, script in scripts.items():
        write_derived(report / "data" / f"{name}.js", script.encode())
    text = page(
        "campaign.html",
        root=".",
        campaign=_campaign(light_curves, stars, problems.num_rows),
        pictures=_pictures(light_curves, stars, report, include_marked),
        include_marked=include_marked,
        definitions=DEFINITIONS,
        index=os.path.relpath(index, report),
    )
    write_derived(report / "index.html", text.encode())


def _stars(light_curves: pa.Table, summaries: Mapping[int, StarSummary]) -> list[dict[str, Any]]:
    """A row for each star, in the order of their numbers."""
    done = pc.equal(light_curves["state"], "done").cast(pa.int32())
    grouped = light_curves.append_column("done", done).group_by("tic")
    facts = grouped.aggregate([(column, how) for column, how, _ in _STAR_FACTS])
    renamed = {f"{column}_{how}": name for column, how, name in _STAR_FACTS}
    facts = facts.rename_columns([renamed.get(name, name) for name in facts.column_names])
    rows = facts.sort_by("tic").to_pylist()
    return [
        row | asdict(summaries[row["tic"]]) | {"page": page_of_star(row["tic"])} for row in rows
    ]


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


def _pictures(
    light_curves: pa.Table, stars: list[dict[str, Any]], report: Path, include_marked: bool
) -> list[Picture]:
    believed, believed_stars = light_curves, stars
    if not include_marked:
        believed = light_curves.filter(pc.equal(light_curves["marks"], ""))
        believed_stars = [star for star in stars if not star["marks"]]
    limits = [
        believed[name].to_numpy().astype(float)
        for name in ("equivalent_duration_50", "tess_magnitude")
    ]
    rates = _numbers(believed_stars, "rate", "rate_limit", "index", "searched")
    sky = _numbers(stars, "right_ascension", "declination", "n_done", "n_light_curves")
    drawings = (
        (
            "limits",
            "Equivalent durations at which half of the flares are found",
            lambda: draw_limits(*limits),
        ),
        ("rates", "Flare rates and power-law indices of the stars", lambda: draw_rates(*rates)),
        (
            "sky",
            "Positions of the targets, and how many of their light curves are done",
            lambda: draw_sky(*sky),
        ),
    )
    pictures = []
    for name, caption, draw in drawings:
        file = f"pictures/{name}.png"
        save(draw, report / file)
        pictures.append(Picture(file, caption))
    return pictures


def _numbers(stars: list[dict[str, Any]], *names: str) -> list[np.ndarray]:
    return [
        np.array([np.nan if star[name] is None else star[name] for star in stars], float)
        for name in names
    ]
