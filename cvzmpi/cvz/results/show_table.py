"""`cvzmpi show` of several sector files: a line for each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.table import Table

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import PARTS, LightCurveId
from cvzmpi.cvz.quality.quality_marks import marks_text
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated
from cvzmpi.cvz.results.products.measured_flares import by_size
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.terminal import (
    half_found,
    in_erg,
    plain_console,
    plain_table,
)
from cvzmpi.cvz.sector_file.data import Columns
from cvzmpi.cvz.sector_file.star_facts import star_facts
from cvzmpi.messages.progress_bar import ProgressBar

_WIDE = 250
"""Columns where there is no terminal to ask: the table uses what it needs of them."""

_LEAST = 120
"""Columns that the table has even on a narrower terminal."""

_COLUMNS = (
    "product",
    "searched\n[d]",
    "flares",
    "largest\nED [s]",
    "its energy\n[erg]",
    "injected",
    "found\n[%]",
    "half\nat [%]",
    "seconds",
    "marks",
)


def show_table(paths: Sequence[Path], search: Search = DEFAULT_SEARCH) -> bool:
    """Print one line for each sector file, and below them what cannot be read, and why.

    The files are seen by the search chosen. True if all of them could be read.
    """
    console = plain_console(_WIDE)
    console.width = max(console.width, _LEAST)
    rows: list[tuple[LightCurveId, list[str]]] = []
    base = os.path.commonpath([path.absolute().parent for path in paths])
    bad = []
    with ProgressBar() as bar:
        for number, path in enumerate(paths):
            bar.show("sector file", number, len(paths), " read")
            row = isolated(path, partial(_row, path, search))
            if isinstance(row, LeftOut):
                bad.append(row.line)
            else:
                light_curve, cells = row
                rows.append((light_curve, [*cells, os.path.relpath(path, base)]))
    if rows:
        console.print(_table(rows))
        console.print(
            "half at: amplitude at which half of the injected flares are found, in % of the median "
            "flux"
        )
        console.print(f"files in {base}", soft_wrap=True)
    if bad:
        console.print(f"Not readable: {len(bad)}", style="bold")
        for line in bad:
            console.print(f"  {line}", soft_wrap=True)
    return not bad


def _table(rows: Sequence[tuple[LightCurveId, list[str]]]) -> Table:
    """The lines as a table; numbers are called by their catalogue, where all are of the same."""
    catalogues = {light_curve.catalogue for light_curve, _ in rows}
    if len(catalogues) == 1:
        (catalogue,) = catalogues
        table = plain_table([catalogue, PARTS[catalogue], *_COLUMNS], collapse_padding=True)
    else:
        table = plain_table(["star", "observed", *_COLUMNS], collapse_padding=True)
    table.add_column("file", overflow="fold")
    for one, cells in rows:
        named = (str(one.tic), str(one.sector)) if len(catalogues) == 1 else (one.star, one.part)
        table.add_row(*named, *cells)
    return table


def _row(path: Path, search: Search) -> tuple[LightCurveId, list[str]]:
    """The light curve, and its line of the table but for its name and the file's."""
    content = SearchedFile.read(path, search)
    data, recovery = content.data, content.recovery
    cells = [
        content.product,
        f"{content.search_time().searched:.2f}",
        str(content.searched.n_flares),
    ]
    cells += _largest(content.measured_flares)
    if recovery is None:
        cells += ["none yet"]
    elif content.done:
        cells += [f"{recovery.n_done:,}"]
    else:
        cells += [f"{recovery.n_done:,} of {recovery.n_inject:,}"]
    if recovery is None or not recovery.n_placed:
        cells += ["-", "-"]
    else:
        cells += [f"{recovery.fraction * 100:.1f}", half_found(recovery, "amplitude", 100)]
    star_facts(content.header)
    marks = marks_text(content.marks)
    return content.id, [*cells, f"{sum(data.seconds.values()):.1f}", marks.replace(",", "\n")]


def _largest(flares: Columns) -> list[str]:
    """Equivalent duration and energy of the largest flare."""
    for largest in by_size(flares)[:1]:
        duration, energy = flares["equivalent_duration"][largest], flares["energy"][largest]
        return [f"{duration:.1f}", in_erg(energy)]
    return ["-", "-"]
