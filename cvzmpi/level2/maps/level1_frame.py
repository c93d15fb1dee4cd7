"""One FITS file of a Level 1 dataset: whether it is whole, and the one that the dataset means.

The file is looked at before its values are used: `dkist` takes a file that is missing for NaN, and
a file in another's place for that other. What is read here: structure and checksums as in the FITS
Standard 4.0, sections 3 and 4.4.2.7.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io.fits import Header

from cvzmpi.errors import Level1Error, one_line
from cvzmpi.messages.foreign_json import shown
from cvzmpi.regular_file import UnreadableFileError, read_bounded

MAX_BYTES = 1 << 30
"""Bytes of a file; those of ViSP have 20 MB at most."""

IDENTITY = ("FILE_ID", "DATE-BEG", "STOKES")
"""Cards by which a file is known to be the one that the ASDF file describes."""

_BLOCK, _CARD = 2880, 80
_END = b"END".ljust(_CARD)
_BITPIX = (8, 16, 32, 64, -32, -64)
_ONES = 0xFFFFFFFF


@dataclass(frozen=True)
class _Unit:
    """A header and data unit."""

    header: Header
    header_bytes: memoryview
    data_bytes: memoryview  # with the filling of its last block


def check_frame(path: Path, shape: tuple[int, int], described: Mapping[str, Any]) -> str:
    """Check that a file is whole, and the one that its dataset describes.

    A file without CHECKSUM and DATASUM passes, and so do bytes after its last unit.

    Parameters
    ----------
    shape : tuple of int
        Of the image: wavelengths, and pixels along the slit.
    described : mapping
        The header as the ASDF file has it.

    Returns
    -------
    str
        SHA-256 of the file, in hexadecimal.

    Raises
    ------
    Level1Error
        With the file, the value, and what was expected.
    """
    try:
        content = read_bounded(path, MAX_BYTES)
    except UnreadableFileError as error:
        raise Level1Error(f"{path}: {error}") from error
    try:
        units = list(_units(memoryview(content)))
        for unit in units:
            _check_sums(unit)
        images = [unit.header for unit in units if _axes(unit.header)]
        if not images:
            raise Level1Error("has no image")
        _check_image(images[0], shape)
        _check_identity(images[0], described)
    except Level1Error as error:
        raise Level1Error(f"{path}: {error}") from error
    return hashlib.sha256(content).hexdigest()


def _units(content: memoryview) -> Iterator[_Unit]:
    """The header and data units, as far as there are any."""
    if bytes(content[:10]) != b"SIMPLE  = ":
        raise Level1Error("not a FITS file" if content else "empty")
    begin = 0
    while begin == 0 or bytes(content[begin : begin + 10]) == b"XTENSION= ":
        data = _end_of_header(content, begin)
        header = _header(content[begin:data])
        end = data + -(-_n_bytes(header) // _BLOCK) * _BLOCK
        if end > len(content):
            raise Level1Error(f"cut off: {len(content):,} bytes, expected {end:,}")
        yield _Unit(header, content[begin:data], content[data:end])
        begin = end


def _end_of_header(content: memoryview, begin: int) -> int:
    for block in range(begin, len(content) - _BLOCK + 1, _BLOCK):
        cards = range(block, block + _BLOCK, _CARD)
        if any(content[card : card + _CARD] == _END for card in cards):
            return block + _BLOCK
    raise Level1Error(f"cut off: {len(content):,} bytes, and a header without its end")


def _header(content: memoryview) -> Header:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Header.fromstring(bytes(content).decode("ascii"))
    except Exception as error:  # astropy raises errors of many types
        raise Level1Error(f"its header cannot be read: {one_line(error)}") from error


def _value(header: Header, name: str) -> Any:
    """The value of a card; None if there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return header.get(name)
    except Exception as error:
        raise Level1Error(f"{name} cannot be read: {one_line(error)}") from error


def _number(header: Header, name: str, default: int | None = None) -> int:
    value = _value(header, name)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise Level1Error(f"{name} is {shown(value)}, expected a whole number")
    return value


