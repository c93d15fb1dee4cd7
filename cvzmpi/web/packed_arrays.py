"""Arrays as text in a script: few bytes, and opened by any current browser without a library.

An array is compressed (deflate without a header, which `DecompressionStream("deflate-raw")` opens)
and written as base64. Its bytes are sorted by significance (first all lowest bytes) where that
takes less: it halves slowly changing numbers. `packed_arrays.js` opens them.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

_SIZES = {"u1": 1, "i1": 1, "u2": 2, "i2": 2, "u4": 4, "i4": 4, "f4": 4, "f8": 8, "text": 1}


def packed(kind: str, content: bytes) -> dict[str, Any]:
    """Pack numbers ("f4", say, and their bytes, little-endian), or "text": lines in UTF-8.

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
    shortest = _compressed(content)
    by_significance = False
    if size > 1:
        sorted_bytes = _compressed(*(content[place::size] for place in range(size)))
        if len(sorted_bytes) < len(shortest):
            shortest, by_significance = sorted_bytes, True
    text = base64.b64encode(shortest).decode()
    return {"type": kind, "sorted": by_significance, "bytes": text}


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
