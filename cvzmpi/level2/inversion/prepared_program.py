"""A program that is prepared for the inversion in bulk: its maps, and how far each is.

A map is one passing of the slit over the Sun; a program has all maps of all its datasets that have
observed the iron lines. Each is inverted into a file of its own, whose name tells from which
profiles: what is prepared anew from other data does not meet the results of before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cvzmpi.errors import MapFileError
from cvzmpi.ledger import Recorded, State
from cvzmpi.level2.inversion.inversion_file import SUFFIX, read_progress
from cvzmpi.level2.maps.prepared_map import PreparedMap, map_name

_CHECKSUM_DIGITS = 12


@dataclass(frozen=True)
class ProgramMap:
    """One map, prepared.

    Attributes
    ----------
    level1 : Path
        Directory of the Level 1 dataset.
    prepared : Path
        File of the prepared map.
    inverted : Path
        File of the inverted map, which may not be there yet.
    n_pixels : int
    """

    level1: Path
    prepared: Path
    inverted: Path
    n_pixels: int

    @property
    def n_tickets_done(self) -> int:
        """How far the inversion is; one whose file cannot be read has not begun."""
        try:
            progress = read_progress(self.inverted)
        except MapFileError:
            return 0
        return 0 if progress is None else progress.n_tickets_done


@dataclass(frozen=True)
class PreparedProgram:
    """A program with all its maps; what the engine carries to the team that inverts it.

    Attributes
    ----------
    name : str
    maps : tuple of ProgramMap
    """

    name: str
    maps: tuple[ProgramMap, ...]

    @property
    def lock_file(self) -> Path:
        """The lock of a team is beside its first inverted map."""
        return self.maps[0].inverted.with_suffix(".claim")

    @property
    def n_tickets_done(self) -> int:
        """How far it is; only grows."""
        return sum(one.n_tickets_done for one in self.maps)

    @property
    def n_pixels(self) -> int:
        """Of all maps."""
        return sum(one.n_pixels for one in self.maps)


def record_of(maps: Iterable[tuple[Path, PreparedMap]]) -> list[dict[str, Any]]:
    """What the event of a preparation keeps: each map with the directory of its Level 1 data.

    Paths are absolute: who inverts and publishes may be started in another directory.
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


def last_prepared(history: list[Recorded], inverted: Path) -> PreparedProgram | None:
    """A program as it was prepared last; None where it never was.

    Parameters
    ----------
    history : list of Recorded
        All events of the program.
    inverted : Path
        Directory of the inverted maps.
    """
    record = last_record(history)
    if record is None:
        return None
    return PreparedProgram(history[0].unit, tuple(_program_map(one, inverted) for one in record))


def last_record(history: list[Recorded]) -> list[dict[str, Any]] | None:
    """What `record_of` kept of the last preparation; None where there is none."""
    for event in reversed(history):
        if event.to_state is State.PREPROCESSED and event.detail and "maps" in event.detail:
            maps: list[dict[str, Any]] = event.detail["maps"]
            return maps
    return None


def _program_map(entry: dict[str, Any], inverted: Path) -> ProgramMap:
    prepared = Path(entry["prepared"])
    name = f"{map_name(prepared)}.{entry['checksum'][:_CHECKSUM_DIGITS]}{SUFFIX}"
    return ProgramMap(
        Path(entry["level1"]), prepared, inverted.absolute() / name, entry["n_pixels"]
    )
