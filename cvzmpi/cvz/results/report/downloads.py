"""The tables of the report as files: CSV, ECSV and Parquet, with units and descriptions.

A campaign may have a million flares: the rows go from Arrow to the files in batches, and astropy
writes what is above them, the header of an ECSV file and the metadata of a Parquet file. Large CSV
and ECSV files are compressed, to a third of their size; astropy and pandas read them as they are.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
from astropy.table import Column, Table, meta

from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.results.index.merge import ROWS_PER_GROUP
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.errors import SectorFileError, one_line

DIRECTORY = "downloads"
FORMATS = ("csv", "ecsv", "parquet")
LARGE = 20_000_000
"""Bytes above which a file of text is compressed by gzip."""

_TEXT_FORMATS = ("csv", "ecsv")
_GZIP_LEVEL = 3
"""A tenth larger than with level 6, in half of the time."""

_WITHOUT = {
    "light_curves": {
        *("settled", "mtime_ns", "size", "content_sha256", "config_sha256", "models_sha256"),
        *("input_sha256", "processing_version", "software", "seed", "min_snr", "min_probability"),
        *("gp_kernel", "gp_log_likelihood", "gp_n_evaluations", "gp_Q0", "gp_dQ", "gp_f"),
        *("gp_sigma_granulation", "gp_rho_granulation_d", "gp_jitter", "gp_mean"),
        *(f"seconds_{stage}" for stage in Stage),
    },
    "flares": {
        *("start", "stop", "peak", "mask_equivalent_duration", "mask_equivalent_duration_error"),
        *("template_amplitude", "template_amplitude_error", "template_time", "fwhm_error"),
        *("rest_snr", "reversed_snr", "hump_snr", "since_gap", "vetting", "background"),
    },
}
"""Columns of the index about files, fits and vetting: with them, the files are twice as large."""


@dataclass(frozen=True)
class DownloadFile:
    """A file of a table: its name, and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Download:
    """A table that was written in all formats."""

    name: str
    n_rows: int
    schema: pa.Schema
    files: dict[str, DownloadFile]  # by format

    @property
    def columns(self) -> list[tuple[str, str, str]]:
        """Name, unit and description of each column."""
        return [
            (field.name, _told(field, "unit"), _told(field, "description")) for field in self.schema
        ]


def write_downloads(stars: pa.Table, index: Path, report: Path) -> list[Download]:
    """Write all tables to `downloads` in the report.

    Parameters
    ----------
    stars : pa.Table
        With units and descriptions in the metadata of its fields.
    index, report : Path
        Directories of the index, which has the other tables, and of the report.

    Raises
    ------
    SectorFileError
        If a table cannot be written.
    """
    directory = report / DIRECTORY
    batches = stars.to_batches(ROWS_PER_GROUP)
    written = [_write(directory, "stars", stars.schema, batches, _lengths([stars]))]
    for name, without in _WITHOUT.items():
        path = table_path(index, name)
        with pq.ParquetFile(path) as file:
            kept = pa.schema([field for field in file.schema_arrow if field.name not in without])
            lengths = _lengths(
                pa.Table.from_batches([batch])
                for batch in file.iter_batches(ROWS_PER_GROUP, columns=_texts(kept))
            )
            batches = file.iter_batches(ROWS_PER_GROUP, columns=kept.names)
            written.append(_write(directory, name, kept, batches, lengths))
    return written


