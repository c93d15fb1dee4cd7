"""The Level 2 ASDF file, which `dkist.load_dataset` opens as `dkist.Inversion`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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

from cvzmpi.level2.product.level2_fits import PROFILES, QUANTITIES, extension_number
from cvzmpi.level2.product.level2_wcs import Level1Coordinates, map_wcs, spectra_wcs

_ION = {"ion": "Fe I", "wavelength": 630.15}


@dataclass(frozen=True)
class Description:
    """The description of the FITS files that goes into the ASDF file."""

    # the record of the inversion, with `inversionId`, `datasetIds` and so on
    inventory: Mapping[str, Any]
    file_names: Sequence[str]  # in the order of the scan
    # for each FITS file, the headers of the primary and of the extensions
    headers: Sequence[Sequence[Mapping[str, Any]]]
    level1: Level1Coordinates
    n_slit: int
    wavelength: np.ndarray  # float64, shape (n_wavelengths,); in air, nm, equally spaced


def asdf_name(inversion_id: str, begin: datetime) -> str:
    """The name of the ASDF file, with a time of fixed width."""
    stamp = begin.strftime("%Y%m%dT%H%M%S")
    return f"INV_L2_{stamp}_{inversion_id.removeprefix('inv.')}_metadata.asdf"


def build(description: Description, directory: Path) -> bytes:
    """The ASDF file.

    Parameters
    ----------
    directory : Path
        Directory of the FITS files; the ASDF file names them relative to itself.
    """
    map_shape = (len(description.file_names), description.n_slit)
    on_map = map_wcs(description.level1, map_shape)
    on_spectra = spectra_wcs(description.level1, map_shape, description.wavelength)
    quantities = {
        name: _dataset(description, directory, name, on_map, (1, description.n_slit))
        for name in QUANTITIES
    }
    shape = (1, description.n_slit, len(description.wavelength), 4)
    profiles = {
        name: _dataset(description, directory, name, on_spectra, shape) for name in PROFILES
    }
    inversion = Inversion(
        list(quantities.items()),
        aligned_axes=((0, 1),) * len(quantities),
        meta={
            "inventory": dict(description.inventory),
            "headers": _table([headers[0] for headers in description.headers]),
        },
        profiles=Profiles(list(profiles.items()), aligned_axes=((0, 1),) * len(profiles)),
    )
    buffer = io.BytesIO()
    with asdf.AsdfFile({"inversion": inversion}) as file:
        file.validate()
        file.write_to(buffer, all_array_compression="zlib")
    return buffer.getvalue()


def _dataset(
    description: Description, directory: Path, name: str, wcs: Any, shape: tuple[int, ...]
) -> Any:
    """A quantity or a profile: an array over all FITS files, read when it is needed."""
    number = extension_number(name)
    files = DKISTFileManager.from_parts(
        list(description.file_names),
        number,
        "float32",
        shape,
        loader=AstropyFITSLoader,
        basepath=directory,
    )
    meta = {
        "inventory": dict(description.inventory),
        "headers": _table([headers[number] for headers in description.headers]),
    }
    extension = (QUANTITIES | PROFILES)[name]
    if name in PROFILES:
        meta |= {**_ION, "profile": "original" if name.endswith("_orig") else "fit"}
    unit = units.Unit(extension.unit, format="fits")
    dataset = Dataset(files.dask_array, wcs, unit=unit, meta=meta)
    dataset._file_manager = files
    return dataset


def _table(headers: Sequence[Mapping[str, Any]]) -> Any:
    """Headers as the rows of a table."""
    rows = [
        {key: value for key, value in header.items() if key not in {"COMMENT", "HISTORY", ""}}
        for header in headers
    ]
    return Table(rows=rows)
