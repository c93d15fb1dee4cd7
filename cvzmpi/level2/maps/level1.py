"""Level 1 data of the spectropolarimeter ViSP, as the `dkist` package reads them.

A dataset is a directory with an ASDF file, which describes it, and one FITS file for each Stokes
parameter at each scan position of the slit.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units

from cvzmpi.errors import Level1Error, one_line
from cvzmpi.extras import needs

_DISPERSION_AXIS = 1  # the pixel axes of the world coordinates are slit, dispersion, ...


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

    def stokes(self, step: int, wavelengths: slice) -> np.ndarray:
        """Stokes I, Q, U, V at a scan position: shape (n_slit, 4, n_wavelengths), raw units."""
        part = self.dataset.data[:, step, wavelengths].compute(scheduler="synchronous")
        return np.ascontiguousarray(part.transpose(2, 0, 1), dtype=float)

    def files(self) -> list[Path]:
        """The FITS files, by Stokes parameter and scan position."""
        return [self.directory / name for name in self.dataset.files.filenames]

    def headers(self) -> list[dict[str, Any]]:
        """The FITS headers of Stokes I, by scan position."""
        table = self.dataset[0].headers
        return [dict(zip(table.colnames, row, strict=True)) for row in table]


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
        If `dkist` is not installed, the dataset cannot be read, is no ViSP data with all Stokes
        parameters, or lacks files.
    """
    dataset = _load_visp(directory)
    shape = dataset.data.shape
    wcs = dataset.wcs.low_level_wcs
    if len(shape) == 5:
        if not 0 <= map_number < shape[1]:
            raise Level1Error(f"{directory}: map {map_number} of {shape[1]}, counted from 0")
        dataset = dataset[:, map_number]
    elif map_number != 0:
        raise Level1Error(f"{directory}: map {map_number}, and it has only one")
    level1 = Level1Map(directory, dataset, _wavelength(dataset), wcs, map_number)
    files = level1.files() if files_needed else []
    missing = [path for path in files if not path.is_file()]
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


def _load_visp(directory: Path) -> Any:
    """The dataset, if it has maps with all Stokes parameters."""
    dataset = _load(directory)
    instrument = dataset.meta["inventory"].get("instrumentName")
    if str(instrument or "").upper() != "VISP":
        raise Level1Error(f"{directory}: from {instrument}, expected ViSP")
    shape = dataset.data.shape
    if len(shape) not in (4, 5) or shape[0] != 4:
        raise Level1Error(
            f"{directory}: an array of the shape {shape}; expected the axes Stokes (4), "
            "perhaps map, scan position, wavelength, slit"
        )
    if shape[-3] < 2:
        raise Level1Error(f"{directory}: one scan position is no map")
    return dataset


def _load(directory: Path) -> Any:
    with needs("level2", "reading Level 1 data"):
        import dkist  # optional: a cvzmpi that does not read Level 1 data can do without it
    if not directory.is_dir():
        raise Level1Error(f"{directory}: no such directory")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of dkist's libraries, about harmless things
            dataset = dkist.load_dataset(directory)
    except Exception as error:  # ASDF, gwcs and dkist raise errors of many types
        raise Level1Error(f"{directory}: cannot be read: {one_line(error)}") from error
    if not isinstance(dataset, dkist.Dataset):
        raise Level1Error(f"{directory}: a {type(dataset).__name__}, expected one Level 1 dataset")
    return dataset


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
