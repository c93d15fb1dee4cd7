"""Reads all that an HDF5 file holds, to see whether HDF5 can."""

from __future__ import annotations

import math
from pathlib import Path

import h5py

_BLOCK = 1 << 26
"""Bytes; of larger datasets the first and the last so many are read."""


def read_contents(path: Path) -> None:
    """Read all links, attributes and values of a file.

    Only for a process that nobody needs: a file whose structure is damaged can crash it.

    Raises
    ------
    Exception
        Whatever h5py raises, and `ValueError` if the file claims more than it has.
    """
    size = path.stat().st_size
    with h5py.File(path, "r", locking=False) as file:

        def visit(name: str, thing: h5py.Group | h5py.Dataset) -> None:
            _read_attributes(thing, size)
            if isinstance(thing, h5py.Dataset):
                _read_values(thing, size)
            else:
                for key in thing:
                    thing.get(key, getlink=True)

        visit("/", file)
        file.visititems(visit)


def _read_attributes(thing: h5py.Group | h5py.Dataset, size: int) -> None:
    for name in thing.attrs:
        attribute = thing.attrs.get_id(name)
        if math.prod(attribute.shape) * attribute.dtype.itemsize > size:
            raise ValueError(f"attribute {name} is larger than the file")
        thing.attrs[name]


def _read_values(dataset: h5py.Dataset, size: int) -> None:
    shape = dataset.shape
    if shape is None:  # it has no values
        return
    n_bytes = math.prod(shape) * dataset.dtype.itemsize
    if n_bytes > size:
        if dataset.chunks:
            return  # compressed, or never written: none of ours
        raise ValueError(f"dataset {dataset.name} is larger than the file")
    if not shape or n_bytes <= 2 * _BLOCK:
        dataset[()]
        return
    rows = max(1, _BLOCK * shape[0] // n_bytes)
    dataset[:rows]
    dataset[-rows:]
