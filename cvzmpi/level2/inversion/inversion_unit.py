"""A unit of an inversion campaign: one map, or all maps of an Observing Program.

A map is one passing of the slit over the Sun; a program has all maps of all its datasets that have
observed the iron lines, and Ca II 854.2 nm if that is wanted. Each map is inverted into a file of
its own. For a program, the name of the file contains the checksum of the profiles: a map that is
prepared anew from other data gets another file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cvzmpi.errors import MapFileError
from cvzmpi.ledger import Recorded
from cvzmpi.level2.inversion.inversion_file import read_progress
from cvzmpi.level2.inversion.recorded_maps import last_maps
from cvzmpi.level2.maps.arms import CALCIUM
from cvzmpi.level2.maps.prepared_map import PreparedMap


@dataclass(frozen=True)
class UnitMap:
    """The files of one map."""

    prepared: Path  # the prepared map
    inverted: Path  # the inverted map, which may not be there yet
    n_pixels: int
    level1: Path | None = None  # directory of the Level 1 dataset
    arm: str | None = None  # as in `maps.arms`; None if it is that of the iron lines

    @property
    def n_tickets_done(self) -> int:
        """Tickets that are done; 0 if the file of the inverted map cannot be read."""
        try:
            progress = read_progress(self.inverted)
        except MapFileError:
            return 0
        return 0 if progress is None else progress.n_tickets_done


@dataclass(frozen=True)
class InversionUnit:
    """The maps of a unit, sent to the team that inverts it."""

    name: str
    maps: tuple[UnitMap, ...]

    @property
    def lock_file(self) -> Path:
        """The lock of a team is beside its first inverted map."""
        return self.maps[0].inverted.with_suffix(".claim")

    @property
    def n_tickets_done(self) -> int:
        """Tickets that are done; the number only grows."""
        return sum(one.n_tickets_done for one in self.maps)

    def n_steps(self, n_sweeps: int) -> int:
        """Pixels of all maps; each sweep counts them again, but in maps of Ca II 854.2 nm."""
        return sum(one.n_pixels * (1 if one.arm == CALCIUM else 1 + n_sweeps) for one in self.maps)


def record_of(maps: Iterable[tuple[Path, PreparedMap]]) -> list[dict[str, Any]]:
    """The record of prepared maps for an event; each map has the directory of its Level 1 data.

    Paths are absolute, since later jobs may be started in another directory.
    """
    return [
        {
            "level1": level1.absolute(),
            "prepared": prepared.path.absolute(),
            "checksum": prepared.checksum,
            "n_pixels": prepared.shape[0] * prepared.shape[1],
            "record": prepared.record,
        }
        for level1, prepared in maps
    ]


def last_prepared(history: list[Recorded], inverted: Path) -> InversionUnit | None:
    """The maps of a program that were prepared last; None if it was never prepared.

    Parameters
    ----------
    history : list of Recorded
        All events of the program.
    inverted : Path
        Directory of the inverted maps.
    """
    maps = last_maps(history, inverted)
    if maps is None:
        return None
    units = (UnitMap(one.prepared, one.inverted, one.n_pixels, one.level1, one.arm) for one in maps)
    return InversionUnit(history[0].unit, tuple(units))
