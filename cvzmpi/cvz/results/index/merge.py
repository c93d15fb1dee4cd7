"""All parts of the index as one table each: Parquet files, written a row group at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from cvzmpi.cvz.results.index.columns import SCHEMAS
from cvzmpi.cvz.results.index.part import Part
from cvzmpi.errors import SectorFileError, one_line

T = TypeVar("T")

ROWS_PER_GROUP = 20_000
"""Rows that are in memory at a time, and that a reader of the table gets at a time."""

_DIGEST = b"cvzmpi_digest"


def table_path(directory: Path, name: str) -> Path:
    """Where a table of the index is."""
    return directory / f"{name}.parquet"


def digest_of_tables(directory: Path) -> str | None:
    """The digest of the parts that the tables in a directory were merged from.

    Returns
    -------
    str or None
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


class MergedTables:
    """The tables while they are written: beside, and renamed when everything is complete.

    Used with `with`; they are left as they were if it is left with an error.

    Parameters
    ----------
    directory : Path
    digest : str
        Of the parts that are going to be added.

    Raises
    ------
    SectorFileError
        If a table cannot be written; all methods do.
    """

    def __init__(self, directory: Path, digest: str) -> None:
        self._writers = [
            _TableWriter(table_path(directory, name), schema.with_metadata({_DIGEST: digest}))
            for name, schema in SCHEMAS.items()
        ]

    def __enter__(self) -> MergedTables:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for writer in self._writers:
            writer.close()
        if error is None:
            for writer in self._writers:
                writer.publish()

    def add(self, part: Part) -> None:
        """Add the rows of a part, behind those that are there."""
        for writer, table in zip(self._writers, part.tables, strict=True):
            writer.add(table)


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
