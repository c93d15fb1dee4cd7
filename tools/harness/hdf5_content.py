"""All that is in an HDF5 file, so that two files can be compared to the last bit."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np


def contents(directory: Path) -> dict[str, dict[str, object]]:
    """All datasets and attributes of all sector files, but for the times that stages took."""
    return {path.name: content(path) for path in sorted(directory.rglob("*.h5"))}


def content(path: Path) -> dict[str, object]:
    """All that is in one sector file, comparable to the last bit."""
    found = values(path)
    return {name: bits(found[name]) for name in found if "@seconds_" not in name}


def values(path: Path) -> dict[str, np.ndarray]:
    """All datasets by their names, and all attributes by `name@key`; also while a job writes."""
    found: dict[str, np.ndarray] = {}

    def add(name: str, thing: h5py.Group | h5py.Dataset) -> None:
        for key, value in thing.attrs.items():
            found[f"{name}@{key}"] = np.asarray(value)
        if isinstance(thing, h5py.Dataset):
            found[name] = np.asarray(thing[()])

    with h5py.File(path, "r", locking=False) as file:
        add("", file)
        file.visititems(add)
    return found


def bits(value: np.ndarray) -> tuple[str, tuple[int, ...], object]:
    """A value, comparable to the last bit."""
    same = value.tolist() if value.dtype.hasobject else value.tobytes()
    return value.dtype.str, value.shape, same
