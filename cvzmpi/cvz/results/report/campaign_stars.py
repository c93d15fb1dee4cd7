"""The stars of a campaign: a row for each, of its light curves and of its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cvzmpi.cvz.results.index.columns import POOLED_LIGHT_CURVES, schema
from cvzmpi.cvz.results.products.ffd_tables import STARS as FFD_STARS
from cvzmpi.cvz.results.report.star_page import StarSummary, page_of_star
from cvzmpi.cvz.sector_file.layout import Column

_LARGEST = ("largest_flare", "largest_flare_error", "largest_energy", "largest_energy_error")
_FACTS = (
    ("state", "count", "n_light_curves"),
    ("done", "sum", "n_done"),
    ("searched", "sum", "searched"),
    ("n_flares", "sum", "n_flares"),
    ("n_true", "sum", "n_true"),
    ("n_not_positive", "sum", "n_not_positive"),
    *(
        (name, "max", name)
        for name in ("tess_magnitude", "temperature", "radius", "right_ascension", "declination")
    ),
)
"""Facts about a star from its light curves: column, aggregation, and name."""

_MEDIANS = ("equivalent_duration_50", "energy_50", "period", "crowdsap")
"""Columns whose median over its light curves a star has."""


def _same(name: str) -> dict[str, Column]:
    """A column of the table of light curves that a star has as well."""
    return {name: POOLED_LIGHT_CURVES[name]}


def _ffd(name: str) -> dict[str, Column]:
    """A column of the table of flare frequency distributions."""
    return {name: FFD_STARS[name]}


def star_table_columns(energy: float) -> dict[str, Column]:
    """Columns of the table of stars, with rates of flares above an energy in erg."""
    above = f"real flares of at least {energy:.4g} erg, corrected for completeness; none where the "
    above += "searches find too few of them, or the star is not known"
    return {
        **_same("tic"),
        **_same("catalogue"),
        "n_light_curves": Column("i8", "", "light curves"),
        "n_done": Column("i8", "", "of them, with all injections"),
        "searched": Column("f8", "d", FFD_STARS["searched"].description),
        "n_flares": Column("i8", "", "flares found"),
        **_same("n_true"),
        **_ffd("n_not_positive"),
        **_ffd("rate"),
        **_ffd("rate_low"),
        **_ffd("rate_high"),
        **_ffd("rate_limit"),
        **_ffd("ed_min"),
        **_ffd("energy_min"),
        **_ffd("energy_min_error"),
        "energy_rate": Column("f8", "1 / d", above),
        "energy_rate_low": Column("f8", "1 / d", "68.27 %"),
        "energy_rate_high": Column("f8", "1 / d", "68.27 %"),
        "energy_rate_limit": Column("f8", "1 / d", "upper limit of that rate, 95 %, one-sided"),
        "index": Column("f8", "", "dN/dED ~ ED^-index; none where too few flares determine it"),
        **_ffd("index_low"),
        **_ffd("index_high"),
        "equivalent_duration_50": Column("f8", "s", "50 % completeness: median of light curves"),
        "energy_50": Column("f8", "erg", "bolometric energy of a flare of that"),
        **{name: POOLED_LIGHT_CURVES[name] for name in _LARGEST},
        "period": Column(
            "f8",
            "d",
            "median period of the Gaussian processes of its light curves: where the star is "
            "spotted, that of its rotation or half of it",
        ),
        **_same("tess_magnitude"),
        **_same("temperature"),
        **_same("radius"),
        "crowdsap": Column("f8", "", "CROWDSAP: its share of the light in the aperture, median"),
        **_same("right_ascension"),
        **_same("declination"),
        **_same("marks"),
    }


def campaign_stars(
    light_curves: pa.Table, summaries: Mapping[int, StarSummary]
) -> list[dict[str, Any]]:
    """A row for each star, in the order of their numbers: `star_table_columns`, and its page.

    `light_curves` is the table of the index, and `summaries` are by number.
    """
    done = pc.equal(light_curves["state"], "done").cast(pa.int32())
    period = pc.if_else(light_curves["gp_converged"], light_curves["gp_period_d"], None)
    table = light_curves.append_column("done", done).append_column("period", period)
    facts = table.group_by("tic").aggregate([(column, how) for column, how, _ in _FACTS])
    renamed = {f"{column}_{how}": name for column, how, name in _FACTS}
    facts = facts.rename_columns([renamed.get(name, name) for name in facts.column_names])
    facts = facts.sort_by("tic")
    for name in _MEDIANS:
        facts = facts.append_column(name, pa.array(_medians(table, name), from_pandas=True))
    largest = _with_the_largest_flare(light_curves.select(["tic", *_LARGEST]))
    rows = zip(facts.to_pylist(), largest.to_pylist(), strict=True)
    numbers = (light_curves[name].to_pylist() for name in ("tic", "catalogue"))
    catalogues = dict(zip(*numbers, strict=True))
    return [
        fact
        | {"catalogue": catalogues[fact["tic"]]}
        | flare
        | asdict(summaries[fact["tic"]])
        | {"page": page_of_star(fact["tic"])}
        for fact, flare in rows
    ]


def _medians(light_curves: pa.Table, name: str) -> np.ndarray:
    """The median of a column over the light curves of each star, in the order of their numbers.

    NaN where it is of none known. (The approximate one of Arrow takes kilobytes a star.)
    """
    tic, values = (light_curves[column].to_numpy() for column in ("tic", name))
    order = np.lexsort((values, tic))  # NaN comes last
    values = values[order]
    first = np.flatnonzero(np.diff(tic[order], prepend=-1))
    n = np.add.reduceat(np.isfinite(values), first, dtype=np.int64)
    middle = (values[first + np.maximum(n - 1, 0) // 2] + values[first + n // 2]) / 2
    return np.where(n > 0, middle, np.nan)


def _with_the_largest_flare(light_curves: pa.Table) -> pa.Table:
    """The light curve of each star that has its largest flare."""
    tic = light_curves["tic"].to_numpy()
    size = pc.fill_null(light_curves["largest_flare"], -np.inf).to_numpy()
    order = np.lexsort((size, tic))
    return light_curves.take(order[np.flatnonzero(np.diff(tic[order], append=-1))])


def star_table(stars: list[dict[str, Any]], energy: float) -> pa.Table:
    """The rows as a table of Arrow, with units and descriptions."""
    return pa.Table.from_pylist(stars, schema(star_table_columns(energy)))
