"""Checks of a Level 2 product, whoever made it: before it is accepted, and before it is published.

A product is one ASDF file, which `dkist.load_dataset` opens as `dkist.Inversion`, and the FITS
files that it names, one for each scan position.
"""

from __future__ import annotations

import os
import re
import stat
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cvzmpi.errors import CvzmpiError, one_line
from cvzmpi.level2.foreign_json import plain
from cvzmpi.level2.product.asdf_tree import TreeError, check_tree
from cvzmpi.level2.product.bounded_process import LimitError, call_bounded
from cvzmpi.level2.programs.spectral_lines import KNOWN_LINES
from cvzmpi.storage.checksum import sha256_of

KNOWN_QUANTITIES = (
    "optical_depth",
    "temperature",
    "electron_pressure",
    "microturbulence",
    "mag_strength",
    "velocity",
    "mag_inclination",
    "mag_azimuth",
    "geo_height",
    "gas_pressure",
    "density",
)
"""The quantities of DKIST's own inversions."""

REQUIRED_QUANTITIES = ("mag_strength", "mag_inclination", "mag_azimuth", "velocity")
"""Without these it is no map of the magnetic field."""

PROFILE_KINDS = ("orig", "fit")
"""A line has its profiles as observed, and as the inversion explains them."""

INVERSION_ID = re.compile(r"inv\.[A-Z0-9]{6}")

_N_STOKES = 4
_MAX_BYTES = 1 << 32  # of a file; a scan position with two lines takes some 200 MB
_MAX_PATH = 500  # characters in a message
_SECONDS, _SECONDS_PER_FILE, _GIGABYTES = 120.0, 0.5, 8.0
_EXPECTED_ASDF = "{} ASDF files: expected one, with the FITS files it names"
_FITS_SUFFIXES = (".fits", ".fits.fz")


class ProductError(CvzmpiError):
    """A file of a Level 2 product is missing, or does not hold what it must."""


