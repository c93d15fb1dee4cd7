"""The file of a tabulated spectral profile: offsets in pm, and the transmission there."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvzmpi.errors import ConfigError, one_line
from cvzmpi.level2.spectroscopy.spectral_profile import Transmission
from cvzmpi.text_file import read_text

_COLUMNS = 2
_LARGEST_OFFSET = 1000.0  # pm; beyond, the unit is surely another one


def read_transmission(path: Path) -> Transmission:
    """Read a table of two columns: ECSV, CSV, or text with or without a header.

    Raises
    ------
    ConfigError
        If it cannot be read, or is no spectral profile.
    """
    # One rank alone needs it, and it would slow the start of the others.
    from astropy.io import ascii as tables

    try:
        # As lines: a text of one line, or of none, would be taken for the name of a file.
        table = tables.read(read_text(path).splitlines(), guess=True)
    except (ValueError, IndexError, tables.InconsistentTableError) as error:
        raise ConfigError(
            f"{path}: no table of two columns, offset in pm and transmission: {one_line(error)}"
        ) from None
    if len(table.columns) != _COLUMNS:
        raise ConfigError(
            f"{path}: {len(table.columns)} columns, expected 2: offset in pm, and transmission"
        )
    offset, transmission = (_numbers(path, table, name) for name in table.colnames)
    _check(path, offset, transmission)
    return Transmission(offset, transmission)


def _numbers(path: Path, table: object, name: str) -> np.ndarray:
    column = table[name]  # type: ignore[index]
    if column.dtype.kind not in "if" or getattr(column, "mask", np.False_).any():
        raise ConfigError(f"{path}: column {name!r} has no number somewhere, expected numbers")
    numbers = np.asarray(column, float)
    if not np.isfinite(numbers).all():
        value = numbers[~np.isfinite(numbers)][0]
        raise ConfigError(f"{path}: column {name!r} has {value}, expected finite numbers")
    return numbers


def _check(path: Path, offset: np.ndarray, transmission: np.ndarray) -> None:
    if len(offset) < 3:
        raise ConfigError(f"{path}: {len(offset)} rows, expected 3 or more")
    back = np.flatnonzero(np.diff(offset) <= 0)
    if len(back):
        at, after = offset[back[0] : back[0] + 2]
        raise ConfigError(f"{path}: offset {after:g} pm after {at:g}, expected increasing ones")
    largest = offset[np.argmax(np.abs(offset))]
    if abs(largest) > _LARGEST_OFFSET:
        raise ConfigError(
            f"{path}: offset {largest:g} pm, expected at most {_LARGEST_OFFSET:g} either way"
        )
    if (transmission < 0).any():
        raise ConfigError(f"{path}: transmission {transmission.min():g}, expected none below 0")
    if not transmission.any():
        raise ConfigError(f"{path}: transmission is 0 everywhere, expected a profile")
