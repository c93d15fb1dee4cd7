"""Read a light curve from whatever file it is in: the readers, and which of them takes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType

from cvzmpi.cvz.light_curves.fits_file import opened
from cvzmpi.cvz.light_curves.fits_header import light_curve_table
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.readers.fits_kinds import identity
from cvzmpi.cvz.light_curves.readers.reader import GivenFile, Reader
from cvzmpi.errors import LightCurveError, one_line

GROUP = "cvzmpi.readers"
"""Group of entry points of readers that other packages bring."""

TABLE_SUFFIXES = (".ecsv", ".csv", ".parquet", ".pq")


class FitsReader:
    """Reads FITS files of the kinds in `fits_kinds`."""

    def recognises(self, file: GivenFile) -> bool:
        """True for a file with the headers and the columns of one of the kinds.

        Other makers' files name the star by the same keywords (`TICID`, `KEPLERID`).
        """
        if not file.is_fits:
            return False
        try:
            with opened(file.path, file.content) as hdus:
                identity(file.path, hdus)
                light_curve_table(file.path, hdus)
        except LightCurveError:
            return False
        return True

    def read(self, file: GivenFile) -> LightCurve:
        """Read it; see `fits_input.read_light_curve`."""
        return read_light_curve(file.path, content=file.content)


class TableReader:
    """Reads tables: ECSV (a `TimeSeries` of astropy, too), CSV and Parquet."""

    def recognises(self, file: GivenFile) -> bool:
        """True for the name of a table."""
        return file.path.suffix.lower() in TABLE_SUFFIXES

    def read(self, file: GivenFile) -> LightCurve:
        """Read it; see `table_file.read_table`."""
        # astropy's tables take 0.5 s to import: a rank that reads FITS files does without
        from cvzmpi.cvz.light_curves.readers.table_file import read_table

        return read_table(file.path, file.columns)


OF_PACKAGE: tuple[Reader, ...] = (FitsReader(), TableReader())


@cache
def others() -> tuple[Reader, ...]:
    """The readers that other packages bring, by name.

    Raises
    ------
    LightCurveError
        If one cannot be loaded.
    """
    found = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            found.append(entry.load())
        except Exception as error:  # whatever a package of somebody else raises
            raise LightCurveError(
                f"reader {entry.name}: cannot be loaded from {entry.value}: {one_line(error)}"
            ) from error
    return tuple(found)


def read_file(path: Path, columns: Mapping[str, str] = MappingProxyType({})) -> LightCurve:
    """Read a light curve of any kind and exposure.

    Parameters
    ----------
    columns : mapping
        Of `input.columns`: what the columns of a table are called.

    Raises
    ------
    LightCurveError
        If no reader recognises it, or the one that does cannot read it.
    """
    file = GivenFile(path, dict(columns))
    for reader in OF_PACKAGE:
        if reader.recognises(file):
            return reader.read(file)
    for reader in others():
        if reader.recognises(file):
            return reader.read(file)
    # what it should have been, in the words of the reader of FITS files
    return read_light_curve(path)
