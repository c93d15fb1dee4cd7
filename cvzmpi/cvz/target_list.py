"""Reading lists of targets: TIC numbers, from a table or a plain text.

Both settings that name a list, `archive.targets` and `input.targets`, have the same form.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.cvz.light_curves.identity import MAX_SECTOR, MAX_TIC
from cvzmpi.errors import ConfigError
from cvzmpi.text_file import column_separator, read_text, shown

_TIC_COLUMNS = ("ticid", "tic", "ticnumber", "id")
_OTHER_CATALOGUES = ("keplerid", "kic", "epic")
_STAR_COLUMNS = _TIC_COLUMNS + _OTHER_CATALOGUES
_OTHER_COLUMNS = {
    "tmag": ("tmag", "tessmag"),
    "sector": ("sector", "quarter", "campaign"),
    "priority": ("priority",),
}
_WHOLE = re.compile(r"([0-9]{1,20})(?:\.0*)?")
_TIC = re.compile(r"(?:TIC)?\s*([0-9]{1,40})(?:\.0*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """A star; `tmag` is its TESS magnitude where the list gives one."""

    tic: int
    tmag: float | None = None


@dataclass(frozen=True)
class TargetList:
    """The content of a list of targets."""

    path: Path
    targets: list[Target]  # in order, each star once
    has_magnitudes: bool  # true if the list has a column of TESS magnitudes
    # a line for each row that is no target: file, line number, and what was expected
    bad_rows: list[str]


@dataclass(frozen=True)
class Row:
    """A row of a list: a star, and what else its row says of it; None for what it does not."""

    tic: int
    tmag: float | None = None
    sector: int | None = None
    priority: float | None = None


@dataclass(frozen=True)
class TargetRows:
    """The rows of a list, in their order."""

    rows: list[Row]
    has_magnitudes: bool
    is_of_pairs: bool  # without a header, and with two numbers in its first line
    bad_rows: list[str]  # a line for each row that is none


def read_target_list(path: Path) -> TargetList:
    """Read the stars of a list of targets, each once; for its form see `read_rows`.

    Raises
    ------
    ConfigError
        If the file cannot be read, has no column of TIC numbers, or no target at all.
    """
    content = read_rows(path, ["tmag"], _TIC_COLUMNS)
    targets: dict[int, Target] = {}
    for row in content.rows:
        targets.setdefault(row.tic, Target(row.tic, row.tmag))
    if not targets:
        why = content.bad_rows[0] if content.bad_rows else "empty"
        raise ConfigError(f"{path}: no target in here; {why}")
    return TargetList(path, list(targets.values()), content.has_magnitudes, content.bad_rows)


def read_rows(
    path: Path,
    wanted: Collection[str],
    star_columns: tuple[str, ...] = _STAR_COLUMNS,
    least_sector: int = 1,
) -> TargetRows:
    """Read the rows of a list of targets.

    Either a table whose header names a column of star numbers (`TICID`, `tic`, `TIC ID`, `KIC`,
    ...) and perhaps those of magnitudes (`Tmag`), sectors and priorities, separated by commas,
    semicolons, tabs or blanks; or a text with a star number in each line. Empty lines and what
    follows a `#` are passed over.

    Parameters
    ----------
    wanted : collection of str
        What is read besides the star numbers, of `tmag`, `sector` and `priority`.
    star_columns : tuple of str
        What the column of the star numbers may be called, the preferred first: in small letters,
        and letters and digits alone.
    least_sector : int
        0 where quarters of Kepler or campaigns of K2 are meant as well.

    Raises
    ------
    ConfigError
        If the file cannot be read, or has neither a column of star numbers nor one in each line.
    """
    lines = list(_lines(read_text(path)))
    if not lines:
        raise ConfigError(f"{path}: no target in here, expected TIC numbers")
    columns, lines_below = _table(path, lines, star_columns)
    columns = {name: column for name, column in columns.items() if name in {"tic", *wanted}}
    found, bad_rows = [], []
    for number, values in lines_below:
        try:
            found.append(_row(values, columns, least_sector))
        except ValueError as error:
            bad_rows.append(f"{path}: line {number}: {error}")
    first = _split(lines[0][1], column_separator(lines[0][1]))
    is_of_pairs = len(lines_below) == len(lines) and all(map(_WHOLE.fullmatch, first[:2]))
    return TargetRows(found, "tmag" in columns, is_of_pairs and len(first) > 1, bad_rows)


def _row(values: list[str], columns: dict[str, int], least_sector: int) -> Row:
    """The content of a row; a `ValueError` says what was expected."""
    texts = {
        name: values[column].strip() if column < len(values) else ""
        for name, column in columns.items()
    }
    return Row(
        _tic(texts["tic"]),
        _tmag(texts.get("tmag", "")),
        _sector(texts["sector"], least_sector) if "sector" in texts else None,
        _priority(texts.get("priority", "")),
    )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and content of the lines that have any."""
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content:
            yield number, content
        elif number == 1 and line.startswith("#") and _TIC.sub("", line.strip("# ")):
            # a header that is written as a comment, as NumPy's savetxt does
            header = line.strip("# ")
            if _column(_split(header, column_separator(header)), _STAR_COLUMNS) is not None:
                yield number, header


