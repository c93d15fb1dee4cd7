"""The directions of the field with the least divergence and vertical current, by annealing.

Metcalf (1994, Sol. Phys. 155, 235), as Leka et al. (2009, Sol. Phys. 260, 83) do it in `ambig`: of
the two directions of each pixel those are taken for which the sum of `|div B| + lambda |J_z|` over
the map is least. The vertical gradient in the divergence is that of the potential field, as the
map lies in one plane; it is also what tells a field from its mirror image.

The derivatives are differences of neighbours. At each pixel there are four pairs of differences,
forwards or backwards along the scan and along the slit, and the sum is over all of them: it does
not depend on the direction in which slit and scan went, and no pattern escapes it.
"""

from __future__ import annotations

import numpy as np

from cvzmpi.level2.spectroscopy.lanes import compiled

_LAMBDA = 1.0  # as Leka et al.; currents in the units of divergence
_SWEEPS = 160
_SEED = 20_090_083
# Temperatures from the largest change of energy that is common to the smallest that matters, as
# fractions of a percentile of what the reversal of a pixel changes at the start.
_PERCENTILE = 95.0
_HOTTEST, _COLDEST = 0.1, 0.001

_ROUNDING = 1e-9  # of the hottest temperature: smaller changes are none


def least_energy(
    ambiguous: np.ndarray,
    certain: np.ndarray,
    vertical_gradient: np.ndarray,
    lattice: np.ndarray,
    used: np.ndarray,
    start: np.ndarray,
) -> np.ndarray:
    """Choose the directions; the same arguments give the same bits.

    Parameters
    ----------
    ambiguous, certain : float64, shape (2, n_scan, n_slit)
        The components along the surface, in the local frame, of the part of the field that changes
        its sign and of the part along the line of sight.
    vertical_gradient : float64, shape (n_scan, n_slit)
        Of the vertical component, outwards.
    lattice : float64, shape (2, 2)
        Columns are the steps of scan and slit along the surface; of unit area.
    used : bool, shape (n_scan, n_slit)
        The pixels whose direction is chosen; no other is looked at.
    start : int8, shape (n_scan, n_slit)
        1 or -1: the signs to begin with.

    Returns
    -------
    int8, shape (n_scan, n_slit)
        The signs: 1 or -1, and 0 where no pair of neighbours is used.
    """
    used = in_a_pair(used)
    signs = np.where(used, start, 0).astype(np.int8)
    changing = np.where(used, ambiguous, 0)
    field = _on_lattice(np.where(used, certain, 0) + signs * changing, lattice)
    twice = _on_lattice(2 * changing, lattice)
    gradient, inside = np.pad(np.where(used, vertical_gradient, 0), 1), np.pad(used, 1)
    rows, columns = (places.astype(np.int32) for places in np.nonzero(inside))
    if not len(rows):
        return signs
    signs = np.pad(signs, 1)
    changes = _changes(field, twice, gradient, inside, signs, rows, columns)
    scale = float(np.percentile(np.abs(changes), _PERCENTILE))
    if scale > 0:
        cooling = np.geomspace(_HOTTEST * scale, _COLDEST * scale, _SWEEPS)
        _anneal(field, twice, gradient, inside, signs, rows, columns, cooling, np.uint64(_SEED))
    return signs[1:-1, 1:-1].copy()


def in_a_pair(used: np.ndarray) -> np.ndarray:
    """Mask of the used pixels that are in a pair of differences with used pixels alone."""
    padded = np.pad(used, 1)
    along_scan = padded[:-2, 1:-1] | padded[2:, 1:-1]
    along_slit = padded[1:-1, :-2] | padded[1:-1, 2:]
    corner = np.pad(used & along_scan & along_slit, 1)
    beside = corner[:-2, 1:-1] | corner[2:, 1:-1] | corner[1:-1, :-2] | corner[1:-1, 2:]
    found: np.ndarray = used & (corner[1:-1, 1:-1] | beside)
    return found


