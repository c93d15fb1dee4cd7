"""The identity of a light curve, and what its unit and its sector file are called after it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cvzmpi.cvz.product_names import SPOC_120, catalogue_of
from cvzmpi.errors import LightCurveError

MAX_TIC = 10**16 - 1
"""The archive's file names have 16 digits for a TIC number."""

MAX_SECTOR = 9999
"""The archive's file names have 4 digits for a sector."""

PARTS = {"TIC": "sector", "KIC": "quarter", "EPIC": "campaign"}
"""What a mission's observations are divided into, by catalogue."""

_NAME = re.compile("([0-9]{1,19})_([0-9]{1,9})(?:_([a-z0-9]+(?:-[a-z0-9]+)*-[0-9]+))?")


class LightCurveId(NamedTuple):
    """One target in one sector, as one product has it.

    Of Kepler's and K2's light curves, `tic` is the number in their catalogue, and `sector` the
    quarter or campaign.
    """

    tic: int
    sector: int
    product: str = SPOC_120

    @classmethod
    def parse(cls, name: str) -> LightCurveId | None:
        """Read a `name` back; None where no light curve is named like this."""
        match = _NAME.fullmatch(name)
        if match is None or match[3] == SPOC_120:
            return None
        found = cls(int(match[1]), int(match[2]), match[3] or SPOC_120)
        is_one = is_identity(found.tic, found.sector, found.catalogue)
        return found if is_one and found.name == name else None  # zeros before a number: another

    @classmethod
    def of_unit(cls, name: str) -> LightCurveId:
        """Read the name of a unit that must be a light curve's.

        Raises
        ------
        LightCurveError
            If it is not.
        """
        found = cls.parse(name)
        if found is None:
            raise LightCurveError(
                f"{name}: not the name of a light curve; expected TIC_SECTOR, or "
                "TIC_SECTOR_PRODUCT as 261136679_27_spoc-20"
            )
        return found

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> LightCurveId:
        """That of a row of a table, by its columns of these names."""
        return cls(row["tic"], row["sector"], row["product"])

    @property
    def name(self) -> str:
        """Name of its unit, and of its sector file without the suffix."""
        name = f"{self.tic}_{self.sector}"
        return name if self.product == SPOC_120 else f"{name}_{self.product}"

    @property
    def catalogue(self) -> str:
        """The catalogue of the target's number: TIC, KIC or EPIC."""
        return catalogue_of(self.product)

    @property
    def observed(self) -> tuple[str, int, int]:
        """What all products of it are of: catalogue, target and sector."""
        return self.catalogue, self.tic, self.sector

    @property
    def star(self) -> str:
        """The target as people write it: `TIC 261136679`, `KIC 10002792`."""
        return f"{self.catalogue} {self.tic}"

    @property
    def part(self) -> str:
        """When it was observed, in words: `sector 27`, `quarter 2`, `campaign 4`."""
        return f"{PARTS[self.catalogue]} {self.sector}"

    @property
    def shard(self) -> str:
        """Directory of its sector file in the output directory.

        Parallel file systems do not like 200,000 files in one directory. The files are spread over
        a thousand by the last digits of the TIC number; all sectors of a target are together.
        """
        return f"{self.tic % 1000:03d}"

    def path(self, output: Path) -> Path:
        """Path of its sector file, given the output directory."""
        return output / self.shard / f"{self.name}.h5"

    def __str__(self) -> str:
        name = f"{self.star} {self.part}"
        return name if self.product == SPOC_120 else f"{name} ({self.product})"


def is_identity(tic: object, sector: object, catalogue: str = "TIC") -> bool:
    """True for a number and a sector: whole numbers in the archive's range, no booleans.

    The quarters of Kepler and the campaigns of K2 begin with 0.
    """
    least = 1 if catalogue == "TIC" else 0
    return all(
        isinstance(value, int) and not isinstance(value, bool) and smallest <= value <= largest
        for value, smallest, largest in ((tic, 1, MAX_TIC), (sector, least, MAX_SECTOR))
    )
