"""The list of a batch, the setting `input.targets`: which light curves, and which come first."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

from cvzmpi.cvz.light_curve_source import LightCurveSource, Rejected
from cvzmpi.errors import ConfigError, one_line


def select_targets(
    sources: list[LightCurveSource], targets: Path
) -> tuple[list[LightCurveSource], list[Rejected]]:
    """Keep the light curves that a list of (tic, sector) pairs names.

    Parameters
    ----------
    sources : list of LightCurveSource
    targets : Path
        CSV with the columns `tic` and `sector`.

    Returns
    -------
    selected : list of LightCurveSource
    missing : list of Rejected
        The pairs that have no light curve.

    Raises
    ------
    ConfigError
        If the list cannot be read, naming the line.
    """
    known = {(source.tic, source.sector): source for source in sources}
    selected, missing = [], []
    for tic, sector in dict.fromkeys(read_pairs(targets)):
        if (tic, sector) in known:
            selected.append(known[tic, sector])
        else:
            name = f"{tic}_{sector}"
            missing.append(
                Rejected(name, f"{targets}: no light curve of TIC {tic} sector {sector}")
            )
    return selected, missing


def read_pairs(targets: Path) -> Iterator[tuple[int, int]]:
    """Read a list of targets: the (tic, sector) of each line, in order.

    Raises
    ------
    ConfigError
        Naming the line.
    """
    return (pair for pair, _ in _read_targets(targets))


def read_priorities(targets: Path) -> dict[str, float]:
    """Read what comes first from a list of targets: its column `priority`, where it has one.

    Returns
    -------
    dict
        By the name of the light curve; without those whose line says nothing.

    Raises
    ------
    ConfigError
        Naming the line.
    """
    return {
        LightCurveSource(*pair, None).name: priority
        for pair, priority in _read_targets(targets)
        if priority is not None
    }


def _read_targets(targets: Path) -> Iterator[tuple[tuple[int, int], float | None]]:
    """The (tic, sector) of each line, and its priority."""
    try:
        text = targets.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{targets}: cannot be read: {one_line(error)}") from error
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    names = {(name or "").strip().lower(): name for name in rows.fieldnames or []}
    if not {"tic", "sector"} <= names.keys():
        raise ConfigError(f"{targets}: line 1: expected the columns tic and sector")
    for row in rows:
        where = f"{targets}: line {rows.line_num}"
        try:
            pair = int(row[names["tic"]]), int(row[names["sector"]])
        except (TypeError, ValueError):
            raise ConfigError(
                f"{where}: expected two whole numbers, tic and sector, "
                f"not {row[names['tic']]!r} and {row[names['sector']]!r}"
            ) from None
        text = (row[names["priority"]] or "").strip() if "priority" in names else ""
        yield pair, _priority(text, where)


def _priority(text: str, where: str) -> float | None:
    try:
        priority = float(text) if text else None
    except ValueError:
        priority = math.nan
    if priority is not None and not math.isfinite(priority):
        raise ConfigError(f"{where}: expected a number as priority, not {text!r}")
    return priority
