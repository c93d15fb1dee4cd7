"""The flares of both searches as one table: one row for each flare, whoever found it.

Each flare of stella is a row with its own first and last cadence. A flare of the significance
search that shares a cadence with one of stella's is the same flare and the same row: one to one,
those of the highest S/N first. Any other is a row of its own. So rows may overlap, where one search
saw two flares and the other one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.flares import COLUMNS, MIRROR_COLUMNS
from cvzmpi.cvz.detection.search import FOUND_BY_SIGNIFICANCE, FOUND_BY_STELLA
from cvzmpi.cvz.light_curves.observation import Observation

Columns = dict[str, np.ndarray]

NO_FLARE = -1


@dataclass(frozen=True)
class FoundFlares:
    """The flares that the two searches found in a light curve, or in a mirror image of it."""

    spans: np.ndarray  # int, shape (n, 2): first and last usable cadence, in order of time
    found_by: np.ndarray  # int8, shape (n,): a bit for each search
    columns: Columns  # shape (n,): what the significance search measures

    @classmethod
    def of(
        cls,
        stella: np.ndarray,
        significance: np.ndarray,
        columns: Mapping[str, np.ndarray],
        measure: Callable[[np.ndarray], Mapping[str, np.ndarray]],
        tolerance: int = 0,
    ) -> FoundFlares:
        """Bring the flares of the two searches together.

        Parameters
        ----------
        stella, significance : int, shapes (n_stella, 2) and (n_significance, 2)
            First and last usable cadence of each flare, both included.
        columns : mapping of ndarray, shape (n_significance,)
            What was measured of the flares of the significance search; with `snr` and `peak`.
        measure : callable
            Measures the same of flares that only stella found, from their cadences.
        tolerance : int
            Cadences that may lie between a flare of stella and the peak that it covers.
        """
        covers = np.array([stella[:, 0] - tolerance, stella[:, 1] + tolerance]).T
        same = same_flares(stella, significance, columns["snr"], columns["peak"], covers)
        alone = np.ones(len(stella), bool)
        alone[same[same != NO_FLARE]] = False
        spans = significance.copy()
        spans[same != NO_FLARE] = stella[same[same != NO_FLARE]]
        spans = np.concatenate([spans, stella[alone]])
        found_by = np.full(len(spans), FOUND_BY_STELLA, np.int8)
        found_by[: len(same)] = np.where(same == NO_FLARE, 0, FOUND_BY_STELLA)
        found_by[: len(same)] |= FOUND_BY_SIGNIFICANCE
        forced = measure(stella[alone])
        order = np.lexsort((found_by, spans[:, 1], spans[:, 0]))
        return cls(
            spans[order],
            found_by[order],
            {name: np.concatenate([columns[name], forced[name]])[order] for name in columns},
        )


def same_flares(
    stella: np.ndarray,
    significance: np.ndarray,
    snr: np.ndarray,
    peak: np.ndarray,
    covers: np.ndarray,
) -> np.ndarray:
    """Find the flare of stella that is each flare of the significance search.

    It covers the peak, so that its cadences stand for the flare. Of several flares of stella, that
    with the most cadences in common is taken, then the first.

    Parameters
    ----------
    stella, significance : int, shapes (n_stella, 2) and (n_significance, 2)
        First and last cadence of each flare.
    snr : float, shape (n_significance,)
        Flares with the highest come first; of equal ones, the earliest.
    peak : int, shape (n_significance,)
        The brightest cadence.
    covers : int, shape (n_stella, 2)
        First and last cadence at which each flare of stella covers a peak.

    Returns
    -------
    int, shape (n_significance,)
        Index of the flare of stella, no two the same; `NO_FLARE` where none is left.
    """
    same = np.full(len(significance), NO_FLARE)
    if not len(stella):
        return same
    free = np.ones(len(stella), bool)
    for number in np.argsort(-snr, kind="stable"):
        first, last = significance[number]
        common = np.minimum(stella[:, 1], last) - np.maximum(stella[:, 0], first) + 1
        common[~free | (peak[number] < covers[:, 0]) | (peak[number] > covers[:, 1])] = 0
        best = int(np.argmax(common))
        if common[best] > 0:
            same[number], free[best] = best, False
    return same


def flare_table(
    observation: Observation,
    found: FoundFlares,
    probability: np.ndarray,
    mean: np.ndarray,
    sd: np.ndarray,
) -> Columns:
    """Measure the flares over the Gaussian process.

    The sum over the mask is that of (flux - mean) / median flux over the usable cadences of the
    flare, times the exposure. Its error has the errors of the flux, independent from cadence to
    cadence, and that of the mean, which over a flare is one and the same and so adds up.

    Parameters
    ----------
    probability : float32, shape (n,)
        By stella, at the usable cadences; NaN where not evaluated.
    mean, sd : float64, shape (n,)
        Of the Gaussian process at the usable cadences, relative to the median flux.

    Returns
    -------
    dict of ndarray, shape (n_flares,)
        The columns of `COLUMNS`. Cadences are rows of the light curve.
    """
    seconds = observation.light_curve.exposure_seconds
    excess = observation.flux - mean
    n = len(found.spans)
    columns: Columns = {
        **found.columns,
        "found_by": found.found_by,
        "amplitude": np.empty(n),
        "mask_equivalent_duration": np.empty(n),
        "mask_equivalent_duration_error": np.empty(n),
        "max_probability": np.empty(n),
        "reliability": np.full(n, np.nan),
    }
    peaks = np.empty(n, np.int64)
    for row, (first, last) in enumerate(found.spans):
        inside = slice(first, last + 1)
        peaks[row] = first + int(np.argmax(excess[inside]))
        variance = np.sum(observation.flux_err[inside] ** 2) + np.sum(sd[inside]) ** 2
        columns["amplitude"][row] = excess[peaks[row]]
        columns["mask_equivalent_duration"][row] = np.sum(excess[inside]) * seconds
        columns["mask_equivalent_duration_error"][row] = np.sqrt(variance) * seconds
        columns["max_probability"][row] = _greatest(probability[inside])
    for name, cadence in (("start", found.spans[:, 0]), ("stop", found.spans[:, 1])):
        columns[name] = observation.rows[cadence]
        columns[f"{name}_time"] = observation.time[cadence]
    columns["peak"], columns["peak_time"] = observation.rows[peaks], observation.time[peaks]
    return {name: np.asarray(columns[name], dtype) for name, (dtype, _) in COLUMNS.items()}


def mirror_table(
    images: Mapping[int, tuple[FoundFlares, np.ndarray]], observation: Observation
) -> Columns:
    """List what the searches found in the mirror images of a light curve.

    Parameters
    ----------
    images : mapping
        By the number of the image, its events and the probability at its usable cadences.

    Returns
    -------
    dict of ndarray, shape (n_events,)
        The columns of `MIRROR_COLUMNS`. Cadences are rows of the light curve.
    """
    parts = []
    for image, (found, probability) in images.items():
        greatest = [_greatest(probability[first : last + 1]) for first, last in found.spans]
        cadence = found.columns["peak"]
        parts.append(
            found.columns
            | {
                "image": np.full(len(cadence), image),
                "peak": observation.rows[cadence],
                "peak_time": observation.time[cadence],
                "found_by": found.found_by,
                "max_probability": np.array(greatest, float),
            }
        )
    return {
        name: np.concatenate([np.empty(0, dtype), *(part[name] for part in parts)]).astype(dtype)
        for name, (dtype, _) in MIRROR_COLUMNS.items()
    }


def _greatest(values: np.ndarray) -> float:
    """The greatest finite value, or NaN."""
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else np.nan