@dataclass(frozen=True)
class CheckedProduct:
    """A product whose files were checked.

    Parameters
    ----------
    inversion_id : str
    dataset_ids : list of str
        The datasets that were inverted.
    shape : list of int
        Scan positions, and pixels along the slit.
    quantities, lines : list of str
        What it has maps of, and profiles.
    asdf : str
    checksums : dict of str
        SHA-256 of each file, by its path; the files that the ASDF file names come first.
    """

    inversion_id: str
    dataset_ids: list[str]
    shape: list[int]
    quantities: list[str]
    lines: list[str]
    asdf: str
    checksums: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain values for an event."""
        return asdict(self)


def check_product(paths: Sequence[Path]) -> CheckedProduct:
    """Check the files of a product: keys, lines, shapes; and take their checksums.

    Parameters
    ----------
    paths : sequence of Path
        The files; a directory stands for all files in it.

    Raises
    ------
    ProductError
        Naming the file, what is wrong with it, and what was expected.
    """
    files = _files(paths)
    asdf = _the_asdf(files)
    seconds = _SECONDS + _SECONDS_PER_FILE * len(files)
    try:
        check_tree(asdf)
        product = call_bounded(_look_into, asdf, files, seconds=seconds, gigabytes=_GIGABYTES)
    except TreeError as error:
        raise ProductError(f"{asdf}: dkist cannot load it: {plain(str(error))}") from error
    except LimitError as error:
        raise ProductError(f"{asdf}: it and its files cannot be checked: {error}") from error
    except OSError as error:
        raise ProductError(f"{asdf}: cannot be read: {error.strerror}") from error
    return replace(product, checksums={path: checksum(Path(path)) for path in product.checksums})


def _look_into(asdf: Path, files: dict[str, Path]) -> CheckedProduct:
    """Check what is in the files; the checksums are still to be taken."""
    inversion = _load(asdf)
    profiles = inversion.profiles or {}
    _check_quantities(asdf, list(inversion))
    lines = _check_lines(asdf, list(profiles))
    shape = _check_shapes(asdf, inversion, profiles)
    fits = _check_fits(asdf, files, {**inversion, **profiles})
    inversion_id, dataset_ids = _check_inventory(asdf, inversion.meta.get("inventory", {}))
    return CheckedProduct(
        inversion_id=inversion_id,
        dataset_ids=dataset_ids,
        shape=shape,
        quantities=list(inversion),
        lines=lines,
        asdf=str(asdf),
        checksums={str(path): "" for path in [*fits, asdf]},
    )


def checksum(path: Path) -> str:
    """SHA-256 of a file.

    Raises
    ------
    ProductError
    """
    try:
        return sha256_of(path)
    except OSError as error:
        raise ProductError(f"{path}: cannot be read: {error.strerror}") from error


def _files(paths: Sequence[Path]) -> dict[str, Path]:
    """All files, by name."""
    files: dict[str, Path] = {}
    for path in paths:
        for file in _in_directory(path) if stat.S_ISDIR(_stat(path).st_mode) else [path]:
            if not _is_part(file):
                raise ProductError(f"{shown_path(file)}: expected FITS files and one ASDF file")
            if not str(file).isprintable():
                raise ProductError(f"{shown_path(file)}: expected a path of printable characters")
            found = _stat(file)
            if not stat.S_ISREG(found.st_mode):
                raise ProductError(f"{shown_path(file)}: not a regular file")
            if found.st_size > _MAX_BYTES:
                raise ProductError(f"{shown_path(file)}: larger than {_MAX_BYTES:,} bytes")
            if file.name in files and files[file.name] != file:
                other = shown_path(files[file.name])
                raise ProductError(f"{shown_path(file)}: {other} has the same name")
            files[file.name] = file
    return files


def _in_directory(directory: Path) -> list[Path]:
    """The files of a directory that is a product, or part of one.

    Of another directory no file is named: who hands in may not be one who may look there.
    """
    try:
        inside = sorted(directory.iterdir())
    except OSError as error:
        raise ProductError(f"{shown_path(directory)}: cannot be read: {error.strerror}") from error
    if not any(_is_part(file) for file in inside):
        raise ProductError(f"{shown_path(directory)}: {_EXPECTED_ASDF.format(0)}")
    return inside


def _is_part(file: Path) -> bool:
    return file.suffix == ".asdf" or file.name.endswith(_FITS_SUFFIXES)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except FileNotFoundError as error:
        raise ProductError(f"{shown_path(path)}: there is no such file") from error
    except (OSError, ValueError) as error:  # a NUL in the path is a ValueError
        raise ProductError(f"{shown_path(path)}: cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Why a path cannot be read, without the path."""
    return (isinstance(error, OSError) and error.strerror) or one_line(error)


def shown_path(path: Path) -> str:
    """A path in a message, on one line."""
    return plain(str(path), _MAX_PATH)


def _the_asdf(files: Mapping[str, Path]) -> Path:
    found = [path for path in files.values() if path.suffix == ".asdf"]
    if len(found) != 1:
        raise ProductError(_EXPECTED_ASDF.format(len(found)))
    return found[0]


def _load(asdf: Path) -> Any:
    import dkist

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            inversion = dkist.load_dataset(asdf)
        except Exception as error:  # whatever is raised by a converter of one of its parts
            text = plain(one_line(error))
            raise ProductError(f"{asdf}: dkist cannot load it: {text}") from error
    if not isinstance(inversion, dkist.Inversion):
        raise ProductError(f"{asdf}: a {type(inversion).__name__}, not a dkist.Inversion")
    return inversion


def _check_quantities(asdf: Path, names: Sequence[str]) -> None:
    for name in names:
        if name not in KNOWN_QUANTITIES:
            known = ", ".join(KNOWN_QUANTITIES)
            raise ProductError(f"{asdf}: quantity {name!r} is not known; known: {known}")
    for name in REQUIRED_QUANTITIES:
        if name not in names:
            raise ProductError(f"{asdf}: there is no {name}, which every product needs")


