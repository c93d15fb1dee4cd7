"""Which flares of a campaign are in the gallery: a few sets, from the tables of the index.

The choice depends on the tables alone. Each set has at most `MOST_FLARES`, so that the sector files
to be read are never more than that times the number of sets, however large the campaign is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cvzmpi.cvz.detection.search import FOUND_BY_SIGNIFICANCE, FOUND_BY_STELLA
from cvzmpi.cvz.reliability.coincidence import WITHIN
from cvzmpi.cvz.results.index.mission import zero_of_mission
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.index.read_table import read_table

MOST_FLARES = 60
"""Flares in a set."""
MOST_PER_STAR = 3
"""Flares of a star in a set, so that one star does not fill it. In a campaign of so few stars that
sets would stay small, each star may have its equal share."""

BELIEVED = 0.9
"""Reliability from which on a flare is not doubtful."""

_KEY = ("tic", "sector", "peak_time")
_COMPARED = (
    *_KEY,
    *("start_time", "stop_time", "equivalent_duration", "energy", "found_by", "reliability"),
)
_OF_CURVE = (
    *("tic", "sector", "product", "path", "marks", "n_images", "min_snr", "min_probability"),
    *("tess_magnitude", "temperature", "exposure"),
)

Table = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class FlareSet:
    """A set of the gallery: its name in addresses, its title, and what is in it as a sentence.

    `order` gives what the flares of a table are sorted by, the smallest first, the most important
    last as for `numpy.lexsort`; those with NaN are not in the set. Light curves with quality marks
    are in it only if `with_marked`.
    """

    name: str
    title: str
    meaning: str
    order: Callable[[Table], tuple[np.ndarray, ...]]
    with_marked: bool = False


def _largest(table: Table) -> tuple[np.ndarray, ...]:
    duration = table["equivalent_duration"]
    return (np.where(duration > 0, -duration, np.nan),)


def _energetic(table: Table) -> tuple[np.ndarray, ...]:
    return (np.where(table["energy"] > 0, -table["energy"], np.nan),)


def _doubtful(table: Table) -> tuple[np.ndarray, ...]:
    reliability = table["reliability"].astype(np.float64)
    distance = np.abs(reliability - 0.5)
    return reliability, np.where(reliability < BELIEVED, np.round(distance, 2), np.nan)


def _one_search(table: Table) -> tuple[np.ndarray, ...]:
    alone = np.isin(table["found_by"], (FOUND_BY_STELLA, FOUND_BY_SIGNIFICANCE))
    return (np.where(alone, _largest(table)[0], np.nan),)


def _longest(table: Table) -> tuple[np.ndarray, ...]:
    length = table["stop_time"] - table["start_time"]
    return (np.where(table["equivalent_duration"] > 0, -length, np.nan),)


SETS = (
    FlareSet(
        "largest",
        "Largest",
        "The flares with the largest equivalent durations.",
        _largest,
    ),
    FlareSet(
        "energetic",
        "Most energetic",
        "The flares with the largest bolometric energies, of stars whose radius and temperature "
        "are known.",
        _energetic,
    ),
    FlareSet(
        "doubtful",
        "Most doubtful",
        f"The detections whose reliability is nearest to 1/2, all below {BELIEVED:g}; those of "
        "light curves with quality marks as well.",
        _doubtful,
        with_marked=True,
    ),
    FlareSet(
        "one-search",
        "Found by one search",
        "The flares with the largest equivalent durations among those that only one of the two "
        "searches found.",
        _one_search,
    ),
    FlareSet(
        "longest",
        "Longest",
        "The flares that last longest from their first cadence to their last.",
        _longest,
    ),
)


@dataclass(frozen=True)
class Together:
    """Other stars of the sector with a flare at the same time, within `coincidence.WITHIN`."""

    n_coincident: int
    expected: float  # as many as chance brings together on average
    n_stars: int  # other stars of the sector that were searched


@dataclass(frozen=True)
class ChosenFlare:
    """A flare of the gallery as the index knows it."""

    number: int  # of the flares of its light curve in order of time, from 1
    measures: Mapping[str, Any]  # its row of the table of flares
    curve: Mapping[str, Any]  # its light curve's row, by the columns of `_OF_CURVE`
    together: Together | None  # None where its sector file has no mirror images


@dataclass(frozen=True)
class Choice:
    """The flares of the gallery, each once, and the places of those of each set among them."""

    flares: list[ChosenFlare]
    sets: dict[str, list[int]]  # by name of the set, in its order

    @classmethod
    def nothing(cls) -> Choice:
        """No flare, where there are no sector files to show them from."""
        return cls([], {one.name: [] for one in SETS})


def choose_flares(index: Path, include_marked: bool = False) -> Choice:
    """Choose the flares of the gallery.

    Parameters
    ----------
    index : Path
        Directory of the index.
    include_marked : bool
        Have light curves with quality marks in all sets.
    """
    flares = _columns(read_table(index, "flares", _COMPARED))
    curves = read_table(index, "light_curves", _OF_CURVE)
    owner = _owner(flares, _columns(curves.select(["tic", "sector"])))
    marked = (pc.not_equal(curves["marks"], "")).to_numpy(zero_copy_only=False)[owner]
    chosen = {
        one.name: _in_set(one, flares, None if one.with_marked or include_marked else marked)
        for one in SETS
    }
    rows = sorted({row for of_set in chosen.values() for row in of_set})
    place = {row: number for number, row in enumerate(rows)}
    observed = curves["sector"].to_numpy() + zero_of_mission(curves["product"].to_numpy())
    of_rows = curves.take(owner[rows]).to_pylist()
    return Choice(
        _as_known(index, flares, of_rows, np.array(rows, np.int64), owner, observed),
        {name: [place[row] for row in of_set] for name, of_set in chosen.items()},
    )


def gallery_stars(choice: Choice) -> set[int]:
    """The TIC numbers of the stars that have a flare in the gallery."""
    return {flare.measures["tic"] for flare in choice.flares}


def _in_set(one: FlareSet, flares: Table, marked: np.ndarray | None) -> list[int]:
    """The rows of the table of flares that are in a set, in its order."""
    keys = one.order(flares)
    kept = np.isfinite(np.stack(keys)).all(axis=0)
    if marked is not None:
        kept &= ~marked
    rows = np.flatnonzero(kept)
    if not len(rows):
        return []
    # the last key is the first to be looked at; equal ones are in the order of star and time
    same = [flares[name][rows] for name in reversed(_KEY)]
    rows = rows[np.lexsort([*same, *(key[rows] for key in keys)])]
    star = flares["tic"][rows]
    most = max(MOST_PER_STAR, math.ceil(MOST_FLARES / len(np.unique(star))))
    chosen: list[int] = []
    of_star: Counter[int] = Counter()
    for row, tic in zip(rows.tolist(), star.tolist(), strict=True):
        if of_star[tic] < most:
            of_star[tic] += 1
            chosen.append(row)
            if len(chosen) == MOST_FLARES:
                break
    return chosen


def _as_known(
    index: Path,
    flares: Table,
    curves: list[dict[str, Any]],
    rows: np.ndarray,
    owner: np.ndarray,
    observed: np.ndarray,
) -> list[ChosenFlare]:
    """What the index knows of the flares in some rows of its table.

    `curves` are those of these flares, `owner` the row of the light curve of every flare, and
    `observed` the sector of every light curve, missions apart.
    """
    if not len(rows):
        return []
    measured = _in_rows(table_path(index, "flares"), rows)
    n_stars = dict(zip(*np.unique(observed, return_counts=True), strict=True))
    of_flare, chosen = observed[owner], []
    for row, measures, curve in zip(rows.tolist(), measured, curves, strict=True):
        of_sector = of_flare == of_flare[row]
        own = of_sector & (flares["tic"] == curve["tic"])
        together = None
        if curve["n_images"]:
            span = max(float(np.ptp(flares["peak_time"][of_sector])), 2 * WITHIN)
            expected = (np.count_nonzero(of_sector) - np.count_nonzero(own)) * 2 * WITHIN / span
            others = int(n_stars[of_flare[row]]) - 1
            together = Together(measures["n_coincident"], float(expected), others)
        number = int(np.count_nonzero(own[: row + 1]))
        chosen.append(ChosenFlare(number, measures, curve, together))
    return chosen


def _columns(table: Any) -> dict[str, np.ndarray]:
    return {name: table[name].to_numpy() for name in table.column_names}


def _in_rows(path: Path, rows: np.ndarray) -> list[dict[str, Any]]:
    """Some rows of a table, ascending, with all columns; a part of the table at a time."""
    file, first = pq.ParquetFile(path), 0
    found: list[dict[str, Any]] = []
    for group in range(file.num_row_groups):
        n_rows = file.metadata.row_group(group).num_rows
        here = rows[(rows >= first) & (rows < first + n_rows)]
        if len(here):
            found += file.read_row_group(group).take(here - first).to_pylist()
        first += n_rows
    return found


def _owner(flares: Table, curves: Table) -> np.ndarray:
    """The row of the light curve of each flare; int64."""
    most_sectors = 1 + int(curves["sector"].max(initial=0))
    of_curve, of_flare = (
        table["tic"] * most_sectors + table["sector"] for table in (curves, flares)
    )
    order = np.argsort(of_curve)
    return order[np.searchsorted(of_curve, of_flare, sorter=order)]
