"""An open sector file: its values by name, through HDF5's own calls.

A campaign has 200,000 files. h5py's own objects cost some 50 us for each attribute and dataset, and
the index reads 60 of them in each file; HDF5's calls beneath cost 5 us.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5p, h5s, h5t, string_dtype

from cvzmpi.cvz.detection.flares import COLUMNS as FLARE_COLUMNS
from cvzmpi.cvz.detection.flares import found_by_stella
from cvzmpi.cvz.light_curves.exposure import SECONDS_PER_DAY
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.sector_file.data import SectorData
from cvzmpi.cvz.sector_file.layout import FLARES_OF_VERSION_1, LAYOUTS, LIGHT_CURVE, MARKS, Tables


class OpenSectorFile:
    """Reads from an open sector file no more than what is asked for.

    Where a part is missing or does not fit the others, all methods raise a ValueError that says so,
    or what HDF5 raises (`storage.hdf5_file.DAMAGES`).
    """

    def __init__(self, file: Any) -> None:
        self._file = file

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[OpenSectorFile]:
        """Open a file that HDF5 can read, without a lock, for jobs may be writing."""
        file = h5f.open(os.fsencode(path), h5f.ACC_RDONLY, _access())
        try:
            yield cls(file)
        finally:
            file.close()

    def attributes(self, group: str) -> Attributes:
        """The attributes of a group."""
        return Attributes(h5g.open(self._file, group.encode()))

    @cached_property
    def root(self) -> Attributes:
        """The attributes of the file."""
        return self.attributes("/")

    @cached_property
    def version(self) -> int:
        """The version of its format."""
        version = self.root.integer("format_version")
        if version not in LAYOUTS:
            raise ValueError(f"its format version is {version}")
        return version

    @cached_property
    def _tables(self) -> Tables:
        return LAYOUTS[self.version][Stage.MODEL]

    def column(self, table: str, name: str) -> np.ndarray:
        """All values of a dataset, of the type that the layout declares."""
        try:
            dataset = h5d.open(self._file, f"{table}/{name}".encode())
        except KeyError as error:
            raise ValueError(f"there is no {table}/{name}") from error
        dtype = self._tables[table][name].dtype
        values = np.empty(dataset.shape, dtype)
        if values.size:
            dataset.read(h5s.ALL, h5s.ALL, values, _memory_type(dtype))
        return values

    def column_if_made(self, table: str, name: str) -> np.ndarray | None:
        """The same; None in a file of a version that does not have it."""
        return self.column(table, name) if name in self._tables.get(table, ()) else None

    def columns(self, table: str, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Some datasets of a table, equally long."""
        columns = {name: self.column(table, name) for name in names}
        if len({len(values) for values in columns.values()}) != 1:
            raise ValueError(f"datasets of {table} differ in length")
        return columns

    def light_curve(self) -> SectorData:
        """The content at checkpoint `detect`."""
        root = self.root
        return SectorData.at_detect(
            self.columns("lc", LIGHT_CURVE),
            {s: root.number(n) for s in Stage if (n := f"seconds_{s}") in root},
            root.text(MARKS) if MARKS in root else None,
            tic=root.integer("tic"),
            sector=root.integer("sector"),
            exposure=root.number("exposure") / SECONDS_PER_DAY,
            header=json.loads(root.text("header")),
        )

    def flares(self) -> dict[str, np.ndarray]:
        """The table of flares; most stars have none, and then one column says so."""
        if not len(self.column("flares", "peak")):
            return no_flares()
        columns = self.columns("flares", self._tables["flares"])
        if self.version > 1:
            return columns
        return found_by_stella({FLARES_OF_VERSION_1[name]: columns[name] for name in columns})

    def add_model(self, data: SectorData) -> None:
        """Add what checkpoint `model` adds."""
        data.add_model(
            self.columns("lc", self._tables["lc"].keys() - LIGHT_CURVE.keys()),
            self.flares(),
            self.columns("injections", self._tables["injections"]),
        )
        if self.version > 1:
            data.mirror_events = self.columns("mirror_events", self._tables["mirror_events"])
            data.noise_raised = self.column("templates", "noise_raised")


class Attributes:
    """The attributes of a group, as plain values; one that is missing is a ValueError."""

    def __init__(self, group: Any) -> None:
        self._group = group

    def __contains__(self, name: str) -> bool:
        return h5a.exists(self._group, name.encode())

    def number(self, name: str) -> float:
        """A number."""
        return self._read(name, np.empty((), "f8"), h5t.NATIVE_DOUBLE)

    def integer(self, name: str) -> int:
        """A whole number."""
        return self._read(name, np.empty((), "i8"), h5t.NATIVE_INT64)

    def flag(self, name: str) -> bool:
        """True or false."""
        return self._read(name, np.empty((), "?"), _memory_type("?"))

    def text(self, name: str) -> str:
        """A text."""
        value = self._read(name, np.empty((), object), _TEXT)
        return value.decode() if isinstance(value, bytes) else value

    def _read(self, name: str, buffer: np.ndarray, memory_type: Any) -> Any:
        try:
            attribute = h5a.open(self._group, name.encode())
        except KeyError as error:
            raise ValueError(f"there is no attribute {name}") from error
        attribute.read(buffer, memory_type)
        return buffer.item()


_TEXT = h5t.py_create(string_dtype())


def no_flares() -> dict[str, np.ndarray]:
    """A table of flares without rows."""
    return {name: np.empty(0, dtype) for name, (dtype, _) in FLARE_COLUMNS.items()}


@cache
def _access() -> Any:
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fclose_degree(h5f.CLOSE_STRONG)
    access.set_file_locking(False, True)
    return access


@cache
def _memory_type(dtype: str) -> Any:
    """HDF5's type of an array; to make it anew each time costs as much as a small dataset."""
    return h5t.py_create(np.dtype(dtype))
