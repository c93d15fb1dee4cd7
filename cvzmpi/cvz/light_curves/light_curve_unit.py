"""What the engine carries from rank 0 to the team that works on a light curve."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cvzmpi.cvz.light_curves.product import Product


@dataclass(frozen=True)
class LightCurvePaths:
    """Where a light curve comes from and where its results go.

    Attributes
    ----------
    source : Path, optional
        Its FITS file; None where that is gone, or not there yet.
    output : Path
        Its sector file.
    product : Product, optional
        What the archive calls it, where it comes from there.
    others : tuple of Path
        Further FITS files of it, the best first: one is read where `source` is damaged.
    """

    source: Path | None
    output: Path
    product: Product | None = None
    others: tuple[Path, ...] = ()
