"""The file of a map of Ca II 854.2 nm: as an inverted map, and as safe, with other datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.inversion_file import (
    FORMAT,
    FORMAT_VERSION,
    Progress,
    opened_so_far,
)
from cvzmpi.level2.inversion.inversion_writer import TicketWriter
from cvzmpi.level2.inversion.inverted_datasets import (
    CALCIUM_NOTE,
    OF_CALCIUM,
    WEAK_FIELD_MODEL,
    name_the_bits,
    write_new,
)
from cvzmpi.level2.inversion.origin import Origin
from cvzmpi.level2.maps.map_file import opened
from cvzmpi.level2.pixels.calcium import PRODUCTS, Chromosphere
from cvzmpi.messages.wording import counted
from cvzmpi.storage.structure_checksum import new_in_memory


@dataclass(frozen=True)
class CalciumMap:
    """A map of Ca II 854.2 nm, finished or not; where its status is 0, values are NaN."""

    values: Mapping[str, np.ndarray]  # float32 arrays of the map's shape; by `calcium.PRODUCTS`
    status: np.ndarray  # uint8 array of the map's shape
    quality: np.ndarray  # uint16 array of the map's shape, bits of `outliers.Quality`
    n_outliers: np.ndarray  # int32 array of the map's shape
    origin: Origin


def is_calcium(path: Path) -> bool:
    """True if a file is a map of Ca II 854.2 nm.

    Raises
    ------
    MapFileError
        If it is no inverted map at all.
    """
    with opened(path, FORMAT, FORMAT_VERSION) as file:
        return bool(file.attrs["model"] == WEAK_FIELD_MODEL)


def create(path: Path, shape: tuple[int, int], n_tickets: int, origin: Origin, fsync: bool) -> None:
    """Write a file without results, as a whole.

    Raises
    ------
    MapFileError
    """
    with new_in_memory() as file:
        inversion_file.describe(file, WEAK_FIELD_MODEL, n_tickets, origin)
        file.attrs["note"] = CALCIUM_NOTE
        for name, kind in OF_CALCIUM.items():
            file[name] = np.full(shape, kind.before, kind.dtype)
            file[name].attrs["units"] = kind.units
        name_the_bits(file["quality"])
        write_new(path, file, fsync)


def read(path: Path) -> CalciumMap:
    """Read a finished map.

    Raises
    ------
    MapFileError
        If the file is unreadable, of another kind, or not finished.
    """
    so_far, progress = read_so_far(path)
    if not progress.done:
        remaining = counted(progress.n_tickets_remaining, "ticket is", "tickets are")
        raise MapFileError(f"{path}: {remaining} not measured yet")
    inversion_file.check_counted(path, so_far.status.size)
    return so_far


def read_so_far(path: Path) -> tuple[CalciumMap, Progress]:
    """Read a map as far as it is done, also while a job works on it.

    Raises
    ------
    MapFileError
        If there is no such file, or it is unreadable or of another kind.
    """
    with opened_so_far(path) as (file, progress):
        if (model := file.attrs["model"]) != WEAK_FIELD_MODEL:
            raise MapFileError(f"{path}: by {model}, expected {WEAK_FIELD_MODEL}")
        so_far = CalciumMap(
            values={name: file[name][()] for name in PRODUCTS},
            status=file["status"][()],
            quality=file["quality"][()],
            n_outliers=file["n_outliers"][()],
            origin=Origin.of_file(file),
        )
    return so_far, progress


class CalciumWriter(TicketWriter):
    """Writes what was measured in tickets."""

    def write(self, place: tuple[int, slice], found: Chromosphere) -> None:
        """Write what this rank found about some pixels; not collective.

        Raises
        ------
        MapFileError
        """
        with self.writing() as file:
            for name, values in found.values.items():
                file[name][place] = values
            for name in ("status", "quality", "n_outliers"):
                file[name][place] = getattr(found, name)
