"""Maps of Ca II 854.2 nm for pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvzmpi.level2.inversion.calcium_file import read_so_far
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.pictures.map_files import (
    Continuum,
    needed,
    notes_of,
    observed_in,
    prepared_of,
    quality_of,
)
from cvzmpi.level2.pictures.opened_map import OpenedMap, Profiles
from cvzmpi.level2.pictures.quantities import UNCERTAINTY, Quantity, named
from cvzmpi.level2.pixels.calcium import PRODUCTS

_NAMES = {
    "core/longitudinal": "core_field",
    "wing/longitudinal": "wing_field",
    "core/velocity": "velocity",
}


def calcium_quantity(name: str) -> str:
    """The name of a quantity of pictures, of one of `calcium.PRODUCTS`."""
    of, is_error, _ = name.partition("_error")
    return f"{_NAMES[of]}{UNCERTAINTY}" if is_error else _NAMES[of]


def open_calcium(path: Path, prepared_path: Path | None) -> OpenedMap:
    """Read a map of Ca II 854.2 nm, as far as it is done.

    Parameters
    ----------
    prepared_path : Path or None
        The prepared map; None to look for it where the commands leave it.

    Raises
    ------
    MapFileError
        If a file cannot be read, or the prepared map is not that of the other.
    """
    found, progress = read_so_far(path)
    prepared = prepared_of(path, found.origin.prepared_checksum, prepared_path)
    quantities = [
        Quantity.of(calcium_quantity(name), unit, found.values[name])
        for name, unit in PRODUCTS.items()
    ]
    quantities += quality_of(found.status, found.quality, found.n_outliers)
    if prepared is not None:
        quantities.append(Quantity("continuum", "far wings", Continuum(prepared).read))
    kind = "map of Ca II 854.2 nm, weak-field approximation"
    return OpenedMap(
        path=path,
        kind=kind if progress.done else f"{kind}, not finished",
        shape=_shape(found.status),
        quantities=named(quantities),
        scale=None if prepared is None else prepared.scale,
        read_profiles=lambda x, y: _profiles(path, prepared, x, y),
        status=Quantity.of("status", "", found.status),
        notes=notes_of(prepared, found.status, progress.done),
    )


def _shape(status: np.ndarray) -> tuple[int, int]:
    n_steps, n_slit = status.shape
    return n_steps, n_slit


def _profiles(path: Path, prepared: PreparedMap | None, x: int, y: int) -> Profiles:
    prepared = needed(path, prepared)
    return Profiles(prepared.wavelength, observed_in(prepared, x, y), None)
