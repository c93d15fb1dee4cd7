"""Names of the files of maps."""

from __future__ import annotations

from pathlib import Path

PREPARED_SUFFIX, INVERTED_SUFFIX = ".prepared.h5", ".inverted.h5"


def map_name(prepared: Path) -> str:
    """The name of a map: the name of its file without the suffix."""
    return prepared.name.removesuffix(PREPARED_SUFFIX)
