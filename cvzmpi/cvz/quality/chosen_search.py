"""The search chosen, of the two that a sector file has: `stella` and `significance`.

Whatever each of them answers is combined in one way: flares, cadences that were looked at, repeats
of injections that were found.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from cvzmpi.cvz.sector_file.data import SectorData

Search = Literal["stella", "significance", "either", "both"]

DEFAULT: Search = "stella"

STELLA, SIGNIFICANCE = 1, 2
"""Bits of the column `found_by` of the flares."""


def combined(search: Search, stella: np.ndarray, significance: np.ndarray) -> np.ndarray:
    """The answer of the search chosen, from those of both; bool, of the same shape."""
    if search == "stella":
        return stella
    if search == "significance":
        return significance
    return stella | significance if search == "either" else stella & significance


def search_in(data: SectorData, search: Search) -> Search:
    """The search chosen, as far as a file has it: files of format version 1 have only stella's."""
    return search if has_significance(data) else "stella"


def has_significance(data: SectorData) -> bool:
    """True if a file has the search `significance`: from format version 2 on."""
    return _significance(data) is not None


def evaluated_cadences(data: SectorData, search: Search) -> np.ndarray:
    """Rows that the search chosen looked at; bool, shape (n_cadences,)."""
    stella, significance = np.isfinite(data.probability), _significance(data)
    return stella if significance is None else combined(search, stella, np.isfinite(significance))


def chosen_flares(data: SectorData, search: Search) -> dict[str, np.ndarray]:
    """The rows of the table of flares that the search chosen found, from `model` on."""
    assert data.flares is not None
    found_by = data.flares["found_by"]
    rows = combined(search, (found_by & STELLA) > 0, (found_by & SIGNIFICANCE) > 0)
    return {name: column[rows] for name, column in data.flares.items()}


def chosen_mask(data: SectorData, search: Search) -> np.ndarray:
    """Rows from the first to the last of each flare of the search chosen; shape (n_cadences,)."""
    significance = getattr(data, "significance_mask", None)
    if significance is None or search == "stella":
        return data.flare_mask
    if search != "both":
        return combined(search, data.flare_mask, significance)
    mask, flares = np.zeros_like(data.flare_mask), chosen_flares(data, search)
    for start, stop in zip(flares["start"], flares["stop"], strict=True):
        mask[start : stop + 1] = True
    return mask


def _significance(data: SectorData) -> np.ndarray | None:
    return getattr(data, "significance", None)
