"""A table of the headers of one extension, over all FITS files of a product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from astropy.table import MaskedColumn, Table


class HeaderTable:
    """Collects headers: a row for each, a column for each keyword."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}
        self._n_rows = 0

    def add(self, header: Mapping[str, Any]) -> None:
        """Add a row."""
        for key, value in header.items():
            column = self._columns.setdefault(key, [])
            column += [None] * (self._n_rows - len(column))
            column.append(value)
        self._n_rows += 1

    def table(self) -> Table:
        """The table; what a header lacks is masked."""
        table = Table()
        for key, column in self._columns.items():
            values = column + [None] * (self._n_rows - len(column))
            missing = [value is None for value in values]
            if any(missing):
                some = next(value for value in values if value is not None)
                filled = [type(some)() if value is None else value for value in values]
                table[key] = MaskedColumn(filled, mask=missing)
            else:
                table[key] = values
        return table
