"""`cvzmpi ffd`: flare frequency distributions."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.cvz.commands.settings import results_directory
from cvzmpi.cvz.results.products.ffd_command import FfdSettings, make_tables
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED


def ffd(
    tics: tuple[int, ...],
    all_stars: bool,
    results: Path | None,
    output: Path,
    kind: str,
    min_completeness: float,
    ed_max: float | None,
    processes: int,
) -> int:
    """Write the tables of some stars, or of all."""
    if bool(tics) == all_stars:
        raise click.UsageError("give TIC numbers, or --all")
    settings = FfdSettings(min_completeness, float("inf") if ed_max is None else ed_max)
    directory = results_directory(results)
    all_in = make_tables(directory, tics or None, settings, output, kind, processes)
    return DONE if all_in else SOME_FAILED
