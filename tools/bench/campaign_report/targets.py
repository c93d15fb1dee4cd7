"""The stars of the target list, for benches: invented ones where the list is not there."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np

from tools.harness.job_process import ROOT

TARGETS = ROOT.parent / "shared" / "data" / "tess_cvz_targets.csv"
N_STARS, N_LIGHT_CURVES = 14_385, 293_908
"""Stars of the list, and their sectors."""

LAST_SECTOR = 69


@dataclass(frozen=True)
class Target:
    """A star of the target list."""

    tic: int
    magnitude: float
    right_ascension: float
    declination: float
    n_sectors: int


def targets(n_stars: int) -> list[Target]:
    """The first stars of the list, or invented ones where there is none."""
    if TARGETS.exists():
        with TARGETS.open(newline="") as file:
            listed = [
                Target(
                    int(row["TICID"]),
                    float(row["Tmag"]),
                    float(row["RA"]),
                    float(row["Dec"]),
                    int(row["Nsector"]),
                )
                for row in csv.DictReader(file)
            ]
        return listed[:n_stars]
    rng = np.random.default_rng(1)
    sectors = rng.multinomial(N_LIGHT_CURVES, np.full(N_STARS, 1 / N_STARS))
    return [
        Target(
            25_000_000 + 1013 * star,
            float(rng.normal(11.5, 1.5)),
            float(rng.uniform(60, 120)),
            float(-66.6 + rng.normal(0, 5)),
            int(min(n_sectors, LAST_SECTOR)),
        )
        for star, n_sectors in enumerate(sectors[:n_stars])
    ]
