"""`cvzmpi models`: convert stella's networks from their source, and compare them with ours."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.cvz.archive.package_index import fetch_distribution
from cvzmpi.cvz.detection.stella import published_models, stella_source
from cvzmpi.errors import ArchiveError, ModelFileError
from cvzmpi.runtime.all_ranks import DONE


def models(sdist: Path | None, file: Path | None) -> int:
    """Convert the models, compare them with those of this package, and write them if asked to."""
    packed_file = published_models.packed_file()
    packed = published_models.load(packed_file)
    click.echo(f"{len(packed)} stella models, checksum {packed.checksum[:16]}..., in {packed_file}")
    weights = stella_source.convert(_fetched() if sdist is None else sdist)
    checksum = published_models.checksum_of(weights)
    source = stella_source.SDIST if sdist is None else sdist
    if checksum != packed.checksum:
        raise ModelFileError(
            f"{source}: its models have checksum {checksum[:16]}..., and those of this package "
            f"{packed.checksum[:16]}...: they differ"
        )
    click.echo(f"converted from {source}: every weight is the same")
    if file is not None:
        if file.exists():
            published_models.load(file)  # or refuse: it is something of somebody
        stella_source.write(file, weights)
        click.echo(f"written to {file}")
    return DONE


def _fetched() -> bytes:
    """Stella's source distribution, from the package index."""
    sdist = stella_source.SDIST
    try:
        return fetch_distribution("stella", sdist, stella_source.SDIST_SHA256)
    except ArchiveError as error:
        raise ModelFileError(
            f"{sdist} cannot be fetched: {error}; fetch it on a machine with a network, copy it "
            f"here, and run `cvzmpi models --sdist {sdist}`"
        ) from error
