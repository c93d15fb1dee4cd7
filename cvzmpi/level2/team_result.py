"""The files in which the science team hands in an inversion, and what they must hold.

HDF5, one file or several (say, one for each line) that together hold each of these once:

    quantities/<name>       (n_steps, n_slit) or (n_steps, n_slit, n_depths), attribute `units`
    profiles/<line>_orig    (n_steps, n_slit, n_wavelengths, 4), Stokes I, Q, U, V as observed
    profiles/<line>_fit     the same, as the inversion explains them
    wavelengths/<line>      (n_wavelengths,), nm

Names of quantities and of lines are those of DKIST's Level 2 data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from cvzmpi.errors import CvzmpiError, one_line
from cvzmpi.level2.spectral_lines import KNOWN_LINES

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
"""What `dkist.Inversion` knows the quantities as."""

REQUIRED_QUANTITIES = ("mag_strength", "mag_inclination", "mag_azimuth", "velocity")
"""Without these it is no map of the magnetic field."""

_KINDS = ("orig", "fit")


class TeamResultError(CvzmpiError):
    """A file that was handed in is missing or does not hold what it must."""


@dataclass(frozen=True)
class TeamResult:
    """A result whose files were checked.

    Parameters
    ----------
    shape : tuple of int
        Scan positions, and pixels along the slit.
    quantities : dict of str
        The file that holds each.
    lines : dict of str
        The file that holds the profiles of each line, by its id.
    checksums : dict of str
        SHA-256 of each file, by its path.
    """

    shape: tuple[int, int]
    quantities: dict[str, str]
    lines: dict[str, str]
    checksums: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain values for an event."""
        return {
            "shape": list(self.shape),
            "quantities": self.quantities,
            "lines": self.lines,
            "checksums": self.checksums,
        }


def check(files: Sequence[Path]) -> TeamResult:
    """Check the files of a result: names, shapes, lines; and take their checksums.

    Raises
    ------
    TeamResultError
        Naming the file, what is wrong in it, and what was expected.
    """
    if not files:
        raise TeamResultError("no files were handed in")
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {}
    for path in files:
        for name, shape in _read_shapes(path).items():
            if name in shapes:
                raise TeamResultError(f"{path}: {name} is in {shapes[name][0]}, too")
            shapes[name] = (str(path), shape)
    quantities = {_last(n): at for n, at in shapes.items() if n.startswith("quantities/")}
    missing = [name for name in REQUIRED_QUANTITIES if name not in quantities]
    if missing:
        raise TeamResultError(f"{files[0]}: no quantities/{missing[0]}, which every result needs")
    shape = _map_shape(quantities)
    lines = _check_lines(shapes, shape)
    return TeamResult(
        shape=shape,
        quantities={name: path for name, (path, _) in quantities.items()},
        lines=lines,
        checksums={str(path): checksum(path) for path in files},
    )


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise TeamResultError(f"{path}: cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each dataset of a file, once its name is known to be one of ours."""
    if not path.is_file():
        raise TeamResultError(f"{path}: there is no such file")
    shapes = {}
    try:
        with h5py.File(path, "r", locking=False) as file:
            for group, known in (
                ("quantities", KNOWN_QUANTITIES),
                ("profiles", [f"{line}_{kind}" for line in KNOWN_LINES for kind in _KINDS]),
                ("wavelengths", KNOWN_LINES),
            ):
                for name, item in file.get(group, {}).items():
                    if name not in known:
                        raise TeamResultError(
                            f"{path}: {group}/{name}: not known; known: {', '.join(known)}"
                        )
                    if not isinstance(item, h5py.Dataset) or item.dtype.kind != "f":
                        raise TeamResultError(
                            f"{path}: {group}/{name}: expected an array of floats"
                        )
                    shapes[f"{group}/{name}"] = item.shape
    except (OSError, RuntimeError, KeyError) as error:
        raise TeamResultError(f"{path}: no readable HDF5 file: {one_line(error)}") from error
    if not shapes:
        raise TeamResultError(f"{path}: holds neither quantities nor profiles")
    return shapes


def _map_shape(quantities: Mapping[str, tuple[str, tuple[int, ...]]]) -> tuple[int, int]:
    """The shape that all maps share; those with a depth share that, too."""
    first, (_, expected) = next(iter(quantities.items()))
    for name, (path, shape) in quantities.items():
        if len(shape) not in (2, 3) or 0 in shape:
            raise TeamResultError(
                f"{path}: quantities/{name} has shape {shape}: expected (n_steps, n_slit) or "
                "(n_steps, n_slit, n_depths)"
            )
        if shape != expected:
            raise TeamResultError(
                f"{path}: quantities/{name} has shape {shape}: expected {expected}, as {first}"
            )
    return expected[0], expected[1]


def _check_lines(
    shapes: Mapping[str, tuple[str, tuple[int, ...]]], map_shape: tuple[int, int]
) -> dict[str, str]:
    """The file of each line, whose two profiles and wavelengths must fit to the maps."""
    ids = {_last(name).rsplit("_", 1)[0] for name in shapes if name.startswith("profiles/")}
    if not ids:
        raise TeamResultError("there are no profiles of any line")
    lines = {}
    for line in sorted(ids):
        parts = [f"profiles/{line}_{kind}" for kind in _KINDS] + [f"wavelengths/{line}"]
        for part in parts:
            if part not in shapes:
                raise TeamResultError(f"{line}: there is no {part}")
        path, (n_wavelengths, *_) = shapes[parts[-1]]
        expected = (*map_shape, n_wavelengths, len("IQUV"))
        for part in parts[:-1]:
            if shapes[part][1] != expected:
                raise TeamResultError(
                    f"{shapes[part][0]}: {part} has shape {shapes[part][1]}: expected {expected}"
                )
        if len({shapes[part][0] for part in parts}) != 1:
            raise TeamResultError(f"{path}: {line}: profiles and wavelengths are in several files")
        lines[line] = path
    return lines


def _last(name: str) -> str:
    return name.rpartition("/")[2]
