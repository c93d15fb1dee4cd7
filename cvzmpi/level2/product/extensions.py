"""The extensions of a Level 2 FITS file: their names, types and units.

Those of the quantities and the profiles are DKIST's own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Extension:
    """The name, type and unit of an extension."""

    name: str  # EXTNAME
    kind: str  # BTYPE, a unified content descriptor
    unit: str = ""  # BUNIT
