"""Kept listings: compressed copies of fetched listings, in the scratch directory."""

from __future__ import annotations

import gzip
import io
import os
import re
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.cvz.archive.listings.listing_format import (
    count_light_curves,
    lists_something,
    version_listed,
)
from cvzmpi.cvz.light_curves.exposure import SECONDS_PER_DAY
from cvzmpi.cvz.light_curves.product_kinds import FAST, QLP, TESS_SPOC, TWO_MINUTES, ProductKind
from cvzmpi.errors import ConfigError, one_line

_LARGEST = 1_000_000_000
_FILES = {
    TWO_MINUTES: "tesscurl_sector_{sector}_lc.sh.gz",
    FAST: "tesscurl_sector_{sector}_fast-lc.sh.gz",
    TESS_SPOC: "hlsp_tess-spoc_sector_{sector}_lc.sh.gz",
    QLP: "hlsp_qlp_sector_{sector}_llc.sh.gz",
}
"""Names of their files."""


class TooLargeError(OSError):
    """Decompressed content is larger than expected; an `OSError`, as for damaged gzip."""


@dataclass(frozen=True)
class KeptListing:
    """A listing that was fetched earlier."""

    file: Path
    content: bytes
    days: float  # its age
    kind: ProductKind = TWO_MINUTES

    @property
    def n_light_curves(self) -> int:
        """The number of light curves that it lists."""
        return count_light_curves(self.content, self.kind)

    @property
    def version(self) -> int:
        """The version of the light curves that it lists first; 0 where their names say none."""
        return version_listed(self.content)


class KeptListings:
    """The directory of kept listings, of one kind of products.

    Parameters
    ----------
    max_age : float
        Days after which one is to be fetched again.
    """

    def __init__(self, directory: Path, max_age: float, kind: ProductKind = TWO_MINUTES) -> None:
        self._directory = directory
        self.kind = kind
        self.max_age = max_age

    def sectors(self) -> set[int]:
        """The sectors of which there is one, perhaps damaged."""
        pattern = re.compile(
            re.escape(_FILES[self.kind]).replace(re.escape("{sector}"), r"(\d{1,4})"), re.ASCII
        )
        matches = (pattern.fullmatch(path.name) for path in self._directory.glob("*.gz"))
        return {int(match[1]) for match in matches if match is not None}

    def read(self, sector: int) -> KeptListing | None:
        """The listing of a sector; None where there is none, or it is damaged."""
        file = self._file(sector)
        try:
            days = (time.time() - file.stat().st_mtime) / SECONDS_PER_DAY
            content = decompress(file.read_bytes(), _LARGEST)
        except (OSError, EOFError, zlib.error):
            return None
        if not lists_something(content, self.kind):
            return None
        return KeptListing(file, content, days, self.kind)

    def write(self, sector: int, content: bytes) -> None:
        """Keep a listing.

        Raises
        ------
        ConfigError
            If it cannot be written.
        """
        file = self._file(sector)
        part = file.with_name(f".{file.name}.{os.getpid()}.part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(gzip.compress(content, compresslevel=1))
            part.replace(file)
        except OSError as error:
            raise ConfigError(f"{file}: cannot be written: {one_line(error)}") from error

    def _file(self, sector: int) -> Path:
        return self._directory / _FILES[self.kind].format(sector=sector)


def decompress(content: bytes, largest: int) -> bytes:
    """Decompress gzip to a bounded size: some kilobytes may stand for gigabytes.

    Parameters
    ----------
    largest : int
        Most bytes of the result.

    Raises
    ------
    TooLargeError
    OSError, EOFError, zlib.error
        If it is no gzip, or damaged.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
        result = stream.read(largest + 1)
    if len(result) > largest:
        raise TooLargeError(f"more than {largest:,} bytes when decompressed")
    return result
