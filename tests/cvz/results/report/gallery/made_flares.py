"""Flares of made-up light curves as the index and a cut-out have them."""

from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cvzmpi.cvz.results.index.columns import SCHEMAS
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.report.gallery.choice import ChosenFlare, Together
from cvzmpi.cvz.results.report.gallery.cut_out import CutOut
from cvzmpi.cvz.results.report.gallery.evidence import Seen

GOOD = {
    "tic": 1001,
    "sector": 1,
    "start": 500,
    "stop": 506,
    "peak": 501,
    "start_time": 1500.0,
    "peak_time": 1500.0 + 2 / 1440,
    "stop_time": 1500.0 + 12 / 1440,
    "amplitude": 0.05,
    "equivalent_duration": 40.0,
    "equivalent_duration_error": 2.0,
    "energy": 1e33,
    "energy_error": 1e32,
    "found_by": 3,
    "snr": 20.0,
    "max_probability": 0.98,
    "reliability": 0.996,
    "template_fitted": True,
    "rest_snr": 12.0,
    "reversed_snr": 14.0,
    "hump_snr": 0.0,
    "since_gap": 200,
    "vetting": 0,
    "at_edge": False,
    "n_coincident": 0,
}
"""A flare that all speaks for."""


def write_index(directory, flares, marks=None, n_images=2):
    """The tables of an index with these flares: mappings of some columns, in order of time."""
    marks = marks or {}
    directory.mkdir(exist_ok=True)
    rows = [GOOD | flare for flare in flares]
    units = sorted({(row["tic"], row["sector"]) for row in rows})
    rows.sort(key=lambda row: (row["tic"], row["sector"], row["peak_time"]))
    curves = [
        {
            "tic": tic,
            "sector": sector,
            "product": "spoc-120",
            "path": f"001/{tic}_{sector}.h5",
            "n_images": n_images,
        }
        | {"marks": marks.get(tic, ""), "min_snr": 5.0, "min_probability": 0.5}
        for tic, sector in units
    ]
    for name, content in (("flares", rows), ("light_curves", curves)):
        table = pa.Table.from_pylist(content, SCHEMAS[name])
        pq.write_table(table, table_path(directory, name))
    return directory


def cut_out():
    """Two hours with a flare of 12 minutes that its template describes: 1 cadence is 1 error."""
    minutes = 2.0 * np.arange(-20, 40)
    height = np.where(minutes >= 0, np.exp2(-np.maximum(minutes, 0) / 6), 0.0) * 0.05
    height[19] = 0.02  # the rise
    noise = 0.001 * np.where(np.arange(60) % 2, 1.0, -1.0)
    return CutOut(
        minutes=minutes,
        flux=1 + height + noise,
        error=np.full(60, 0.001),
        mean=np.ones(60),
        sd=np.zeros(60),
        probability=np.full(60, 0.01),
        template=height,
        inside=(minutes >= -2) & (minutes <= 10),
        usable=np.ones(60, bool),
        quality=np.zeros(60, np.int32),
    )


ALONE = Together(0, 0.05, 12)
"""No other star of thirteen in the sector has a flare then."""


def seen(together=ALONE, marks=(), completeness=0.93, **change):
    """What is known of a good flare, some of its measures or of the arrays around it changed."""
    arrays = {
        field.name: change.pop(field.name) for field in fields(CutOut) if field.name in change
    }
    curve = {"product": "spoc-120", "min_snr": 5.0, "min_probability": 0.5}
    flare = ChosenFlare(1, GOOD | change, curve, together)
    return Seen(flare, replace(cut_out(), **arrays), list(marks), completeness)
