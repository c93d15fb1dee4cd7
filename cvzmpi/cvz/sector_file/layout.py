"""The layout of a sector file: its tables with all their columns, and its other names.

A column that is declared here is written, checked and read; `SectorData.tables` says where its
values are. The columns of the flares are declared where they are measured.
"""

from __future__ import annotations

from typing import NamedTuple

from cvzmpi.cvz.detection.flares import COLUMNS as FLARE_COLUMNS
from cvzmpi.cvz.light_curves.stage import Stage

FORMAT = "cvzmpi sector file"
FORMAT_VERSION = 1

MARKS = "quality_marks"
"""Attribute of the file: the names of its quality marks."""

WRITTEN_IN_PLACE = (
    "recoveries/recovered",
    "recoveries/checksum",
    "recoveries/n_inject_remaining",
    "seconds_inject",
)
"""Datasets and attributes that change while the injections go on; all else is written once."""


class Column(NamedTuple):
    """A dataset: its type, its attribute `units`, and its shape by the names of its axes."""

    dtype: str
    units: str
    axes: tuple[str, ...]


_CADENCE, _FLARE, _INJECTED = ("cadence",), ("flare",), ("injected",)
_REPEAT = ("injected", "repeat")

LIGHT_CURVE = {
    "time": Column("f8", "BTJD d", _CADENCE),
    "flux": Column("f4", "e-/s", _CADENCE),
    "flux_err": Column("f4", "e-/s", _CADENCE),
    "quality": Column("i4", "bit mask", _CADENCE),
    "flare_probability": Column("f4", "1", _CADENCE),
    "flare_mask": Column("?", "bool", _CADENCE),
}
"""The datasets of the group `lc` at checkpoint `detect`."""

TABLES = {
    "lc": LIGHT_CURVE
    | {
        "gp_mu": Column("f4", "e-/s", _CADENCE),
        "gp_sigma": Column("f4", "e-/s", _CADENCE),
    },
    "flares": {n: Column(dtype, units, _FLARE) for n, (dtype, units) in FLARE_COLUMNS.items()},
    "injections": {
        "amplitude": Column("f8", "relative to median flux", _INJECTED),
        "fwhm": Column("f8", "d", _INJECTED),
        "equivalent_duration": Column("f8", "s", _INJECTED),
        "cadence": Column("i4", "cadence", _REPEAT),
        "time": Column("f8", "BTJD d", _REPEAT),
    },
    "recoveries": {
        "recovered": Column("?", "bool", _REPEAT),
        "checksum": Column("u4", "CRC-32 of the row", _INJECTED),
    },
}
"""The groups of a file and the datasets in each, at checkpoint `model`."""

AT_CHECKPOINT = {Stage.DETECT: {"lc": LIGHT_CURVE}, Stage.MODEL: TABLES}
"""The same, by checkpoint."""