def _check_lines(asdf: Path, names: Sequence[str]) -> list[str]:
    """The lines that there are profiles of, each in both kinds."""
    lines: dict[str, set[str]] = {}
    for name in names:
        line, _, kind = name.rpartition("_")
        if line not in KNOWN_LINES or kind not in PROFILE_KINDS:
            known = ", ".join(f"{line}_{kind}" for line in KNOWN_LINES for kind in PROFILE_KINDS)
            raise ProductError(f"{asdf}: profile {name!r} is not known; known: {known}")
        lines.setdefault(line, set()).add(kind)
    if not lines:
        raise ProductError(f"{asdf}: there are no profiles of any line")
    for line, kinds in lines.items():
        for kind in PROFILE_KINDS:
            if kind not in kinds:
                raise ProductError(f"{asdf}: there is no profile {line}_{kind}")
    return list(lines)


def _check_shapes(
    asdf: Path, quantities: Mapping[str, Any], profiles: Mapping[str, Any]
) -> list[int]:
    """The scan positions and pixels along the slit that all maps and profiles share."""
    first = next(iter(quantities))
    expected = tuple(quantities[first].shape)
    if len(expected) not in (2, 3):
        raise ProductError(
            f"{asdf}: {first} has shape {expected}: expected scan positions, slit, perhaps depths"
        )
    for name, cube in quantities.items():
        if tuple(cube.shape) != expected:
            shape = tuple(cube.shape)
            raise ProductError(f"{asdf}: {name} has shape {shape}, {first} has {expected}")
    for name, cube in profiles.items():
        shape = tuple(cube.shape)
        if len(shape) != 4 or shape[:2] != expected[:2] or shape[3] != _N_STOKES:
            wanted = f"({expected[0]}, {expected[1]}, wavelengths, {_N_STOKES})"
            raise ProductError(f"{asdf}: {name} has shape {shape}: expected {wanted}")
    for line in {name.rpartition("_")[0] for name in profiles}:
        shapes = [tuple(profiles[f"{line}_{kind}"].shape) for kind in PROFILE_KINDS]
        if len(set(shapes)) != 1:
            raise ProductError(
                f"{asdf}: profiles of {line} have shapes {shapes}: expected the same"
            )
    return list(expected[:2])


def _check_fits(asdf: Path, files: Mapping[str, Path], cubes: Mapping[str, Any]) -> list[Path]:
    """The FITS files, each of which holds its part of every map and profile."""
    parts: dict[str, dict[str, tuple[Any, tuple[int, ...]]]] = {}
    for name, cube in cubes.items():
        # Which extension of the files a cube is in, dkist tells nobody.
        array = cube.files._fm._striped_external_array
        for file in cube.files.filenames:
            parts.setdefault(file, {})[name] = (array.target, tuple(array.shape))
    more = files.keys() - parts.keys() - {asdf.name}
    if more:
        raise ProductError(f"{files[min(more)]}: {asdf.name} does not name it")
    for name, expected in parts.items():
        if name not in files:
            raise ProductError(f"{asdf.parent / name}: missing; {asdf.name} names it")
        _check_extensions(files[name], expected)
    return [files[name] for name in parts]


def _check_extensions(path: Path, expected: Mapping[str, tuple[Any, tuple[int, ...]]]) -> None:
    from astropy.io import fits

    try:
        with fits.open(path, memmap=True) as units:
            for name, (target, shape) in expected.items():
                found = tuple(units[target].shape)
                if found != shape:
                    raise ProductError(
                        f"{path}: {name} in extension {target} has shape {found}: expected {shape}"
                    )
    except (OSError, IndexError, KeyError, AttributeError) as error:
        text = plain(one_line(error))
        raise ProductError(f"{path}: no FITS file of this product: {text}") from error


def _check_inventory(asdf: Path, inventory: Mapping[str, Any]) -> tuple[str, list[str]]:
    inversion_id = str(inventory.get("inversionId", ""))
    if not INVERSION_ID.fullmatch(inversion_id):
        raise ProductError(
            f"{asdf}: inversionId {inversion_id!r}: expected inv. and six of A-Z and 0-9"
        )
    dataset_ids = [str(dataset) for dataset in inventory.get("datasetIds") or ()]
    if not dataset_ids:
        raise ProductError(f"{asdf}: datasetIds: expected the datasets that were inverted")
    return inversion_id, dataset_ids
