"""The sectors of which listings are looked for, and where they end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MISSING_AT_END = 2
"""The number of sectors in a row without a listing that are the end."""

SECTORS_OF_A_YEAR = 13
"""As many are the end where nothing else says how far the mission is."""


@dataclass(frozen=True)
class SectorRange:
    """The sectors that are looked for, from the first one on."""

    last: int = 200  # sectors after this one are not looked for
    absent: frozenset[int] = frozenset()  # sectors that have no listing
    known: frozenset[int] = frozenset()  # sectors that had one once
    # sectors up to this one are looked for, however many are missing: other kinds have them
    at_least: int = 0
    n_missing_at_end: int = MISSING_AT_END

    def last_of(self, sectors: Iterable[int]) -> int:
        """The last of these sectors that is looked for; 0 if none is."""
        return max((s for s in sectors if s <= self.last and s not in self.absent), default=0)
