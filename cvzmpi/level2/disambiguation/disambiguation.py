"""What a product says of the 180-degree ambiguity of its azimuth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cvzmpi.level2.disambiguation.geometry import geometry_of
from cvzmpi.level2.disambiguation.not_resolved import NotResolvedError
from cvzmpi.level2.disambiguation.observed_field import ObservedField
from cvzmpi.level2.disambiguation.resolve import Resolved, resolve
from cvzmpi.level2.inversion.inversion_file import AZIMUTH_NOTE, InvertedMap
from cvzmpi.level2.settings import DisambiguationMethod

VERSION = 1
"""Of the methods; raised whenever one of them decides otherwise."""

REFERENCES: Mapping[DisambiguationMethod, str] = {
    "acute": "Alissandrakis 1981, A&A 100, 197; Metcalf+ 2006, SoPh 237, 267",
    "minimum_energy": "Metcalf 1994, SoPh 155, 235; Leka+ 2009, SoPh 260, 83",
}
EXTENSION = "Azimuth Disambiguation"
"""The name of the extension that says how the direction of each pixel was decided."""


@dataclass(frozen=True)
class Disambiguation:
    """The attempt to resolve the ambiguity of a map by a method."""

    method: DisambiguationMethod
    resolved: Resolved | None
    reason: str = ""  # why it is not resolved

    @classmethod
    def of(
        cls,
        method: DisambiguationMethod,
        inverted: InvertedMap,
        headers: Sequence[Mapping[str, Any]],
        slit_bin: int,
    ) -> Disambiguation:
        """Resolve the ambiguity of an inverted map, if that can be done.

        Parameters
        ----------
        headers : sequence of mapping
            The Level 1 header of each scan position.
        slit_bin : int
            Pixels of Level 1 in a pixel of the map, along the slit.
        """
        try:
            geometry = geometry_of(headers, slit_bin)
            return cls(method, resolve(ObservedField.of(inverted), geometry, method))
        except NotResolvedError as error:
            return cls(method, None, str(error))

    @property
    def cards(self) -> dict[str, str]:
        """DISAMBIG and, where it is resolved, DISAMREF of a FITS header."""
        if self.resolved is None:
            return {"DISAMBIG": "none"}
        return {
            "DISAMBIG": f"{self.method}, version {VERSION}",
            "DISAMREF": REFERENCES[self.method],
        }

    @property
    def note(self) -> str:
        """A paragraph for people who use the product."""
        if self.resolved is None:
            return f"{AZIMUTH_NOTE} The method {self.method} cannot: {self.reason}."
        return (
            f"Which of two opposite azimuths is the field's was decided by the method "
            f"{self.method}, version {VERSION} ({REFERENCES[self.method]}). The azimuth is in 0 to "
            f"360 degrees where {EXTENSION} is 1 (decided by the method) or 2 (noisy: decided by "
            "the pixels around it); where that is 0, it was not decided, and the azimuth is known "
            "modulo 180 degrees."
        )
