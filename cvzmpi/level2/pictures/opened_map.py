"""A map as pictures need it, whichever kind of file it comes from.

The arrays begin with two axes: the scan position, which is x in pictures, and the pixel along the
slit, which is y. Both are counted from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.errors import MapFileError
from cvzmpi.level2.maps.map_scale import MapScale
from cvzmpi.level2.pictures.quantities import LOOKS, UNCERTAINTY, Quantity
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED, NOT_CONVERGED, UNUSABLE
from cvzmpi.messages.wording import did_you_mean

NOT_BEGUN = 0
STATUSES = {
    CONVERGED: "converged",
    NOT_CONVERGED: "not converged",
    UNUSABLE: "failed: no usable profiles",
    NOT_BEGUN: "not inverted yet",
}
"""The statuses of a pixel, in words."""

STOKES = ("I", "Q", "U", "V")


@dataclass(frozen=True)
class Profiles:
    """The Stokes profiles of one pixel, in units of the quiet Sun's continuum."""

    wavelength: np.ndarray  # float64, shape (n_wavelengths,); in air, nm
    observed: np.ndarray  # float, shape (4, n_wavelengths)
    fitted: np.ndarray | None  # the same shape; None if the pixel is not inverted
    left_out: np.ndarray | None = None  # bool, shape (n_wavelengths,); not fitted; None if unknown


@dataclass(frozen=True)
class Value:
    """The value of a quantity in one pixel."""

    name: str
    title: str
    value: float
    uncertainty: float | None  # None if the file has none
    unit: str
    words: str = ""  # instead of the number, if it is no measure


@dataclass(frozen=True)
class OpenedMap:
    """A map: its quantities, and a way to its profiles."""

    path: Path
    kind: str  # of file, in words
    shape: tuple[int, int]  # scan positions, and pixels along the slit
    quantities: dict[str, Quantity]
    scale: MapScale | None
    read_profiles: Callable[[int, int], Profiles]
    status: Quantity | None = None  # codes of `STATUSES`; None if the file has none
    notes: list[str] = field(default_factory=list)  # what a reader of the picture must know

    def chosen(self, names: tuple[str, ...]) -> list[Quantity]:
        """Some quantities by name.

        Raises
        ------
        MapFileError
            If the map has no such quantity.
        """
        for name in names:
            if name not in self.quantities:
                meant = did_you_mean(name, self.quantities)
                there = ", ".join(self.quantities)
                raise MapFileError(f"{self.path}: has no quantity {name}{meant}; it has {there}")
        return [self.quantities[name] for name in names]

    def check_pixel(self, x: int, y: int) -> None:
        """Refuse a pixel that is not in the map.

        Raises
        ------
        MapFileError
        """
        if not (0 <= x < self.shape[0] and 0 <= y < self.shape[1]):
            ends = f"0,0 to {self.shape[0] - 1},{self.shape[1] - 1}"
            raise MapFileError(f"{self.path}: has no pixel {x},{y}: expected {ends}")

    def profiles(self, x: int, y: int) -> Profiles:
        """The Stokes profiles of a pixel, with their fit.

        Raises
        ------
        MapFileError
            If there is no such pixel, or the profiles cannot be read.
        """
        self.check_pixel(x, y)
        return self.read_profiles(x, y)

    def values(self, x: int, y: int) -> list[Value]:
        """The quantities of a pixel that have a value."""
        self.check_pixel(x, y)
        values = []
        for name, quantity in self.quantities.items():
            if name not in LOOKS or not np.isfinite(value := quantity.at(x, y)):
                continue
            of = self.quantities.get(f"{name}{UNCERTAINTY}")
            error = None if of is None else of.at(x, y)
            words = quantity.in_words(value)
            values.append(Value(name, quantity.look.title, value, error, quantity.unit, words))
        return values

    def status_in_words(self, x: int, y: int) -> str:
        """The status of a pixel; "" if the file has none."""
        return "" if self.status is None else STATUSES.get(int(self.status.at(x, y)), "unknown")

    def size_in_words(self) -> str:
        """The size in pixels and, where the file knows its scale, on the sky and on the Sun."""
        n_steps, n_slit = self.shape
        pixels = f"{n_steps} x {n_slit} pixels"
        if self.scale is None:
            return f"{pixels}; the file does not know its scale"
        width, height = n_steps * self.scale.scan_arcsec, n_slit * self.scale.slit_arcsec
        mm = self.scale.mm_per_arcsec
        longitude, latitude = self.scale.centre
        return (
            f"{pixels}, {width:.3g} x {height:.3g} arcsec, "
            f"{width * mm:.3g} x {height * mm:.3g} Mm, "
            f"around ({longitude:.1f}, {latitude:.1f}) arcsec"
        )

    def as_json(self) -> dict[str, Any]:
        """What a page says of the map."""
        scale = None
        if self.scale is not None:
            scale = {**self.scale.as_record(), "mm_per_arcsec": self.scale.mm_per_arcsec}
        counts = {}
        if self.status is not None:
            codes = self.status.values
            counts = {words: int((codes == code).sum()) for code, words in STATUSES.items()}
        return {
            "kind": self.kind,
            "shape": list(self.shape),
            "size": self.size_in_words(),
            "scale": scale,
            "counts": counts,
            "notes": self.notes,
        }
