"""Listings: the archive's download script of a sector names every 2-minute light curve of it.

One request for each sector finds the light curves of all targets. The scripts are kept, compressed,
and fetched again when they are old: sectors are reprocessed now and then.
"""

from __future__ import annotations

import gzip
import os
import re
import time
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

from cvzmpi.cvz.archive.client import (
    ArchiveClient,
    Body,
    NotInArchiveError,
    UnavailableError,
    UnusableContentError,
)
from cvzmpi.cvz.archive.product import NAME, Product
from cvzmpi.errors import ConfigError, one_line

_SECONDS_PER_DAY = 86400.0
# `curl -C - -L -o tess...-s_lc.fits https://...`; a light curve is named twice in its line.
_LINE = re.compile(rb"^\s*curl\s[^\n]*?\s-o\s+(" + NAME.pattern.encode() + rb")\s", re.MULTILINE)
_MISSING_AT_END = 2
"""So many sectors in a row without a listing are the end: one alone may be a gap."""


class SectorListings:
    """The listings of all sectors.

    Parameters
    ----------
    client : ArchiveClient
    pattern : str
        Address of a listing, with `{sector}` in place of the number.
    cache : Path
        Directory in which they are kept.
    max_age : float
        Days after which one is fetched again.

    Attributes
    ----------
    notes : list of str
        What is worth telling: an old listing was used since there was no new one.
    """

    def __init__(self, client: ArchiveClient, pattern: str, cache: Path, max_age: float) -> None:
        self._client = client
        self._pattern = pattern
        self._cache = cache
        self._max_age = max_age * _SECONDS_PER_DAY
        self.notes: list[str] = []

    def products(self, tics: Collection[int]) -> Iterator[Product]:
        """The light curves of some stars, by sector.

        Where the archive has two versions of one, the later one.

        Raises
        ------
        UnavailableError
            If a listing can neither be fetched nor is there from earlier.
        UnusableContentError
            If a listing is none.
        """
        for sector, listing in self._listings():
            found: dict[int, str] = {}
            for match in _LINE.finditer(listing):
                tic = int(match[3])
                if tic in tics:
                    found[tic] = max(found.get(tic, ""), match[1].decode())
            for tic in sorted(found):
                yield Product(tic, sector, found[tic])

    def _listings(self) -> Iterator[tuple[int, bytes]]:
        sector, missing = 0, 0
        while missing < _MISSING_AT_END:
            sector += 1
            listing = self._listing(sector)
            if listing is None:
                missing += 1
            else:
                missing = 0
                yield sector, listing

    def _listing(self, sector: int) -> bytes | None:
        """The script of a sector; None where the archive has none."""
        file = self._cache / f"tesscurl_sector_{sector}_lc.sh.gz"
        kept, age = _read(file)
        if kept is not None and age <= self._max_age:
            return kept
        address = self._pattern.replace("{sector}", str(sector))
        try:
            listing = self._client.fetch(address, lambda body: _checked(address, sector, body))
        except NotInArchiveError:
            return None
        except UnavailableError as error:
            if kept is None:
                raise
            self.notes.append(
                f"{error}; its listing of {age / _SECONDS_PER_DAY:.0f} days ago is used"
            )
            return kept
        _write(file, listing)
        return listing


def _checked(address: str, sector: int, body: Body) -> bytes:
    """The content, if it is the listing of a sector."""
    listing = b"".join(body.chunks)
    first = _LINE.search(listing)
    if first is None:
        raise UnusableContentError(
            f"{address}: lists no 2-minute light curve; expected lines as "
            "`curl ... -o tess...-s_lc.fits ...` (archive.listings)"
        )
    if int(first[2]) != sector:
        raise UnusableContentError(f"{address}: lists sector {int(first[2])}, expected {sector}")
    return listing


def _read(file: Path) -> tuple[bytes | None, float]:
    """A kept listing and its age in seconds; None where there is none, or it is damaged."""
    try:
        age = time.time() - file.stat().st_mtime
        return gzip.decompress(file.read_bytes()), age
    except (OSError, EOFError, zlib.error):
        return None, 0.0


def _write(file: Path, listing: bytes) -> None:
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(gzip.compress(listing, compresslevel=1))
        part.replace(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {one_line(error)}") from error
