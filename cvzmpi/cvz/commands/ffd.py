"""`cvzmpi ffd`: flare frequency distributions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click

from cvzmpi.cvz.commands.settings import results_directory, search_chosen
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import PARTS
from cvzmpi.cvz.reliability.flare_reliability import FlareReliability, Origin
from cvzmpi.cvz.results.index.place import has_index
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.ffd_tables import write_tables
from cvzmpi.cvz.results.products.star_outcome import star_outcomes
from cvzmpi.extras import require
from cvzmpi.messages.progress_bar import ProgressBar
from cvzmpi.messages.wording import counted
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
    search: str | None,
    min_reliability: float,
) -> int:
    """Write the tables of some stars, or of all; a line about each that was asked for."""
    if bool(tics) == all_stars:
        raise click.UsageError("give the numbers of stars, or --all")
    settings = {
        "min_completeness": min_completeness,
        "min_reliability": min_reliability,
        "upper": math.inf if ed_max is None else ed_max,
    }
    rows, left_out, origins = [], [], Counter[Origin]()
    directory, chosen = results_directory(results), Search(search_chosen(search))
    if kind == "parquet":
        require("pyarrow")
    indexed = _indexed_reliability(directory, chosen, tics)
    outcomes = star_outcomes(directory, tics or None, settings, processes, chosen, indexed)
    with ProgressBar() as bar:
        for number, outcome in enumerate(outcomes):
            bar.show("star", number)
            for item in outcome.left_out:
                bar.clear()
                click.echo(f"left out: {item.line}", err=True)
            left_out += outcome.left_out
            if outcome.star is not None and outcome.rows is not None:
                rows.append(outcome.rows)
                origins.update(reliability.origin for reliability in outcome.star.reliabilities)
                if tics:
                    bar.clear()
                    click.echo(_summary(outcome.star))
    described = {
        "search": str(chosen),
        "min_completeness": min_completeness,
        "min_reliability": min_reliability,
    }
    for path in write_tables(rows, output, kind, described, set(tics)):
        click.echo(path)
    n_unfinished = sum(item.unfinished for item in left_out)
    unfinished = f" ({n_unfinished} unfinished)" if n_unfinished else ""
    click.echo(
        f"{counted(len(rows), 'star')}, {counted(origins.total(), 'light curve')}; "
        f"{len(left_out):,} left out{unfinished}",
        err=True,
    )
    for origin in Origin:
        if origins[origin]:
            click.echo(
                f"reliability of flares in {counted(origins[origin], 'light curve')}: "
                f"{origin.value}",
                err=True,
            )
    return DONE if len(left_out) == n_unfinished else SOME_FAILED


def _indexed_reliability(
    output: Path, search: Search, tics: tuple[int, ...]
) -> Callable[[Path], FlareReliability | None] | None:
    """The reliabilities that the index has; without one, what reads it need not be installed."""
    if not has_index(output):
        return None
    from cvzmpi.cvz.results.index.indexed_reliability import IndexedReliability

    return IndexedReliability.read(output, search, tics or None).of


def _summary(star: StarFfd) -> str:
    """One line about a star."""
    light_curve = star.sectors[-1].id
    sectors = counted(len(star.sectors), PARTS[light_curve.catalogue])
    n_flares = sum(sector.n_flares for sector in star.sectors)
    n_not_positive = sum(sector.n_not_positive for sector in star.sectors)
    found = f"{counted(n_flares, 'flare')} in {star.time.searched:.2f} d of {sectors}"
    start = f"{light_curve.star}: {found}"
    if n_not_positive:
        start += f" ({n_not_positive} in no rate)"
    marks = f"; marks: {star.marks}" if star.marks else ""
    return f"{start}: {_rate(star)}{marks}"


def _rate(star: StarFfd) -> str:
    if star.little_searched:
        return "no rate, since too little was searched"
    if math.isnan(star.lower):
        return f"the completeness that is asked for is not reached below {star.upper:g} s"
    low, high = star.interval
    rate = f"{star.rate:.3g} ({low:.3g} to {high:.3g}) a day above {star.lower:.3g} s"
    rate += f", from {counted(star.n_flares, 'flare')} ({star.n_true:.3g} expected to be real)"
    if not low > 0:
        rate = f"below {star.upper_limit:.3g} a day above {star.lower:.3g} s (95 %)"
    index = f"{star.index:.2f} (assumed)"
    if star.power_law is not None:
        low, high = star.power_law.index_interval
        index = f"{star.index:.2f} ({low:.2f} to {high:.2f})"
    return f"{rate}, index {index}"
