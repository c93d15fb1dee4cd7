"""The tables of the index: their columns, with type, unit and meaning.

Each is a Parquet file; unit and description are in the metadata of its fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from cvzmpi.cvz.detection.flares import COLUMNS as FLARE_COLUMNS
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS

INDEX_VERSION = 1
"""Counted up when a column gets another meaning: what was indexed before is then read again."""


@dataclass(frozen=True)
class Column:
    """One column of a table; `unit` as astropy writes it, empty where there is none."""

    name: str
    type: pa.DataType
    unit: str
    description: str


_BYTES, _COUNT, _NUMBER, _TEXT = pa.int64(), pa.int32(), pa.float64(), pa.string()

# Unit and description, by the unit in the sector file.
_FLARE_UNITS = {"BTJD d": ("d", "BTJD"), "s": ("s", ""), "cadence": ("", "row of the light curve")}

_GP_PARAMETERS = {
    "sigma": ("", "standard deviation, relative to the median flux"),
    "period_d": ("d", "period"),
    "Q0": ("", "quality factor of the oscillator at half the period, less 1/2"),
    "dQ": ("", "quality factor of the other one, less that"),
    "f": ("", "variance at half the period over that at the period"),
    "sigma_granulation": ("", "granulation: standard deviation, relative to the median flux"),
    "rho_granulation_d": ("d", "granulation: undamped period"),
    "jitter": ("", "standard deviation of white noise beside the errors, relative"),
    "mean": ("", "mean, relative to the median flux"),
}
assert all(set(kernel.parameters) <= set(_GP_PARAMETERS) for kernel in KERNELS.values())

FILE_STATE = (
    Column("path", _TEXT, "", "sector file, relative to the output directory"),
    Column("size", _BYTES, "byte", "its size"),
    Column("mtime_ns", pa.int64(), "ns", "when it was last changed, since 1970"),
    Column("settled", pa.bool_(), "", "whether that was long enough before it was read"),
)

LIGHT_CURVES = (
    Column("tic", pa.int64(), "", "TIC number of the target"),
    Column("sector", _COUNT, "", "TESS sector"),
    Column("state", _TEXT, "", "done or unfinished"),
    Column("checkpoint", _TEXT, "", "last durable state: detect, or model from then on"),
    Column("n_cadences", _COUNT, "", "rows of the light curve"),
    Column("n_evaluated", _COUNT, "", "cadences that the detector evaluated, which are usable"),
    Column("n_flaring", _COUNT, "", "cadences in the flare mask"),
    Column("exposure", _NUMBER, "s", "time from one cadence to the next"),
    Column("observed_time", _NUMBER, "d", "in which a flare would be found as one of its own"),
    Column("n_flares", _COUNT, "", "flares detected"),
    Column("largest_flare", _NUMBER, "s", "the largest equivalent duration"),
    Column("n_inject", _COUNT, "", "flares to be injected"),
    Column("n_repeat", _COUNT, "", "places of each"),
    Column("n_inject_remaining", _COUNT, "", "flares still to be injected"),
    Column("recovered_fraction", _NUMBER, "", "of all repeats that are done"),
    Column("amplitude_50", _NUMBER, "", "amplitude of 50 % completeness, relative to median flux"),
    Column("equivalent_duration_50", _NUMBER, "s", "equivalent duration of 50 % completeness"),
    Column("right_ascension", _NUMBER, "deg", "RA_OBJ of the FITS header"),
    Column("declination", _NUMBER, "deg", "DEC_OBJ"),
    Column("tess_magnitude", _NUMBER, "mag", "TESSMAG"),
    Column("temperature", _NUMBER, "K", "TEFF"),
    Column("radius", _NUMBER, "R_sun", "RADIUS"),
    Column("crowdsap", _NUMBER, "", "CROWDSAP: the star's share of the light in the aperture"),
    Column("flfrcsap", _NUMBER, "", "FLFRCSAP: the share of the star's light in the aperture"),
    Column("marks", _TEXT, "", "quality marks, separated by commas; empty where there are none"),
    Column("gp_kernel", _TEXT, "", "kernel of the Gaussian process"),
    Column("gp_converged", pa.bool_(), "", "whether its fit met the tolerance"),
    Column("gp_log_likelihood", _NUMBER, "", "natural logarithm of its likelihood"),
    Column("gp_n_evaluations", _COUNT, "", "likelihoods computed for it"),
    *(Column(f"gp_{n}", _NUMBER, unit, text) for n, (unit, text) in _GP_PARAMETERS.items()),
    *(Column(f"seconds_{stage}", _NUMBER, "s", f"time of stage {stage}") for stage in Stage),
    *FILE_STATE,
    Column("content_sha256", _TEXT, "", "checksum that the sector file carries"),
    Column("input_file", _TEXT, "", "the FITS file"),
    Column("input_sha256", _TEXT, "", "its checksum"),
    Column("processing_version", _TEXT, "", "PROCVER of the FITS header"),
    Column("config_sha256", _TEXT, "", "checksum of the configuration"),
    Column("models_sha256", _TEXT, "", "checksum of the stella models"),
    Column("seed", pa.int64(), "", "of the campaign's random draws"),
    Column("software", _TEXT, "", "versions, as JSON"),
)

FLARES = (
    Column("tic", pa.int64(), "", "TIC number of the target"),
    Column("sector", _COUNT, "", "TESS sector"),
    *(
        Column(name, pa.from_numpy_dtype(dtype), *_FLARE_UNITS.get(unit, ("", unit)))
        for name, (dtype, unit) in FLARE_COLUMNS.items()
    ),
    Column("at_edge", pa.bool_(), "", "touches a gap or the end of the search"),
)

PROBLEMS = (
    Column("path", _TEXT, "", "file, relative to the output directory"),
    Column("kind", _TEXT, "", "damaged, unreadable, unusable, changing, half-written or foreign"),
    Column("reason", _TEXT, "", "one line"),
)


def schema(columns: Sequence[Column]) -> pa.Schema:
    """The columns as an Arrow schema; units and descriptions are metadata of the fields."""
    return pa.schema(
        [
            pa.field(c.name, c.type, metadata={"unit": c.unit, "description": c.description})
            for c in columns
        ]
    )


LIGHT_CURVE_SCHEMA, FLARE_SCHEMA, PROBLEM_SCHEMA = map(schema, (LIGHT_CURVES, FLARES, PROBLEMS))

SCHEMAS = {
    "light_curves": LIGHT_CURVE_SCHEMA,
    "flares": FLARE_SCHEMA,
    "problems": PROBLEM_SCHEMA,
}
"""By name of the table, in the order of the attributes of a `Part`."""
