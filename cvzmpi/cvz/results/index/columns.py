"""The tables of the index: their columns, with type, unit and meaning.

Each is a Parquet file; unit and description are in the metadata of its fields. Units are as astropy
writes them, empty where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from cvzmpi.cvz.detection.flares import MIRROR_COLUMNS
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS
from cvzmpi.cvz.results.products.measured_flares import COLUMNS as MEASURED_FLARES
from cvzmpi.cvz.sector_file.layout import Column

INDEX_VERSION = 5
"""Counted up when a column gets another meaning: what was indexed before is then read again."""


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

_WHOSE = {
    "tic": Column("i8", "", "number of the target in its catalogue"),
    "sector": Column("i4", "", "TESS sector, or quarter of Kepler, or campaign of K2"),
}
"""The light curve of a row."""

LIGHT_CURVES = {
    **_WHOSE,
    "catalogue": Column("U", "", "of the number: TIC, or KIC of Kepler, or EPIC of K2"),
    "product": Column("U", "", "maker and exposure in s of the light curve, as spoc-120"),
    "state": Column("U", "", "done or unfinished"),
    "checkpoint": Column("U", "", "last durable state: detect, or model from then on"),
    "n_cadences": Column("i4", "", "rows of the light curve"),
    "search": Column("U", "", "the search chosen: flares, times and completeness are its own"),
    "n_evaluated": Column("i4", "", "cadences that the search looked at"),
    "n_flaring": Column("i4", "", "cadences from the first to the last of each flare"),
    "exposure": Column("f8", "s", "time from one cadence to the next"),
    "evaluated": Column("f8", "d", "time of the cadences that the search looked at"),
    "searched": Column("f8", "d", "of it, time in which a flare would be one of its own"),
    "n_flares": Column("i4", "", "flares found; from checkpoint model on, all are in table flares"),
    "n_not_positive": Column(
        "i4", "", "of them, without a positive equivalent duration: in no rate"
    ),
    "largest_flare": Column("f8", "s", "the largest equivalent duration"),
    "largest_flare_error": Column("f8", "s", "standard error"),
    "largest_energy": Column("f8", "erg", "bolometric energy of that flare"),
    "largest_energy_error": Column("f8", "erg", "standard error, with that of the star"),
    "n_inject": Column("i4", "", "flares to be injected"),
    "n_repeat": Column("i4", "", "places of each"),
    "n_inject_remaining": Column("i4", "", "flares still to be injected"),
    "recovered_fraction": Column("f8", "", "of the repeats that count for the search"),
    "smallest_injected": Column("f8", "s", "smallest injected equivalent duration that counts"),
    "largest_injected": Column("f8", "s", "the largest one"),
    "amplitude_50": Column("f8", "", "amplitude of 50 % completeness, relative to median flux"),
    "equivalent_duration_50": Column("f8", "s", "equivalent duration of 50 % completeness"),
    "energy_50": Column("f8", "erg", "bolometric energy of a flare of that"),
    "energy_50_error": Column("f8", "erg", "standard error, that of the star"),
    "noise": Column("f8", "", "median error of the flux at one cadence, relative to its median"),
    "n_images": Column(
        "i4", "", "mirror images that were searched; without any, no reliability is known"
    ),
    "min_snr": Column("f8", "", "least signal-to-noise of flares, by significance"),
    "min_probability": Column("f8", "", "least probability in flares, by stella"),
    "right_ascension": Column("f8", "deg", "RA_OBJ of the FITS header"),
    "declination": Column("f8", "deg", "DEC_OBJ"),
    "tess_magnitude": Column("f8", "mag", "TESSMAG"),
    "temperature": Column("f8", "K", "TEFF"),
    "radius": Column("f8", "R_sun", "RADIUS"),
    "crowdsap": Column("f8", "", "CROWDSAP: the star's share of the light in the aperture"),
    "flfrcsap": Column("f8", "", "FLFRCSAP: the share of the star's light in the aperture"),
    "marks": Column("U", "", "quality marks, separated by commas; empty where there are none"),
    "gp_kernel": Column("U", "", "kernel of the Gaussian process"),
    "gp_converged": Column("?", "", "whether its fit met the tolerance"),
    "gp_log_likelihood": Column("f8", "", "natural logarithm of its likelihood"),
    "gp_n_evaluations": Column("i4", "", "likelihoods computed for it"),
    **{f"gp_{n}": Column("f8", unit, text) for n, (unit, text) in _GP_PARAMETERS.items()},
    **{f"seconds_{stage}": Column("f8", "s", f"time of stage {stage}") for stage in Stage},
    "path": Column("U", "", "sector file, relative to the output directory"),
    "size": Column("i8", "byte", "its size"),
    "mtime_ns": Column("i8", "ns", "when it was last changed, since 1970"),
    "settled": Column("?", "", "whether that was long enough before it was read"),
    "content_sha256": Column("U", "", "checksum that the sector file carries"),
    "input_file": Column("U", "", "the FITS file"),
    "input_sha256": Column("U", "", "its checksum"),
    "processing_version": Column("U", "", "PROCVER of the FITS header"),
    "config_sha256": Column("U", "", "checksum of the configuration"),
    "models_sha256": Column("U", "", "checksum of the stella models"),
    "seed": Column("i8", "", "of the campaign's random draws"),
    "software": Column("U", "", "versions, as JSON"),
}

FLARES = {
    **_WHOSE,
    **MEASURED_FLARES,
}

FOUND = 0
"""Number of the light curve itself, beside those of its mirror images."""

EVENTS = {
    **_WHOSE,
    "image": Column("i1", "", "0 the light curve itself; mirror images: 1 inverted, 2 shuffled"),
    **{name: MEASURED_FLARES[name] for name in MIRROR_COLUMNS if name != "image"},
}
"""What either search found: all that reliability is made of."""

COMPLETENESS = {
    **_WHOSE,
    "log_duration": Column(
        "f8", "", "natural logarithm of the injected equivalent duration in s: mean over n_placed"
    ),
    "n_placed": Column("i8", "", "injected repeats that count"),
    "n_recovered": Column("i8", "", "of them found by the search"),
    "n_effective": Column("f8", "", "independent trials that they are worth"),
}
"""Injected flares in bins of their equivalent duration: what completeness curves are made of."""

PROBLEMS = {
    "path": Column("U", "", "file, relative to the output directory"),
    "kind": Column(
        "U", "", "damaged, unreadable, unusable, changing, half-written, foreign or second"
    ),
    "reason": Column("U", "", "one line"),
}


def schema(columns: Mapping[str, Column]) -> pa.Schema:
    """The columns as an Arrow schema; units and descriptions are metadata of the fields."""
    return pa.schema(
        [
            pa.field(
                name,
                pa.from_numpy_dtype(np.dtype(column.dtype)),
                metadata={"unit": column.unit, "description": column.description},
            )
            for name, column in columns.items()
        ]
    )


POOLED_LIGHT_CURVES = LIGHT_CURVES | {
    "n_true": Column("f8", "", "expected number of real ones among the flares found"),
    "n_false": Column("f8", "", "false flares expected, from the mirror images of its pool"),
    "background_error": Column("f8", "", "relative standard error of that"),
    "n_pooled": Column("f8", "", "light curves of its pool: of like noise and brightness"),
}
POOLED_FLARES = FLARES | {
    "reliability": Column("f4", "", "chance that it is a flare, from all light curves of its pool"),
    "background": Column(
        "f8", "", "flares found in its light curve on average at which the chance would be 1/2"
    ),
    "n_coincident": Column("i4", "", "other stars of the sector with a flare within 15 minutes"),
}

PART_SCHEMAS = {
    "light_curves": schema(LIGHT_CURVES),
    "flares": schema(FLARES),
    "events": schema(EVENTS),
    "completeness": schema(COMPLETENESS),
    "problems": schema(PROBLEMS),
}
"""By name of the table, in the order of the attributes of a `Part`."""

SCHEMAS = PART_SCHEMAS | {
    "light_curves": schema(POOLED_LIGHT_CURVES),
    "flares": schema(POOLED_FLARES),
}
"""The same of merged tables, which have what is estimated from all parts together."""

(
    LIGHT_CURVE_SCHEMA,
    FLARE_SCHEMA,
    EVENT_SCHEMA,
    COMPLETENESS_SCHEMA,
    PROBLEM_SCHEMA,
) = PART_SCHEMAS.values()
