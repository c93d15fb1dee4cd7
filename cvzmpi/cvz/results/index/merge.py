"""All parts of the index as one: a Parquet file for each table, and the master file.

Through the master file, of HDF5, `/{tic}/{sector}` opens any sector file. It has only links,
relative to where it is itself, so a campaign can be moved with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import h5py
import pyarrow as pa
import pyarrow.parquet as pq

from cvzmpi.cvz.results.index.columns import SCHEMAS
from cvzmpi.cvz.results.index.part import Part
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.errors import SectorFileError, one_line
from cvzmpi.storage.hdf5_file import NotOpenedError, ensure_sound
from cvzmpi.storage.structure_checksum import new_in_memory, whole_image
from cvzmpi.storage.whole_file import write_derived

T = TypeVar("T")

ROWS_PER_GROUP = 20_000
"""Rows that are in memory at a time, and that a reader of the table gets at a time."""

_DIGEST, _MASTER_DIGEST = b"cvzmpi_digest", "digest"


def digest_of_tables(directory: Path) -> str | None:
    """The digest of the parts that the tables in a directory were merged from.

    None where a table is missing or torn, or they are not of one merge.
    """
    digests = set()
    for name in SCHEMAS:
        try:
            metadata = pq.read_schema(table_path(directory, name)).metadata or {}
        except (OSError, pa.ArrowException):
            return None
        digests.add(metadata.get(_DIGEST, b"").decode())
    return digests.pop() if len(digests) == 1 else None


@contextmanager
def merged_tables(directory: Path, digest: str) -> Iterator[Callable[[Part], None]]:
    """The tables while they are written: beside, and renamed when everything is complete.

    They are left as they were if the context is left with an error. `digest` is that of the parts
    that are going to be added.

    Yields
    ------
    callable
        Adds the rows of a part behind those that are there.

    Raises
    ------
    SectorFileError
        If a table cannot be written.
    """
    writers = [
        _TableWriter(table_path(directory, name), schema.with_metadata({_DIGEST: digest}))
        for name, schema in SCHEMAS.items()
    ]

    def add(part: Part) -> None:
        for writer, table in zip(writers, part.tables, strict=True):
            writer.add(table)

    try:
        yield add
    finally:
        for writer in writers:
            writer.close()
    for writer in writers:
        writer.publish()


def write_master(path: Path, links: Iterable[tuple[int, int, str]], digest: str) -> None:
    """Write the master file anew.

    Parameters
    ----------
    links : iterable of (tic, sector, path of the sector file)
        Relative to the directory of the master file; all sectors of a target after one another.
    digest : str
        Digest of the parts of the index that the links are from.

    Raises
    ------
    SectorFileError
        If it cannot be written; the one that was there is left as it is.
    """
    with new_in_memory() as file:
        file.attrs["format"] = "cvzmpi master file"
        file.attrs[_MASTER_DIGEST] = digest
        last: int | None = None
        group: Any = None
        for tic, sector, target in links:
            if tic != last:
                # HDF5's own calls: with h5py's, 200,000 links take half a minute.
                last, group = tic, h5py.h5g.create(file.id, str(tic).encode())
            group.links.create_external(str(sector).encode(), target.encode(), b"/")
        write_derived(path, whole_image(file))


def digest_of_master(path: Path) -> str | None:
    """The digest that a master file was written with; None where there is none, or it is torn."""
    try:
        ensure_sound(path)
        with h5py.File(path, "r", locking=False) as file:
            return file.attrs.get(_MASTER_DIGEST)
    except (OSError, NotOpenedError):
        return None


class _TableWriter:
    """Gathers rows until they are a row group."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._aside = path.with_name(path.name + ".new")
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._writer = self._try(lambda: pq.ParquetWriter(self._aside, schema, compression="zstd"))

    def add(self, table: pa.Table) -> None:
        self._waiting.append(table)
        if sum(waiting.num_rows for waiting in self._waiting) >= ROWS_PER_GROUP:
            self._write()

    def close(self) -> None:
        self._write()
        self._try(self._writer.close)

    def publish(self) -> None:
        self._try(lambda: self._aside.replace(self._path))

    def _write(self) -> None:
        if self._waiting:
            table = pa.concat_tables(self._waiting).combine_chunks()
            self._waiting = []
            table = table.replace_schema_metadata(self._schema.metadata)
            self._try(lambda: self._writer.write_table(table))

    def _try(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (OSError, pa.ArrowException) as error:
            raise SectorFileError(f"{self._path}: cannot be written: {one_line(error)}") from error
