"""Neighbours in an inverted map: what a pixel is drawn towards.

After each pixel was inverted by itself, all are fitted again in sweeps, each from its own result,
with a prior that draws it towards its neighbours: spatially regularised inversion, as by Asensio
Ramos & de la Cruz Rodriguez (2015, A&A 577, A140) and de la Cruz Rodriguez (2019, A&A 631, A153),
who solve for all pixels at once. Here a sweep reads only what the sweep before it found (Jacobi's
method), so that neither the order of the pixels nor the number of ranks matters.

Neighbours on the other side of a boundary are left out by degrees: one that differs by x usual
differences has the weight (1 + (x / 10)^2)^-2, as in the robust estimates of Geman & McClure
(1987, Bull. Int. Stat. Inst. 52, 5).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cvzmpi.level2.pixels.coupled_fit import N_OF_FIELD, N_QUANTITIES, SCALES, quantities
from cvzmpi.level2.pixels.coupled_inversion import Neighbourhood
from cvzmpi.level2.spectroscopy import milne_eddington as me

NOTE = (
    "Spatially coupled: each pixel is drawn towards its neighbours. The uncertainties are those of "
    "the pixel by itself."
)

# By scan positions and pixels along the slit from here; in the order in which they are summed.
_WEIGHTS = {
    (step, along): 1.0 if 0 in (step, along) else 0.5
    for step in (-1, 0, 1)
    for along in (-1, 0, 1)
    if (step, along) != (0, 0)
}
_USUAL = 10.0
_SCALES = np.array(list(SCALES.values()))


def around(
    read: Callable[[tuple[int, slice]], np.ndarray],
    place: tuple[int, slice],
    shape: tuple[int, int],
    strength: float,
) -> Neighbourhood:
    """What the sweep before found for the pixels at a place, and for those around.

    Parameters
    ----------
    read : callable
        Gives the parameters at a place: float64, shape (n, n_parameters).
    place : tuple
        The scan position, and the pixels along the slit.
    shape : tuple of int
        Of the map.
    strength : float
        Pixels in the middle of usable neighbours that agree are drawn to their mean with a standard
        deviation of a usual difference (`SCALES`) over the root of this.
    """
    step, along = place
    first, end = max(along.start - 1, 0), min(along.stop + 1, shape[1])
    rows = {
        step + offset: _Row(read((step + offset, slice(first, end))), along.start - first)
        for offset in (-1, 0, 1)
        if 0 <= step + offset < shape[0]
    }
    n = along.stop - along.start
    here = rows[step].shifted(0, n)
    total, sums = np.zeros((n, N_QUANTITIES)), np.zeros((n, N_QUANTITIES))
    for (offset, pixels), weight in _WEIGHTS.items():
        if step + offset in rows:
            there = rows[step + offset].shifted(pixels, n)
            weights = weight * _closeness(here, there)
            total += weights
            sums += weights * np.where(weights > 0, there, 0)
    mean = sums / np.where(total > 0, total, 1)
    precision = strength * total / sum(_WEIGHTS.values()) / _SCALES**2
    return Neighbourhood(rows[step].parameters(n), mean, precision)


class _Row:
    """Pixels of a scan position, from one before the first that is asked for."""

    def __init__(self, parameters: np.ndarray, before: int) -> None:
        self._parameters = np.asarray(parameters, float)
        self._before = before
        found = quantities(self._parameters)
        # Where no field is detected, nothing is known of it that could be told to others.
        found[self._parameters[:, me.FIELD] == 0, :N_OF_FIELD] = np.nan
        none = np.full((1, N_QUANTITIES), np.nan)
        self._quantities = np.concatenate([none, found, none])

    def parameters(self, n: int) -> np.ndarray:
        """Of the n pixels that are asked for."""
        return self._parameters[self._before : self._before + n]

    def shifted(self, pixels: int, n: int) -> np.ndarray:
        """The quantities of the pixels beside; NaN where there is none, or nothing is known."""
        first = 1 + self._before + pixels
        return self._quantities[first : first + n]


def _closeness(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """How much the quantities of neighbours have to do with each other, from 0 to 1."""
    squared = ((there - here) / _SCALES) ** 2
    squared[:, :N_OF_FIELD] = squared[:, :N_OF_FIELD].sum(axis=1, keepdims=True)
    weight = (1 + squared / _USUAL**2) ** -2
    return np.where(np.isfinite(weight), weight, 0)
