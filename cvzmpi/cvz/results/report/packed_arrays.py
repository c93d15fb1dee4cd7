"""Arrays as text in a script: few bytes, and opened by any current browser without a library.

The bytes of each array are sorted by significance (first all lowest bytes), which halves what
slowly changing numbers take. All of them together are compressed (deflate without a header, which
`DecompressionStream("deflate-raw")` opens) and written as base64.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

_TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")


def packed(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Pack arrays of one dimension.

    Returns
    -------
    dict
        `arrays` has name, type and length of each, in the order in which their bytes are in
        `bytes`; ready for JSON.

    Raises
    ------
    ValueError
        If an array has another type than the numbers of one to eight bytes.
    """
    described, content = [], bytearray()
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    for name, array in arrays.items():
        kind = array.dtype.str.lstrip("<>|=")
        if kind not in _TYPES:
            raise ValueError(f"{name}: an array of type {array.dtype} cannot be packed")
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        for plane in little.view(np.uint8).reshape(len(array), array.itemsize).T:
            # each with a code of its own, since they have nothing in common
            content += deflate.compress(plane.tobytes()) + deflate.flush(zlib.Z_BLOCK)
        described.append([name, kind, len(array)])
    content += deflate.flush()
    return {"arrays": described, "bytes": base64.b64encode(content).decode()}


def unpacked(packed: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The inverse of `packed`: what the browser makes of it."""
    content = zlib.decompress(base64.b64decode(packed["bytes"]), -zlib.MAX_WBITS)
    arrays, at = {}, 0
    for name, kind, length in packed["arrays"]:
        dtype = np.dtype(f"<{kind}")
        planes = np.frombuffer(content, np.uint8, length * dtype.itemsize, at)
        bytes_of_each = np.ascontiguousarray(planes.reshape(dtype.itemsize, length).T)
        arrays[name] = bytes_of_each.reshape(-1).view(dtype)
        at += planes.size
    return arrays


def knots(values: np.ndarray, tolerance: float) -> np.ndarray:
    """Choose few places between which linear interpolation is right to a tolerance.

    From each knot on, the next one is as far as a straight line to it passes all values between
    within the tolerance. Values that are not finite are skipped: there, anything will do.

    Parameters
    ----------
    values : float, shape (n,)
    tolerance : float
        Above 0, in the unit of the values.

    Returns
    -------
    ndarray of int, shape (n_knots,)
        Indices of the knots, ascending; the first and the last finite value are among them.
    """
    places = np.flatnonzero(np.isfinite(values))
    if not len(places):
        return places
    x, y = places.tolist(), values[places].tolist()
    chosen, start = [x[0]], 0
    lowest, highest = -np.inf, np.inf  # slopes of the lines that pass all values since `start`
    for at in range(1, len(x)):
        slope = (y[at] - y[start]) / (x[at] - x[start])
        if not lowest <= slope <= highest:
            start = at - 1
            chosen.append(x[start])
            lowest, highest = -np.inf, np.inf
        run, rise = x[at] - x[start], y[at] - y[start]
        lowest = max(lowest, (rise - tolerance) / run)
        highest = min(highest, (rise + tolerance) / run)
    if x[-1] != chosen[-1]:
        chosen.append(x[-1])
    return np.array(chosen)
