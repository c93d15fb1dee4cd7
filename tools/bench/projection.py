"""The whole campaign, from a real target list and measured seconds only."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from tools.bench.measuring.curves import SHARED_DATA

TARGETS = SHARED_DATA / "tess_cvz_targets.csv"


@dataclass
class Projection:
    """Core-hours of all light curves of the target list."""

    n_targets: int
    n_light_curves: int
    seconds_each: float

    @property
    def core_hours(self) -> float:
        """Of the workers; the one rank that schedules is on top."""
        return self.n_light_curves * self.seconds_each / 3600

    def hours_on(self, cores: int) -> float:
        """Wall-clock hours on so many worker cores."""
        return self.core_hours / cores


def project(seconds_each: float, targets: Path = TARGETS) -> Projection | None:
    """Multiply; None where there is no target list."""
    if not targets.exists():
        return None
    with targets.open(newline="") as file:
        sectors = [int(row["Nsector"]) for row in csv.DictReader(file)]
    return Projection(len(sectors), sum(sectors), seconds_each)