def _on_lattice(horizontal: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """The components whose differences along scan and slit are divergence and current.

    The divergence is the sum of the differences of each contravariant component along its own
    step, the current the difference of those of each covariant component along the other step.

    Returns
    -------
    float64, shape (n_scan + 2, n_slit + 2, 4)
        Contravariant components along scan and slit, then covariant ones; with a margin.
    """
    contravariant = np.tensordot(np.linalg.inv(lattice), horizontal, axes=1)
    covariant = np.tensordot(lattice.T, horizontal, axes=1)
    components = np.concatenate([contravariant, covariant])
    padded = np.pad(components, ((0, 0), (1, 1), (1, 1)))
    return np.ascontiguousarray(padded.transpose(1, 2, 0))


@compiled
def _change_of_pair(
    field: np.ndarray,
    gradient: np.ndarray,
    used: np.ndarray,
    at: tuple[int, int],
    steps: tuple[int, int],
    change: tuple[float, float],
) -> float:
    """What is added to the energy of a pair of differences, if divergence and current change.

    It is 0 if a pixel of the pair is not used.
    """
    (i, j), (di, dj) = at, steps
    if not (used[i, j] and used[i + di, j] and used[i, j + dj]):
        return 0.0
    divergence = (
        di * (field[i + di, j, 0] - field[i, j, 0])
        + dj * (field[i, j + dj, 1] - field[i, j, 1])
        + gradient[i, j]
    )
    current = di * (field[i + di, j, 3] - field[i, j, 3]) - dj * (
        field[i, j + dj, 2] - field[i, j, 2]
    )
    return (abs(divergence + change[0]) - abs(divergence)) + _LAMBDA * (
        abs(current + change[1]) - abs(current)
    )


@compiled
def _change(
    field: np.ndarray,
    twice: np.ndarray,
    gradient: np.ndarray,
    used: np.ndarray,
    sign: float,
    i: int,
    j: int,
) -> float:
    """What the reversal of a pixel adds to the energy of all pairs that it is in."""
    d0, d1 = -sign * twice[i, j, 0], -sign * twice[i, j, 1]
    d2, d3 = -sign * twice[i, j, 2], -sign * twice[i, j, 3]
    more = 0.0
    for di in (-1, 1):
        for dj in (-1, 1):
            steps = (di, dj)
            at_corner = (-di * d0 - dj * d1, -di * d3 + dj * d2)
            more += _change_of_pair(field, gradient, used, (i, j), steps, at_corner)
            along_scan = (di * d0, di * d3)
            more += _change_of_pair(field, gradient, used, (i - di, j), steps, along_scan)
            along_slit = (dj * d1, -dj * d2)
            more += _change_of_pair(field, gradient, used, (i, j - dj), steps, along_slit)
    return more


@compiled
def _changes(
    field: np.ndarray,
    twice: np.ndarray,
    gradient: np.ndarray,
    used: np.ndarray,
    signs: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
) -> np.ndarray:
    """What the reversal of each pixel alone adds to the energy; shape (n,)."""
    changes = np.empty(len(rows))
    for n in range(len(rows)):
        i, j = rows[n], columns[n]
        changes[n] = _change(field, twice, gradient, used, signs[i, j], i, j)
    return changes


@compiled
def _anneal(
    field: np.ndarray,
    twice: np.ndarray,
    gradient: np.ndarray,
    used: np.ndarray,
    signs: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    cooling: np.ndarray,
    seed: np.uint64,
) -> None:
    """Reverse pixels by the rule of Metropolis et al. at each temperature, then downhill, in place.

    The random numbers are those of xorshift64* (Vigna 2016, ACM Trans. Math. Softw. 42, 30): the
    same with every version of the libraries.
    """
    state, least = seed, _ROUNDING * cooling[0]
    for sweep in range(2 * len(cooling)):
        temperature = cooling[sweep] if sweep < len(cooling) else 0.0
        n_reversed = 0
        for n in range(len(rows)):
            i, j = rows[n], columns[n]
            more = _change(field, twice, gradient, used, signs[i, j], i, j)
            accepted = more < -least
            if not accepted and temperature > 0:
                state ^= state >> np.uint64(12)
                state ^= state << np.uint64(25)
                state ^= state >> np.uint64(27)
                drawn = (state * np.uint64(2685821657736338717)) >> np.uint64(11)
                accepted = drawn * 2.0**-53 < np.exp(-max(more, 0.0) / temperature)
            if accepted:
                n_reversed += 1
                for c in range(4):
                    field[i, j, c] -= signs[i, j] * twice[i, j, c]
                signs[i, j] = -signs[i, j]
        if temperature == 0 and n_reversed == 0:
            break
