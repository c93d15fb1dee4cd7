"""Tables of the report: what a page hands to `tables.js`, which shows and filters them."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from cvzmpi.cvz.light_curves.identity import PARTS
from cvzmpi.cvz.results.report.energy_in_words import energy_in_words
from cvzmpi.cvz.sector_file.layout import Column

MAX_ROWS = 20_000
"""Rows that a page has at most: the whole table is a file then."""


@dataclass(frozen=True)
class ShownColumn:
    """A column of a table: the key of its value in a row, and how it is shown.

    `digits` is the number of significant digits that are shown, while sorting, filters and
    downloads know them all; None shows the value as it is. `text` is true where values are words
    and no numbers. `link` is the key of the address of its link, empty for none. A `hidden` column
    is shown when the reader chooses it.
    """

    key: str
    title: str
    unit: str = ""
    digits: int | None = None
    text: bool = False
    link: str = ""
    hidden: bool = False
    description: str = ""


def star_columns(energy: float, catalogues: Collection[str] = ("TIC",)) -> tuple[ShownColumn, ...]:
    """Columns of the table of stars, with rates of flares above an energy in erg.

    `catalogues` are those of the stars' numbers; where there are several, each star has its own.
    """
    at = energy_in_words(energy)
    several = len(catalogues) != 1
    catalogue = ShownColumn("catalogue", "catalogue", text=True)
    return (
        ShownColumn("tic", "star" if several else "".join(catalogues), link="page"),
        *([catalogue] if several else []),
        ShownColumn("n_light_curves", "light curves"),
        ShownColumn("n_done", "done", hidden=True),
        ShownColumn("searched", "searched", "d", 4),
        ShownColumn("n_flares", "flares"),
        ShownColumn("n_true", "expected real", "", 3),
        ShownColumn("n_not_positive", "in no rate", hidden=True),
        ShownColumn("rate", "rate", "1/d", 3),
        ShownColumn("rate_low", "rate from (68 %)", "1/d", 3),
        ShownColumn("rate_high", "rate to (68 %)", "1/d", 3),
        ShownColumn("rate_limit", "rate limit (95 %)", "1/d", 3),
        ShownColumn("ed_min", "above ED", "s", 3),
        ShownColumn("energy_min", "above energy", "erg", 3),
        ShownColumn("energy_min_error", "error of that energy", "erg", 2, hidden=True),
        ShownColumn("energy_rate", f"rate above {at}", "1/d", 3),
        ShownColumn("energy_rate_low", f"from (68 %), {at}", "1/d", 3),
        ShownColumn("energy_rate_high", f"to (68 %), {at}", "1/d", 3),
        ShownColumn("energy_rate_limit", f"limit (95 %), {at}", "1/d", 3),
        ShownColumn("index", "index", "", 3),
        ShownColumn("index_low", "index from (68 %)", "", 3, hidden=True),
        ShownColumn("index_high", "index to (68 %)", "", 3, hidden=True),
        ShownColumn("equivalent_duration_50", "50 % at ED", "s", 3, hidden=True),
        ShownColumn("energy_50", "50 % at energy", "erg", 3, hidden=True),
        ShownColumn("largest_flare", "largest ED", "s", 4),
        ShownColumn("largest_flare_error", "error of that ED", "s", 2, hidden=True),
        ShownColumn("largest_energy", "largest energy", "erg", 3),
        ShownColumn("largest_energy_error", "energy error", "erg", 2),
        ShownColumn("period", "period", "d", 4),
        ShownColumn("tess_magnitude", "TESS", "mag", 4),
        ShownColumn("temperature", "temp.", "K", 4),
        ShownColumn("radius", "radius", "R☉", 3),
        ShownColumn("own_light_percent", "own light", "%", 3),
        ShownColumn("right_ascension", "RA", "°", 8, hidden=True),
        ShownColumn("declination", "dec.", "°", 8, hidden=True),
        ShownColumn("marks", "marks", text=True),
    )


LIGHT_CURVES = (
    ShownColumn("sector", "sector", link="anchor"),
    ShownColumn("product", "product", text=True),
    ShownColumn("exposure", "exposure", "s", 5),
    ShownColumn("state", "state", text=True),
    ShownColumn("n_cadences", "cadences", hidden=True),
    ShownColumn("n_evaluated", "evaluated", hidden=True),
    ShownColumn("searched", "searched", "d", 4),
    ShownColumn("n_flares", "flares"),
    ShownColumn("n_true", "expected real", "", 3),
    ShownColumn("n_not_positive", "in no rate", hidden=True),
    ShownColumn("largest_flare", "largest ED", "s", 4),
    ShownColumn("largest_flare_error", "ED error", "s", 2),
    ShownColumn("largest_energy", "its energy", "erg", 3),
    ShownColumn("largest_energy_error", "energy error", "erg", 2),
    ShownColumn("rate", "rate", "1/d", 3, description="of the star's table, in this light curve"),
    ShownColumn("amplitude_50_percent", "50 % at amplitude", "%", 3),
    ShownColumn("equivalent_duration_50", "50 % at ED", "s", 3),
    ShownColumn("energy_50", "50 % at energy", "erg", 3),
    ShownColumn("n_inject_remaining", "injections left"),
    ShownColumn("gp_period_d", "period", "d", 4, description="of the Gaussian process"),
    ShownColumn("own_light_percent", "own light", "%", 3),
    ShownColumn("marks", "marks", text=True),
    ShownColumn("seconds", "time", "s", 3, description="of the computation"),
    ShownColumn("path", "file", text=True),
)
FLARES = (
    ShownColumn("sector", "sector"),
    ShownColumn("number", "flare", link="anchor", description="in its light curve, in time"),
    ShownColumn("peak_time", "peak", "BTJD d", 9),
    ShownColumn("amplitude_percent", "amplitude", "%", 3),
    ShownColumn("equivalent_duration", "ED", "s", 4),
    ShownColumn("equivalent_duration_error", "ED error", "s", 2),
    ShownColumn("measure", "ED of", text=True),
    ShownColumn("energy", "energy", "erg", 3),
    ShownColumn("energy_error", "energy error", "erg", 2),
    ShownColumn("searches", "found by", text=True),
    ShownColumn("snr", "S/N", "", 3),
    ShownColumn("max_probability", "highest p", "", 3),
    ShownColumn("reliability", "reliability", "", 3),
    ShownColumn("at_edge", "at an edge", text=True),
    ShownColumn("completeness", "completeness", "", 3),
    ShownColumn("rate", "rate of these and larger", "1/d", 3),
)
PROBLEMS = (
    ShownColumn("path", "file", text=True),
    ShownColumn("kind", "kind", text=True),
    ShownColumn("reason", "reason", text=True),
)


def called_as(columns: Sequence[ShownColumn], catalogue: str) -> tuple[ShownColumn, ...]:
    """The columns of a star of a catalogue: Kepler's have quarters."""
    part = PARTS[catalogue]
    return tuple(replace(one, title=part) if one.key == "sector" else one for one in columns)


