"""Light curves of invented stars with known flares, searched by the real program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.cvz.simulation.invented_star import FlareLaw
from cvzmpi.cvz.simulation.simulate import N_CADENCES, read_truth, simulate_campaign

# Many flares around the limits, since those far above and below say nothing.
_LAW = {"active_per_day": 1.5, "index": 1.5, "min_duration": 0.4, "max_duration": 300.0}
CAMPAIGNS = {
    "alike": FlareLaw(**_LAW, fwhm_median=0.002, fwhm_sigma=0.7),
    "longer": FlareLaw(**_LAW, fwhm_median=0.003, fwhm_sigma=0.35),
}
"""Flares whose FWHMs are distributed as those of the injections, and others."""

_SEEDS = {"alike": 1, "longer": 2026}


def search(
    directory: Path, name: str, n_stars: int, n_inject: int, n_cadences: int = N_CADENCES
) -> Path:
    """Simulate a campaign and run the main job on it; what is there is not done again.

    Returns
    -------
    Path
        With the directories `input` (and its `truth.csv`) and `output`.
    """
    campaign = directory / name
    simulate_campaign(
        campaign / "input",
        n_stars,
        _SEEDS[name],
        n_cadences=n_cadences,
        active=True,
        flares=CAMPAIGNS[name],
    )
    arguments = ["--input", campaign / "input", "--output", campaign / "output"]
    arguments += ["--set", f"inject.n_inject={n_inject}"]
    subprocess.run([sys.executable, "-m", "cvzmpi", "run", *map(str, arguments)], check=True)
    return campaign


def light_curves(campaign: Path) -> Iterator[tuple[Path, np.ndarray]]:
    """The sector files of a campaign, and the simulated flares of each: rows of `truth.csv`."""
    truth = read_truth(campaign / "input" / "truth.csv")
    for one, path in sector_files(campaign / "output").items():
        yield path, truth[(truth["tic"] == one.tic) & (truth["sector"] == one.sector)]
