"""Years of observation: which sectors TESS observed in which year of its mission."""

from __future__ import annotations

from bisect import bisect

# First sector of each year, from year 1 (July 2018): tess.mit.edu/observations, and the pointings
# of tess-point 0.9.5 (Burke et al. 2020, ASCL 2003.001), of which those from year 8 on were planned
# when this was written. A sector after the last year known here counts to that.
_FIRST_SECTORS = (1, 14, 27, 40, 56, 70, 84, 97, 109, 122)


def year_of(sector: int) -> int:
    """The year of observation of a sector, from 1."""
    if sector < 1:
        raise ValueError(f"sector {sector}: sectors are counted from 1")
    return bisect(_FIRST_SECTORS, sector)
