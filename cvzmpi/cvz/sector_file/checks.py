"""Check that a sector file is whole: its parts fit together, and its bytes are those once written.

Two kinds of checksums, since a file has two kinds of content. What is written once, as a whole, has
one SHA-256 over all of it, attributes included. The recoveries are written in place, many times;
each row has a CRC-32 of its own, written with it, and is checked once the count of what remains
vouches for it. So no state that a kill can leave is taken for damage.

The structure of the file itself has another one, which is verified before HDF5 opens it: see
`storage.structure_checksum`. Files of earlier versions have none, and are read on trial instead.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection
from pathlib import Path

import h5py
import numpy as np

from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.sector_file.layout import (
    ANSWERS,
    FORMAT,
    FORMAT_VERSION,
    LAYOUTS,
    WRITTEN_IN_PLACE,
)
from cvzmpi.errors import DamagedFileError
from cvzmpi.storage.hdf5_file import other_format, read_contents

CHECKSUM = "content_sha256"
"""Attribute of the file: the checksum of all that is written once."""

_TYPES = (np.dtype(bool), np.dtype(np.int64), np.dtype(np.float64))
"""Types of attributes that are no texts."""

_LONGEST = 1e8
"""Seconds, three years: no light curve takes so long."""


def check_parts(path: Path, file: h5py.File) -> None:
    """Check that groups and datasets are those of the checkpoint, and as long as one another.

    Raises
    ------
    DamagedFileError
    """
    checkpoint = file.attrs["checkpoint"]
    expected = LAYOUTS[file.attrs["format_version"]].get(checkpoint)
    if expected is None:
        raise DamagedFileError(f"{path}: its checkpoint is {checkpoint!r}")
    if set(file) != set(expected) or any(set(file[g]) != set(expected[g]) for g in expected):
        raise DamagedFileError(f"{path}: groups and datasets do not fit its checkpoint")
    _check_shapes(path, file, ["lc"])
    if "recoveries" in file:
        shape = file["injections/cadence"].shape
        remaining = file["recoveries"].attrs["n_inject_remaining"]
        answers = _answers(file)
        if any(a.shape != shape for a in answers) or not 0 <= remaining <= shape[0]:
            raise DamagedFileError(f"{path}: injections and recoveries do not fit together")
        seconds = file.attrs["seconds_inject"]
        if not 0 <= seconds < _LONGEST:
            raise DamagedFileError(f"{path}: the injections took {seconds} s")


def check_content(path: Path, file: h5py.File) -> None:
    """Check that every value is the one that was written: reads the whole file.

    Raises
    ------
    DamagedFileError
    """
    _check_checksum(path, file)
    if "recoveries" in file:
        _check_shapes(path, file, file)
        checksums = file["recoveries/checksum"]
        n_done = len(checksums) - int(file["recoveries"].attrs["n_inject_remaining"])
        answers = (answer[:n_done] for answer in _answers(file))
        differs = row_checksums(*answers) != checksums[:n_done]
        if differs.any():
            flare_id = int(np.flatnonzero(differs)[0])
            raise DamagedFileError(
                f"{path}: recoveries of flare {flare_id} differ from their checksum"
            )


def check_on_trial(path: Path) -> str | None:
    """Read and verify a file whose structure has no checksum, in a process that may crash.

    Returns
    -------
    str or None
        Why it is no sector file; None if all attributes and values are those that were written.

    Raises
    ------
    Exception
        If it is damaged.
    """
    read_contents(path)
    with h5py.File(path, "r", locking=False) as file:
        difference = format_difference(file)
        if difference is not None and CHECKSUM not in file.attrs:
            return difference
        _check_checksum(path, file)  # first: a flipped bit can look like another format
        _check_types(path, file)
        if difference is None:
            check_content(path, file)
            check_parts(path, file)
        return difference


def format_difference(file: h5py.File) -> str | None:
    """Tell in words why a file is no sector file of a version that can be read; None if it is."""
    version = file.attrs.get("format_version")
    return other_format(file, FORMAT, version if version in LAYOUTS else FORMAT_VERSION)


def content_checksum(file: h5py.File) -> str:
    """SHA-256, in hexadecimal, of all datasets and attributes that are written once.

    The seconds of the stages are left out, so that the same results have the same checksum.
    """
    digest = hashlib.sha256()

    def add(name: str, thing: h5py.File | h5py.Group | h5py.Dataset) -> None:
        for key in sorted(set(thing.attrs) - {CHECKSUM}):
            if f"{name}/{key}" not in WRITTEN_IN_PLACE and not key.startswith("seconds_"):
                value = thing.attrs[key]
                digest.update(f"{name}@{key}".encode())
                digest.update(
                    value.encode() if isinstance(value, str) else np.asarray(value).tobytes()
                )
        if isinstance(thing, h5py.Dataset) and name not in WRITTEN_IN_PLACE:
            digest.update(f"{name} {thing.dtype.str} {thing.shape}".encode())
            digest.update(thing[()])

    add("", file)
    file.visititems(add)
    return digest.hexdigest()


def row_checksums(*answers: np.ndarray) -> np.ndarray:
    """CRC-32 of each row of the answers, one after the other.

    Parameters
    ----------
    *answers : bool, shape (n_flares, n_repeat)
        Of each search, in the order of `layout.ANSWERS`.

    Returns
    -------
    uint32, shape (n_flares,)
    """
    rows = np.concatenate(answers, axis=1)
    return np.array([zlib.crc32(row.tobytes()) for row in rows], np.uint32)


def _answers(file: h5py.File) -> list[h5py.Dataset]:
    """The answers of the searches that a file has."""
    group = file["recoveries"]
    return [group[name] for name in ANSWERS if name in group]


def _check_checksum(path: Path, file: h5py.File) -> None:
    """Check what is written once."""
    if file.attrs[CHECKSUM] != content_checksum(file):
        raise DamagedFileError(f"{path}: its content does not fit its checksum")


def _check_types(path: Path, file: h5py.File) -> None:
    """Check that attributes have the types that are written: their checksum is over their bytes."""

    def check(name: str, thing: h5py.File | h5py.Group | h5py.Dataset) -> None:
        for key, value in thing.attrs.items():
            if not isinstance(value, str) and np.asarray(value).dtype not in _TYPES:
                raise DamagedFileError(f"{path}: attribute {key} of {name} has another type")

    check("/", file)
    file.visititems(check)


def _check_shapes(path: Path, file: h5py.File, tables: Collection[str]) -> None:
    """Check that datasets along the same axis are equally long."""
    layout = LAYOUTS[file.attrs["format_version"]][Stage.MODEL]
    lengths: dict[str, int] = {}
    for table in tables:
        for name, dataset in file[table].items():
            axes = layout[table][name].axes
            if len(dataset.shape) != len(axes) or any(
                lengths.setdefault(axis, n) != n
                for axis, n in zip(axes, dataset.shape, strict=True)
            ):
                raise DamagedFileError(f"{path}: datasets of {table} differ in length")
