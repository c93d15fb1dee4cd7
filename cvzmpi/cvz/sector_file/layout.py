"""The layout of a sector file: its tables with all their columns, and its other names.

A column that is declared here is written, checked and read. `SectorData` has its values: `tables`
says in which attribute, and its inverse reads them. They are computed in `cvz.work.stages`. The
columns of the flares are declared where they are measured.
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
    """A column of a table, of a sector file or of what is made from sector files."""

    dtype: str  # as numpy writes it
    unit: str  # in a sector file the attribute `units`; elsewhere as astropy writes it, or empty
    description: str
    # in a sector file, the names of its axes: columns along the same axis are equally long
    axes: tuple[str, ...] = ()


_CADENCE, _FLARE, _INJECTED = ("cadence",), ("flare",), ("injected",)
_REPEAT = ("injected", "repeat")

LIGHT_CURVE = {
    "time": Column("f8", "BTJD d", "middle of the cadence", _CADENCE),
    "flux": Column("f4", "e-/s", "PDCSAP flux", _CADENCE),
    "flux_err": Column("f4", "e-/s", "error of the flux", _CADENCE),
    "quality": Column("i4", "bit mask", "quality flags of the FITS file", _CADENCE),
    "flare_probability": Column("f4", "1", "by the detector; NaN where not evaluated", _CADENCE),
    "flare_mask": Column(
        "?", "bool", "true from the first to the last cadence of flares", _CADENCE
    ),
}
"""The datasets of the group `lc` at checkpoint `detect`."""

FLARES_IN_FILE = {name: name for name in ("start", "stop", "peak")} | {
    **{name: name for name in ("start_time", "stop_time", "peak_time", "amplitude")},
    "equivalent_duration": "mask_equivalent_duration",
    "equivalent_duration_error": "mask_equivalent_duration_error",
    "max_probability": "max_probability",
}
"""The columns of the table of flares that a file has, and their names in `SectorData`."""

TABLES = {
    "lc": LIGHT_CURVE
    | {
        "gp_mu": Column("f4", "e-/s", "mean of the Gaussian process", _CADENCE),
        "gp_sigma": Column("f4", "e-/s", "standard deviation of the Gaussian process", _CADENCE),
    },
    "flares": {
        name: Column(*FLARE_COLUMNS[column], "", _FLARE) for name, column in FLARES_IN_FILE.items()
    },
    "injections": {
        "amplitude": Column("f8", "relative to median flux", "of the template", _INJECTED),
        "fwhm": Column("f8", "d", "full width at half maximum of the template", _INJECTED),
        "equivalent_duration": Column("f8", "s", "of the whole template", _INJECTED),
        "cadence": Column("i4", "cadence", "where each repeat is placed", _REPEAT),
        "time": Column("f8", "BTJD d", "time of the injected peak", _REPEAT),
    },
    "recoveries": {
        "recovered": Column("?", "bool", "whether the search finds the repeat", _REPEAT),
        "checksum": Column("u4", "CRC-32 of the row", "of the recoveries of a flare", _INJECTED),
    },
}
"""The groups of a file and the datasets in each, at checkpoint `model`."""

AT_CHECKPOINT = {Stage.DETECT: {"lc": LIGHT_CURVE}, Stage.MODEL: TABLES}
"""The same, by checkpoint."""
