"""A part of the index: the tables of one shard, in one file that is always whole.

The file is a digest of the columns, one of the rest, and an Arrow stream for each table. It is
replaced as a whole, and one that is torn, has other columns or is of another search counts for
nothing: its shard is read anew.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.index.columns import INDEX_VERSION, PART_SCHEMAS
from cvzmpi.errors import SectorFileError
from cvzmpi.storage.whole_file import write_derived

_SCHEMAS = tuple(PART_SCHEMAS.values())
_DIGEST_SIZE = 16


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_SIZE).digest()


@cache
def _layout(search: Search) -> bytes:
    """Digest of the columns and their version, and of the search chosen.

    A part with another one is of another cvzmpi, or of another search.
    """
    columns = (schema.serialize().to_pybytes() for schema in _SCHEMAS)
    return _digest(b"".join([bytes([INDEX_VERSION]), search.encode(), *columns]))


@dataclass(frozen=True)
class Part:
    """The tables of one shard, with the columns of `columns`, ordered by tic and sector."""

    light_curves: pa.Table
    flares: pa.Table
    events: pa.Table
    completeness: pa.Table
    problems: pa.Table

    @classmethod
    def empty(cls) -> Part:
        """Tables without rows."""
        return cls(*(schema.empty_table() for schema in _SCHEMAS))

    @property
    def tables(self) -> tuple[pa.Table, ...]:
        """All of them, in the order of the attributes."""
        return self.light_curves, self.flares, self.events, self.completeness, self.problems


def read_part(part_file: Path, search: Search = DEFAULT_SEARCH) -> tuple[Part, str | None]:
    """A part and its digest; an empty one and None where there is none that can be used.

    Raises
    ------
    SectorFileError
        If the operating system does not let it be read.
    """
    try:
        content = part_file.read_bytes()
    except FileNotFoundError:
        return Part.empty(), None
    except OSError as error:
        raise SectorFileError(f"{part_file}: cannot be read: {error.strerror}") from error
    head, body = content[: 2 * _DIGEST_SIZE], content[2 * _DIGEST_SIZE :]
    digest = _digest(body)
    if head != _layout(search) + digest:
        return Part.empty(), None
    source = io.BytesIO(body)
    return Part(*(pa.ipc.open_stream(source).read_all() for _ in _SCHEMAS)), digest.hex()


def write_part(
    part_file: Path, part: Part, search: Search = DEFAULT_SEARCH, known: str | None = None
) -> str:
    """Replace a part, unless the digest of what is there, `known`, is its own; its digest.

    Raises
    ------
    SectorFileError
        If it cannot be written.
    """
    sink = io.BytesIO()
    for table in part.tables:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    digest = _digest(sink.getvalue())
    if digest.hex() != known:
        write_derived(part_file, _layout(search) + digest + sink.getvalue())
    return digest.hex()
