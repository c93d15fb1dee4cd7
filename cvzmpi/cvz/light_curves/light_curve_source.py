"""The sources of light curves, and files or targets that are none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.product import Product


@dataclass(frozen=True)
class LightCurveSource:
    """A light curve and where it comes from; the content of its unit, from rank 0 to the team."""

    id: LightCurveId
    path: Path | None = None  # its FITS file; None where that is gone, or not there yet
    # further files of the same light curve, the best first: one is read where `path` is damaged
    others: tuple[PassedOver, ...] = ()
    # files of the same target and sector by products that are not as good: they are not read
    other_products: tuple[PassedOver, ...] = ()
    product: Product | None = None  # its name in the archive, where it comes from there

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """All files of the target and sector but the one that is taken."""
        return self.others + self.other_products

    @property
    def n_bytes(self) -> int | None:
        """Size of its FITS file; None where that is gone."""
        try:
            return None if self.path is None else self.path.stat().st_size
        except OSError:
            return None


@dataclass(frozen=True)
class PassedOver:
    """A file of a light curve that has a better one, and why that is better."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class Rejected:
    """A file or target that cannot become a unit, and why."""

    name: str
    message: str
