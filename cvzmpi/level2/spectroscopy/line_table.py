"""Tables of spectral lines that replace the two iron lines: files of the format ECSV or CSV.

A row has `wavelength_nm` (in air), `log_gf`, `j_lower` and `j_upper`; and of each level either the
quantum numbers of LS coupling, `s_lower` and `l_lower`, or a Lande factor, `g_lower`. Where lines
differ in them, `excitation_ev` of the lower level and `abundance`, a logarithm, weigh their
strengths. `source` says where the numbers are from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, ValidationError

from cvzmpi.config import Section
from cvzmpi.errors import ConfigError
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630, Level, Line
from cvzmpi.text_file import read_text

_FORMATS = {".ecsv": "ascii.ecsv", ".csv": "ascii.csv"}
_UNITS = {"wavelength_nm": "nm", "excitation_ev": "eV"}


class _Row(Section):
    """One line of a table."""

    wavelength_nm: float = Field(gt=0)
    log_gf: float
    j_lower: float = Field(ge=0, multiple_of=0.5)
    j_upper: float = Field(ge=0, multiple_of=0.5)
    s_lower: float | None = Field(None, ge=0, multiple_of=0.5)
    l_lower: float | None = Field(None, ge=0, multiple_of=1)
    g_lower: float | None = None
    s_upper: float | None = Field(None, ge=0, multiple_of=0.5)
    l_upper: float | None = Field(None, ge=0, multiple_of=1)
    g_upper: float | None = None
    excitation_ev: float = Field(0.0, ge=0)
    abundance: float = 0.0
    source: str = ""

    def as_line(self) -> Line:
        """The line; ValueError says what cannot be."""
        lower = _level("lower", self.j_lower, self.s_lower, self.l_lower, self.g_lower)
        upper = _level("upper", self.j_upper, self.s_upper, self.l_upper, self.g_upper)
        change = abs(self.j_upper - self.j_lower)
        if change not in (0, 1) or self.j_lower == self.j_upper == 0:
            raise ValueError(
                f"j_upper is {self.j_upper:g} and j_lower {self.j_lower:g}, expected a difference "
                "of 0 or 1, not from 0 to 0"
            )
        return Line(
            self.wavelength_nm, self.log_gf, lower, upper, self.excitation_ev, self.abundance
        )


def lines_of(settings: InversionSettings) -> tuple[Line, ...]:
    """The lines that are inverted: those of the table, or the iron lines at 630 nm.

    Raises
    ------
    ConfigError
    """
    return FE_I_630 if settings.lines is None else read_lines(settings.lines)


def canonical_settings(settings: InversionSettings, lines: Sequence[Line]) -> str:
    """The settings as text: the same settings give the same text.

    Files stand there by their content, wherever they are: the table of lines as `lines`, which were
    read from it, and that of the spectral profile by its checksum.

    Raises
    ------
    ConfigError
        If the table of the spectral profile cannot be read.
    """
    values = settings.model_dump(mode="json")
    if settings.lines is not None:
        values["lines"] = [asdict(line) for line in lines]
    if settings.spectral_profile is not None:
        digest = hashlib.sha256(read_text(settings.spectral_profile).encode()).hexdigest()
        values["spectral_profile"] = f"sha256:{digest}"
    return json.dumps(values, sort_keys=True)


def recorded_lines(values: Mapping[str, Any]) -> tuple[Line, ...]:
    """The lines in the settings of an inverted map, which `canonical_settings` put there."""
    recorded = values.get("lines")
    if not recorded:
        return FE_I_630
    return tuple(
        Line(**{**line, "lower": Level(**line["lower"]), "upper": Level(**line["upper"])})
        for line in recorded
    )


def read_lines(path: Path) -> tuple[Line, ...]:
    """Read a table of lines; they are sorted by wavelength.

    Raises
    ------
    ConfigError
        If the file cannot be read, or has a row that cannot be a line.
    """
    rows = _read_rows(path)
    if not rows:
        raise ConfigError(f"{path}: has no rows, expected a spectral line in each")
    lines = [_line(path, number, row) for number, row in enumerate(rows, 1)]
    return tuple(sorted(lines, key=lambda line: line.wavelength))


def _read_rows(path: Path) -> list[dict[str, Any]]:
    from astropy.table import Table

    if (kind := _FORMATS.get(path.suffix.lower())) is None:
        raise ConfigError(f"{path}: a table of lines, expected a file .ecsv or .csv")
    try:
        table = Table.read(path, format=kind)
    except Exception as error:  # of many kinds, by what is wrong with the file
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(f"{path}: not a readable table of lines: {reason}") from None
    for name, expected in _UNITS.items():
        if name in table.colnames and str(table[name].unit or expected) != expected:
            unit = table[name].unit
            raise ConfigError(f"{path}: the unit of {name} is {unit}, expected {expected}")
    return [
        {name: value for name in table.colnames if (value := _plain(row[name])) is not None}
        for row in table
    ]


def _plain(value: Any) -> Any:
    """A cell as a number or text; None if it is empty."""
    if np.ma.is_masked(value):
        return None
    if isinstance(value, np.integer | np.floating):
        return float(value)
    return str(value)


def _line(path: Path, number: int, row: dict[str, Any]) -> Line:
    try:
        return _Row.model_validate(row).as_line()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        value = "missing" if first["type"] == "missing" else repr(first["input"])
        said = first["msg"][0].lower() + first["msg"][1:]
        raise ConfigError(f"{path}: row {number}: {name} is {value}: {said}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: row {number}: {error}") from None


def _level(
    which: str, total: float, spin: float | None, orbital: float | None, lande: float | None
) -> Level:
    if lande is not None:
        return Level(spin or 0.0, orbital or 0.0, total, lande)
    if total == 0:  # it does not split
        return Level(spin or 0.0, orbital or 0.0, total)
    if spin is None or orbital is None:
        raise ValueError(
            f"the {which} level has neither g_{which} nor s_{which} and l_{which}, expected one"
        )
    if not abs(orbital - spin) <= total <= orbital + spin or (orbital + spin - total) % 1:
        raise ValueError(
            f"j_{which} is {total:g}, expected {abs(orbital - spin):g} to {orbital + spin:g} in "
            f"steps of 1, of s_{which} {spin:g} and l_{which} {orbital:g}"
        )
    return Level(spin, orbital, total)
