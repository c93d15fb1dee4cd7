"""The Level 2 FITS file of a scan position: quantities, profiles and their fits.

The extensions are images without compression, as in DKIST's own files. Each has its own world
coordinates, DATAMIN and DATAMAX of its values in the unit of the extension, and the time when it
was made; profiles have SPECPFIN, the ion, and SPECPFTP, `Original` or `Fit`. Where values are sums
of bits, FLAGn names bit n, counted from 0.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from cvzmpi.errors import MapFileError
from cvzmpi.level2.product.extensions import IONS, PROFILE_KINDS
from cvzmpi.level2.product.files import primary_header
from cvzmpi.level2.product.files.cubes import Cube
from cvzmpi.level2.product.files.primary_header import About, add_section, iso
from cvzmpi.level2.product.files.wcs_cards import (
    STOKES,
    Card,
    depth_axis,
    wavelength_axis,
    wcs_cards,
)
from cvzmpi.level2.product.product_source import SlitPixels

FIRST_EXTENSION = 1
"""The number of the first extension."""

_WIDTH = 70  # characters of a line of a comment

# Of the primary header: what astropy adds, and what is known when the file is complete.
_NOT_COMPARED = {"SIMPLE", "BITPIX", "NAXIS", "EXTEND", "FRAMEVOL", "CHECKSUM", "DATASUM"}


@dataclass(frozen=True)
class Frame:
    """The place and time of a scan position, and the axes of its extensions."""

    about: About
    level1: Mapping[str, Any]  # the header of Stokes I of Level 1
    slit: SlitPixels
    # float64, shape (n_depths,); None if there is one value for all depths
    log_tau: np.ndarray | None
    # of the lines, each float64, shape (n_wavelengths,); in air, nm, equally spaced
    wavelengths: Mapping[str, np.ndarray]

    @cached_property
    def primary(self) -> fits.Header:
        """The primary header, without size and checksums."""
        return primary_header.build(self.about, self.level1)

    @cached_property
    def _map_cards(self) -> list[Card]:
        return wcs_cards(self.level1, self.slit, [])

    @cached_property
    def _depth_cards(self) -> list[Card]:
        assert self.log_tau is not None
        return wcs_cards(self.level1, self.slit, [depth_axis(self.log_tau)])

    def cards_of(self, cube: Cube) -> list[Card]:
        """The world coordinates of an extension."""
        if cube.group == "profiles":
            along = wavelength_axis(self.wavelengths[cube.line])
            return wcs_cards(self.level1, self.slit, [STOKES, along])
        return self._map_cards if len(cube.shape) == 2 else self._depth_cards


def build(frame: Frame, contents: Sequence[tuple[Cube, np.ndarray]]) -> fits.HDUList:
    """The FITS file of a scan position, in memory; the same arguments give the same file.

    Parameters
    ----------
    contents : sequence of (Cube, array)
        The extensions in their order, with their values.
    """
    units = fits.HDUList([fits.PrimaryHDU(header=frame.primary)])
    for cube, values in contents:
        units.append(_image(frame, cube, values))
    for unit in units:
        unit.add_checksum(when="")
    size = sum(unit.filebytes() for unit in units)
    units[0].header["FRAMEVOL"] = size / 1e6
    units[0].add_checksum(when="")
    return units


def headers_if_whole(
    path: Path, frame: Frame, cubes: Sequence[Cube]
) -> list[dict[str, Any]] | None:
    """The headers of a file, if it is this one and whole; else None.

    It is this one if its primary header is: that names the inversion, the time when it was made,
    the scan position and the version of the inversion code. It is whole if all checksums are right.
    """
    try:
        content = path.read_bytes()
        with fits.open(io.BytesIO(content)) as units:
            if not _is_this(units[0].header, frame) or len(units) != FIRST_EXTENSION + len(cubes):
                return None
            for unit, cube in zip(units[FIRST_EXTENSION:], cubes, strict=True):
                if unit.header["EXTNAME"] != cube.extension.name or unit.shape != cube.shape:
                    return None
            where = [unit.fileinfo() for unit in units]
            ends = [place["datLoc"] + place["datSpan"] for place in where]
            parts = [content[place["hdrLoc"] : end] for place, end in zip(where, ends, strict=True)]
            whole = ends[-1] == len(content) and all(map(_sums_up, parts))
            return headers_of(units) if whole else None
    except (OSError, LookupError, TypeError, ValueError, AttributeError, fits.VerifyError):
        return None  # not there, or not whole


def _sums_up(part: bytes) -> bool:
    """True if the CHECKSUM in a header and data unit is right: its 32-bit words sum up to -0.

    FITS standard 4.0, appendix J. Each byte counts, also those that fill the last block.
    """
    total = int(np.frombuffer(part, ">u4").sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total == 0xFFFFFFFF


def headers_of(units: fits.HDUList) -> list[dict[str, Any]]:
    """The headers of a file, without comments.

    The values are those of a reader: a number of a header that was just made may have more digits
    than its card.
    """
    headers = [fits.Header.fromstring(unit.header.tostring()) for unit in units]
    return [
        {key: value for key, value in header.items() if key not in {"COMMENT", "HISTORY", ""}}
        for header in headers
    ]


def check_shapes(frame: Frame, cubes: Sequence[Cube], n_slit: int) -> None:
    """Check that arrays have the shapes that their axes ask for.

    Raises
    ------
    MapFileError
        Naming the array, its shape, and what was expected.
    """
    depths = () if frame.log_tau is None else (len(frame.log_tau),)
    for cube in cubes:
        expected: tuple[int, ...] = (1, n_slit)
        if cube.group == "profiles":
            expected = (1, n_slit, len(frame.wavelengths[cube.line]), 4)
        elif cube.group in ("quantities", "uncertainties"):
            expected = (1, n_slit, *depths)
        if cube.shape != expected:
            raise MapFileError(
                f"{cube.name}: has shape {cube.shape[1:]} at a scan position, "
                f"expected {expected[1:]}"
            )


def _is_this(header: fits.Header, frame: Frame) -> bool:
    def cards(header: fits.Header) -> list[str]:
        return [card.image for card in header.cards if card.keyword not in _NOT_COMPARED]

    return cards(header) == cards(frame.primary)


def _image(frame: Frame, cube: Cube, values: np.ndarray) -> fits.ImageHDU:
    unit = fits.ImageHDU(values)
    header = unit.header
    is_profile = cube.group == "profiles"
    add_section(header, "Spectral Profile" if is_profile else "L2 Quantity")
    cards: list[Card] = [
        ("EXTNAME", cube.extension.name, ""),
        ("BTYPE", cube.extension.kind, "[ucd]"),
        ("BUNIT", cube.extension.unit, ""),
        ("BZERO", 0, ""),
        ("BSCALE", 1, ""),
    ]
    finite = values[np.isfinite(values)]
    if finite.size:
        cards.append(("DATAMIN", finite.min().item(), "the smallest value"))
        cards.append(("DATAMAX", finite.max().item(), "the largest value"))
    cards.append(("DATE", iso(frame.about.created), ""))
    if is_profile:
        cards.append(("SPECPFTP", PROFILE_KINDS[cube.kind], "original or fit"))
        cards.append(("SPECPFIN", IONS[cube.line].name, "ion"))
    for number, (name, meaning) in enumerate(cube.extension.flags):
        cards.append((f"FLAG{number}", name, f"{1 << number}: {meaning}"))
    for card in cards:
        header.append(card, end=True)
    for line in textwrap.wrap(cube.extension.description, _WIDTH):
        header.append(("COMMENT", line), end=True)
    add_section(header, "WCS")
    for card in frame.cards_of(cube):
        header.append(card, end=True)
    return unit
