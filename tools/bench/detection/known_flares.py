"""Flares that are known, from a catalogue or a simulation, and which of them a search found."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from cvzmpi.cvz.quality.searched_curve import SearchedCurve

_BJD_OF_BTJD = 2457000.0


@dataclass(frozen=True)
class CatalogueFlare:
    """A flare of the catalogue."""

    tic: int
    time: float  # of its peak, BTJD
    amplitude: float  # relative to the quiet star
    fwhm: float  # days


def read_catalogue(path: Path) -> list[CatalogueFlare]:
    """Read the flares of a catalogue: a CSV file as that of Guenther et al. 2020."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            CatalogueFlare(
                int(row["tic"]),
                float(row["tpeak_bjd"]) - _BJD_OF_BTJD,
                float(row["amp"]),
                float(row["fwhm_d"]),
            )
            for row in csv.DictReader(file)
        ]


def in_light_curve(
    catalogue: list[CatalogueFlare], tic: int, time: np.ndarray
) -> list[CatalogueFlare]:
    """The flares of a star that lie in the time of a light curve (float64; NaN where unknown)."""
    first, last = np.nanmin(time), np.nanmax(time)
    return [flare for flare in catalogue if flare.tic == tic and first <= flare.time <= last]


def rows_at(time: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The rows of a light curve that are nearest in time; int, shape (n,)."""
    known = np.flatnonzero(np.isfinite(time))
    after = np.clip(np.searchsorted(time[known], at), 1, len(known) - 1)
    before_is_nearer = at - time[known[after - 1]] < time[known[after]] - at
    return known[after - before_is_nearer]


def covering(
    flares: Mapping[str, np.ndarray], peaks: np.ndarray, usable: np.ndarray, tolerance: int
) -> np.ndarray:
    """Tell which found flares cover which known peaks: by the rule for injected flares.

    Parameters
    ----------
    flares : mapping of ndarray, shape (n_flares,)
        `start` and `stop`, rows of the light curve.
    peaks : int, shape (n_peaks,)
        Rows of the light curve.
    usable : bool, shape (n_cadences,)
        The tolerance is counted in usable cadences.

    Returns
    -------
    bool, shape (n_flares, n_peaks)
    """
    rows = np.flatnonzero(usable)
    start, stop = (np.searchsorted(rows, flares[name])[:, None] for name in ("start", "stop"))
    # a peak in a gap lies between the cadences before and after it
    before, after = np.searchsorted(rows, peaks, side="right") - 1, np.searchsorted(rows, peaks)
    covered: np.ndarray = (start - tolerance <= before) & (after <= stop + tolerance)
    return covered


def found(searched: SearchedCurve, peaks: np.ndarray, tolerance: int) -> np.ndarray:
    """Tell which known peaks the search found; bool, shape (n_peaks,)."""
    assert searched.flares is not None
    return covering(searched.flares, peaks, searched.usable, tolerance).any(axis=0)


def recall_in_bins(
    size: np.ndarray, found: np.ndarray, edges: tuple[float, ...]
) -> list[tuple[int, np.ndarray]]:
    """Count known flares by size, and what each search found of them.

    Parameters
    ----------
    size : float64, shape (n_flares,)
    found : bool, shape (n_flares, n_searches)
    edges : tuple of float
        Of the bins; a size at an edge is in the upper one.

    Returns
    -------
    list
        Of each bin the number of flares, and int, shape (n_searches,).
    """
    bins = [(size >= low) & (size < high) for low, high in pairwise(edges)]
    return [(int(inside.sum()), found[inside].sum(axis=0)) for inside in bins]
