"""Facts about star and observation from the FITS headers, as products use them: of their type.

A sector file keeps what the FITS header says, whatever that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cvzmpi.errors import SectorFileError

NUMBERS = {
    "right_ascension": "RA_OBJ",
    "declination": "DEC_OBJ",
    "tess_magnitude": "TESSMAG",
    "temperature": "TEFF",
    "radius": "RADIUS",
    "crowdsap": "CROWDSAP",
    "flfrcsap": "FLFRCSAP",
}
TEXTS = {
    "processing_version": "PROCVER",
    "input_file": "input_file",
    "input_sha256": "input_sha256",
}
"""Keyword of the header, by name in tables."""


def star_facts(header: Mapping[str, Any]) -> dict[str, Any]:
    """The facts by their name in tables; None where the header does not say.

    Raises
    ------
    SectorFileError
        If one is of another type than it must be.
    """
    return {
        **{name: _fact(header, keyword, (int, float)) for name, keyword in NUMBERS.items()},
        **{name: _fact(header, keyword, (str,)) for name, keyword in TEXTS.items()},
    }


def _fact(header: Mapping[str, Any], keyword: str, types: tuple[type, ...]) -> Any:
    value = header.get(keyword)
    if value is None or (isinstance(value, types) and not isinstance(value, bool)):
        return value
    expected = "a text" if str in types else "a number"
    raise SectorFileError(f"{keyword} = {value!r} in its header, expected {expected}")
