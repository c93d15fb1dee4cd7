"""The completeness of a search as tables of astropy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import QTable

from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.views.astropy_tables import table_of
from cvzmpi.cvz.sector_file.layout import Column

LEVELS = (0.1, 0.5, 0.9)
"""The completenesses of which the sizes are told."""

_SIZES = {
    "equivalent_duration": Column("f8", "s", "of the injected flares: mean of a bin"),
    "amplitude": Column("f8", "", "of the injected flares, relative to the median flux: mean"),
}
_COMPLETENESS = {
    "completeness": Column("f8", "", "share of the injected flares of this size that is found"),
    "low": Column("f8", "", "68.27 %"),
    "high": Column("f8", "", "68.27 %"),
}


def completeness_table(curve: CompletenessCurve, size: str, meta: Mapping[str, Any]) -> QTable:
    """The knots of a curve by `size`, with the interval at each."""
    knots = np.exp(curve.log_size)
    low, high = curve.interval(knots) if len(knots) else (knots, knots)
    values = {size: knots, "completeness": curve.fraction, "low": low, "high": high}
    return table_of({size: _SIZES[size], **_COMPLETENESS}, values, meta)


def limits_table(curve: CompletenessCurve, size: str, meta: Mapping[str, Any]) -> QTable:
    """The sizes at which a curve reaches the `LEVELS`, with their intervals."""
    limits = [curve.limit(level) for level in LEVELS]
    unit = _SIZES[size].unit
    columns = {
        "level": Column("f8", "", "completeness"),
        size: Column("f8", unit, "size of the flares of which so many are found"),
        "relation": Column("U", "", "=; > not even the largest, < even the smallest"),
        "low": Column("f8", unit, "68.27 %"),
        "high": Column("f8", unit, "68.27 %"),
    }
    values = {
        "level": np.array(LEVELS),
        size: np.array([limit.value for limit in limits]),
        "relation": np.array([limit.relation for limit in limits]),
        "low": np.array([limit.low for limit in limits]),
        "high": np.array([limit.high for limit in limits]),
    }
    return table_of(columns, values, meta)
