"""The reliabilities of flares as the index has them, for the products of these light curves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.results.index.merge import digest_of_tables
from cvzmpi.cvz.results.index.place import DIRECTORY
from cvzmpi.cvz.results.index.read_table import read_table

_OF_CURVE = ("tic", "sector", "product", "size", "mtime_ns", "background_error")
_OF_FLARE = ("tic", "sector", "reliability", "background")


@dataclass(frozen=True)
class IndexedReliability:
    """The reliabilities of the flares of light curves that the index knows them of."""

    curves: Mapping[LightCurveId, dict[str, Any]]  # rows of the index
    # by number and sector, of light curves with flares: their rows of the arrays
    rows: Mapping[tuple[int, int], slice]
    # `reliability`, `background`: float, shape (n_flares,)
    reliability: np.ndarray
    background: np.ndarray

    @classmethod
    def read(
        cls, output: Path, search: Search, tics: Collection[int] | None = None
    ) -> IndexedReliability:
        """Read those of some stars, or of all, in an output directory; the index may be missing.

        Light curves without mirror images have none, and none has where the index is of another
        search than that chosen.
        """
        index = output / DIRECTORY
        if digest_of_tables(index) is None:
            return cls({}, {}, np.empty(0), np.empty(0))
        is_chosen = [("search", "=", str(search)), ("n_images", ">", 0)]
        of_stars = [] if tics is None else [("tic", "in", list(tics))]
        curves = read_table(index, "light_curves", _OF_CURVE, filters=is_chosen + of_stars)
        flares = read_table(index, "flares", _OF_FLARE, filters=of_stars or None)
        return cls(
            {LightCurveId.of_row(row): row for row in curves.to_pylist()},
            _rows(flares),
            flares["reliability"].to_numpy(),
            flares["background"].to_numpy(),
        )

    def of(self, path: Path) -> FlareReliability | None:
        """Those of the flares of a sector file, unless the file has changed since."""
        light_curve = LightCurveId.parse(path.stem)
        row = None if light_curve is None else self.curves.get(light_curve)
        if light_curve is None or row is None:
            return None
        try:
            state = path.stat()
        except OSError:
            return None  # what reads the file says so
        if (state.st_size, state.st_mtime_ns) != (row["size"], row["mtime_ns"]):
            return None
        return self.of_light_curve(light_curve)

    def of_light_curve(self, light_curve: LightCurveId) -> FlareReliability | None:
        """Those of the flares of a light curve, as it was when the index was made."""
        if light_curve not in self.curves:
            return None
        rows = self.rows.get((light_curve.tic, light_curve.sector), slice(0, 0))
        return FlareReliability(
            self.reliability[rows].astype(np.float64),
            self.background[rows],
            self.curves[light_curve]["background_error"],
        )


def _rows(flares: pa.Table) -> dict[tuple[int, int], slice]:
    """The rows of each light curve, which follow one another."""
    tic, sector = flares["tic"].to_numpy(), flares["sector"].to_numpy()
    first = np.flatnonzero((np.diff(tic, prepend=-1) != 0) | (np.diff(sector, prepend=-1) != 0))
    units = zip(tic[first].tolist(), sector[first].tolist(), strict=True)
    ends = np.append(first, len(tic))[1:].tolist()
    return {
        unit: slice(start, end)
        for unit, start, end in zip(units, first.tolist(), ends, strict=True)
    }
