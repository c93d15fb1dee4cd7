"""Puts the published Keras files of stella into a directory, which is the only argument."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from cvzmpi.cvz.detection.stella import published_models


def main(directory: Path) -> None:
    """Fetch stella's source distribution, verify the ten models in it, and write them."""
    files = [directory / name for name in published_models.KERAS_FILES]
    if all(file.exists() for file in files):
        return
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        contents = published_models._keras_contents(published_models._fetch(Path(scratch)))
    for file, content in zip(files, contents, strict=True):
        aside = file.with_suffix(".new")
        aside.write_bytes(content)
        aside.replace(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
