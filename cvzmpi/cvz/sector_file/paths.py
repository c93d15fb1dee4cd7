"""The places of the sector files of a campaign."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.cvz.light_curves.light_curve_source import identity_by_unit


def sector_path(directory: Path, tic: int, sector: int) -> Path:
    """The path of the sector file of a light curve.

    The files are spread over a thousand directories by the last digits of the TIC number, since
    parallel file systems do not like 200,000 files in one; all sectors of a target are together.
    """
    return directory / f"{tic % 1000:03d}" / f"{tic}_{sector}.h5"


def claim_path(path: Path) -> Path:
    """The file of the claim on a light curve, which is beside its sector file."""
    return path.with_suffix(".claim")


def sector_files(directory: Path) -> dict[tuple[int, int], Path]:
    """The files that are in an output directory where `sector_path` has them, by tic and sector."""
    found = {}
    for path in sorted(directory.glob("[0-9][0-9][0-9]/*_*.h5")):
        identity = identity_by_unit(path.stem)
        if identity is not None and path == sector_path(directory, *identity):
            found[identity] = path
    return found
