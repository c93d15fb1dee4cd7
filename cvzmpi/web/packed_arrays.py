"""Arrays as text in a script: few bytes, and opened by any current browser without a library.

An array is compressed (deflate without a header, which `DecompressionStream("deflate-raw")` opens)
and written as base64. Its bytes are sorted by significance (first all lowest bytes) where that
takes less: it halves slowly changing numbers. `packed_arrays.js` opens them.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

_SIZES = {"u1": 1, "i1": 1, "u2": 2, "i2": 2, "u4": 4, "i4": 4, "f4": 4, "f8": 8}


def packed(kind: str, content: bytes) -> dict[str, Any]:
    """Pack numbers: "f4" and their bytes, little-endian.

    Returns
    -------
    dict
        Ready for JSON.

    Raises
    ------
    ValueError
        If the browser has no array of that type: all but integers of one to four bytes and floats
        of four and eight.
    """
    if kind not in _SIZES:
        raise ValueError(f"an array of type {kind} cannot be packed")
    size = _SIZES[kind]
    as_it_is = _compressed(content)
    by_significance = _compressed(*(content[place::size] for place in range(size)))
    if len(by_significance) < len(as_it_is):
        return _described(kind, by_significance, True)
    return _described(kind, as_it_is)


def packed_texts(texts: Iterable[str]) -> dict[str, Any]:
    """Pack texts of one line each; ready for JSON."""
    return _described("text", _compressed("\n".join(texts).encode()))


def unpacked(array: Mapping[str, Any]) -> bytes:
    """The inverse: bytes of the numbers, little-endian, or of the lines of text."""
    content = zlib.decompress(base64.b64decode(array["bytes"]), -zlib.MAX_WBITS)
    if not array["sorted"]:
        return content
    size = _SIZES[array["type"]]
    length = len(content) // size
    again = bytearray(len(content))
    for place in range(size):
        again[place::size] = content[place * length : (place + 1) * length]
    return bytes(again)


def _compressed(*parts: bytes) -> bytes:
    """Parts one after the other, each with a code of its own: they have nothing in common."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    blocks = [deflate.compress(part) + deflate.flush(zlib.Z_BLOCK) for part in parts]
    return b"".join([*blocks, deflate.flush()])


def _described(kind: str, compressed: bytes, by_significance: bool = False) -> dict[str, Any]:
    text = base64.b64encode(compressed).decode()
    return {"type": kind, "sorted": by_significance, "bytes": text}
