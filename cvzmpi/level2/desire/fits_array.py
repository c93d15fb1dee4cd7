"""An array in the primary unit of a FITS file, read a part at a time.

The arrays of an inversion are several GB large, and their last two axes are the scan and the slit:
what belongs to one scan position is spread over the whole file.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from cvzmpi.errors import one_line
from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.messages.foreign_json import plain

_BLOCK_BYTES = 1 << 28
_BITPIX = -32
_DTYPE = np.dtype(">f4")


@dataclass(frozen=True)
class FitsArray:
    """An array of float32 with four axes, of which the third is the scan and the last the slit."""

    path: Path
    shape: tuple[int, int, int, int]
    offset: int  # bytes before the first value
    header: fits.Header
    extensions: tuple[np.ndarray, ...]  # float64, shape (n,)

    def mapped(self) -> np.ndarray:
        """The whole array, mapped into memory.

        Raises
        ------
        ProductError
            If the file cannot be read any more.
        """
        try:
            return np.memmap(self.path, _DTYPE, "r", self.offset, self.shape)
        except (OSError, ValueError) as error:
            raise ProductError(f"{self.path}: cannot be read: {one_line(error)}") from error

    def finite_counts(self) -> np.ndarray:
        """The numbers of finite values: integers, of the shape of the first two axes.

        Raises
        ------
        ProductError
            If the file cannot be read any more.
        """
        mapped = self.mapped()
        return np.array([[np.count_nonzero(np.isfinite(m)) for m in first] for first in mapped])


class ScanBlocks:
    """An array as read for several scan positions at once, which reads the file fewer times."""

    def __init__(self, array: FitsArray, block_bytes: int = _BLOCK_BYTES) -> None:
        self._array = array
        outer, inner, _, slit = array.shape
        self._n = max(1, block_bytes // (outer * inner * slit * _DTYPE.itemsize))
        self._first, self._block = 0, np.empty((outer, inner, 0, slit), np.float32)

    def at(self, step: int) -> np.ndarray:
        """The array at a scan position: float32, shape (n_first, n_second, n_slit).

        Raises
        ------
        ProductError
            If the file cannot be read any more.
        """
        if not self._first <= step < self._first + self._block.shape[2]:
            self._first = step - step % self._n
            part = self._array.mapped()[:, :, self._first : self._first + self._n]
            self._block = part.astype(np.float32)
        return self._block[:, :, step - self._first]


def read_array(path: Path, n_extensions: int = 0) -> FitsArray:
    """Read the header of a file, and the one-dimensional images in its first extensions.

    Raises
    ------
    ProductError
        If it is no such FITS file, or is truncated.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of astropy, about what is looked at here
        try:
            with fits.open(path, memmap=True, lazy_load_hdus=True) as units:
                header = units[0].header.copy()
                shape = _shape(path, header)
                offset = int(units[0].fileinfo()["datLoc"])
                _check_whole(path, offset, shape)
                extensions = tuple(_vector(path, units, n + 1) for n in range(n_extensions))
        except ProductError:
            raise
        except OSError as error:
            text = plain(error.strerror or one_line(error), 200)
            raise ProductError(f"{path}: cannot be read: {text}") from error
        except Exception as error:  # astropy raises errors of many types about damaged headers
            text = plain(one_line(error), 200)
            raise ProductError(f"{path}: no FITS file that can be read: {text}") from error
    return FitsArray(path, shape, offset, header, extensions)


def _shape(path: Path, header: fits.Header) -> tuple[int, int, int, int]:
    bitpix = header["BITPIX"]
    if bitpix != _BITPIX:
        raise ProductError(
            f"{path}: BITPIX = {plain(str(bitpix), 80)}: expected {_BITPIX}, numbers of float32"
        )
    for key, neutral in (("BSCALE", 1), ("BZERO", 0)):
        if header.get(key, neutral) != neutral:
            value = plain(str(header[key]), 80)
            raise ProductError(f"{path}: {key} = {value}: expected none, or {neutral}")
    shape = tuple(header[f"NAXIS{n}"] for n in range(header["NAXIS"], 0, -1))
    if len(shape) != 4 or min(shape) < 1:
        raise ProductError(f"{path}: an array of the shape {shape}: expected four axes")
    return shape[0], shape[1], shape[2], shape[3]


def _check_whole(path: Path, offset: int, shape: tuple[int, ...]) -> None:
    needed = offset + prod(shape) * _DTYPE.itemsize
    size = path.stat().st_size
    if size < needed:
        raise ProductError(
            f"{path}: {size:,} bytes: truncated; its array of the shape {shape} ends at {needed:,}"
        )


def _vector(path: Path, units: Any, number: int) -> np.ndarray:
    try:
        unit = units[number]
    except IndexError as error:
        raise ProductError(f"{path}: there is no extension {number}") from error
    data = unit.data if unit.is_image else None
    if data is None or data.ndim != 1 or data.dtype.kind not in "iuf":
        raise ProductError(f"{path}: extension {number}: expected an image with one axis")
    return np.array(data, dtype=float)
