"""Puts the published Keras files of stella into a directory, which is the only argument."""

from __future__ import annotations

import sys
from pathlib import Path

from cvzmpi.cvz.archive.package_index import fetch_distribution
from cvzmpi.cvz.detection.stella import stella_source


def main(directory: Path) -> None:
    """Fetch stella's source distribution, verify the ten models in it, and write them."""
    files = [directory / name for name in stella_source.KERAS_FILES]
    if all(file.exists() for file in files):
        return
    directory.mkdir(parents=True, exist_ok=True)
    sdist = fetch_distribution("stella", stella_source.SDIST, stella_source.SDIST_SHA256)
    contents = stella_source.keras_contents(sdist)
    for file, content in zip(files, contents, strict=True):
        aside = file.with_suffix(".new")
        aside.write_bytes(content)
        aside.replace(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
