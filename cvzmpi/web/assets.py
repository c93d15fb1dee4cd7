"""The files that all pages share: the theme, tables, charts and the libraries under them.

A static site copies them (`shared_assets`); a server serves their directory (`ASSETS`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"


def shared_assets() -> Iterator[tuple[str, bytes]]:
    """Every file of the directory `ASSETS`, licences included: relative name, and content."""
    for path in sorted(ASSETS.rglob("*")):
        if path.is_file():
            yield path.relative_to(ASSETS).as_posix(), path.read_bytes()
