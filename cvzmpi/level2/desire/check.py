"""The check of a DeSIRe inversion, before it is accepted and before its product is made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cvzmpi.level2.desire.checked_files import CheckedFiles
from cvzmpi.level2.desire.files import DesireFiles
from cvzmpi.level2.product.bounded_process import LimitError, call_bounded
from cvzmpi.level2.product.check import checksum, shown_path
from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.regular_file import UnreadableFileError, open_regular

_LOOK_INTO = "cvzmpi.level2.desire.look_into:look_into"  # by name: it imports dkist
_SECONDS, _SECONDS_PER_GIGABYTE = 300.0, 60.0
_GIGABYTES = 8.0  # besides the files, which are mapped into memory


def check_files(files: DesireFiles, level1: Mapping[str, Path]) -> CheckedFiles:
    """Check the files, among each other and against Level 1; and take their checksums.

    Parameters
    ----------
    files : DesireFiles
    level1 : mapping of Path
        Directories of the program's Level 1 datasets that are here, by dataset id.

    Raises
    ------
    ProductError
        Naming the file, what is wrong with it, and what was expected, on one line.
    """
    size = sum(_size(path) for path in files.all) / 1e9
    try:
        checked: CheckedFiles = call_bounded(
            _LOOK_INTO,
            files,
            dict(level1),
            seconds=_SECONDS + _SECONDS_PER_GIGABYTE * size,
            gigabytes=_GIGABYTES + size,
        )
    except LimitError as error:
        raise ProductError(
            f"{shown_path(files.fit)}: it and its files cannot be checked: {error}"
        ) from error
    return replace(checked, checksums={str(path): checksum(path) for path in files.all})


def _size(path: Path) -> int:
    """Bytes of a regular file; nothing else is opened."""
    try:
        descriptor = open_regular(path)
    except UnreadableFileError as error:
        raise ProductError(f"{shown_path(path)}: {error}") from error
    except OSError as error:
        raise ProductError(f"{shown_path(path)}: cannot be read: {error.strerror}") from error
    try:
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
