"""The Level 2 ASDF file, which `dkist.load_dataset` opens as `dkist.Inversion`.

With `inversion = dkist.load_dataset(directory)`:

- quantities are `inversion["mag_strength"]` and so on, by the names that DKIST's own products use;
- the standard deviation of a quantity is `inversion["mag_strength_uncertainty"]`: it is a member
  like the quantities, so that it is sliced with them, `inversion[10:20, 30:40]`;
- profiles are `inversion.profiles["FeI630_orig"]` and `["FeI630_fit"]`;
- what has one value for a pixel is in `inversion.meta["maps"]`: `["chi_squared"]`, `["status"]`,
  and further results of the method, as `["milne_eddington_damping"]`, each a `dkist.Dataset` that
  is sliced by itself. They are no members since all members of an `Inversion` must have the same
  axes, and those of DKIST have depths; and no `NDCollection` since one in `meta` cannot be copied,
  which slicing the inversion does;
- `inversion.meta["inventory"]` is the record of the inversion; its `["note"]` states the zero of
  velocities and the frame of the azimuth;
- `inversion.meta["headers"]` are the primary headers of the FITS files, and those of an extension
  are in its member, as `inversion["velocity"].meta["headers"]`;
- `inversion.meta["l1gwcs"]` are the coordinates of Level 1.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asdf
import numpy as np
from astropy import units
from astropy.table import Table
from dkist import Dataset
from dkist.dataset import Inversion
from dkist.dataset.inversion import Profiles
from dkist.io import DKISTFileManager
from dkist.io.dask.loaders import AstropyFITSLoader

from cvzmpi.level2.product.extensions import IONS
from cvzmpi.level2.product.files import level2_gwcs
from cvzmpi.level2.product.files.cubes import Cube
from cvzmpi.level2.product.files.level2_fits import FIRST_EXTENSION
from cvzmpi.level2.product.files.level2_gwcs import Level1Coordinates

_PROFILE_KINDS = {"orig": "original", "fit": "fit"}


@dataclass(frozen=True)
class Description:
    """The description of the FITS files that goes into the ASDF file."""

    # the record of the inversion, with `inversionId`, `datasetIds` and so on
    inventory: Mapping[str, Any]
    file_names: Sequence[str]  # in the order of the scan
    cubes: Sequence[Cube]  # in the order of the extensions
    headers: Sequence[Table]  # of the primary units, and of the extensions in their order
    level1: Level1Coordinates
    log_tau: np.ndarray | None  # the depths, if there are any
    wavelengths: Mapping[str, np.ndarray]  # of the lines, in air, nm


def build(description: Description, directory: Path) -> bytes:
    """The ASDF file; the same arguments give the same file.

    Parameters
    ----------
    directory : Path
        Directory of the FITS files; the ASDF file names them relative to itself.
    """
    with asdf.AsdfFile({"inversion": _Tree(description, directory).inversion()}) as file:
        buffer = io.BytesIO()
        file.write_to(buffer, all_array_compression="zlib")  # validates the tree
    return buffer.getvalue()


class _Tree:
    """Builds the tree. What many members share is one object, which ASDF writes once."""

    def __init__(self, description: Description, directory: Path) -> None:
        self._description = description
        self._directory = directory
        self._names = list(description.file_names)
        self._inventory = dict(description.inventory)
        first = description.cubes[0]
        shape = (len(self._names), first.shape[1])
        self._on_map = level2_gwcs.map_wcs(description.level1, shape)
        self._on_depths = self._on_map
        if description.log_tau is not None:
            self._on_depths = level2_gwcs.depths_wcs(description.level1, shape, description.log_tau)
        self._on_spectra = {
            line: level2_gwcs.spectra_wcs(description.level1, shape, wavelength)
            for line, wavelength in description.wavelengths.items()
        }

    def inversion(self) -> Inversion:
        quantities = [*self._members("quantities"), *self._members("uncertainties")]
        profiles, maps = self._members("profiles"), self._members("maps")
        n_aligned = 2 if self._description.log_tau is None else 3
        map_axes = ["frame_y", "slit_x"]
        meta = {
            "axes": map_axes if n_aligned == 2 else [*map_axes, "optical_depth"],
            "gwcs": self._on_depths,
            "inventory": self._inventory,
            "headers": self._description.headers[0],
            "l1gwcs": level2_gwcs.level1_coordinates(self._description.level1),
        }
        if maps:
            meta["maps"] = dict(maps)
        return Inversion(
            quantities,
            aligned_axes=(tuple(range(n_aligned)),) * len(quantities),
            meta=meta,
            profiles=Profiles(
                profiles,
                aligned_axes=((0, 1, 3),) * len(profiles),
                meta={"axes": [*map_axes, "wavelength", "stokes"], "gwcs": self._on_spectra},
            ),
        )

    def _members(self, group: str) -> list[tuple[str, Dataset]]:
        return [
            (cube.name, self._dataset(cube, number))
            for number, cube in enumerate(self._description.cubes, start=FIRST_EXTENSION)
            if cube.group == group
        ]

    def _dataset(self, cube: Cube, number: int) -> Dataset:
        """An array over all FITS files, read when it is needed."""
        files = DKISTFileManager.from_parts(
            self._names,
            number,
            cube.dtype,
            cube.shape,
            loader=AstropyFITSLoader,
            basepath=self._directory,
        )
        meta = {"inventory": self._inventory, "headers": self._description.headers[number]}
        if cube.group == "profiles":
            ion = IONS[cube.line]
            kind = _PROFILE_KINDS[cube.kind]
            meta |= {"ion": ion.name, "wavelength": ion.wavelength, "profile": kind}
        unit = units.Unit(cube.extension.unit, format="fits")
        dataset = Dataset(files.dask_array, self._wcs(cube), unit=unit, meta=meta)
        dataset._file_manager = files
        return dataset

    def _wcs(self, cube: Cube) -> Any:
        if cube.group == "profiles":
            return self._on_spectra[cube.line]
        return self._on_map if cube.group == "maps" else self._on_depths
