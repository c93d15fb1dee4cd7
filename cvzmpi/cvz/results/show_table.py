"""`cvzmpi show` of several sector files: a line for each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from cvzmpi.cvz.quality.quality_marks import marks_text, quality_marks
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated
from cvzmpi.cvz.results.terminal import (
    WIDTH,
    half_found,
    n_flares_in,
    plain_console,
    plain_table,
)
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.cvz.sector_file.star_facts import star_facts

_WIDE = 250
"""Columns where there is no terminal to ask: the table uses what it needs of them."""

_COLUMNS = (
    "TIC",
    "sector",
    "cadences",
    "flares",
    "largest\nED [s]",
    "injected",
    "found\n[%]",
    "half\nat [%]",
    "seconds",
    "marks",
)


def show_table(paths: Sequence[Path]) -> bool:
    """Print one line for each sector file, and below them what cannot be read, and why.

    True if all of them could be read.
    """
    console = plain_console(_WIDE)
    console.width = max(console.width, WIDTH)
    table = plain_table(_COLUMNS, collapse_padding=True)
    table.add_column("file", overflow="fold")
    base = os.path.commonpath([path.absolute().parent for path in paths])
    bad = []
    for path in paths:
        row = isolated(path, partial(_row, path))
        if isinstance(row, LeftOut):
            bad.append(row.line)
        else:
            table.add_row(*row, os.path.relpath(path, base))
    if table.row_count:
        console.print(table)
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


def _row(path: Path) -> list[str]:
    """One line of the table, but for the file's name."""
    content = SectorContent.read(path)
    data, recovery = content.data, content.recovery
    cells = [str(content.tic), str(content.sector), f"{data.light_curve.n_cadences:,}"]
    if data.flares is None:
        cells += [str(n_flares_in(data.flare_mask)), "-"]
    else:
        durations = data.flares["mask_equivalent_duration"]
        cells += [str(len(durations)), f"{durations.max():.1f}" if len(durations) else "-"]
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
    marks = marks_text(quality_marks(data, content.config))
    return [*cells, f"{sum(data.seconds.values()):.1f}", marks.replace(",", "\n")]
