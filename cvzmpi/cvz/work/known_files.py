"""What the ledger knows of FITS files, in little memory: a campaign may have a million of them."""

from __future__ import annotations

import hashlib
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import InputFile, values_of_fact
from cvzmpi.ledger import Ledger, LedgerUnit

_FILES = "files"  # the fact with all files of a unit, where it has several
_RECORD = struct.Struct("=QBqqqqiii")
_DTYPE = np.dtype([("hash", "u8"), ("alone", "u1"), ("rest", f"V{_RECORD.size - 9}")])
_UNKNOWN = -1


class KnownFiles:
    """The FITS files with light curves that a ledger knows, by path and size.

    Of a path a hash of 64 bits is kept: that two of a million files have the same hash, and the
    same size, is less likely than one in ten million.
    """

    def __init__(self, units: Iterable[LedgerUnit] = ()) -> None:
        self._records = bytearray()
        self._hashes: array[int] | None = None  # sorted like the records; None where these are not
        self._products = _Numbered()
        self._processings = _Numbered()
        for unit in units:
            self.add(unit)

    def add(self, unit: LedgerUnit) -> None:
        """Add the files of a unit; facts that are damaged, or of another version, are left out."""
        light_curve, n_bytes = LightCurveId.parse(unit.name), unit.facts.get("bytes")
        if light_curve is None or not isinstance(n_bytes, int):
            return
        path = str(unit.facts.get("file"))
        several = list(filter(None, map(values_of_fact, unit.facts.get(_FILES, ()))))
        for values in several:
            self._add(False, *values)
        if not any(values[:2] == (path, n_bytes) for values in several):
            self._add(True, path, n_bytes, light_curve, mtime_ns=unit.facts.get("mtime_ns"))

    def get(self, key: tuple[str, int], /) -> InputFile | None:
        """The file of a path and a size in bytes; None where there is none."""
        hashes = self._sorted()
        path, n_bytes = key
        wanted = _hash(path)
        at = bisect_left(hashes, wanted)
        while at < len(hashes) and hashes[at] == wanted:
            _, _, size, end, mtime_ns, tic, sector, product, processing = _RECORD.unpack_from(
                self._records, at * _RECORD.size
            )
            if size == n_bytes:
                light_curve = LightCurveId(tic, sector, self._products[product])
                known, name = self._processings[processing] if processing >= 0 else (None, "")
                end, mtime_ns = (None if n == _UNKNOWN else n for n in (end, mtime_ns))
                return InputFile(Path(path), size, light_curve, end, known, name, mtime_ns)
            at += 1
        return None

    def _add(
        self,
        alone: bool,
        path: str,
        n_bytes: int,
        light_curve: LightCurveId,
        end: int | None = None,
        processing: tuple[Any, ...] | None = None,
        name: str = "",
        mtime_ns: int | None = None,
    ) -> None:
        """Add a file; of one that is `alone` less is known."""
        known = (processing, name)
        try:
            record = _RECORD.pack(
                _hash(path),
                alone,
                n_bytes,
                _UNKNOWN if end is None else end,
                _UNKNOWN if mtime_ns is None else mtime_ns,
                light_curve.tic,
                light_curve.sector,
                self._products.number(light_curve.product),
                _UNKNOWN if processing is None else self._processings.number(known),
            )
        except (struct.error, TypeError):  # a number that is none of a file, or a list in the key
            return
        self._records += record
        self._hashes = None

    def _sorted(self) -> array[int]:
        if self._hashes is None:
            records = np.frombuffer(self._records, _DTYPE)
            order = np.lexsort((records["alone"], records["hash"]))
            records = records[order]
            self._hashes = array("Q", records["hash"].tobytes())
            self._records = bytearray(records.tobytes())
        return self._hashes


class _Numbered:
    """Values that many files share, each kept once."""

    def __init__(self) -> None:
        self._values: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        """The number of a value."""
        number = self._numbers.setdefault(value, len(self._values))
        if number == len(self._values):
            self._values.append(value)
        return number

    def __getitem__(self, number: int) -> Any:
        return self._values[number]


def read_known(ledger: Ledger) -> tuple[list[LedgerUnit], KnownFiles]:
    """The units of a ledger without the fact of all their files, and these files."""
    units, files = [], KnownFiles()
    for unit in ledger.each_unit():
        files.add(unit)
        unit.facts.pop(_FILES, None)
        units.append(unit)
    return units, files


def _hash(path: str) -> int:
    digest = hashlib.blake2b(path.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
