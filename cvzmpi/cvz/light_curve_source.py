"""Where light curves come from, and what cannot become one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LightCurveSource:
    """Where the light curve of a target in a sector is; no path where its FITS file is gone."""

    tic: int
    sector: int
    path: Path | None

    @property
    def name(self) -> str:
        """What its unit is called."""
        return f"{self.tic}_{self.sector}"


@dataclass(frozen=True)
class Rejected:
    """A file or target that cannot become a unit, and why."""

    name: str
    message: str
