"""The recovery of injected flares, summed up: what share was found, over which sizes.

For looking at one light curve. The *recovered fraction* is the share of all repeats (places) of
the injected flares at which the search found them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Recovery:
    """The injected flares that are done so far, and at which places they were found.

    Attributes
    ----------
    amplitude : float64, shape (n_done,)
        Relative to the median flux.
    fwhm : float64, shape (n_done,)
        Days.
    equivalent_duration : float64, shape (n_done,)
        Seconds.
    recovered : bool, shape (n_done, n_repeat)
    n_inject : int
        Flares in all, done or not.
    """

    amplitude: np.ndarray
    fwhm: np.ndarray
    equivalent_duration: np.ndarray
    recovered: np.ndarray
    n_inject: int

    @property
    def n_done(self) -> int:
        """Flares that were searched for."""
        return len(self.recovered)

    @property
    def n_placed(self) -> int:
        """Repeats of all of them."""
        return self.recovered.size

    @property
    def fraction(self) -> float:
        """Recovered fraction of everything that is done; NaN where nothing is."""
        return float(self.recovered.mean()) if self.n_placed else float("nan")


@dataclass(frozen=True)
class RecoveryGrid:
    """Recoveries counted in cells of amplitude and FWHM.

    Attributes
    ----------
    amplitude_edges : float64, shape (n_a + 1,)
    fwhm_edges : float64, shape (n_f + 1,)
    n_placed, n_recovered : int64, shape (n_a, n_f)
        Repeats in each cell.
    """

    amplitude_edges: np.ndarray
    fwhm_edges: np.ndarray
    n_placed: np.ndarray
    n_recovered: np.ndarray

    @property
    def fraction(self) -> np.ndarray:
        """Recovered fraction of each cell; NaN where it is empty."""
        with np.errstate(invalid="ignore"):
            return self.n_recovered / self.n_placed


def count(recovery: Recovery, amplitude_edges: np.ndarray, fwhm_edges: np.ndarray) -> RecoveryGrid:
    """Count the recoveries in cells; the last cell of a row or column has both its edges."""
    edges = (amplitude_edges, fwhm_edges)
    n_flares, *_ = np.histogram2d(recovery.amplitude, recovery.fwhm, edges)
    n_recovered, *_ = np.histogram2d(
        recovery.amplitude, recovery.fwhm, edges, weights=recovery.recovered.sum(axis=1)
    )
    return RecoveryGrid(
        amplitude_edges,
        fwhm_edges,
        n_flares.astype(np.int64) * recovery.recovered.shape[1],
        np.rint(n_recovered).astype(np.int64),
    )


def even_edges(values: np.ndarray, n_bins: int) -> np.ndarray:
    """Edges of bins of equal width in the logarithm, over all values."""
    low, high = _range(values)
    edges = np.geomspace(low, high, n_bins + 1)
    edges[[0, -1]] = low, high  # exactly: none of the values may fall outside
    return edges


def equal_edges(values: np.ndarray, n_bins: int) -> np.ndarray:
    """Edges of bins that hold about equally many of the values."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, n_bins + 1)))
    return edges if len(edges) > 1 else np.array(_range(values))


def _range(values: np.ndarray) -> tuple[float, float]:
    """Smallest and largest value; a little apart where all are the same."""
    low, high = float(np.min(values)), float(np.max(values))
    return (low, high) if low < high else (low / 1.1, high * 1.1)
