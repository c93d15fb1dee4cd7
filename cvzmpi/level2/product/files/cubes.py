"""The arrays that the FITS files of a product hold together: which there are, and where each is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cvzmpi.errors import MapFileError
from cvzmpi.level2.product import extensions
from cvzmpi.level2.product.extensions import Extension
from cvzmpi.level2.product.product_source import ScanPosition

Group = Literal["quantities", "profiles", "uncertainties", "maps"]

_INTEGERS = {"uint8", "int16", "int32", "int64"}  # of which FITS has the type


@dataclass(frozen=True)
class Cube:
    """An array over all scan positions; each FITS file has one slice of it in an extension."""

    name: str  # in `dkist.Inversion`, or in the collection of further maps
    group: Group
    extension: Extension
    shape: tuple[int, ...]  # in a file: one scan position, slit, and perhaps more axes
    dtype: str
    line: str = ""  # of profiles
    kind: str = ""  # of profiles: one of `PROFILE_KINDS`


def cubes_of(position: ScanPosition) -> list[tuple[Cube, np.ndarray]]:
    """The cubes in the order of the extensions, with their arrays at one scan position.

    Raises
    ------
    MapFileError
        If a quantity or a line is not known.
    """
    return list(_cubes(position))


def _cubes(position: ScanPosition) -> Iterator[tuple[Cube, np.ndarray]]:
    given = position.quantities.keys() | position.uncertainties.keys()
    if unknown := sorted(given - extensions.QUANTITIES.keys()):
        raise MapFileError(f"{unknown[0]}: no quantity of Level 2")
    for name, extension in extensions.QUANTITIES.items():
        if name in position.quantities:
            yield _cube(name, "quantities", extension, position.quantities[name])
    for profiles in position.profiles:
        line = profiles.line
        if line not in extensions.IONS:
            raise MapFileError(f"{line}: no spectral line of Level 2")
        for kind, values in (("orig", profiles.original), ("fit", profiles.fit)):
            if values is None:
                continue
            extension = extensions.profile(line, kind)
            yield _cube(f"{line}_{kind}", "profiles", extension, values, line, kind)
    for name in extensions.QUANTITIES:
        if name in position.uncertainties:
            extension, values = extensions.uncertainty(name), position.uncertainties[name]
            yield _cube(f"{name}{extensions.UNCERTAINTY}", "uncertainties", extension, values)
    if position.chi_squared is not None:
        yield _cube("chi_squared", "maps", extensions.CHI_SQUARED, position.chi_squared)
    if position.status is not None:
        yield _cube("status", "maps", extensions.STATUS, position.status)
    for extension, values in position.more:
        yield _cube(_key(extension), "maps", extension, values)


def _cube(
    name: str,
    group: Group,
    extension: Extension,
    values: np.ndarray,
    line: str = "",
    kind: str = "",
) -> tuple[Cube, np.ndarray]:
    dtype = "float32"
    if values.dtype.kind in "iub":
        dtype = values.dtype.name if values.dtype.name in _INTEGERS else "int32"
    array = np.ascontiguousarray(values, dtype)[np.newaxis]
    return Cube(name, group, extension, array.shape, dtype, line, kind), array


def _key(extension: Extension) -> str:
    """The name of an extension as a key: `Milne-Eddington damping` is `milne_eddington_damping`."""
    return re.sub(r"\W+", "_", extension.name.lower()).strip("_")
