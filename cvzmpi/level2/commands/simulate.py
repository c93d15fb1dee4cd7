"""`cvzmpi level2 simulate`: prepared maps of invented atmospheres."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.level2.maps.simulated_map import simulate_prepared
from cvzmpi.runtime.all_ranks import DONE


def simulate(directory: Path, n_maps: int, steps: int, slit: int, seed: int) -> int:
    """Write the maps, and print their paths."""
    for number in range(n_maps):
        path, _ = simulate_prepared(directory, f"SIM{number:03d}", (steps, slit), seed + number)
        click.echo(path)
    return DONE
