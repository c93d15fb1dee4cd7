"""Tables of the report: what a page hands to `report.js`, which shows, sorts and searches them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ShownColumn:
    """A column of a table: the key of its value in a row, and how it is shown.

    `digits` is the number of significant digits that are shown, while sorting knows them all; None
    shows the value as it is. `link` is the key of the address of its link, empty for none.
    """

    key: str
    title: str
    unit: str = ""
    digits: int | None = None
    link: str = ""


STARS = (
    ShownColumn("tic", "TIC", link="page"),
    ShownColumn("n_light_curves", "light curves"),
    ShownColumn("n_done", "done"),
    ShownColumn("searched", "searched", "d", 4),
    ShownColumn("n_flares", "flares"),
    ShownColumn("n_true", "expected real", "", 3),
    ShownColumn("n_not_positive", "in no rate"),
    ShownColumn("rate", "rate", "1/d", 3),
    ShownColumn("rate_low", "68 % from", "1/d", 3),
    ShownColumn("rate_high", "to", "1/d", 3),
    ShownColumn("rate_limit", "95 % limit", "1/d", 3),
    ShownColumn("lower", "above ED", "s", 3),
    ShownColumn("index", "index", "", 3),
    ShownColumn("equivalent_duration_50", "50 % at ED", "s", 3),
    ShownColumn("energy_50", "50 % at energy", "erg", 3),
    ShownColumn("largest_flare", "largest ED", "s", 4),
    ShownColumn("largest_energy", "largest energy", "erg", 3),
    ShownColumn("tess_magnitude", "TESS", "mag", 4),
    ShownColumn("temperature", "temp.", "K", 4),
    ShownColumn("marks", "marks"),
)
LIGHT_CURVES = (
    ShownColumn("sector", "sector", link="anchor"),
    ShownColumn("state", "state"),
    ShownColumn("n_cadences", "cadences"),
    ShownColumn("n_evaluated", "evaluated"),
    ShownColumn("searched", "searched", "d", 4),
    ShownColumn("n_flares", "flares"),
    ShownColumn("n_true", "expected real", "", 3),
    ShownColumn("n_not_positive", "in no rate"),
    ShownColumn("largest_flare", "largest ED", "s", 4),
    ShownColumn("largest_flare_error", "error", "s", 2),
    ShownColumn("largest_energy", "its energy", "erg", 3),
    ShownColumn("largest_energy_error", "error", "erg", 2),
    ShownColumn("rate", "rate", "1/d", 3),
    ShownColumn("amplitude_50_percent", "50 % at amplitude", "%", 3),
    ShownColumn("equivalent_duration_50", "50 % at ED", "s", 3),
    ShownColumn("energy_50", "50 % at energy", "erg", 3),
    ShownColumn("n_inject_remaining", "injections left"),
    ShownColumn("gp_period_d", "period", "d", 4),
    ShownColumn("own_light_percent", "own light", "%", 3),
    ShownColumn("marks", "marks"),
    ShownColumn("seconds", "time", "s", 3),
    ShownColumn("path", "file", link="file"),
)
FLARES = (
    ShownColumn("sector", "sector"),
    ShownColumn("peak_time", "peak", "BTJD d", 9),
    ShownColumn("amplitude_percent", "amplitude", "%", 3),
    ShownColumn("equivalent_duration", "ED", "s", 4),
    ShownColumn("equivalent_duration_error", "error", "s", 2),
    ShownColumn("measure", "of"),
    ShownColumn("energy", "energy", "erg", 3),
    ShownColumn("energy_error", "error", "erg", 2),
    ShownColumn("searches", "found by"),
    ShownColumn("snr", "S/N", "", 3),
    ShownColumn("max_probability", "highest p", "", 3),
    ShownColumn("reliability", "reliability", "", 3),
    ShownColumn("at_edge", "at an edge"),
    ShownColumn("completeness", "completeness", "", 3),
    ShownColumn("rate", "rate of these and larger", "1/d", 3),
)
PROBLEMS = (
    ShownColumn("path", "file", link="file"),
    ShownColumn("kind", "kind"),
    ShownColumn("reason", "reason"),
)


def table_script(
    name: str, columns: Sequence[ShownColumn], rows: Iterable[Mapping[str, Any]], sort: str = ""
) -> str:
    """JavaScript that fills the element with the id `name`; None and NaN are shown as nothing.

    `sort` is the key of the column by which it is sorted at first, the largest first.
    """
    described = [
        {"title": c.title, "unit": c.unit, "digits": c.digits, "link": bool(c.link)}
        for c in columns
    ]
    cells = [[_cell(row, column) for column in columns] for row in rows]
    first = [column.key for column in columns].index(sort) if sort else None
    table = {"columns": described, "rows": cells, "sort": first}
    # so that no text can end the script element that this may stand in
    text = json.dumps(table, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f"cvzmpiTable({json.dumps(name)}, {text});\n"


def _cell(row: Mapping[str, Any], column: ShownColumn) -> Any:
    value = row.get(column.key)
    if isinstance(value, float):
        # ten digits are more than anybody sees, and a third of the size
        value = float(f"{value:.10g}") if math.isfinite(value) else None
    return [value, row[column.link]] if column.link else value
