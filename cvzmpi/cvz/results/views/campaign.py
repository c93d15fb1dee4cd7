"""`Campaign`: the results of a whole campaign, from the tables of its index."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from astropy.table import QTable

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.index.columns import SCHEMAS
from cvzmpi.cvz.results.index.merge import digest_of_tables
from cvzmpi.cvz.results.index.place import DIRECTORY, table_path
from cvzmpi.cvz.results.index.read_table import read_table
from cvzmpi.cvz.results.index.star_reader import StarReader
from cvzmpi.cvz.results.products.star_outcome import outcome_of
from cvzmpi.cvz.results.views.arrow_tables import table_of_arrow
from cvzmpi.cvz.results.views.astropy_tables import ffd_table
from cvzmpi.cvz.results.views.html import counted, html_table
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.errors import ConfigError, SectorFileError, one_line

Filters: TypeAlias = (
    "pc.Expression | Sequence[tuple[str, str, Any]] | Sequence[Sequence[tuple[str, str, Any]]]"
)

# What files are, and what made them: of every light curve several long texts.
_OF_FILES = {
    *("size", "mtime_ns", "settled", "content_sha256", "input_sha256", "config_sha256"),
    *("models_sha256", "seed", "software"),
}

_SUMS = ("evaluated", "searched", "n_flares", "n_not_positive", "n_true", "n_false")
_LARGEST = ("largest_flare", "largest_energy")
_FACTS = ("catalogue", "right_ascension", "declination", "tess_magnitude", "temperature", "radius")


class Campaign:
    """The results of a campaign, read from its index when they are asked for.

    Attributes
    ----------
    directory : Path
        The output directory, in which the sector files are.
    search : Search or None
        The search that the index is of; None where it has no light curve.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._index = directory / DIRECTORY

    @classmethod
    def read(cls, path: Path) -> Campaign:
        """Find the index of a campaign.

        Parameters
        ----------
        path : Path
            The output directory, or the directory `index` in it.

        Raises
        ------
        ConfigError
            If there is no index, with the command that makes it.
        """
        is_index = not (path / DIRECTORY).is_dir() and table_path(path, "light_curves").is_file()
        directory = path.resolve().parent if is_index else path
        campaign = cls(directory)
        if digest_of_tables(campaign._index) is None:
            if not sector_files(directory):
                raise ConfigError(f"{path}: no campaign: there are no sector files in it")
            what = "is not whole" if campaign._index.is_dir() else "is not there yet"
            raise ConfigError(f"{path}: its index {what}: `cvzmpi index {directory}` makes it")
        return campaign

    def __repr__(self) -> str:
        """One line."""
        n_curves, n_flares = (self._n_rows(name) for name in ("light_curves", "flares"))
        return (
            f"<campaign {self.directory}: {counted(n_curves, 'light curve')}, "
            f"{counted(n_flares, 'flare')}>"
        )

    def _repr_html_(self) -> str:
        """A short table, for notebooks."""
        return html_table(f"Campaign {self.directory}", self._in_short())

    @cached_property
    def search(self) -> Search | None:
        """The search that the index is of; None where it has no light curve."""
        searches = pc.unique(self.query("light_curves", columns=["search"])["search"]).to_pylist()
        return Search(searches[0]) if searches else None

    @cached_property
    def light_curves(self) -> QTable:
        """One row for each light curve, done or not: what was searched and found, and the star.

        What its files are, and what made them (`size`, `mtime_ns`, `settled`, `seed`, `software`
        and checksums), only `query` gives.
        """
        schema = SCHEMAS["light_curves"]
        return self._table("light_curves", [n for n in schema.names if n not in _OF_FILES])

    @cached_property
    def flares(self) -> QTable:
        """One row for each flare, with its reliability from all light curves together."""
        return self._table("flares")

    @cached_property
    def stars(self) -> QTable:
        """One row for each star, in order of their numbers: sums over its light curves.

        The facts about the star are those of its newest sector; the largest flare is that of all.
        """
        columns = ["tic", "sector", *_SUMS, *_LARGEST, *_FACTS]
        curves = self.query("light_curves", columns=columns)
        schema = curves.schema
        curves = curves.sort_by([("tic", "ascending"), ("sector", "ascending")])
        wanted = [
            ("sector", "count"),
            *((name, "sum") for name in _SUMS),
            *((name, "max") for name in _LARGEST),
            *((name, "last") for name in _FACTS),
        ]
        stars = curves.group_by("tic", use_threads=False).aggregate(wanted)
        names = [name.rpartition("_")[0] if name != "tic" else name for name in stars.column_names]
        fields = [
            pa.field("n_light_curves", column.type, metadata={"description": "light curves"})
            if name == "sector"
            else pa.field(name, column.type, metadata=schema.field(name).metadata)
            for name, column in zip(names, stars.columns, strict=True)
        ]
        return table_of_arrow(pa.table(stars.columns, schema=pa.schema(fields)), self._meta)

    def query(
        self, table: str, filters: Filters | None = None, columns: Collection[str] | None = None
    ) -> pa.Table:
        """Read what is asked for of a table, and no more, whatever the size of the campaign.

        Parameters
        ----------
        table : str
            `light_curves`, `flares`, `events` (what was found in the light curves and in their
            mirror images), `completeness` (bins of injected flares) or `problems` (files that are
            not in the index).
        filters : list of tuples, or expression of pyarrow, optional
            Which rows, as `[("n_flares", ">", 10), ("tess_magnitude", "<", 12)]`.
        columns : collection of str, optional
            Which columns, in this order; all if not given.

        Returns
        -------
        pyarrow.Table
            `to_pandas()` makes a data frame of it. Units and descriptions are in the metadata of
            its fields.

        Raises
        ------
        ConfigError
            If there is no such table or column, or the filters do not fit it.
        SectorFileError
            If the table cannot be read.
        """
        if table not in SCHEMAS:
            raise ConfigError(f"no table {table!r}; there are {', '.join(SCHEMAS)}")
        names = None if columns is None else list(columns)
        unknown = [name for name in names or () if name not in SCHEMAS[table].names]
        if unknown:
            known = ", ".join(SCHEMAS[table].names)
            raise ConfigError(f"table {table}: no column {unknown[0]!r}; there are {known}")
        path = table_path(self._index, table)
        try:
            return read_table(self._index, table, names, filters=filters)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
            why = one_line(error).partition(" in ")[0]  # and then all columns
            raise ConfigError(f"table {table}: cannot be filtered so: {why}") from error
        except (OSError, pa.ArrowException) as error:
            raise SectorFileError(f"{path}: cannot be read: {one_line(error)}") from error

    def ffd(
        self,
        tic: int,
        min_completeness: float = 0.5,
        ed_max: float | None = None,
        min_reliability: float = 0.0,
    ) -> QTable:
        """The flare frequency distribution of a star, over all its light curves.

        Parameters
        ----------
        tic : int
            Its number in its catalogue.
        min_completeness, ed_max, min_reliability
            As of `SectorFile.ffd`.

        Returns
        -------
        QTable
            As of `SectorFile.ffd`; the light curves that are not in it, as unfinished ones, are in
            its `meta` as `left_out`, a line each.

        Raises
        ------
        ConfigError
            If the index has no light curve of the star.
        SectorFileError
            If none of its light curves can be used.
        """
        try:
            star = self._stars.star(tic)
        except KeyError:
            raise ConfigError(
                f"{self.directory}: no light curve of star {tic} in the index"
            ) from None
        settings = {
            "min_completeness": min_completeness,
            "upper": math.inf if ed_max is None else ed_max,
            "min_reliability": min_reliability,
        }
        outcome = outcome_of(star.sources(self.directory), settings)
        left_out = [item.line for item in outcome.left_out]
        if outcome.star is None:
            raise SectorFileError("; ".join(left_out))
        return ffd_table(outcome.star, left_out)

    @cached_property
    def _stars(self) -> StarReader:
        return StarReader(self._index)

    @property
    def _meta(self) -> dict[str, Any]:
        return {"directory": str(self.directory), "search": str(self.search)}

    def _table(self, name: str, columns: Collection[str] | None = None) -> QTable:
        return table_of_arrow(self.query(name, columns=columns), self._meta)

    def _n_rows(self, name: str) -> int:
        return pq.read_metadata(table_path(self._index, name)).num_rows

    def _in_short(self) -> Iterator[tuple[str, str]]:
        """What matters most, in words."""
        curves = self.query("light_curves", columns=["tic", "state", "searched", "n_true"])
        n_stars = pc.count_distinct(curves["tic"]).as_py()
        n_unfinished = pc.sum(pc.equal(curves["state"], "unfinished")).as_py() or 0
        unfinished = f", {n_unfinished:,} unfinished" if n_unfinished else ""
        yield (
            "light curves",
            f"{counted(curves.num_rows, 'light curve')} of {counted(n_stars, 'star')}{unfinished}",
        )
        searched = pc.sum(curves["searched"]).as_py() or 0.0
        yield "searched", f"{searched:,.1f} d by {self.search}"
        n_true = pc.sum(curves["n_true"]).as_py()
        real = "" if n_true is None else f", {n_true:,.1f} expected to be real"
        yield "flares", f"{counted(self._n_rows('flares'), 'flare')}{real}"
        if n_problems := self._n_rows("problems"):
            yield "problems", f"{counted(n_problems, 'file')} not in the index"
