"""The list of a batch, the setting `input.targets`: which light curves, and which come first."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from pathlib import Path

from cvzmpi.cvz.light_curves.identity import MAX_SECTOR, MAX_TIC, LightCurveId, is_identity
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource, Rejected
from cvzmpi.errors import ConfigError, one_line
from cvzmpi.text_file import column_separator, read_text, shown

_WHOLE_NUMBER = re.compile(r"\s*[0-9]{1,20}\s*")


def select_targets(
    sources: list[LightCurveSource], targets: Path
) -> tuple[list[LightCurveSource], list[Rejected]]:
    """Keep the light curves that a list of (tic, sector) pairs names.

    Parameters
    ----------
    targets : Path
        CSV with the columns `tic` and `sector`, separated by commas, semicolons or tabs.

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
    known = {source.id: source for source in sources}
    wanted = dict.fromkeys(read_batch(targets))
    selected = [known[light_curve] for light_curve in wanted if light_curve in known]
    missing = [
        Rejected(light_curve.name, f"{targets}: no light curve of {light_curve}")
        for light_curve in wanted
        if light_curve not in known
    ]
    return selected, missing


def read_batch(targets: Path) -> Iterator[LightCurveId]:
    """Read the light curves of a list, in order.

    Raises
    ------
    ConfigError
        Naming the line.
    """
    return (light_curve for light_curve, _ in _read_targets(targets))


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
        light_curve.name: priority
        for light_curve, priority in _read_targets(targets)
        if priority is not None
    }


def _read_targets(targets: Path) -> Iterator[tuple[LightCurveId, float | None]]:
    """The light curve of each line, and its priority."""
    lines = read_text(targets).splitlines()
    separator = column_separator(lines[0]) if lines else None
    rows = csv.reader(lines, delimiter=separator or ",", skipinitialspace=True)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        if not {"tic", "sector"} <= set(header):
            raise ConfigError(f"{targets}: line 1: expected the columns tic and sector")
        for row in rows:
            if row:
                values = dict(zip(header, row, strict=False))
                yield _target(values, f"{targets}: line {rows.line_num}")
    except csv.Error as error:
        raise ConfigError(f"{targets}: line {rows.line_num}: {one_line(error)}") from None


def _target(values: dict[str, str], where: str) -> tuple[LightCurveId, float | None]:
    """The light curve and the priority of a line, given its values by column."""
    texts = [values.get("tic"), values.get("sector")]
    tic, sector = (int(text) if text and _WHOLE_NUMBER.fullmatch(text) else 0 for text in texts)
    if not is_identity(tic, sector):
        found = " and ".join("None" if text is None else shown(text) for text in texts)
        raise ConfigError(
            f"{where}: expected two whole numbers, tic (1 to {MAX_TIC}) and sector (1 to "
            f"{MAX_SECTOR}), not {found}"
        )
    return LightCurveId(tic, sector), _priority(values.get("priority", "").strip(), where)


def _priority(text: str, where: str) -> float | None:
    try:
        priority = float(text) if text else None
    except ValueError:
        priority = math.nan
    if priority is not None and not math.isfinite(priority):
        raise ConfigError(f"{where}: expected a number as priority, not {shown(text)}")
    return priority
