"""The identity of a light curve, and what its unit and its sector file are called after it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from cvzmpi.errors import LightCurveError

MAX_TIC = 10**16 - 1
"""The archive's file names have 16 digits for a TIC number."""

MAX_SECTOR = 9999
"""The archive's file names have 4 digits for a sector."""

_NAME = re.compile("([0-9]{1,19})_([0-9]{1,9})")


class LightCurveId(NamedTuple):
    """One target in one sector."""

    tic: int
    sector: int

    @classmethod
    def parse(cls, name: str) -> LightCurveId | None:
        """Read a `name` back; None where no light curve is named like this."""
        match = _NAME.fullmatch(name)
        if match is None or not is_identity(int(match[1]), int(match[2])):
            return None
        return cls(int(match[1]), int(match[2]))

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
            raise LightCurveError(f"{name}: not the name of a light curve; expected TIC_SECTOR")
        return found

    @property
    def name(self) -> str:
        """Name of its unit, and of its sector file without the suffix."""
        return f"{self.tic}_{self.sector}"

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
        return f"TIC {self.tic} sector {self.sector}"


def is_identity(tic: object, sector: object) -> bool:
    """True for a TIC number and a sector: whole numbers in the archive's range, no booleans."""
    return all(
        isinstance(value, int) and not isinstance(value, bool) and 0 < value <= largest
        for value, largest in ((tic, MAX_TIC), (sector, MAX_SECTOR))
    )
