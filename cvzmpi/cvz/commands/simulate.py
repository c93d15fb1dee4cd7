"""`cvzmpi simulate`: light curves of invented stars."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.cvz.simulation.simulate import N_CADENCES, simulate_campaign
from cvzmpi.runtime.all_ranks import DONE


def simulate(directory: Path, stars: int, sectors: int, seed: int, cadences: int | None) -> int:
    """Write the files, and print their paths."""
    n_cadences = N_CADENCES if cadences is None else cadences
    paths = simulate_campaign(
        directory, stars, seed, sectors_per_star=sectors, n_cadences=n_cadences
    )
    for path in paths:
        click.echo(path)
    return DONE
