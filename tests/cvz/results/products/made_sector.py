"""A searched sector with the flares that a test wants."""

from pathlib import Path

import numpy as np

from cvzmpi.cvz.results.products.measured_flares import COLUMNS
from cvzmpi.cvz.results.products.searched_sector import SearchedSector
from cvzmpi.cvz.sector_file.star_facts import star_facts


def made_sector(number, curve, duration, days=20.0, marks=(), product="spoc-120"):
    duration = np.asarray(duration, float)
    return SearchedSector(
        path=Path(f"1_{number}.h5"),
        tic=1,
        sector=number,
        facts=star_facts({"TEFF": 3200.0, "RADIUS": 0.3}),
        marks=marks,
        config_hash="a",
        evaluated=days + 1,
        searched=days,
        completeness=curve,
        product=product,
        flares={name: np.zeros(len(duration), column.dtype) for name, column in COLUMNS.items()}
        | {
            "peak_time": 1500 + np.arange(len(duration)),
            "amplitude": duration / 100,
            "equivalent_duration": duration,
            "equivalent_duration_error": duration / 10,
            "mask_equivalent_duration": duration / 2,
        },
    )
