"""The layout of a sector file: its tables with all their columns, and its other names.

A column that is declared here is written, checked and read. `SectorData` has its values: `tables`
says in which attribute, and its inverse reads them. They are computed in `cvz.work.stages`. The
columns of flares and of mirror events are declared where they are measured.

Files of format version 1, which were searched by stella alone, are read, and finished where their
injections had begun. Files are written in version 2.
"""

from __future__ import annotations

from typing import NamedTuple

from cvzmpi.cvz.detection.flares import COLUMNS as FLARE_COLUMNS
from cvzmpi.cvz.detection.flares import MIRROR_COLUMNS
from cvzmpi.cvz.light_curves.stage import Stage

FORMAT = "cvzmpi sector file"
FORMAT_VERSION = 2

MARKS = "quality_marks"
"""Attribute of the file: the names of its quality marks."""

ANSWERS = ("recovered", "recovered_significance")
"""Datasets of `recoveries`: the answers of each search; version 1 has the first."""

WRITTEN_IN_PLACE = (
    *(f"recoveries/{name}" for name in ANSWERS),
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


Tables = dict[str, dict[str, Column]]

_CADENCE, _FLARE, _MIRRORED, _TEMPLATE = ("cadence",), ("flare",), ("mirrored",), ("template",)
_INJECTED, _REPEAT = ("injected",), ("injected", "repeat")

LIGHT_CURVE = {
    "time": Column("f8", "BTJD d", "middle of the cadence", _CADENCE),
    "flux": Column("f4", "e-/s", "PDCSAP flux", _CADENCE),
    "flux_err": Column("f4", "e-/s", "error of the flux", _CADENCE),
    "quality": Column("i4", "bit mask", "quality flags of the FITS file", _CADENCE),
    "flare_probability": Column("f4", "1", "by the detector; NaN where not evaluated", _CADENCE),
    "flare_mask": Column("?", "bool", "from the first to the last cadence of its flares", _CADENCE),
}
"""The datasets of the group `lc` at checkpoint `detect`."""

_PROCESS = {
    "gp_mu": Column("f4", "e-/s", "mean of the Gaussian process", _CADENCE),
    "gp_sigma": Column("f4", "e-/s", "standard deviation of the Gaussian process", _CADENCE),
}
_SIGNIFICANCE = {
    "significance": Column(
        "f4", "1", "S/N of the best template that peaks there, or NaN", _CADENCE
    ),
    "significance_mask": Column("?", "bool", "as flare_mask, of that search", _CADENCE),
    "event_model": Column(
        "f4", "e-/s", "templates of flares and of other events, for the search", _CADENCE
    ),
    "left_out": Column("?", "bool", "usable, but not what the process was fitted to", _CADENCE),
}
_INJECTIONS = {
    "amplitude": Column("f8", "relative to median flux", "of the template", _INJECTED),
    "fwhm": Column("f8", "d", "full width at half maximum of the template", _INJECTED),
    "equivalent_duration": Column("f8", "s", "of the whole template", _INJECTED),
    "cadence": Column("i4", "cadence", "where each repeat is placed", _REPEAT),
    "time": Column("f8", "BTJD d", "time of the injected peak", _REPEAT),
}
_RECOVERIES = {
    "recovered": Column("?", "bool", "whether stella finds the repeat", _REPEAT),
    "checksum": Column("u4", "CRC-32 of the row", "of the answers for a flare", _INJECTED),
}

TABLES: Tables = {
    "lc": LIGHT_CURVE | _PROCESS | _SIGNIFICANCE,
    "flares": {n: Column(dtype, unit, "", _FLARE) for n, (dtype, unit) in FLARE_COLUMNS.items()},
    "mirror_events": {
        n: Column(dtype, unit, "", _MIRRORED) for n, (dtype, unit) in MIRROR_COLUMNS.items()
    },
    "templates": {
        "noise_raised": Column("f8", "1", "noise of the star over its scale", _TEMPLATE),
    },
    "injections": _INJECTIONS,
    "recoveries": _RECOVERIES
    | {
        "recovered_significance": Column(
            "?", "bool", "whether the significance search finds the repeat", _REPEAT
        ),
    },
}
"""The groups of a file and the datasets in each, at checkpoint `model`."""

FLARES_OF_VERSION_1 = {
    **{name: name for name in ("start", "stop", "peak", "start_time", "stop_time", "peak_time")},
    "amplitude": "amplitude",
    "equivalent_duration": "mask_equivalent_duration",
    "equivalent_duration_error": "mask_equivalent_duration_error",
    "max_probability": "max_probability",
}
"""The columns of the table of flares in version 1, and their names now."""

_TABLES_OF_VERSION_1: Tables = {
    "lc": LIGHT_CURVE | _PROCESS,
    "flares": {
        name: Column(*FLARE_COLUMNS[now], "", _FLARE) for name, now in FLARES_OF_VERSION_1.items()
    },
    "injections": _INJECTIONS,
    "recoveries": _RECOVERIES,
}

LAYOUTS: dict[int, dict[Stage, Tables]] = {
    version: {Stage.DETECT: {"lc": LIGHT_CURVE}, Stage.MODEL: tables}
    for version, tables in ((1, _TABLES_OF_VERSION_1), (FORMAT_VERSION, TABLES))
}
"""The same, by format version and checkpoint: what can be read."""
