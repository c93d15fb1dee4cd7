"""Where light curves come from, and what cannot become one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MAX_TIC = 10**16 - 1
"""The archive's file names have 16 digits for a TIC number."""

MAX_SECTOR = 9999
"""The archive's file names have 4 digits for a sector."""


_UNIT = re.compile("([0-9]{1,19})_([0-9]{1,9})")


@dataclass(frozen=True)
class LightCurveSource:
    """Where the light curve of a target in a sector is.

    Attributes
    ----------
    tic, sector : int
    path : Path, optional
        Its FITS file; None where that is gone.
    others : tuple of PassedOver
        Further files of the same light curve, the best first.
    """

    tic: int
    sector: int
    path: Path | None
    others: tuple[PassedOver, ...] = ()

    @property
    def name(self) -> str:
        """What its unit is called."""
        return f"{self.tic}_{self.sector}"

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


def is_identity(tic: object, sector: object) -> bool:
    """Whether two values are a TIC number and a sector: whole numbers in the archive's range.

    A logical value is none, though Python counts it as a whole number.
    """
    return all(
        isinstance(value, int) and not isinstance(value, bool) and 0 < value <= largest
        for value, largest in ((tic, MAX_TIC), (sector, MAX_SECTOR))
    )


def identity_by_unit(name: str) -> tuple[int, int] | None:
    """Tic and sector of a unit, as `LightCurveSource.name` has them; None for other names."""
    match = _UNIT.fullmatch(name)
    identity = (0, 0) if match is None else (int(match[1]), int(match[2]))
    return identity if is_identity(*identity) else None
