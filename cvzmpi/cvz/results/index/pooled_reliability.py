"""The reliability of every flare of a campaign, estimated from all parts of the index together.

Light curves of format version 1 have no mirror images. They take no part: what stella alone finds
there has real flares among it that both searches find in the others. The reliability of their
flares stays unknown.

What is false depends on the exposure and on how the light curve was made: each product is estimated
by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pyarrow as pa

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.reliability.coincidence import chance_of_own, coincident
from cvzmpi.cvz.reliability.estimate import estimate_reliability
from cvzmpi.cvz.reliability.events import Events, LightCurves
from cvzmpi.cvz.reliability.statistic import DEFAULT_THRESHOLDS, Thresholds, counted_families
from cvzmpi.cvz.results.index.columns import (
    EVENT_SCHEMA,
    FOUND,
    LIGHT_CURVE_SCHEMA,
    SCHEMAS,
)
from cvzmpi.cvz.results.index.mission import zero_of_mission
from cvzmpi.cvz.results.index.part import Part
from cvzmpi.cvz.sector_file.data import Columns

_CURVE = ("tic", "product", "noise", "tess_magnitude", "n_images", "min_snr", "min_probability")
_EVENT = ("image", "found_by", "snr", "max_probability", "tic", "sector", "peak_time")


class Pool:
    """Light curves and events of a campaign, gathered part by part."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._first_curve: dict[str, int] = {}
        self._first_event: dict[str, int] = {}
        self._curves = [_numbers(LIGHT_CURVE_SCHEMA.empty_table(), _CURVE)]
        self._events = [_numbers(EVENT_SCHEMA.empty_table(), _EVENT)]
        self._rows = [np.empty(0, np.int64)]  # light curve of each event
        self._n_curves = self._n_found = 0

    def add(self, name: str, part: Part) -> None:
        """Add the light curves of a part that have mirror images, and their events."""
        curves, events = _numbers(part.light_curves, _CURVE), _numbers(part.events, _EVENT)
        pooled = curves["n_images"] > 0
        row = self._n_curves + np.cumsum(pooled) - 1
        self._curves.append({column: values[pooled] for column, values in curves.items()})
        self._events.append(events)
        self._rows.append(row[_owner(part.events, part.light_curves)])
        self._first_curve[name], self._first_event[name] = self._n_curves, self._n_found
        self._n_curves += int(pooled.sum())
        self._n_found += int(np.sum(events["image"] == FOUND))

    def estimated(self) -> PooledReliability:
        """Estimate how reliable all found events are."""
        curves, events = _joined(self._curves), _joined(self._events)
        row, is_found = np.concatenate(self._rows), events["image"] == FOUND
        found, mirrored = (
            Events.of({name: values[rows] for name, values in events.items()}, row[rows])
            for rows in (is_found, ~is_found)
        )
        in_table = self._search.flares(found.found_by)
        where = [events[name][is_found] for name in ("sector", "tic", "peak_time")]
        where[0] = where[0] + zero_of_mission(curves["product"])[found.light_curve]
        n_coincident = np.zeros(len(in_table), np.int64)
        own = np.ones(len(in_table))
        n_coincident[in_table] = coincident(*(values[in_table] for values in where))
        own[in_table] = chance_of_own(
            n_coincident[in_table], *(values[in_table] for values in where)
        )
        return PooledReliability(
            self._of_products(curves, found, mirrored, own),
            in_table,
            n_coincident,
            self._first_curve,
            self._first_event,
        )

    def _of_products(
        self, curves: Columns, found: Events, mirrored: Events, own: np.ndarray
    ) -> Estimated:
        estimated = Estimated.nothing(len(curves["tic"]), len(found))
        for product in np.unique(curves["product"]):
            rows = curves["product"] == product
            ours, of_images = rows[found.light_curve], rows[mirrored.light_curve]
            chosen = {name: values[rows] for name, values in curves.items()}
            place = np.cumsum(rows) - 1  # of a light curve among those of the product
            of_product = _chosen(found, ours, place)
            estimate = estimate_reliability(
                LightCurves(
                    star=chosen["tic"],
                    noise=chosen["noise"],
                    magnitude=chosen["tess_magnitude"],
                    n_images=chosen["n_images"],
                ),
                of_product,
                _chosen(mirrored, of_images, place),
                counted_families(self._search),
                thresholds=_lowest(chosen),
            ).with_chance(own[ours], of_product.light_curve)
            for name in Estimated.OF_EVENTS:
                getattr(estimated, name)[ours] = getattr(estimate, name)
            for name in Estimated.OF_CURVES:
                getattr(estimated, name)[rows] = getattr(estimate, name)
        return estimated


