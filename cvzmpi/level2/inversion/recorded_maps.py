"""The maps that the history of a program tells of.

It loads neither NumPy nor HDF5, which the service must not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cvzmpi.ledger import Recorded, State
from cvzmpi.level2.maps.map_names import INVERTED_SUFFIX, map_name

_CHECKSUM_DIGITS = 12


@dataclass(frozen=True)
class RecordedMap:
    """A map of a program, as the event of its preparation records it."""

    level1: Path  # directory of the Level 1 dataset
    prepared: Path
    inverted: Path  # the inverted map, which may not be there yet
    n_pixels: int
    arm: str | None = None  # as in `maps.arms`; None if it is that of the iron lines


def last_record(history: list[Recorded]) -> list[dict[str, Any]] | None:
    """The record of the last preparation in a history; None if there is none."""
    for event in reversed(history):
        if event.to_state is State.PREPROCESSED and event.detail and "maps" in event.detail:
            maps: list[dict[str, Any]] = event.detail["maps"]
            return maps
    return None


def last_maps(history: list[Recorded], inverted: Path) -> list[RecordedMap] | None:
    """The maps of a program that were prepared last; None if it was never prepared.

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
    maps = []
    for entry in record:
        prepared = Path(entry["prepared"])
        name = f"{map_name(prepared)}.{entry['checksum'][:_CHECKSUM_DIGITS]}{INVERTED_SUFFIX}"
        path = inverted.absolute() / name
        arm = entry.get("record", {}).get("arm")
        maps.append(RecordedMap(Path(entry["level1"]), prepared, path, entry["n_pixels"], arm))
    return maps
