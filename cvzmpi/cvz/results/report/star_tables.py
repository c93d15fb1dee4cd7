"""The tables on the page of a star: its light curves, and its flares."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from cvzmpi.cvz.detection.search import found_by_in_words
from cvzmpi.cvz.quality.quality_marks import marks_in_words
from cvzmpi.cvz.results.index.columns import POOLED_FLARES, POOLED_LIGHT_CURVES
from cvzmpi.cvz.results.products.ffd import SectorRate, StarFfd, cumulative_ffd
from cvzmpi.cvz.results.products.ffd_tables import FLARES as FFD_FLARES
from cvzmpi.cvz.results.report import tables
from cvzmpi.cvz.results.report.light_curve_data import flare_anchor
from cvzmpi.cvz.results.report.tables import called_as, columns_script, table_script
from cvzmpi.cvz.sector_file.data import Columns
from cvzmpi.cvz.sector_file.layout import Column

_LIGHT_CURVES, _FLARES = "light-curve-table", "flare-table"
_ALL_FLARES = POOLED_FLARES | {"completeness": FFD_FLARES["completeness"]}


@cache
def page_columns() -> tuple[str, bytes]:
    """The columns of both tables, as a file that the pages of all stars share: name, and content.

    The name has a checksum: pages that an older cvzmpi wrote keep the columns of their rows.
    """
    script = columns_script(_LIGHT_CURVES, tables.LIGHT_CURVES, POOLED_LIGHT_CURVES)
    script += columns_script(_FLARES, tables.FLARES, _ALL_FLARES)
    content = script.encode()
    return f"columns-{hashlib.sha256(content).hexdigest()[:8]}.js", content


def light_curve_table(
    light_curves: Sequence[dict[str, Any]], ffd: StarFfd | None, drawn: Collection[int]
) -> str:
    """The table of its light curves, rows of the index; sectors that are `drawn` are links."""
    rates: dict[int, SectorRate] = {}
    if ffd is not None:
        numbers = (sector.sector for sector in ffd.sectors)
        rates = dict(zip(numbers, ffd.sector_rates(), strict=True))
    rows = [
        row
        | {
            "anchor": f"#sector-{row['sector']}" if row["sector"] in drawn else "",
            "rate": rates[row["sector"]].rate if row["sector"] in rates else None,
            "amplitude_50_percent": percent(row["amplitude_50"]),
            "own_light_percent": percent(row["crowdsap"]),
            "marks": marks_in_words(row["marks"]),
            "seconds": sum(v or 0.0 for k, v in row.items() if k.startswith("seconds_")),
        }
        for row in light_curves
    ]
    catalogue = light_curves[0]["catalogue"]
    return table_script(
        _LIGHT_CURVES,
        called_as(tables.LIGHT_CURVES, catalogue),
        rows,
        described=_of_its_own(POOLED_LIGHT_CURVES, catalogue),
        file="{catalogue}_{tic}_light_curves".format_map(light_curves[0]),
    )


def flare_table(
    star: str, flares: Mapping[int, Columns], ffd: StarFfd | None, drawn: Collection[int]
) -> str:
    """All flares of `star` that were found, with the points of the distribution that they are.

    Those in sectors that are `drawn` are links.
    """
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
        of_each = zip(*(column.tolist() for column in columns.values()), strict=True)
        for number, values in enumerate(of_each, start=1):
            row = dict(zip(columns, values, strict=True)) | {"sector": sector, "number": number}
            row["anchor"] = f"#{flare_anchor(sector, number)}" if sector in drawn else ""
            row |= rates.get((sector, row["peak_time"]), {})
            row["at_edge"] = "yes" if row["at_edge"] else ""
            row["searches"] = found_by_in_words(row["found_by"])
            row["measure"] = "template" if row["template_fitted"] else "mask"
            row["amplitude_percent"] = 100 * row["amplitude"]
            rows.append(row)
    rows.sort(key=lambda row: -row["equivalent_duration"])
    catalogue = star.partition(" ")[0]
    return table_script(
        _FLARES,
        called_as(tables.FLARES, catalogue),
        rows,
        described=_of_its_own(_ALL_FLARES, catalogue),
        file=f"{star.replace(' ', '_')}_flares",
        whole="the downloads of the report",
    )


def _of_its_own(described: Mapping[str, Column], catalogue: str) -> Mapping[str, Column] | None:
    """What the table of one page says of its columns; None where it has those of all pages."""
    return None if catalogue == "TIC" else described


def percent(value: float | None) -> float | None:
    """A share in percent; None where it is not known."""
    return None if value is None else 100 * value
