"""The flares of a sector file as `cvzmpi show` prints them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from rich.console import Console

from cvzmpi.cvz.detection.search import found_by_in_words
from cvzmpi.cvz.light_curves.exposure import MINUTES_PER_DAY
from cvzmpi.cvz.results.products.measured_flares import by_size, in_a_rate
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.terminal import in_erg, plain_table
from cvzmpi.cvz.sector_file.data import Columns

MAX_FLARES = 20
"""Flares that are printed; the file has them all."""

_LEAST = 120
"""Columns that the table has even on a narrower terminal."""

_FLARE_COLUMNS = (
    "peak\n[BTJD d]",
    "cadences",
    "min",
    "ampl.\n[%]",
    "ED\n[s]",
    "error\n[s]",
    "energy\n[erg]",
    "error\n[erg]",
    "S/N",
    "max.\np",
    "found by",
    "relia-\nbility",
    "",
)


def print_flares(console: Console, content: SearchedFile) -> None:
    """Print the largest flares of a file, and what is to be said about them."""
    n_flares, flares = content.searched.n_flares, content.measured_flares
    if content.data.flares is None:
        console.print(f"  {n_flares} found; not measured yet: the Gaussian process is missing")
        return
    if not n_flares:
        console.print("  none found")
        return
    console.print(f"  {n_flares} found, by equivalent duration (ED); amplitude over median flux")
    table = plain_table(_FLARE_COLUMNS, collapse_padding=True)
    exposure = content.data.light_curve.exposure
    for i in by_size(flares)[:MAX_FLARES]:
        flare = {name: column[i] for name, column in flares.items()}
        span = flare["stop_time"] - flare["start_time"] + exposure
        table.add_row(
            f"{flare['peak_time']:.5f}",
            f"{flare['start']}-{flare['stop']}",
            f"{span * MINUTES_PER_DAY:.0f}",
            f"{flare['amplitude'] * 100:.3g}",
            f"{flare['equivalent_duration']:.2f}",
            f"{flare['equivalent_duration_error']:.2f}",
            in_erg(flare["energy"]),
            in_erg(flare["energy_error"]),
            _number(flare["snr"], ".1f"),
            _number(flare["max_probability"], ".3f"),
            found_by_in_words(flare["found_by"]),
            _number(flare["reliability"], ".3f"),
            _mark(flare),
        )
    width, console.width = console.width, max(console.width, _LEAST)
    console.print(table)
    console.width = width
    for line in _notes(flares):
        console.print(f"  {line}")
    if n_flares > MAX_FLARES:
        console.print(f"  and {n_flares - MAX_FLARES} more with smaller ED, in the group /flares")


def _number(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else "-"


def _mark(flare: Mapping[str, Any]) -> str:
    """What `_notes` explains about a flare."""
    marks = {"sum": not flare["template_fitted"], "edge": flare["at_edge"]}
    return " ".join(mark for mark, given in marks.items() if given)


def _notes(flares: Columns) -> Iterator[str]:
    """Explanations of the table that it has need of."""
    if not flares["template_fitted"].all():
        yield "sum: no template fits; ED is the sum over the cadences of the flare"
    n_not_positive = int((~in_a_rate(flares)).sum())
    if n_not_positive:
        yield f"without a positive ED, and so in no rate: {n_not_positive}"
    if np.isnan(flares["energy"]).any():
        yield "energy: unknown, for the radius or the temperature of the star is"
    else:
        yield "energy: bolometric, of a blackbody of 9000 K; its error has that of the star"
    if np.isfinite(flares["reliability"]).all():
        yield "reliability: chance to be a flare, from the mirror images of this light curve alone"
    if flares["at_edge"].any():
        yield "edge: touches a gap or the end of the search; a part may be missing"