def columns_script(
    name: str, columns: Sequence[ShownColumn], described: Mapping[str, Column] = {}
) -> str:
    """JavaScript with the columns of the tables `name`, for all pages that have such a table.

    `described` are columns of a table that has values of the same names: their descriptions are
    shown.
    """
    return f"cvzmpi.columns({json.dumps(name)}, {_json(_told_of(columns, described))});\n"


def table_script(
    name: str,
    columns: Sequence[ShownColumn],
    rows: Iterable[Mapping[str, Any]],
    sort: str = "",
    described: Mapping[str, Column] | None = None,
    file: str = "",
    whole: str = "",
) -> str:
    """JavaScript that fills the element with the id `name`; None and NaN are shown as nothing.

    Parameters
    ----------
    name : str
        The id of the element.
    columns : sequence of ShownColumn
    rows : iterable of mapping
        Those beyond `MAX_ROWS` are left out, and the table says so.
    sort : str
        The key of the column by which it is sorted at first, the largest first; empty for none.
    described : mapping, optional
        Columns of a table that has values of the same names; their descriptions are shown. If not
        given, the page has the columns of a `columns_script` of this name.
    file : str
        The name of the file when it is downloaded, without its suffix; `name` if not given.
    whole : str
        Where all rows are.
    """
    rows = iter(rows)
    cells = [[_cell(row, column) for column in columns] for row in islice(rows, MAX_ROWS)]
    n_left_out = sum(1 for _ in rows)
    table: dict[str, Any] = {
        "rows": cells,
        "sort": [column.key for column in columns].index(sort) if sort else None,
        "name": file or name,
    }
    if described is not None:
        table["columns"] = _told_of(columns, described)
    if n_left_out:
        n_rows = len(cells) + n_left_out
        table["note"] = f"The first {len(cells):,} of {n_rows:,} rows are here" + (
            f"; all of them are in {whole}." if whole else "."
        )
    return f"cvzmpi.table({json.dumps(name)}, {_json(table)});\n"


def _told_of(
    columns: Sequence[ShownColumn], described: Mapping[str, Column]
) -> list[dict[str, Any]]:
    """Columns for `tables.js`, without what it takes for granted."""
    told = [
        {
            "key": column.key,
            "title": column.title,
            "unit": column.unit,
            "digits": column.digits,
            "text": column.text,
            "hidden": column.hidden,
            "description": column.description
            or (described[column.key].description if column.key in described else ""),
        }
        for column in columns
    ]
    return [
        {name: value for name, value in column.items() if value not in ("", None, False)}
        for column in told
    ]


def _json(content: Any) -> str:
    # so that no text can end the script element that this may stand in
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _cell(row: Mapping[str, Any], column: ShownColumn) -> Any:
    value = row.get(column.key)
    if isinstance(value, float):
        # ten digits are more than anybody sees, and a third of the size
        value = float(f"{value:.10g}") if math.isfinite(value) else None
    return [value, row[column.link]] if column.link and row[column.link] else value
