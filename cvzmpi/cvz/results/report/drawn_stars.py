"""Which stars have their light curves in a report, cadence by cadence."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from cvzmpi.errors import ConfigError
from cvzmpi.storage.whole_file import write_derived

_ASKED_FOR = "data/asked_for.json"


def drawn_stars(
    light_curves: pa.Table, n_stars: int, also: Collection[int], report: Path
) -> set[int]:
    """The numbers of the stars with the most flares, and of those that were asked for.

    Parameters
    ----------
    light_curves : pa.Table
        Of the index.
    n_stars : int
        So many stars with the most flares.
    also : collection of int
        Stars that other pages lead to.
    report : Path
        Directory of the report, which remembers those that were asked for.

    Raises
    ------
    ConfigError
        If what it remembers cannot be read.
    """
    counts = light_curves.group_by("tic").aggregate([("n_flares", "sum")])
    order = [("n_flares_sum", "descending"), ("tic", "ascending")]
    most = counts.take(pc.sort_indices(counts, order)[:n_stars])["tic"].to_pylist()
    return {*most, *also, *_asked_for(report)}


def ask_for(tics: Collection[int], report: Path) -> None:
    """Remember that the light curves of some stars were asked for: later reports have them too.

    Raises
    ------
    ConfigError
        If what is remembered cannot be read.
    SectorFileError
        If it cannot be written.
    """
    asked_for = sorted(_asked_for(report) | set(tics))
    write_derived(report / _ASKED_FOR, json.dumps(asked_for).encode())


def _asked_for(report: Path) -> set[int]:
    path = report / _ASKED_FOR
    try:
        return {int(tic) for tic in json.loads(path.read_bytes())}
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path}: expected a list of numbers of stars; remove it") from error
