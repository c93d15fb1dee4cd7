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
    found: dict[str, object] = {}

    def attributes(name: str, thing: h5py.Group | h5py.Dataset) -> None:
        for key, value in thing.attrs.items():
            if not key.startswith("seconds_"):
                found[f"{name}@{key}"] = (str(np.asarray(value).dtype), np.asarray(value).tolist())

    def visit(name: str, thing: h5py.Group | h5py.Dataset) -> None:
        attributes(name, thing)
        if isinstance(thing, h5py.Dataset):
            value = np.asarray(thing[()])
            bits = value.tolist() if value.dtype.hasobject else value.tobytes()
            found[name] = (thing.dtype.str, thing.shape, bits)

    with h5py.File(path, "r") as file:
        attributes("", file)
        file.visititems(visit)
    return found
