"""The stars of a campaign from the merged tables of its index, one after the other.

The rows of a star follow one another in each table. So a star costs its own rows, and the row group
of each table that they are in; that of the last star stays in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cvzmpi.cvz.quality.quality_marks import names_in
from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.index.read_table import completed
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.injected_bins import InjectedBins
from cvzmpi.cvz.results.products.measured_flares import COLUMNS as MEASURED_FLARES
from cvzmpi.cvz.results.products.searched_sector import (
    SearchedSector,
    ensure_enough,
    ensure_sizes,
)
from cvzmpi.cvz.results.products.star_outcome import SectorSource
from cvzmpi.cvz.sector_file.data import Columns
from cvzmpi.cvz.sector_file.star_facts import NUMBERS, TEXTS
from cvzmpi.errors import SectorFileError, one_line


@dataclass(frozen=True)
class IndexedStar:
    """The rows of a star in the tables of the index."""

    rows: list[dict[str, Any]]  # of its light curves, in order of their sectors
    # `flares`, `bins`: by sector, of each light curve that has some; columns of the tables
    # `flares` and `completeness`
    flares: dict[int, Columns]
    bins: dict[int, Columns]

    @property
    def tic(self) -> int:
        """Its number in its catalogue."""
        return int(self.rows[0]["tic"])

    @property
    def catalogue(self) -> str:
        """TIC, KIC or EPIC."""
        return str(self.rows[0]["catalogue"])

    def reliability(self, row: dict[str, Any]) -> FlareReliability | None:
        """How reliable the flares of one of its light curves are; None without mirror images."""
        if not row["n_images"]:
            return None
        flares = self.flares.get(row["sector"])
        if flares is None:
            return FlareReliability(np.empty(0), np.empty(0), row["background_error"])
        return FlareReliability(
            flares["reliability"].astype(np.float64), flares["background"], row["background_error"]
        )

    def sources(self, results: Path) -> list[SectorSource]:
        """Its light curves; `results` is where their sector files are, or would be."""
        return [
            SectorSource(
                results / row["path"],
                partial(self._searched_sector, row, results / row["path"]),
                self.reliability(row),
            )
            for row in self.rows
        ]

    def _searched_sector(self, row: dict[str, Any], path: Path) -> SearchedSector:
        """A light curve, the same as from its sector file.

        Raises
        ------
        UnfinishedFileError
            If too few flares have been injected yet.
        SectorFileError
            If its injected flares have no sizes above 0.
        """
        n_inject = row["n_inject"] or 0
        ensure_enough(str(path), n_inject - (row["n_inject_remaining"] or 0), n_inject)
        completeness = CompletenessCurve.of_bins(self._injected_bins(row))
        ensure_sizes(str(path), completeness)
        return SearchedSector(
            path=path,
            tic=row["tic"],
            sector=row["sector"],
            facts={name: row[name] for name in (*NUMBERS, *TEXTS)},
            marks=names_in(row["marks"]),
            config_hash=row["config_sha256"],
            evaluated=row["evaluated"],
            searched=row["searched"],
            completeness=completeness,
            flares=self._measured_flares(row["sector"]),
            product=row["product"],
        )

    def _measured_flares(self, sector: int) -> Columns:
        flares = self.flares.get(sector)
        if flares is None:
            return {name: np.empty(0, column.dtype) for name, column in MEASURED_FLARES.items()}
        return {name: flares[name] for name in MEASURED_FLARES}

    def _injected_bins(self, row: dict[str, Any]) -> InjectedBins:
        bins = self.bins.get(row["sector"])
        if bins is None:
            return InjectedBins.none()
        return InjectedBins(
            log_size=bins["log_duration"],
            n_placed=bins["n_placed"],
            n_recovered=bins["n_recovered"],
            n_effective=bins["n_effective"],
            smallest=row["smallest_injected"],
            largest=row["largest_injected"],
        )


class StarReader:
    """Reads stars from the tables of an index.

    Attributes
    ----------
    tics : list of int
        Their TIC numbers, in the order of the tables.
    """

    def __init__(self, index: Path) -> None:
        """Find the rows of all stars in the directory of an index.

        Raises
        ------
        SectorFileError
            If a table cannot be read.
        """
        self._light_curves = _Table(index, "light_curves")
        self._flares = _Table(index, "flares")
        self._bins = _Table(index, "completeness")
        self.tics = list(self._light_curves.rows_of)

    def star(self, tic: int) -> IndexedStar:
        """The rows of a star.

        Raises
        ------
        SectorFileError
            If a table cannot be read.
        KeyError
            If the index has no light curve of it.
        """
        if tic not in self._light_curves.rows_of:
            raise KeyError(tic)
        rows = self._light_curves.rows(tic).to_pylist()
        return IndexedStar(rows, *(_by_sector(t.columns(tic)) for t in (self._flares, self._bins)))


class _Table:
    """A table of the index, with the row groups that were read last."""

    def __init__(self, index: Path, name: str) -> None:
        self._path, self._name = table_path(index, name), name
        try:
            self._file = pq.ParquetFile(self._path)
            tic = self._file.read(["tic"])["tic"].to_numpy()
        except (OSError, pa.ArrowException) as error:
            raise self._unreadable(error) from error
        self.rows_of = _runs(tic)
        groups = range(self._file.num_row_groups)
        sizes = [self._file.metadata.row_group(group).num_rows for group in groups]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self._read = range(0)  # row groups that are in memory
        self._table = pa.table({})
        self._columns: Columns = {}

    def rows(self, tic: int) -> pa.Table:
        """The rows of a star, of any type."""
        rows = self._load(self.rows_of.get(tic, slice(0, 0)))
        return self._table[rows]

    def columns(self, tic: int) -> Columns:
        """The rows of a star in a table of numbers only."""
        rows = self._load(self.rows_of.get(tic, slice(0, 0)))
        if not self._columns:
            names = self._table.column_names
            self._columns = {name: self._table[name].to_numpy() for name in names}
        return {name: column[rows] for name, column in self._columns.items()}

    def _load(self, rows: slice) -> slice:
        """Have some rows in memory; which they are of what is there."""
        first = max(int(np.searchsorted(self._starts, rows.start, side="right")) - 1, 0)
        groups = range(first, int(np.searchsorted(self._starts, rows.stop)))
        known = groups == self._read or not groups  # a star may have no rows in a table
        if not known or not self._table.column_names:
            try:
                read = self._file.read_row_groups(list(groups), use_threads=False)
            except (OSError, pa.ArrowException) as error:
                raise self._unreadable(error) from error
            self._table = completed(read, self._name)
            self._read, self._columns = groups, {}
        offset = int(self._starts[first])
        return slice(rows.start - offset, rows.stop - offset)

    def _unreadable(self, error: Exception) -> SectorFileError:
        return SectorFileError(f"{self._path}: cannot be read: {one_line(error)}")


def _by_sector(columns: Columns) -> dict[int, Columns]:
    """The rows of each light curve of a star."""
    return {
        sector: {name: column[rows] for name, column in columns.items()}
        for sector, rows in _runs(columns["sector"]).items()
    }


def _runs(values: np.ndarray) -> dict[int, slice]:
    """The rows of each value; those of a value follow one another."""
    starts = np.flatnonzero(np.diff(values, prepend=-1)).tolist()
    stops = (np.flatnonzero(np.diff(values, append=-1)) + 1).tolist()
    rows = [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]
    return dict(zip(values[starts].tolist(), rows, strict=True))
