"""Level 1 data of the spectropolarimeter ViSP, as the `dkist` package reads them.

A dataset is a directory with an ASDF file, which describes it, and one FITS file for each Stokes
parameter at each scan position of the slit.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units

from cvzmpi.errors import CvzmpiError, Level1Error, one_line
from cvzmpi.extras import needs
from cvzmpi.level2.maps.level1_frame import check_frame
from cvzmpi.messages.foreign_json import shown
from cvzmpi.regular_file import UnreadableFileError, open_regular

MAX_ASDF_BYTES = 1 << 30
"""Bytes of the ASDF file, which has the headers of all FITS files."""

_DISPERSION_AXIS = 1  # the pixel axes of the world coordinates are slit, dispersion, ...
_DATASET_ID = re.compile("[A-Za-z0-9][A-Za-z0-9._-]*")  # it becomes a part of names of files


@dataclass(frozen=True)
class Level1Map:
    """One map of a Level 1 dataset, that is one passing of the slit over the Sun."""

    directory: Path
    dataset: Any  # this map alone; its array has the axes Stokes, scan position, wavelength, slit
    wavelength: np.ndarray  # float64, shape (n_wavelengths,); in air, nm, not calibrated
    wcs: Any  # world coordinates of the whole dataset, all maps
    map_number: int = 0  # the number of the map, from 0, in a dataset with several

    @property
    def inventory(self) -> dict[str, Any]:
        """The record of the whole dataset in the metadata store."""
        return dict(self.dataset.meta["inventory"])

    @property
    def n_steps(self) -> int:
        """The number of scan positions."""
        return int(self.dataset.data.shape[1])

    @property
    def n_slit(self) -> int:
        """The number of pixels along the slit."""
        return int(self.dataset.data.shape[3])

    @property
    def dataset_id(self) -> str:
        """The id of the whole dataset."""
        return str(self.inventory["datasetId"])

    def stokes(self, step: int, wavelengths: slice) -> np.ndarray:
        """Stokes I, Q, U, V at a scan position: shape (n_slit, 4, n_wavelengths), raw units.

        Raises
        ------
        Level1Error
            If a file cannot be read, or has no value there.
        """
        parts = [self._frame(number, step, wavelengths) for number in range(4)]
        return np.ascontiguousarray(np.array(parts, dtype=float).transpose(2, 0, 1))

    def files(self) -> list[Path]:
        """The FITS files, by Stokes parameter and scan position."""
        return [self.directory / name for name in self.dataset.files.filenames]

    def check_files(self) -> dict[str, str]:
        """Check that each file is whole, and in its place; their SHA-256 by name.

        Raises
        ------
        Level1Error
        """
        return {path.name: check_frame(path, *described) for path, described in self._described()}

    def faults(self) -> dict[str, str]:
        """What is wrong with each file that is missing, not whole, or not in its place, by name."""
        found = {}
        for path, described in self._described():
            try:
                check_frame(path, *described)
            except Level1Error as error:
                found[path.name] = str(error)
        return found

    def _described(self) -> list[tuple[Path, tuple[tuple[int, int], dict[str, Any]]]]:
        """Each file with the shape of its image and its header, as the ASDF file has them."""
        shape = (int(self.dataset.data.shape[2]), self.n_slit)
        headers = _as_dicts(self.dataset.headers)
        files = zip(self.files(), headers, strict=True)
        return [(path, (shape, header)) for path, header in files]

    def headers(self) -> list[dict[str, Any]]:
        """The FITS headers of Stokes I, by scan position."""
        return _as_dicts(self.dataset[0].headers)

    def _frame(self, number: int, step: int, wavelengths: slice) -> np.ndarray:
        """A Stokes parameter at a scan position: shape (n_wavelengths, n_slit)."""
        path = self.files()[number * self.n_steps + step]
        part = self.dataset.data[number, step, wavelengths]
        with _reading(path):
            values: np.ndarray = part.compute(scheduler="synchronous")
        if values.shape != part.shape:
            raise Level1Error(f"{path}: an array of {values.shape}, expected {part.shape}")
        if not np.isfinite(values).any():
            raise Level1Error(f"{path}: no finite value at the wavelengths that are needed")
        if not values.any():
            raise Level1Error(f"{path}: all values are 0 at the wavelengths that are needed")
        return values


def read_level1(directory: Path, map_number: int = 0, files_needed: bool = True) -> Level1Map:
    """Read the description of a dataset, and check that its files are there.

    Parameters
    ----------
    directory : Path
        With one ASDF file and the FITS files that it names.
    map_number : int
        The number of the map, from 0, in a dataset with several.
    files_needed : bool
        Whether the FITS files must be there.

    Raises
    ------
    Level1Error
        If the dataset cannot be read, is no ViSP data with all Stokes parameters, or lacks files.
    MissingPackageError
        If `dkist` is not installed.
    """
    dataset = _load_visp(directory)
    with _reading(directory):
        shape = dataset.data.shape
        wcs = dataset.wcs.low_level_wcs
        if len(shape) == 5:
            if not 0 <= map_number < shape[1]:
                raise Level1Error(f"{directory}: map {map_number} of {shape[1]}, counted from 0")
            dataset = dataset[:, map_number]
        elif map_number != 0:
            raise Level1Error(f"{directory}: map {map_number}, and it has only one")
        level1 = Level1Map(directory, dataset, _wavelength(dataset), wcs, map_number)
        _check_wavelength(directory, level1.wavelength)
        missing = _missing(level1) if files_needed else []
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise Level1Error(f"{missing[0]}{more}: named by the ASDF file, and not there")
    return level1


def count_maps(directory: Path) -> int:
    """The number of maps in a dataset.

    Raises
    ------
    Level1Error
        As `read_level1`.
    """
    shape = _load_visp(directory).data.shape
    return int(shape[1]) if len(shape) == 5 else 1


def air_wavelength(vacuum: np.ndarray) -> np.ndarray:
    """Wavelengths in air from those in vacuum, both in nm.

    Morton (2000, ApJS 130, 403), eq. 8, for air at 15 degrees Celsius, in which the wavelengths of
    spectral lines are usually given.
    """
    square = (vacuum * 1e-3) ** -2.0  # per square micrometre
    return vacuum / (1 + 8.34254e-5 + 2.406147e-2 / (130 - square) + 1.5998e-4 / (38.9 - square))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Take any error in the context for the fault of what is read: one line that names it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of dkist's libraries, about harmless things
            yield
    except CvzmpiError:
        raise
    except Exception as error:  # ASDF, FITS, gwcs and dkist raise errors of many types
        text = f"{type(error).__name__}: {one_line(error)}"
        raise Level1Error(f"{path}: cannot be read: {text}") from error


def _load_visp(directory: Path) -> Any:
    """The dataset, if it has maps with all Stokes parameters."""
    dataset = _load(directory)
    with _reading(directory):
        inventory = dataset.meta["inventory"]
        instrument = inventory.get("instrumentName")
        if str(instrument or "").upper() != "VISP":
            raise Level1Error(f"{directory}: from {instrument}, expected ViSP")
        if not _DATASET_ID.fullmatch(str(inventory.get("datasetId"))):
            named = shown(inventory.get("datasetId"))
            raise Level1Error(f"{directory}: datasetId is {named}, expected letters and digits")
        shape = dataset.data.shape
        if len(shape) not in (4, 5) or shape[0] != 4:
            raise Level1Error(
                f"{directory}: an array of the shape {shape}; expected the axes Stokes (4), "
                "perhaps map, scan position, wavelength, slit"
            )
        if shape[-3] < 2:
            raise Level1Error(f"{directory}: one scan position is no map")
        if shape[-2] < 2:
            raise Level1Error(f"{directory}: {shape[-2]} wavelengths, expected a spectrum")
        _check_names(directory, dataset)
    return dataset


def _load(directory: Path) -> Any:
    with needs("level2", "reading Level 1 data"):
        import dkist  # optional: a cvzmpi that does not read Level 1 data can do without it
    if not directory.is_dir():
        raise Level1Error(f"{directory}: no such directory")
    for file in directory.glob("*.asdf"):
        _check_readable(file)
    with _reading(directory):
        dataset = dkist.load_dataset(directory)
    if isinstance(dataset, list):
        raise Level1Error(f"{directory}: ASDF files of {len(dataset)} datasets, expected one")
    if not isinstance(dataset, dkist.Dataset):
        raise Level1Error(f"{directory}: a {type(dataset).__name__}, expected one Level 1 dataset")
    return dataset


def _check_readable(file: Path) -> None:
    """Refuse what would be waited for, as a pipe, or would fill the memory, before it is opened."""
    try:
        descriptor = open_regular(file)
        size = os.fstat(descriptor).st_size
        os.close(descriptor)
    except UnreadableFileError as error:
        raise Level1Error(f"{file}: {error}") from error
    except OSError as error:
        raise Level1Error(f"{file}: cannot be read: {error.strerror}") from error
    if size > MAX_ASDF_BYTES:
        raise Level1Error(f"{file}: larger than {MAX_ASDF_BYTES:,} bytes")


def _check_names(directory: Path, dataset: Any) -> None:
    """Check that there is a header for each file, and that all are files of the directory."""
    names = dataset.files.filenames
    n_frames = int(np.prod(dataset.data.shape[:-2]))
    if len(names) != n_frames or len(dataset.headers) != n_frames:
        raise Level1Error(
            f"{directory}: {len(names)} FITS files and {len(dataset.headers)} headers in the ASDF "
            f"file, expected {n_frames} of both"
        )
    for name in names:
        if Path(name).name != name:
            raise Level1Error(f"{directory}: {shown(name)} is no file of this directory")
    if len(set(names)) != n_frames:
        twice = next(name for name in names if names.count(name) > 1)
        raise Level1Error(f"{directory}: {shown(twice)} stands for several frames")


def _missing(level1: Level1Map) -> list[Path]:
    """The files that are not there."""
    there = set(os.listdir(level1.directory))
    return [path for path in level1.files() if path.name not in there or not path.exists()]


def _as_dicts(table: Any) -> list[dict[str, Any]]:
    return [dict(zip(table.colnames, row, strict=True)) for row in table]


def _wavelength(dataset: Any) -> np.ndarray:
    """The wavelength of each pixel along the dispersion, in air."""
    wcs = dataset.wcs.low_level_wcs
    index = list(wcs.world_axis_physical_types).index("em.wl")
    pixels: list[Any] = [0] * wcs.pixel_n_dim
    pixels[_DISPERSION_AXIS] = np.arange(dataset.data.shape[2])
    values = np.asarray(wcs.pixel_to_world_values(*np.broadcast_arrays(*pixels))[index], float)
    nm = (values * units.Unit(wcs.world_axis_units[index])).to_value("nm")
    in_vacuum = str(dataset.headers[0]["CTYPE2"]).startswith("WAVE")
    return air_wavelength(nm) if in_vacuum else nm


def _check_wavelength(directory: Path, wavelength: np.ndarray) -> None:
    steps = np.diff(wavelength)
    if not np.isfinite(wavelength).all() or not (np.all(steps > 0) or np.all(steps < 0)):
        raise Level1Error(f"{directory}: its wavelengths do not go one way, from one to the next")
