"""Checksums of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

_PART = 1 << 20  # bytes that are read at a time


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_PART):
            digest.update(part)
    return digest.hexdigest()
