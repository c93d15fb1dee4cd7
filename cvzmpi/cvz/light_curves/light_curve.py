"""The light curve: what the archive measured of one target in one sector."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvzmpi.cvz.light_curves.exposure import SECONDS_PER_DAY
from cvzmpi.cvz.light_curves.identity import LightCurveId

FLUX_UNIT = "flux_unit"
"""Name in the header of the unit of the flux, as astropy writes it, where that is not e-/s."""


@dataclass(frozen=True)
class LightCurve:
    """One target in one sector, every row of the archive's table kept."""

    # what was observed, and when
    tic: int
    sector: int
    # float64, shape (n_cadences,): mid-times of the cadences in BTJD; NaN where the archive has
    # none
    time: np.ndarray
    # flux, flux_err: float32, shape (n_cadences,): PDCSAP flux and its error in e-/s; NaN where the
    # archive has none
    flux: np.ndarray
    flux_err: np.ndarray
    quality: np.ndarray  # int32, shape (n_cadences,): the TESS quality flags of each cadence
    exposure: float  # time from one cadence to the next, in days
    # facts about the target and the processing, from the FITS headers
    header: dict[str, str | int | float] = field(default_factory=dict)

    @property
    def id(self) -> LightCurveId:
        """The target and the sector."""
        return LightCurveId(self.tic, self.sector)

    @property
    def described(self) -> str:
        """The light curve and the name of its file, as messages say it."""
        file = self.header.get("input_file")
        return f"{file}: {self.id}" if file else str(self.id)

    @property
    def exposure_seconds(self) -> float:
        """The exposure in seconds."""
        return self.exposure * SECONDS_PER_DAY

    @property
    def n_cadences(self) -> int:
        """Number of rows, usable or not."""
        return len(self.time)

    def usable(self, quality_bitmask: int) -> np.ndarray:
        """Cadences with finite time, flux and error, and none of these bits in their quality.

        A bool for each row, shape (n_cadences,).
        """
        return (
            np.isfinite(self.time)
            & np.isfinite(self.flux)
            & np.isfinite(self.flux_err)
            & ((self.quality & quality_bitmask) == 0)
        )
