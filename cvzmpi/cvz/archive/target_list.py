"""Reading the list of targets that a campaign starts from: TIC numbers, from CSV or plain text."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.cvz.light_curves.identity import MAX_TIC
from cvzmpi.errors import ConfigError
from cvzmpi.text_file import column_separator, read_text, shown

_TIC_COLUMNS = ("ticid", "tic", "ticnumber", "id")
_TMAG_COLUMNS = ("tmag", "tessmag")
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


def read_target_list(path: Path) -> TargetList:
    """Read a list of targets.

    Either a table whose header names a column of TIC numbers (`TICID`, `tic`, `TIC ID`, ...) and
    perhaps one of magnitudes (`Tmag`), separated by commas, semicolons, tabs or blanks; or a text
    with a TIC number in each line. Empty lines and what follows a `#` are passed over, and so is a
    star that was there before.

    Raises
    ------
    ConfigError
        If the file cannot be read, has no column of TIC numbers, or no target at all.
    """
    lines = list(_lines(read_text(path)))
    if not lines:
        raise ConfigError(f"{path}: no target in here, expected TIC numbers")
    tic_column, tmag_column, rows = _table(path, lines)
    targets: dict[int, Target] = {}
    bad_rows = []
    for number, row in rows:
        try:
            target = Target(_tic(row, tic_column), _tmag(row, tmag_column))
        except ValueError as error:
            bad_rows.append(f"{path}: line {number}: {error}")
            continue
        targets.setdefault(target.tic, target)
    if not targets:
        raise ConfigError(f"{path}: no target in here; {bad_rows[0] if bad_rows else 'empty'}")
    return TargetList(path, list(targets.values()), tmag_column is not None, bad_rows)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and content of the lines that have any."""
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content:
            yield number, content
        elif number == 1 and line.startswith("#") and _TIC.sub("", line.strip("# ")):
            # a header that is written as a comment, as NumPy's savetxt does
            header = line.strip("# ")
            if _column(_split(header, column_separator(header)), _TIC_COLUMNS) is not None:
                yield number, header


def _table(
    path: Path, lines: list[tuple[int, str]]
) -> tuple[int, int | None, Iterable[tuple[int, list[str]]]]:
    """The columns of TIC numbers and magnitudes, and the rows below the header."""
    separator = column_separator(lines[0][1])
    rows = [(number, _split(line, separator)) for number, line in lines]
    header = rows[0][1]
    if _TIC.fullmatch(lines[0][1]) or _TIC.fullmatch(header[0]):
        # no header: the TIC number is what a line begins with, perhaps as `TIC 123`
        return 0, None, [(number, [_first_value(line, separator)]) for number, line in lines]
    tic_column = _column(header, _TIC_COLUMNS)
    if tic_column is not None:
        return tic_column, _column(header, _TMAG_COLUMNS), rows[1:]
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


def _tic(row: list[str], column: int) -> int:
    text = row[column] if column < len(row) else ""
    match = _TIC.fullmatch(text.strip())
    if match is None or not 0 < int(match[1]) <= MAX_TIC:
        raise ValueError(f"expected a TIC number, not {shown(text)}")
    return int(match[1])


def _tmag(row: list[str], column: int | None) -> float | None:
    text = row[column] if column is not None and column < len(row) else ""
    if not text or text.lower() in {"nan", "null", "none"}:
        return None
    try:
        magnitude = float(text.replace(",", "."))  # spreadsheets of many languages write 10,5
    except ValueError:
        magnitude = math.nan
    if not math.isfinite(magnitude):
        raise ValueError(f"expected a TESS magnitude, not {shown(text)}")
    return magnitude