def _count(header: Header, name: str) -> int:
    """How many there are of something that the cards number; FITS allows 999."""
    count = _number(header, name)
    if not 0 <= count <= 999:
        raise Level1Error(f"{name} is {count}, expected 0 to 999")
    return count


def _bitpix(header: Header, name: str = "BITPIX") -> int:
    value = _number(header, name)
    if value not in _BITPIX:
        raise Level1Error(f"{name} is {value}, expected one of {', '.join(map(str, _BITPIX))}")
    return value


def _lengths(header: Header, name: str = "NAXIS") -> list[int]:
    lengths = [_number(header, f"{name}{n + 1}") for n in range(_count(header, name))]
    if any(length < 0 for length in lengths):
        raise Level1Error(f"{name}1 to {name}{len(lengths)} are {lengths}, expected none below 0")
    return lengths


def _n_bytes(header: Header) -> int:
    """The length of the data, without their filling."""
    lengths, bits = _lengths(header), abs(_bitpix(header))
    pcount, gcount = _number(header, "PCOUNT", 0), _number(header, "GCOUNT", 1)
    if pcount < 0 or gcount < 1:
        raise Level1Error(f"PCOUNT is {pcount} and GCOUNT {gcount}")
    return bits // 8 * gcount * (pcount + prod(lengths)) if lengths else 0


def _axes(header: Header) -> list[int]:
    """The lengths of the axes of an image, as compressed as not; none if it is no image."""
    if _value(header, "ZIMAGE") is True:
        _count(header, "TFIELDS")  # astropy would count as far as it says
        return _lengths(header, "ZNAXIS")
    is_image = str(_value(header, "XTENSION") or "IMAGE").strip() == "IMAGE"
    return _lengths(header) if is_image else []


# ----------------------------------------------------------------- the checks


def _check_sums(unit: _Unit) -> None:
    """Compare with CHECKSUM and DATASUM, where they are given."""
    data = _ones_complement_sum(unit.data_bytes)
    given = str(_value(unit.header, "DATASUM") or "").strip()
    if given and not (given.isdecimal() and int(given) % _ONES == data % _ONES):
        raise Level1Error(f"damaged: DATASUM is {shown(given)}, its data have {data}")
    if str(_value(unit.header, "CHECKSUM") or "").strip():
        total = _ones_complement_sum(unit.header_bytes) + data
        if total % _ONES != 0:
            raise Level1Error("damaged: its header does not have its CHECKSUM")


def _ones_complement_sum(content: memoryview) -> int:
    """The 32-bit sum in ones' complement, of whole blocks."""
    total = int(np.frombuffer(content, ">u4").sum(dtype=np.uint64))
    return total % _ONES if total else 0


def _check_image(header: Header, shape: tuple[int, int]) -> None:
    """Check that the image has the shape, and real numbers that are stored as they are."""
    axes = _axes(header)
    if [length for length in axes[2:] if length != 1] or tuple(axes[1::-1]) != shape:
        raise Level1Error(
            f"an image of {' x '.join(map(str, axes))}; the ASDF file says {shape[1]} x {shape[0]}"
        )
    for number, length in enumerate(axes, start=1):
        if not 1 <= (tile := _number(header, f"ZTILE{number}", 1)) <= length:
            raise Level1Error(f"ZTILE{number} is {tile}, expected 1 to {length}")
    name = "ZBITPIX" if _value(header, "ZIMAGE") is True else "BITPIX"
    if (bitpix := _bitpix(header, name)) > 0:
        raise Level1Error(f"{name} is {bitpix}, expected -32 or -64: real numbers")
    for card, neutral in (("BSCALE", 1), ("BZERO", 0)):
        if (value := _value(header, card)) not in (None, neutral):
            raise Level1Error(f"{card} is {shown(value)}, expected values that are not scaled")


def _check_identity(header: Header, described: Mapping[str, Any]) -> None:
    for card in IDENTITY:
        there, expected = _value(header, card), described.get(card)
        if there is None or expected is None or np.ma.is_masked(expected):
            continue
        if str(there).strip() != str(expected).strip():
            raise Level1Error(
                f"another file's content: {card} is {shown(there)}, "
                f"the ASDF file says {shown(str(expected))}"
            )
