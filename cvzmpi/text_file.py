"""Text files that people write with editors and spreadsheets: lists and configurations."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.errors import ConfigError
from cvzmpi.regular_file import UnreadableFileError, read_bounded

MAX_BYTES = 256 * 1024 * 1024
"""A list of ten million rows is smaller."""

_BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe\x00\x00": "utf-32-le",
    b"\x00\x00\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
_SHOWN = 60  # characters of a value in a message


def read_text(path: Path, missing: str = "cannot be read: no such file") -> str:
    """Read a text: UTF-8, or what its byte order mark says, which is left out.

    Parameters
    ----------
    missing : str
        The message for a file that does not exist.

    Returns
    -------
    str
        The text, with the line ends of the file.

    Raises
    ------
    ConfigError
        If it is no regular file, is too large, cannot be read, or is no text, naming the line.
    """
    try:
        content = read_bounded(path, MAX_BYTES)
    except UnreadableFileError as error:
        is_missing = isinstance(error.__cause__, FileNotFoundError)
        raise ConfigError(f"{path}: {missing if is_missing else error}") from error
    mark = next((mark for mark in _BYTE_ORDER_MARKS if content.startswith(mark)), b"")
    encoding, content = _BYTE_ORDER_MARKS.get(mark, "utf-8"), content[len(mark) :]
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].decode(encoding, "replace").count("\n") + 1
        raise ConfigError(
            f"{path}: cannot be read: line {line} is not {encoding.upper()}: {error.reason}"
        ) from None


def column_separator(header: str) -> str | None:
    """The separator of the columns of a table: a comma, semicolon or tab; None where none is."""
    return next((separator for separator in ",;\t" if separator in header), None)


def shown(value: str) -> str:
    """A value as messages show it: in quotes, and no longer than a line."""
    return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}...")