@dataclass(frozen=True)
class Estimated:
    """What is estimated of all products together; as in a `ReliabilityEstimate`."""

    OF_EVENTS: ClassVar = ("reliability", "background")
    OF_CURVES: ClassVar = ("n_false", "background_error", "n_pooled")

    reliability: np.ndarray
    background: np.ndarray
    n_false: np.ndarray
    background_error: np.ndarray
    n_pooled: np.ndarray

    @classmethod
    def nothing(cls, n_curves: int, n_events: int) -> Estimated:
        """Arrays to be filled."""
        sizes = [n_events] * len(cls.OF_EVENTS) + [n_curves] * len(cls.OF_CURVES)
        return cls(*(np.full(size, np.nan) for size in sizes))


@dataclass(frozen=True)
class PooledReliability:
    """Reliabilities of all found events, in the order of the parts."""

    estimate: Estimated
    in_table: np.ndarray  # bool, shape (n_events,); found by the search chosen
    n_coincident: np.ndarray  # int64, shape (n_events,); see `coincident`
    # `first_curve`, `first_event`: by name of the part, its first light curve and found event
    first_curve: Mapping[str, int]
    first_event: Mapping[str, int]

    def completed(self, name: str, part: Part) -> Part:
        """The tables of a part, with the columns that are estimated."""
        pooled = _numbers(part.light_curves, ("n_images",))["n_images"] > 0
        curves = slice(self.first_curve[name], self.first_curve[name] + int(pooled.sum()))
        found = np.flatnonzero(_numbers(part.events, ("image",))["image"] == FOUND)
        events = np.arange(self.first_event[name], self.first_event[name] + len(found))
        events = events[self.in_table[events]]
        owner = _owner(part.flares, part.light_curves)
        in_pool = pooled[owner]
        reliability = part.flares["reliability"].to_numpy().copy()
        background = np.full(len(reliability), np.nan)
        reliability[in_pool] = self.estimate.reliability[events]
        background[in_pool] = self.estimate.background[events]
        n_coincident = np.zeros(len(reliability), np.int64)
        n_coincident[in_pool] = self.n_coincident[events]
        n_true = np.bincount(owner[in_pool], reliability[in_pool], len(pooled))
        estimated = {
            "n_true": n_true,
            **{
                column: _spread(getattr(self.estimate, column)[curves], pooled)
                for column in ("n_false", "background_error", "n_pooled")
            },
        }
        return replace(
            part,
            light_curves=_with(part.light_curves, "light_curves", estimated, ~pooled),
            flares=_with(
                part.flares,
                "flares",
                {
                    "reliability": reliability,
                    "background": background,
                    "n_coincident": n_coincident,
                },
                np.zeros(len(reliability), bool),
            ),
        )


def _owner(table: pa.Table, light_curves: pa.Table) -> np.ndarray:
    """The row of the light curve of each row of a table that is ordered by light curve; int64."""
    owners = zip(light_curves["tic"].to_pylist(), light_curves["sector"].to_pylist(), strict=True)
    row_of = {owner: row for row, owner in enumerate(owners)}
    tic, sector = table["tic"].to_numpy(), table["sector"].to_numpy()
    is_first = (np.diff(tic, prepend=-1) != 0) | (np.diff(sector, prepend=-1) != 0)
    first = np.flatnonzero(is_first)
    rows = [
        row_of[owner] for owner in zip(tic[first].tolist(), sector[first].tolist(), strict=True)
    ]
    return np.repeat(np.array(rows, np.int64), np.diff([*first.tolist(), len(tic)]))


def _numbers(table: pa.Table, names: tuple[str, ...]) -> Columns:
    """Some columns; what is not known is NaN."""
    return {name: table[name].to_numpy() for name in names}


def _chosen(events: Events, rows: np.ndarray, place: np.ndarray) -> Events:
    """Some events, with the places of their light curves among those of a product."""
    return Events(
        place[events.light_curve[rows]],
        events.found_by[rows],
        events.snr[rows],
        events.max_probability[rows],
    )


def _joined(parts: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _lowest(curves: Columns) -> Thresholds:
    """The lowest thresholds that light curves were searched with."""
    if not len(curves["tic"]):
        return DEFAULT_THRESHOLDS
    return Thresholds(float(curves["min_snr"].min()), float(curves["min_probability"].min()))


def _spread(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Values of some rows as a column of all rows, NaN elsewhere."""
    column = np.full(len(rows), np.nan)
    column[rows] = values
    return column


def _with(
    table: pa.Table, name: str, estimated: Mapping[str, np.ndarray], unknown: np.ndarray
) -> pa.Table:
    """A table with the columns that it has when it is merged."""
    schema = SCHEMAS[name]
    columns = [
        pa.array(estimated[field.name], field.type, mask=unknown)
        if field.name in estimated
        else table[field.name]
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
