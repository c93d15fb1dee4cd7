"""Open whatever file a map is in."""

from __future__ import annotations

from pathlib import Path

import h5py

from cvzmpi.errors import DamagedMapFileError, MapFileError, one_line
from cvzmpi.extras import needs
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.calcium_file import is_calcium
from cvzmpi.level2.maps import prepared_map
from cvzmpi.level2.pictures.calcium_files import open_calcium
from cvzmpi.level2.pictures.map_files import open_inverted, open_prepared
from cvzmpi.level2.pictures.opened_map import OpenedMap
from cvzmpi.level2.pictures.product_files import open_product
from cvzmpi.regular_file import UnreadableFileError, open_regular
from cvzmpi.storage.hdf5_file import has_signature, opened_hdf5

_EXPECTED = "expected an inverted or a prepared map, or the FITS or ASDF file of a Level 2 product"
_FITS_SUFFIXES = (".fits", ".fits.fz")
_FITS, _ASDF = b"SIMPLE  =", b"#ASDF"


def open_map(path: Path, prepared: Path | None = None) -> OpenedMap:
    """Read the quantities of a map.

    Parameters
    ----------
    path : Path
        An inverted map, finished or not; a prepared map; or of a Level 2 product the ASDF file, any
        of its FITS files, or the directory. With a FITS file come those beside it with the same
        inversion id.
    prepared : Path, optional
        The prepared map of an inverted one; by default it is looked for beside it and in the
        directory `prepared` beside its directory.

    Raises
    ------
    MapFileError
        If it is none of these, or cannot be read.
    """
    if path.is_dir():
        return open_product(path, _in_directory(path))
    start, is_hdf5 = _start(path)
    if is_hdf5:
        return _open_hdf5(path, prepared)
    if start.startswith(_FITS):
        return open_product(path, _of_same_product(path))
    if start.startswith(_ASDF):
        return open_product(path, _named_by(path))
    kind = "no HDF5, FITS or ASDF file" if start else "empty"
    raise MapFileError(f"{path}: {kind}; {_EXPECTED}")


def _start(path: Path) -> tuple[bytes, bool]:
    """The first bytes of a file, and whether it has the signature of HDF5."""
    try:
        with open(open_regular(path), "rb") as file:
            return file.read(16), has_signature(file.fileno())
    except UnreadableFileError as error:
        raise MapFileError(f"{path}: {error}") from error
    except OSError as error:
        raise MapFileError(f"{path}: cannot be read: {error.strerror}") from error


def _open_hdf5(path: Path, prepared: Path | None) -> OpenedMap:
    with opened_hdf5(path, MapFileError, DamagedMapFileError) as file:
        kind = _format(file)
    if kind == inversion_file.FORMAT:
        opener = open_calcium if is_calcium(path) else open_inverted
        return opener(path, prepared)
    if kind == prepared_map.FORMAT:
        return open_prepared(path)
    what = f"a {kind}" if kind else "an HDF5 file of an unknown format"
    raise MapFileError(f"{path}: {what}; {_EXPECTED}")


def _format(file: h5py.File) -> str:
    name = file.attrs.get("format", "")
    return name if isinstance(name, str) and name.isprintable() else ""


def _in_directory(directory: Path) -> list[Path]:
    """The FITS files of the one product in a directory."""
    found = sorted(directory.glob("*.asdf"))
    if len(found) != 1:
        raise MapFileError(f"{directory}: a directory with {len(found)} ASDF files; {_EXPECTED}")
    return _named_by(found[0])


def _named_by(asdf: Path) -> list[Path]:
    """The FITS files that an ASDF file names, in the order of the scan."""
    with needs("level2", "reading ASDF files"):
        # PyYAML is of an extra, and the other files do without.
        from cvzmpi.level2.product.asdf_tree import TreeError, fits_files_named
    try:
        names = fits_files_named(asdf)
    except TreeError as error:
        raise MapFileError(f"{asdf}: {error}") from error
    except OSError as error:
        raise MapFileError(f"{asdf}: cannot be read: {one_line(error)}") from error
    if not names:
        raise MapFileError(f"{asdf}: an ASDF file that names no FITS files; {_EXPECTED}")
    for name in names:
        if Path(name).name != name:
            raise MapFileError(f"{asdf}: names {name!r}: expected a file beside it")
        if not (asdf.parent / name).is_file():
            raise MapFileError(f"{asdf.parent / name}: missing; {asdf.name} names it")
    return [asdf.parent / name for name in names]


def _of_same_product(path: Path) -> list[Path]:
    """The FITS files beside one, of the same product: INV_<id>_<time>_L2.fits."""
    inversion, separator, _ = path.name.removeprefix("INV_").partition("_")
    if not path.name.startswith("INV_") or not separator:
        return [path]
    beside = path.parent.glob(f"INV_{inversion}_*")
    return sorted(file for file in beside if file.name.endswith(_FITS_SUFFIXES))
