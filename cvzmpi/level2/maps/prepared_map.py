"""The file of a prepared map: Stokes profiles that are ready for the inversion."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cvzmpi.errors import DamagedMapFileError
from cvzmpi.level2.maps.map_file import opened, writing
from cvzmpi.level2.maps.map_scale import MapScale
from cvzmpi.level2.spectroscopy.tellurics import EXPECTED, Telluric, find_tellurics
from cvzmpi.storage.structure_checksum import SETTINGS, bytes_to_leave_out, write_record
from cvzmpi.storage.whole_file import take_name

_ROOM_FOR_MORE = 4 << 20
"""Bytes of a file beside its profiles, and more: structure, wavelengths, record."""

FORMAT = "cvzmpi prepared map"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class PreparedMap:
    """The content of the file of a prepared map, without the profiles."""

    path: Path
    shape: tuple[int, int]  # scan positions, and pixels along the slit
    wavelength: np.ndarray  # float64, shape (n_wavelengths,); in air, nm
    quiet_profile: np.ndarray  # float64, shape (n_wavelengths,); mean intensity of the quiet Sun
    checksum: str  # SHA-256 of the profiles
    record: dict[str, Any]  # the settings and files that the map was prepared from

    @property
    def scale(self) -> MapScale | None:
        """The scale on the Sun; None if the record has none, as of simulated maps."""
        return MapScale.from_record(self.record.get("scale"))

    @property
    def arm(self) -> str | None:
        """The name of the arm, as in `arms`; None if it is that of the iron lines."""
        return self.record.get("arm")

    @property
    def tellurics(self) -> tuple[Telluric, ...]:
        """The lines of the Earth's atmosphere.

        Earlier versions did not record them: they are found in the quiet profile then. Simulated
        maps have none, and leave out what they would hide.
        """
        if self.record.get("simulated"):
            return EXPECTED
        recorded = self.record.get("tellurics_nm")
        if recorded is None:
            return find_tellurics(self.wavelength, self.quiet_profile)
        return tuple(Telluric(*one) for one in recorded)

    @classmethod
    def read(cls, path: Path) -> PreparedMap:
        """Read everything but the profiles.

        Raises
        ------
        MapFileError
        """
        with opened(path, FORMAT, FORMAT_VERSION) as file:
            stokes = file["stokes"]
            n_steps, n_slit, n_stokes, n_wavelengths = stokes.shape
            prepared = cls(
                path=path,
                shape=(n_steps, n_slit),
                wavelength=file["wavelength"][()],
                quiet_profile=file["quiet_profile"][()],
                checksum=str(file.attrs["stokes_sha256"]),
                record=json.loads(file["record"].asstr()[()]),
            )
            lengths = {n_wavelengths, len(prepared.wavelength), len(prepared.quiet_profile)}
            if n_stokes != 4 or len(lengths) != 1:
                raise DamagedMapFileError(f"{path}: profiles and wavelengths do not fit together")
            return prepared

    @contextmanager
    def profiles(self) -> Iterator[h5py.Dataset]:
        """The profiles, to be read in parts: float32, shape (*shape, 4, n_wavelengths).

        Raises
        ------
        MapFileError
            Also for errors while they are read.
        """
        with opened(self.path, FORMAT, FORMAT_VERSION) as file:
            yield file["stokes"]

    def read_profiles(self, place: tuple[int, slice]) -> np.ndarray:
        """Read the profiles of some pixels: float32, shape (n, 4, n_wavelengths).

        The file is closed then: later errors are not taken for errors of the file.

        Parameters
        ----------
        place : tuple
            The scan position, and the pixels along the slit.

        Raises
        ------
        MapFileError
        """
        with self.profiles() as stokes:
            read: np.ndarray = stokes[place]
        return read

    def verify(self) -> None:
        """Compare the profiles with their checksum.

        Raises
        ------
        DamagedMapFileError
        """
        digest = hashlib.sha256()
        with self.profiles() as stokes:
            for step in range(self.shape[0]):
                digest.update(stokes[step].tobytes())
        if digest.hexdigest() != self.checksum:
            raise DamagedMapFileError(f"{self.path}: the profiles do not have their checksum")


class PreparedMapWriter:
    """Writes a prepared map, one scan position after another.

    The file gets its name at the end of the `with` block, when it is complete.

    Parameters
    ----------
    shape : tuple of int
        Scan positions, and pixels along the slit.
    wavelength, quiet_profile : float64, shape (n_wavelengths,)

    Raises
    ------
    MapFileError
        If the file cannot be written.
    MachineError
        If the disk is full.
    """

    def __init__(
        self, path: Path, shape: tuple[int, int], wavelength: np.ndarray, quiet_profile: np.ndarray
    ) -> None:
        self._path = path
        self._aside = path.with_name(path.name + ".new")
        self._n_steps = shape[0]
        self._n_written = 0
        self._digest = hashlib.sha256()
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            n_bytes = 4 * math.prod(shape) * 4 * len(wavelength) + _ROOM_FOR_MORE
            _take_room(self._aside, n_bytes)
            self._file = h5py.File(self._aside, "w", **SETTINGS)
            _take_room(self._aside, n_bytes)  # anew, since the file was emptied
            self._stokes = self._file.create_dataset(
                "stokes", (*shape, 4, len(wavelength)), "<f4", fillvalue=np.nan
            )
        self._stokes.attrs["units"] = "continuum of the quiet Sun"
        for name, values, units in (
            ("wavelength", wavelength, "nm"),
            ("quiet_profile", quiet_profile, "continuum of the quiet Sun"),
        ):
            self._file[name] = np.asarray(values, "<f8")
            self._file[name].attrs["units"] = units
        self.record: dict[str, Any] = {}

    def write(self, stokes: np.ndarray) -> None:
        """Write the next scan position: shape (n_slit, 4, n_wavelengths).

        Raises
        ------
        MapFileError
        """
        values = np.ascontiguousarray(stokes, "<f4")
        self._digest.update(values.tobytes())
        with writing(self._path):
            self._stokes[self._n_written] = values
        self._n_written += 1

    def __enter__(self) -> PreparedMapWriter:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            with suppress(OSError, RuntimeError):  # the first error says what is wrong
                self._file.close()
            with suppress(OSError):
                self._aside.unlink()
            return
        assert self._n_written == self._n_steps, "every scan position is written"
        with writing(self._path):
            self._file.attrs["format"] = FORMAT
            self._file.attrs["format_version"] = FORMAT_VERSION
            self._file.attrs["stokes_sha256"] = self._digest.hexdigest()
            self._file["record"] = json.dumps(self.record, sort_keys=True)
            self._file.flush()
            left_out = bytes_to_leave_out(self._file)
            size = self._file.id.get_filesize()
            self._file.close()
            os.truncate(self._aside, size)  # gives back the room that was not needed
            write_record(self._aside, left_out)
            take_name(self._aside, self._path)


def _take_room(path: Path, n_bytes: int) -> None:
    """Take room on the disk for a file, so that there is enough to the end.

    HDF5 can neither go on nor close a file that it could not write to.
    """
    try:
        with path.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, n_bytes)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise
