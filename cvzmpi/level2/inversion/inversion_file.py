"""The file of an inverted map, which survives a kill at any instant.

It is allocated in full when it is created. Then tickets, groups of pixels in a fixed order, are
written in place; the attribute `n_tickets_remaining` is lowered when their rows are on disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from cvzmpi.errors import DamagedMapFileError, MapFileError
from cvzmpi.level2.inversion.inverted_datasets import (
    COMPONENTS_NOTE,
    DIAGNOSTICS,
    LATER_DIAGNOSTICS,
    OF_SWEEPS,
    SIGNIFICANCE,
    SWEEP,
    WEAK_FIELD_NOTE,
    datasets_in,
    group_of_sweep,
    n_sweeps_of,
    name_the_bits,
    names_of_parameters,
    write_new,
)
from cvzmpi.level2.inversion.origin import Origin
from cvzmpi.level2.maps.map_file import opened
from cvzmpi.level2.neighbours.coupling import NOTE as COUPLING_NOTE
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS
from cvzmpi.messages.wording import counted
from cvzmpi.storage.structure_checksum import new_in_memory
from cvzmpi.storage.whole_file import is_there

FORMAT = "cvzmpi inverted map"
FORMAT_VERSION = 1
MODEL = "Milne-Eddington"
AZIMUTH_NOTE = (
    "The azimuth is known modulo 180 degrees; which of the two directions is the field's was not "
    "decided."
)


@dataclass(frozen=True)
class Progress:
    """The progress of an inverted map, and what it is made with."""

    n_tickets: int
    n_tickets_remaining: int
    settings_json: str
    prepared_checksum: str
    n_sweeps: int = 0  # how often pixels are fitted again

    @property
    def done(self) -> bool:
        """True if nothing is left to do."""
        return self.n_tickets_remaining == 0

    @property
    def n_tickets_done(self) -> int:
        """Tickets whose pixels are all in the file."""
        return self.n_tickets - self.n_tickets_remaining

    @property
    def group(self) -> str:
        """The group with the parameters of the last sweep that is done, or of the first work."""
        n_done = self.n_tickets_done // (self.n_tickets // (1 + self.n_sweeps) or 1)
        return group_of_sweep(max(n_done - 1, 0), self.n_sweeps)


@dataclass(frozen=True)
class InvertedMap:
    """An inverted map, finished or not."""

    # `parameters`, `uncertainties`: dict of float32 arrays of the map's shape; by name, in the
    # units of `milne_eddington.PARAMETERS`
    parameters: dict[str, np.ndarray]
    uncertainties: dict[str, np.ndarray]
    chi_squared: np.ndarray  # float32 array of the map's shape
    status: np.ndarray  # uint8 array of the map's shape
    # uint16 array of the map's shape, bits of `outliers.Quality`; zeros in a map that an earlier
    # version began
    quality: np.ndarray
    origin: Origin
    # int32 array of the map's shape; None in a file of an earlier version
    n_outliers: np.ndarray | None = None
    # float32 array of the map's shape; None in a file of an earlier version
    field_significance: np.ndarray | None = None
    # float32 arrays of the map's shape in G, by the names of `weak_field.PRODUCTS`; empty in a file
    # of an earlier version
    weak_field: Mapping[str, np.ndarray] = field(default_factory=dict)
    # the same, by the names of `field_components.COMPONENTS`
    field_components: Mapping[str, np.ndarray] = field(default_factory=dict)


def create(
    path: Path,
    shape: tuple[int, int],
    n_tickets: int,
    origin: Origin,
    fsync: bool,
    n_sweeps: int = 0,
) -> None:
    """Write a file without results, as a whole.

    HDF5 makes the file in memory: where a disk is full, it would crash the process.

    Parameters
    ----------
    n_sweeps : int
        How often pixels are fitted again, drawn towards their neighbours.

    Raises
    ------
    MapFileError
    """
    with new_in_memory() as file:
        describe(file, MODEL, n_tickets, origin)
        file.attrs["note"] = AZIMUTH_NOTE
        diagnostics = DIAGNOSTICS | LATER_DIAGNOSTICS
        if n_sweeps:
            file.attrs["n_sweeps"] = np.int64(n_sweeps)
            file.attrs["coupling"] = COUPLING_NOTE
            diagnostics = diagnostics | OF_SWEEPS
        for full_name in names_of_parameters(n_sweeps):
            units = PARAMETERS[full_name.partition("/")[2]]
            file[full_name] = np.full(shape, np.nan, "<f4")
            file[full_name].attrs["units"] = units or "1"
        for name, kind in diagnostics.items():
            file[name] = np.full(shape, kind.before, kind.dtype)
            file[name].attrs["units"] = kind.units
        name_the_bits(file["quality"])
        file["weak_field"].attrs["note"] = WEAK_FIELD_NOTE
        file["field_components"].attrs["note"] = COMPONENTS_NOTE
        write_new(path, file, fsync)


def describe(file: h5py.File, model: str, n_tickets: int, origin: Origin) -> None:
    """Say in the attributes of a new file what it is and what it is made with."""
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["model"] = model
    origin.write(file)
    file.attrs["n_tickets"] = np.int64(n_tickets)
    file.attrs["n_tickets_remaining"] = np.int64(n_tickets)


def read_progress(path: Path) -> Progress | None:
    """Read the progress of a file; None where there is none.

    Raises
    ------
    DamagedMapFileError
        If the file is inconsistent or no HDF5.
    MapFileError
        If it is another kind of file, or the operating system does not let it be read.
    """
    if not is_there(path, MapFileError):
        return None
    with opened(path, FORMAT, FORMAT_VERSION) as file:
        _check_shapes(path, file)
        progress = Progress(
            n_tickets=int(file.attrs["n_tickets"]),
            n_tickets_remaining=int(file.attrs["n_tickets_remaining"]),
            settings_json=str(file.attrs["settings"]),
            prepared_checksum=str(file.attrs["prepared_sha256"]),
            n_sweeps=n_sweeps_of(file),
        )
        json.loads(progress.settings_json)
        if not 0 <= progress.n_tickets_remaining <= progress.n_tickets:
            raise DamagedMapFileError(f"{path}: more tickets remain than there are")
        return progress


def check_counted(path: Path, n_pixels: int) -> None:
    """Check that the first `n_pixels` pixels, scan position by scan position, are inverted.

    The count of tickets is written in place, and has no checksum; but each pixel has a status, and
    the number of its last sweep.

    Parameters
    ----------
    n_pixels : int
        Pixels of each sweep count again.

    Raises
    ------
    DamagedMapFileError
        If the count includes pixels that nobody inverted.
    """
    with opened(path, FORMAT, FORMAT_VERSION) as file:
        missing = (file["status"][()].ravel()[:n_pixels] == 0).any()
        if SWEEP in file:
            swept = file[SWEEP][()].ravel()
            sweep, n_in_sweep = divmod(n_pixels, len(swept))
            missing |= (swept + 1 < sweep).any() or (swept[:n_in_sweep] < sweep).any()
        if missing:
            raise DamagedMapFileError(f"{path}: counts pixels that are not inverted")


def read(path: Path) -> InvertedMap:
    """Read a finished map.

    Raises
    ------
    MapFileError
        If the file is unreadable, or not all pixels are inverted.
    """
    so_far, progress = read_so_far(path)
    if not progress.done:
        remaining = counted(progress.n_tickets_remaining, "ticket is", "tickets are")
        raise MapFileError(f"{path}: {remaining} not inverted yet")
    check_counted(path, so_far.status.size * (1 + progress.n_sweeps))
    return so_far


def read_so_far(path: Path) -> tuple[InvertedMap, Progress]:
    """Read a map as far as it is inverted, also while a job inverts it.

    Returns
    -------
    InvertedMap
        Where its status is 0, a pixel is not inverted yet, and its values are NaN.
    Progress

    Raises
    ------
    MapFileError
        If there is no such file, or it is unreadable.
    """
    with opened_so_far(path) as (file, progress):
        if file.attrs["model"] != MODEL:
            raise MapFileError(f"{path}: by the {file.attrs['model']}, expected {MODEL}")
        so_far = InvertedMap(
            parameters={name: file[progress.group][name][()] for name in PARAMETERS},
            uncertainties={name: file["uncertainties"][name][()] for name in PARAMETERS},
            chi_squared=file["chi_squared"][()],
            status=file["status"][()],
            quality=_quality(file),
            origin=Origin.of_file(file),
            n_outliers=file["n_outliers"][()] if "n_outliers" in file else None,
            field_significance=file[SIGNIFICANCE][()] if SIGNIFICANCE in file else None,
            weak_field=_group(file, "weak_field"),
            field_components=_group(file, "field_components"),
        )
    return so_far, progress


@contextmanager
def opened_so_far(path: Path) -> Iterator[tuple[h5py.File, Progress]]:
    """Open a file of any model, perhaps while a job works on it, with its progress.

    Raises
    ------
    MapFileError
        If there is no such file, or it is unreadable.
    """
    progress = read_progress(path)
    if progress is None:
        raise MapFileError(f"{path}: no such file")
    with opened(path, FORMAT, FORMAT_VERSION) as file:
        yield file, progress


def _check_shapes(path: Path, file: h5py.File) -> None:
    """Check that all datasets are there, and of one shape."""
    datasets = [file[name] for name in datasets_in(file)]
    if len({dataset.shape for dataset in datasets}) != 1:
        raise DamagedMapFileError(f"{path}: datasets differ in shape")


def _group(file: h5py.File, name: str) -> dict[str, np.ndarray]:
    """The datasets of a group; none where an earlier version wrote the file."""
    return {dataset: values[()] for dataset, values in file.get(name, {}).items()}


def _quality(file: h5py.File) -> np.ndarray:
    if "quality" not in file:
        return np.zeros(file["status"].shape, np.uint16)
    quality: np.ndarray = file["quality"][()]
    return quality
