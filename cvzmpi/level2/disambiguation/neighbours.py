"""The directions of noisy pixels, from those of their neighbours.

As Leka et al. (2009, Sol. Phys. 260, 83) do it: the transverse field of a pixel makes an acute
angle with the sum of those around it.
"""

from __future__ import annotations

import numpy as np

from cvzmpi.level2.spectroscopy.lanes import compiled

_MOST_SWEEPS = 50


def follow_neighbours(transverse: np.ndarray, signs: np.ndarray, weak: np.ndarray) -> np.ndarray:
    """Choose the directions of weak pixels; the same arguments give the same bits.

    First they are chosen outwards from the pixels that have a direction, then over and over until
    none changes.

    Parameters
    ----------
    transverse : float64, shape (2, n_scan, n_slit)
        The field across the line of sight, in either of its directions.
    signs : int8, shape (n_scan, n_slit)
        1 or -1, or 0 where the direction is not known.
    weak : bool, shape (n_scan, n_slit)
        The pixels whose direction is chosen. Where they have a sign, it is where they start.

    Returns
    -------
    int8, shape (n_scan, n_slit)
        The signs; 0 for pixels with no way over weak pixels to one with a direction.
    """
    chosen = np.pad(np.where(weak, 0, signs).astype(np.int8), 1)
    field = np.pad(np.where(weak | (signs != 0), transverse, 0), ((0, 0), (1, 1), (1, 1)))
    field = np.ascontiguousarray(field.transpose(1, 2, 0))
    weak = np.pad(weak, 1)
    rows, columns = (places.astype(np.int32) for places in np.nonzero(weak))
    while len(rows):
        before = chosen.copy()
        _choose(field, before, chosen, rows, columns)
        left = chosen[rows, columns] == 0
        if left.all():
            break
        rows, columns = rows[left], columns[left]
    rows, columns = (places.astype(np.int32) for places in np.nonzero(weak & (chosen != 0)))
    for _ in range(_MOST_SWEEPS):
        if _choose(field, chosen, chosen, rows, columns) == 0:
            break
        rows, columns = rows[::-1], columns[::-1]
    return chosen[1:-1, 1:-1].copy()


@compiled
def _choose(
    field: np.ndarray,
    around: np.ndarray,
    signs: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
) -> int:
    """Choose the sign of each pixel by those around it, in place; how many changed."""
    n_changed = 0
    for n in range(len(rows)):
        i, j = rows[n], columns[n]
        x, y, known = 0.0, 0.0, False
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                sign = around[i + di, j + dj]
                if sign != 0 and (di != 0 or dj != 0):
                    known = True
                    x += sign * field[i + di, j + dj, 0]
                    y += sign * field[i + di, j + dj, 1]
        if known:
            sign = 1 if field[i, j, 0] * x + field[i, j, 1] * y >= 0 else -1
            if sign != signs[i, j]:
                signs[i, j] = sign
                n_changed += 1
    return n_changed
