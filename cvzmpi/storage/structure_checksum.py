"""A checksum over the structure of an HDF5 file, which is verified before HDF5 parses the file.

The *structure* is what HDF5 finds its way by: superblock, object headers, symbol tables, heaps.
Attributes are in it. This version of HDF5's format has no checksum of its own there, and a flipped
bit can crash HDF5, or have it search for ever.

The checksum is in a *record* at the beginning of the file, in HDF5's user block, which readers
skip. It is two lines of text: a title with the CRC-32 of the second line, and there, as JSON, the
size of the file, the ranges of bytes that are left out, and the SHA-256 of all others. Left out are
the values of large datasets, which cannot mislead HDF5, and what is changed in place later: by us,
and by HDF5 itself, which notes in the superblock that a file is open for writing.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cvzmpi.errors import CvzmpiError

USER_BLOCK = 2048
"""Bytes that HDF5 leaves alone at the beginning of a file; some 400 of them are used."""

_TITLE = b"cvzmpi structure 1 "
_STATUS_FLAGS = (USER_BLOCK + 20, USER_BLOCK + 24)
"""HDF5's file consistency flags, in version 0 of its superblock."""

SETTINGS: dict[str, Any] = {"userblock_size": USER_BLOCK, "libver": "earliest"}
"""Settings of h5py for a file that is to have a record."""

_SMALL = 4096
"""Datasets with fewer bytes are verified with the structure."""


class DamagedStructureError(CvzmpiError):
    """The structure of a file is not the one that was written."""


@dataclass(frozen=True)
class _Record:
    """The record in a file about its structure."""

    size: int  # of the file, in bytes
    left_out: list[tuple[int, int]]  # first byte and the one after the last of each range, in order
    sha256: str  # of all other bytes behind the user block

    @classmethod
    def parse(cls, block: bytes) -> _Record | None:
        """Read the record in a user block; None where there is none, or not as it was written."""
        title, _, rest = block.partition(b"\n")
        line = rest.partition(b"\n")[0]
        if title != _title(line):
            return None
        content = json.loads(line)
        return cls(content["size"], [(a, b) for a, b in content["left_out"]], content["sha256"])

    def block(self) -> bytes:
        """The user block with the record in it."""
        line = json.dumps(
            {"size": self.size, "left_out": self.left_out, "sha256": self.sha256},
            separators=(",", ":"),
        ).encode()
        block = _title(line) + b"\n" + line + b"\n"
        assert len(block) <= USER_BLOCK, "more datasets than the record has room for"
        return block.ljust(USER_BLOCK, b"\0")


def new_in_memory() -> h5py.File:
    """An empty HDF5 file in memory, with room for the record."""
    name = f"in-memory-{uuid.uuid4().hex}"  # no such file is made
    return h5py.File(name, "w", driver="core", backing_store=False, **SETTINGS)


def whole_image(file: h5py.File, changing: Collection[str] = ()) -> bytes:
    """The bytes of a file that is complete in memory, with the record.

    Parameters
    ----------
    file : h5py.File
        From `new_in_memory`.
    changing : collection of str
        What is changed in place later: datasets by name, and attributes of numbers, by `attribute`
        of the file or `group/attribute`.
    """
    left_out = bytes_to_leave_out(file, changing)
    image = _image(file)
    record = _Record(len(image), left_out, _digest(left_out, len(image), _reader(image)))
    return record.block() + image[USER_BLOCK:]