def _table(
    path: Path, lines: list[tuple[int, str]], star_columns: tuple[str, ...]
) -> tuple[dict[str, int], list[tuple[int, list[str]]]]:
    """The columns by their meaning, and the rows below the header."""
    separator = column_separator(lines[0][1])
    rows = [(number, _split(line, separator)) for number, line in lines]
    header = rows[0][1]
    if _TIC.fullmatch(lines[0][1]) or _TIC.fullmatch(header[0]):
        # no header: the TIC number is what a line begins with, perhaps as `TIC 123`
        return {"tic": 0}, [(number, [_first_value(line, separator)]) for number, line in lines]
    tic_column = _column(header, star_columns)
    if tic_column is not None:
        others = {name: _column(header, names) for name, names in _OTHER_COLUMNS.items()}
        known = {name: column for name, column in others.items() if column is not None}
        return {"tic": tic_column, **known}, rows[1:]
    other = _column(header, _OTHER_CATALOGUES)
    if other is not None:
        raise ConfigError(
            f"{path}: line {lines[0][0]}: expected TIC numbers in a column TICID (or tic, TIC ID), "
            f"found {shown(header[other])}: numbers of another catalogue"
        )
    raise ConfigError(
        f"{path}: line {lines[0][0]}: expected a column TICID (or tic, TIC ID), found "
        f"{shown(', '.join(header))}"
    )


def _split(line: str, separator: str | None) -> list[str]:
    if separator is None:  # blanks
        # `TIC ID` is one name
        return re.sub(r"(?i)\btic id\b", "TICID", line).split()
    try:
        return [value.strip() for value in next(csv.reader([line], delimiter=separator))]
    except csv.Error:  # a field of more than 131,072 characters, or a NUL
        return [line]  # which is no TIC number


def _first_value(line: str, separator: str | None) -> str:
    if separator is None and line.upper().startswith("TIC"):
        return line
    return _split(line, separator)[0]


def _column(header: list[str], names: tuple[str, ...]) -> int | None:
    """The index of a column of one of these names; earlier names are preferred."""
    plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in header]
    return next((plain.index(name) for name in names if name in plain), None)


def _tic(text: str) -> int:
    match = _TIC.fullmatch(text)
    if match is None or not 0 < int(match[1]) <= MAX_TIC:
        raise ValueError(f"expected a TIC number, not {shown(text)}")
    return int(match[1])


def _tmag(text: str) -> float | None:
    if not text or text.lower() in {"nan", "null", "none"}:
        return None
    try:
        magnitude = float(text.replace(",", "."))  # spreadsheets of many languages write 10,5
    except ValueError:
        magnitude = math.nan
    if not math.isfinite(magnitude):
        raise ValueError(f"expected a TESS magnitude, not {shown(text)}")
    return magnitude


def _sector(text: str, least: int) -> int:
    match = _WHOLE.fullmatch(text)
    if match is None or not least <= int(match[1]) <= MAX_SECTOR:
        raise ValueError(f"expected a sector ({least} to {MAX_SECTOR}), not {shown(text)}")
    return int(match[1])


def _priority(text: str) -> float | None:
    try:
        priority = float(text) if text else None
    except ValueError:
        priority = math.nan
    if priority is not None and not math.isfinite(priority):
        raise ValueError(f"expected a number as priority, not {shown(text)}")
    return priority
