"""Level 2 products for pictures: a FITS file for each scan position, and perhaps the ASDF file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from cvzmpi.errors import MapFileError, one_line
from cvzmpi.level2.maps.map_scale import scale_of
from cvzmpi.level2.pictures.calcium_files import calcium_quantity
from cvzmpi.level2.pictures.map_files import continuum_of
from cvzmpi.level2.pictures.opened_map import OpenedMap, Profiles
from cvzmpi.level2.pictures.quantities import UNCERTAINTY, Quantity, named
from cvzmpi.level2.product import extensions
from cvzmpi.level2.product.extensions import QUANTITIES

_PRODUCT_NAMES = {
    "mag_strength": "field_strength",
    "mag_inclination": "inclination",
    "mag_azimuth": "azimuth",
    "velocity": "velocity",
}
_EXTENSIONS = {
    **{QUANTITIES[theirs].name: name for theirs, name in _PRODUCT_NAMES.items()},
    **{
        extensions.uncertainty(theirs).name: f"{name}{UNCERTAINTY}"
        for theirs, name in _PRODUCT_NAMES.items()
    },
    "Milne-Eddington doppler width": "doppler_width",
    "Milne-Eddington damping": "damping",
    "Milne-Eddington line strength": "line_strength",
    "Milne-Eddington source constant": "source_constant",
    "Milne-Eddington source gradient": "source_gradient",
    "Milne-Eddington filling factor": "filling_factor",
    extensions.CHI_SQUARED.name: "chi_squared",
    extensions.QUALITY.name: "quality",
    extensions.N_OUTLIERS.name: "outliers",
    extensions.SIGNIFICANCE.name: "significance",
    **{
        extension.name: name.replace("_error", UNCERTAINTY)
        for name, extension in extensions.WEAK_FIELD.items()
    },
    **{extension.name: calcium_quantity(name) for name, extension in extensions.CALCIUM.items()},
}
"""The names of quantities, by the names of the extensions that hold them."""

_STATUS = extensions.STATUS.name
_OBSERVED, _FITTED = (
    {line: extensions.profile(line, kind).name for line in ("FeI630", "CaII854")}
    for kind in ("orig", "fit")
)
_OF_THE_FIELD = ("field_strength", "core_field")


def open_product(path: Path, files: Sequence[Path]) -> OpenedMap:
    """Read the quantities of a product.

    Parameters
    ----------
    path : Path
        The file or directory that was named.
    files : sequence of Path
        The FITS files, in the order of the scan.

    Raises
    ------
    MapFileError
        If a file cannot be read, or the first is no Level 2 file.
    """
    first, last = _headers(files[0]), _headers(files[-1])
    there = {_EXTENSIONS[name]: header for name, header in first.items() if name in _EXTENSIONS}
    shown = next((name for name in _OF_THE_FIELD if name in there), None)
    if shown is None:
        raise MapFileError(f"{path}: a FITS file, but none of Level 2 with maps of the field")
    n_slit, depths = _slit_and_depths(there[shown])
    line = next((line for line, name in _OBSERVED.items() if name in first), "FeI630")
    product = _Files(files, n_slit, line)
    of_name = {name: extension for extension, name in _EXTENSIONS.items()}
    quantities = [
        Quantity(name, str(header.get("BUNIT", "")).strip(), product.reader(of_name[name]))
        for name, header in there.items()
    ]
    if _OBSERVED[line] in first:
        quantities.append(Quantity("continuum", "quiet Sun", product.read_continuum))
    with_status = _STATUS in first
    headers = [{**first[_PRIMARY], **there[shown]} for _ in files[:-1]]
    headers.append({**last[_PRIMARY], **last.get(of_name[shown], {})})
    return OpenedMap(
        path=path,
        kind="Level 2 product",
        shape=(len(files), n_slit),
        quantities=named(quantities),
        scale=scale_of(headers),
        read_profiles=product.read_profiles,
        status=Quantity("status", "", product.reader(_STATUS)) if with_status else None,
        notes=[] if depths == 1 else [f"of {depths} depths, the middle one"],
    )


_PRIMARY = "PRIMARY"


class _Files:
    """The FITS files of a product."""

    def __init__(self, files: Sequence[Path], n_slit: int, line: str) -> None:
        self._observed, self._fitted = _OBSERVED[line], _FITTED[line]
        self._files = files
        self._n_slit = n_slit

    def reader(self, extension: str) -> Any:
        """Reads the values of an extension at some scan positions."""

        def read(steps: slice) -> np.ndarray:
            return np.array([self._row(file, extension) for file in self._files[steps]])

        return read

    def read_continuum(self, steps: slice) -> np.ndarray:
        """The mean observed intensity in the continuum."""
        rows = []
        for file in self._files[steps]:
            with _opened(file) as units:
                mask = continuum_of(_wavelength(units[self._observed].header))
                rows.append(units[self._observed].data[0, :, :, 0][:, mask].mean(axis=1))
        return np.array(rows, float)

    def read_profiles(self, x: int, y: int) -> Profiles:
        """The Stokes profiles of a pixel.

        Raises
        ------
        MapFileError
            If the file has none.
        """
        file = self._files[x]
        with _opened(file) as units:
            if self._observed not in units:
                raise MapFileError(f"{file}: has no profiles of Fe I 630 nm or Ca II 854.2 nm")
            observed = np.array(units[self._observed].data[0, y], float).T
            fitted = (
                np.array(units[self._fitted].data[0, y], float).T if self._fitted in units else None
            )
            if fitted is not None and not np.isfinite(fitted).any():
                fitted = None
            return Profiles(_wavelength(units[self._observed].header), observed, fitted)

    def _row(self, file: Path, extension: str) -> np.ndarray:
        with _opened(file) as units:
            values = np.asarray(units[extension].data, float)
        row: np.ndarray = values[0] if values.ndim == 2 else values[0, :, values.shape[2] // 2]
        if len(row) != self._n_slit:
            raise MapFileError(f"{file}: {extension} has {len(row)} pixels, not {self._n_slit}")
        return row


def _headers(path: Path) -> dict[str, dict[str, Any]]:
    """The headers of a file, by the name of the extension."""
    with _opened(path) as units:
        return {unit.name if n else _PRIMARY: dict(unit.header) for n, unit in enumerate(units)}


def _slit_and_depths(header: dict[str, Any]) -> tuple[int, int]:
    """Pixels along the slit, and depths, of the array of a quantity: (1, slit[, depths])."""
    shape = [int(header[f"NAXIS{n}"]) for n in range(int(header["NAXIS"]), 0, -1)]
    return shape[1], shape[2] if len(shape) > 2 else 1


def _wavelength(header: Any) -> np.ndarray:
    """The wavelengths of an extension with profiles, in nm."""
    pixels = np.arange(1, int(header["NAXIS2"]) + 1)
    along: np.ndarray = float(header["CRVAL2"]) + float(header["CDELT2"]) * (
        pixels - float(header["CRPIX2"])
    )
    return along


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a FITS file; whatever is wrong with it is one error."""
    try:
        with fits.open(path, memmap=True) as units:
            yield units
    except FileNotFoundError as error:
        raise MapFileError(f"{path}: no such file") from error
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise MapFileError(f"{path}: cannot be read: {one_line(error)}") from error
