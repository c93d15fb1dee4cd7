"""Decompression of bounded size: some kilobytes of gzip may stand for gigabytes."""

from __future__ import annotations

import gzip
import io


class TooLargeError(OSError):
    """What was compressed is larger than expected. An `OSError`, as of gzip that is damaged."""


def decompress(content: bytes, largest: int) -> bytes:
    """What was compressed with gzip.

    Parameters
    ----------
    content : bytes
    largest : int
        Bytes of the result; more are not decompressed.

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
