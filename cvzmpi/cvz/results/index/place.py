"""Where the index of a campaign is."""

from __future__ import annotations

from pathlib import Path

DIRECTORY = "index"
"""Name of the directory of the index, in the output directory."""


def table_path(directory: Path, name: str) -> Path:
    """The path of a table of the index."""
    return directory / f"{name}.parquet"


def has_index(output: Path) -> bool:
    """Tell whether an output directory has an index, whole or not."""
    return table_path(output / DIRECTORY, "light_curves").exists()
