"""The input directory: which light curves are in its FITS files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cvzmpi.cvz.fits_input import looks_like_fits, read_identity
from cvzmpi.cvz.light_curve_source import LightCurveSource, Rejected
from cvzmpi.errors import ConfigError, LightCurveError


def scan_directory(
    directory: Path, known: Mapping[tuple[str, int], tuple[int, int]] | None = None
) -> tuple[list[LightCurveSource], list[Rejected]]:
    """Find the light curves in a directory and below, by their headers, whatever their names.

    Files that are no FITS are passed over, unless their name says that they should be.

    Parameters
    ----------
    directory : Path
    known : mapping, optional
        (tic, sector) of files that were found before, by path and size: they are not opened.

    Raises
    ------
    ConfigError
        If there is no such directory.
    """
    if not directory.is_dir():
        raise ConfigError(f"{directory}: no such input directory")
    known = known or {}
    sources: dict[tuple[int, int], LightCurveSource] = {}
    rejected = []
    for path in sorted(p for p in directory.rglob("*") if p.is_file()):
        try:
            if (identity := known.get((str(path), path.stat().st_size))) is not None:
                source = LightCurveSource(*identity, path)
            elif looks_like_fits(path):
                source = LightCurveSource(*read_identity(path), path)
            else:
                continue
        except LightCurveError as error:
            rejected.append(Rejected(path.name, str(error)))
            continue
        first = sources.setdefault((source.tic, source.sector), source)
        if first is not source:
            message = f"{path}: TIC {source.tic} sector {source.sector} is also in {first.path}"
            rejected.append(Rejected(path.name, message))
    return [sources[key] for key in sorted(sources)], rejected