def _write(
    directory: Path,
    name: str,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    lengths: Mapping[str, int],
) -> Download:
    """Write a table in all formats; the files take their names when all of them are complete.

    `lengths` are those of the longest texts, by column of text.
    """
    aside = {kind: directory / f"{name}.{kind}.new" for kind in FORMATS}
    n_rows = 0
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            writers = [
                stack.enter_context(_text_writer(aside["csv"], schema, _names(schema), stack)),
                stack.enter_context(_text_writer(aside["ecsv"], schema, _header(schema), stack)),
            ]
            parquet = stack.enter_context(
                pq.ParquetWriter(
                    aside["parquet"], _with_astropy_metadata(schema, lengths), compression="zstd"
                )
            )
            for batch in batches:
                rows = pa.Table.from_batches([batch]).cast(schema)
                text = _as_text(rows)
                for writer in writers:
                    writer.write_table(text)
                parquet.write_table(rows.cast(parquet.schema))
                n_rows += rows.num_rows
        names = {kind: f"{name}.{kind}" for kind in FORMATS}
        for kind in _TEXT_FORMATS:
            if aside[kind].stat().st_size > LARGE:
                aside[kind] = _compress(aside[kind])
                names[kind] += ".gz"
        files = {kind: DownloadFile(names[kind], aside[kind].stat().st_size) for kind in FORMATS}
        for kind, path in aside.items():
            path.replace(directory / names[kind])
        for kind in _TEXT_FORMATS:  # of a smaller or a larger campaign before
            other = f"{name}.{kind}" if names[kind].endswith(".gz") else f"{name}.{kind}.gz"
            (directory / other).unlink(missing_ok=True)
    except OSError as error:
        for path in directory.glob(f"{name}.*.new*"):
            with suppress(OSError):
                path.unlink()  # perhaps it filled the disk
        raise SectorFileError(f"{directory}: cannot be written: {one_line(error)}") from error
    return Download(name, n_rows, schema, files)


def _compress(path: Path) -> Path:
    """Compress a file by gzip, without a time: the same rows give the same file."""
    compressed = path.with_name(f"{path.name}.gz")
    with (
        path.open("rb") as plain,
        compressed.open("wb") as file,
        gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as packed,
    ):
        shutil.copyfileobj(plain, packed, 1 << 20)
    path.unlink()
    return compressed


def _text_writer(path: Path, schema: pa.Schema, header: str, stack: ExitStack) -> pc_csv.CSVWriter:
    """A writer of rows separated by commas below a header."""
    file = stack.enter_context(path.open("wb"))
    file.write(header.encode())
    options = pc_csv.WriteOptions(include_header=False, quoting_style="needed")
    return pc_csv.CSVWriter(file, _text_schema(schema), write_options=options)


def _names(schema: pa.Schema) -> str:
    return ",".join(schema.names) + "\n"


def _header(schema: pa.Schema) -> str:
    """What astropy writes above the rows of an ECSV file."""
    lines = StringIO()
    _empty(schema).write(lines, format="ascii.ecsv", delimiter=",")
    return lines.getvalue()


def _texts(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if pa.types.is_string(field.type)]


def _lengths(parts: Iterable[pa.Table]) -> dict[str, int]:
    """The length of the longest text in each column of text, at least 1."""
    lengths: dict[str, int] = {}
    for part in parts:
        for name in _texts(part.schema):
            longest = pc.max(pc.utf8_length(part[name])).as_py()
            lengths[name] = max(lengths.get(name, 1), longest or 1)
    return lengths


def _with_astropy_metadata(schema: pa.Schema, lengths: Mapping[str, int]) -> pa.Schema:
    """The schema with the metadata from which astropy has units, descriptions, lengths of text."""
    return schema.with_metadata(
        {
            "table_meta_yaml": "\n".join(meta.get_yaml_from_table(_empty(schema))),
            **{f"table::len::{name}": str(lengths.get(name, 1)) for name in _texts(schema)},
        }
    )


def _empty(schema: pa.Schema) -> Table:
    """A table of astropy with the columns, and no rows."""
    return Table(
        [
            Column(
                np.empty(
                    0, "U1" if pa.types.is_string(field.type) else field.type.to_pandas_dtype()
                ),
                name=field.name,
                unit=_told(field, "unit") or None,
                description=_told(field, "description") or None,
            )
            for field in schema
        ]
    )


def _told(field: pa.Field, what: str) -> str:
    return (field.metadata or {}).get(what.encode(), b"").decode()


def _text_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema(
        [pa.field(f.name, pa.string() if pa.types.is_boolean(f.type) else f.type) for f in schema]
    )


def _as_text(rows: pa.Table) -> pa.Table:
    """Truth values as astropy writes them, and nothing where a number is not known."""
    columns = []
    for column in rows.columns:
        if pa.types.is_boolean(column.type):
            columns.append(pc.if_else(column, "True", "False"))
        elif pa.types.is_floating(column.type):
            columns.append(pc.if_else(pc.is_nan(column), None, column))
        else:
            columns.append(column)
    return pa.table(columns, schema=_text_schema(rows.schema))
