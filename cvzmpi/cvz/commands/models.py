"""`cvzmpi models`: fetch the networks of the detector."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.cvz.detection.stella import published_models
from cvzmpi.runtime.all_ranks import DONE


def models(sdist: Path | None, file: Path | None) -> int:
    """Fetch the models where they are not here yet, and say where they are."""
    file = file or published_models.default_file()
    loaded = published_models.ensure(file, sdist)
    click.echo(f"{len(loaded)} stella models, checksum {loaded.checksum[:16]}..., in {file}")
    return DONE
