"""A sector file as its pictures need it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvzmpi.cvz.sector_file.data import Recovery, SectorData
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.cvz.sector_file.star_facts import star_facts


@dataclass(frozen=True)
class Content:
    """A sector file as the panels need it; one entry for each usable cadence.

    Attributes
    ----------
    rows : int, shape (n,)
        Rows of the light curve.
    time : float64, shape (n,)
        BTJD.
    flux, flux_err : float64, shape (n,)
        Relative to the median flux.
    mean, sd : float64, shape (n,), or None
        Of the Gaussian process, likewise.
    """

    done: bool
    data: SectorData
    recovery: Recovery | None
    threshold: float
    rows: np.ndarray
    time: np.ndarray
    flux: np.ndarray
    flux_err: np.ndarray
    mean: np.ndarray | None
    sd: np.ndarray | None

    @classmethod
    def read(cls, path: Path) -> Content:
        """Read a sector file, done or not.

        Raises
        ------
        SectorFileError
            If there is no such file, or it is unreadable or not a sector file.
        """
        content = SectorContent.read(path)
        data, light_curve = content.data, content.data.light_curve
        star_facts(content.header)
        rows = np.flatnonzero(light_curve.usable(content.quality_bitmask))
        flux = light_curve.flux[rows].astype(np.float64)
        median = np.median(flux)
        return cls(
            done=content.done,
            data=data,
            recovery=content.recovery,
            threshold=content.config["detect.threshold"],
            rows=rows,
            time=light_curve.time[rows],
            flux=flux / median,
            flux_err=light_curve.flux_err[rows] / median,
            mean=None if data.gp_mu is None else data.gp_mu[rows] / median,
            sd=None if data.gp_sigma is None else data.gp_sigma[rows] / median,
        )
