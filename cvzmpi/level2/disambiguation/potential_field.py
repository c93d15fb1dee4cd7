"""The potential field above a map, from its line-of-sight component alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

_MARGIN = 0.5  # of the map: without flux, so that the far side's field does not come round
_LEAST_MARGIN = 16
_SMOOTHED = (
    1.0  # pixels: standard deviation of the Gaussian that the vertical gradient is smoothed by
)


@dataclass(frozen=True)
class PotentialField:
    """A potential field in the plane of the map, in the local frame; arrays of the map's shape."""

    field: np.ndarray  # float64, shape (3, n_scan, n_slit)
    vertical_gradient: np.ndarray  # float64; of the third component, outwards


def potential_field(
    longitudinal: np.ndarray, lattice: np.ndarray, line_of_sight: np.ndarray
) -> PotentialField:
    """The potential field whose component along the line of sight is given.

    Alissandrakis (1981, A&A 100, 197), with any line of sight: each Fourier component of the
    potential, `exp(i k x - |k| z)`, gives the field `-(i kx, i ky, -|k|)`, whose component along
    the line of sight is divided by. The mean field, of which the potential has no component, is
    left out.

    Parameters
    ----------
    longitudinal : float64, shape (n_scan, n_slit)
        The component towards the observer; no NaN.
    lattice : float64, shape (2, 2)
        Columns are the steps of scan and slit along the surface.
    line_of_sight : float64, shape (3,)
        Towards the observer, in the local frame.
    """
    shape = longitudinal.shape
    padded = [fft.next_fast_len(n + max(int(_MARGIN * n), _LEAST_MARGIN), real=True) for n in shape]
    of_pixels = np.meshgrid(
        2 * np.pi * fft.fftfreq(padded[0]), 2 * np.pi * fft.rfftfreq(padded[1]), indexing="ij"
    )
    # The phase k x is the same in pixels and along the surface, where x = lattice @ pixels.
    kx, ky = np.tensordot(np.linalg.inv(lattice).T, of_pixels, axes=1)
    k = np.hypot(kx, ky)
    to_observer = line_of_sight[2] * k - 1j * (line_of_sight[0] * kx + line_of_sight[1] * ky)
    to_observer[0, 0] = 1
    potential = fft.rfft2(longitudinal, padded) / to_observer
    potential[0, 0] = 0

    def on_map(component: np.ndarray) -> np.ndarray:
        values: np.ndarray = fft.irfft2(component * potential, padded)[: shape[0], : shape[1]]
        return values

    return PotentialField(
        field=np.stack([on_map(-1j * kx), on_map(-1j * ky), on_map(k)]),
        vertical_gradient=on_map(-(k**2) * np.exp(-((_SMOOTHED * k) ** 2) / 2)),
    )
