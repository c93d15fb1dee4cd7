"""Archives of tar, taken apart by any version of Python 3.11."""

from __future__ import annotations

import tarfile
from pathlib import Path


def extract_all(tar: tarfile.TarFile, directory: Path) -> None:
    """Extract an archive, and nothing to outside the directory.

    The filter is no argument of `extractall`, which Python 3.11 takes from 3.11.4 on only.
    """
    tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
    tar.extractall(directory)