def write_record(path: Path, left_out: list[tuple[int, int]] | None = None) -> None:
    """Write the record into a file on disk, which was made with a user block.

    Parameters
    ----------
    left_out : list of (int, int), optional
        From `bytes_to_leave_out`, when the file was complete; by default as in the record that is
        there, which no longer fits what was changed on purpose.

    Raises
    ------
    OSError
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if left_out is None:
            record = _Record.parse(os.pread(descriptor, USER_BLOCK, 0))
            assert record is not None, f"{path} has a record"
            left_out = [(a, min(b, size)) for a, b in record.left_out if a < size]
        sha256 = _digest(left_out, size, lambda n, start: os.pread(descriptor, n, start))
        os.pwrite(descriptor, _Record(size, left_out, sha256).block(), 0)
    finally:
        os.close(descriptor)


def bytes_to_leave_out(file: h5py.File, changing: Collection[str] = ()) -> list[tuple[int, int]]:
    """Find the bytes of a complete file that the checksum leaves out; see `whole_image`."""
    datasets = {name for name in changing if isinstance(file.get(name), h5py.Dataset)}
    attributes = set(changing) - datasets
    ranges = [_STATUS_FLAGS, *_ranges_of_values(file, datasets)]
    return _merged(ranges + (_bytes_of_attributes(file, attributes) if attributes else []))


def verify_structure(descriptor: int) -> bool:
    """Compare the structure of an opened file with its record, without HDF5.

    Returns
    -------
    bool
        Whether there is a record, and so the structure is the one that was written.

    Raises
    ------
    DamagedStructureError
        If there is a record, and it does not fit.
    OSError
    """
    record = _Record.parse(os.pread(descriptor, USER_BLOCK, 0))
    if record is None:
        return False
    size = os.fstat(descriptor).st_size
    if size != record.size:
        raise DamagedStructureError(f"it has {size} bytes, and had {record.size}")
    found = _digest(record.left_out, size, lambda n, start: os.pread(descriptor, n, start))
    if found != record.sha256:
        raise DamagedStructureError("its structure does not fit its checksum")
    return True


def _title(line: bytes) -> bytes:
    return _TITLE + f"{zlib.crc32(line):08x}".encode()


def _image(file: h5py.File) -> bytes:
    """The bytes of a file in memory; HDF5 gives them without the user block."""
    file.flush()
    return bytes(USER_BLOCK) + file.id.get_file_image()


def _reader(image: bytes) -> Callable[[int, int], bytes | memoryview]:
    view = memoryview(image)
    return lambda n, start: view[start : start + n]


def _digest(
    left_out: list[tuple[int, int]], size: int, read: Callable[[int, int], bytes | memoryview]
) -> str:
    """SHA-256 of the bytes behind the user block that are not left out."""
    digest, start = hashlib.sha256(), USER_BLOCK
    for first, last in [*left_out, (size, size)]:
        digest.update(read(first - start, start))
        start = last
    return digest.hexdigest()


def _ranges_of_values(file: h5py.File, changing: Collection[str]) -> list[tuple[int, int]]:
    """Ranges of bytes with the values of datasets that are large or will change."""
    ranges = []

    def add(name: str, thing: h5py.Group | h5py.Dataset) -> None:
        # Texts are left in: their values point into a heap.
        if not isinstance(thing, h5py.Dataset) or thing.dtype.hasobject or thing.chunks:
            return
        size, offset = thing.id.get_storage_size(), thing.id.get_offset()
        if size and offset is not None and (size >= _SMALL or name in changing):
            ranges.append((offset, offset + size))

    file.visititems(add)
    return ranges


def _bytes_of_attributes(file: h5py.File, names: Collection[str]) -> list[tuple[int, int]]:
    """Ranges of bytes with the values of attributes: those that change with them."""
    values = {name: np.asarray(_owner(file, name)[_key(name)]) for name in names}
    before = np.frombuffer(_image(file), np.uint8)
    for name, value in values.items():
        inverted = np.frombuffer(np.bitwise_not(_as_bytes(value)).tobytes(), value.dtype)
        _owner(file, name).modify(_key(name), inverted.reshape(value.shape))
    places = np.flatnonzero(before != np.frombuffer(_image(file), np.uint8))
    for name, value in values.items():
        _owner(file, name).modify(_key(name), value)
    assert len(places) == sum(value.nbytes for value in values.values()), "written in place"
    return [(int(place), int(place) + 1) for place in places]


def _as_bytes(value: np.ndarray) -> np.ndarray:
    return np.frombuffer(value.tobytes(), np.uint8)


def _owner(file: h5py.File, name: str) -> h5py.AttributeManager:
    return file[name.rpartition("/")[0] or "/"].attrs


def _key(name: str) -> str:
    return name.rpartition("/")[2]


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same ranges in order, those that touch as one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
