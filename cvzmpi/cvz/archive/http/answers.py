"""The answers of an archive: a body of bounded size, or an error; and values of its headers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote

from cvzmpi.errors import ArchiveDownError, ArchiveError, one_line
from cvzmpi.regular_file import UnreadableFileError, open_regular

FILE = "file://"
_CHUNK = 256 * 1024
_MOST_DIGITS = 18


class NotInArchiveError(ArchiveError):
    """The archive answers that it does not have it."""


class ForbiddenError(ArchiveDownError):
    """The archive forbids it; a public bucket answers so if it does not have it."""


class UnusableContentError(ArchiveDownError):
    """The content is not the one that was asked for; another attempt may bring the right one."""


class WrongProductError(ArchiveError):
    """The archive gives a whole product that its name does not fit; perhaps not for ever."""


class StoppedError(ArchiveError):
    """The job ends, and nothing more is fetched."""


class PassingError(Exception):
    """An attempt failed in a way that may pass; the archive asks for a pause of `pause` seconds."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


@dataclass(frozen=True)
class Body:
    """The content of an answer, and its length in bytes if that was announced."""

    length: int | None
    chunks: Iterator[bytes]


def bounded_body(address: str, length: int | None, chunks: Iterator[bytes], largest: float) -> Body:
    """A body that is refused if it has more bytes than the largest that is expected.

    Raises
    ------
    UnusableContentError
        At once if the announced length is too large, else while the chunks are read.
    """
    if length is not None and length > largest:
        raise _too_large(address, f"{length:,} bytes", largest)

    def counted() -> Iterator[bytes]:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > largest:
                raise _too_large(address, "more", largest)
            yield chunk

    return Body(length, counted())


def file_body(address: str, largest: float) -> Body:
    """The content of a file of a mirror, by its `file://` address.

    Raises
    ------
    NotInArchiveError
        If there is no such file.
    UnusableContentError
        If it is too large.
    PassingError
        If it cannot be read; perhaps only while the chunks are read.
    """
    path = Path(unquote(address.removeprefix(FILE)))
    try:
        with open(open_regular(path), "rb") as file:
            size = os.fstat(file.fileno()).st_size
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: it has a NUL
        raise NotInArchiveError(f"{address}: no such file") from error
    except (OSError, UnreadableFileError) as error:
        raise PassingError(one_line(error)) from error
    return bounded_body(address, size, _file_chunks(path), largest)


def _file_chunks(path: Path) -> Iterator[bytes]:
    try:
        with open(open_regular(path), "rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except (OSError, UnreadableFileError) as error:
        raise PassingError(one_line(error)) from error


def _too_large(address: str, size: str, largest: float) -> UnusableContentError:
    return UnusableContentError(f"{address}: {size}, expected at most {largest:,.0f} bytes")


def content_length(text: str) -> int | None:
    """The bytes that `Content-Length` announces; None if it is missing or no number."""
    return _whole_number(text)


def retry_after(text: str) -> float:
    """The seconds of `Retry-After`, a number or a date (RFC 9110, 10.2.3); 0 if it is neither."""
    seconds = _whole_number(text)
    if seconds is not None:
        return float(seconds)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, IndexError, OverflowError, OSError):
        return 0.0


def _whole_number(text: str) -> int | None:
    """A number in ASCII digits; `int` takes those of all scripts, and limits their number."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        return None
    return int(digits)
