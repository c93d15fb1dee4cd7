"""Simulated prepared maps, of atmospheres with known parameters."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvzmpi.level2.maps.map_names import PREPARED_SUFFIX
from cvzmpi.level2.maps.prepared_map import PreparedMapWriter
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington

NOISE = 1e-3
"""Standard deviation of the profiles, relative to the continuum of the quiet Sun."""

WAVELENGTH = 630.075 + 0.0013 * np.arange(192)
"""In nm; the number is that of ViSP spectra in DKIST's own inversions of the two lines."""


def atmospheres(n: int, random: np.random.Generator, weakest: float = 50.0) -> np.ndarray:
    """Random parameters of atmospheres in the photosphere, from granules to umbrae.

    Parameters
    ----------
    weakest : float
        The weakest field in G; the strongest is 3500.

    Returns
    -------
    float64, shape (n, n_parameters)
        In the order and units of `milne_eddington.PARAMETERS`.
    """
    p = np.empty((n, me.N_PARAMETERS))
    continuum, constant_part = random.uniform(0.5, 1.1, n), random.uniform(0.15, 0.5, n)
    p[:, me.FIELD] = random.uniform(weakest, 3500, n)
    p[:, me.INCLINATION] = np.arccos(random.uniform(-1, 1, n))
    p[:, me.AZIMUTH] = random.uniform(0, np.pi, n)
    p[:, me.VELOCITY] = random.uniform(-3, 3, n)
    p[:, me.DOPPLER_WIDTH] = random.uniform(2, 4, n)
    p[:, me.DAMPING] = random.uniform(0.05, 0.8, n)
    p[:, me.LINE_STRENGTH] = random.uniform(3, 30, n)
    p[:, me.SOURCE_CONSTANT] = continuum * constant_part
    p[:, me.SOURCE_GRADIENT] = continuum * (1 - constant_part)
    p[:, me.FILLING_FACTOR] = 1
    return p


def noisy_profiles(
    parameters: np.ndarray, random: np.random.Generator, wavelength: np.ndarray = WAVELENGTH
) -> np.ndarray:
    """Stokes profiles of atmospheres, with noise; shape (n, 4, n_wavelengths)."""
    stokes = MilneEddington(wavelength).stokes(parameters)
    return stokes + random.normal(0, NOISE, stokes.shape)


def simulate_prepared(
    directory: Path,
    name: str,
    shape: tuple[int, int],
    seed: int = 1,
    wavelength: np.ndarray = WAVELENGTH,
) -> tuple[Path, np.ndarray]:
    """Write a prepared map of independent random atmospheres.

    Parameters
    ----------
    shape : tuple of int
        Scan positions, and pixels along the slit.
    wavelength : float64, shape (n_wavelengths,)
        In nm.

    Returns
    -------
    Path
        The file.
    float64, shape (*shape, n_parameters)
        The parameters.
    """
    random = np.random.default_rng(seed)
    parameters = atmospheres(shape[0] * shape[1], random).reshape(*shape, -1)
    path = directory / f"{name}{PREPARED_SUFFIX}"
    quiet = MilneEddington(wavelength).stokes(parameters[0])[:, 0].mean(axis=0)
    with PreparedMapWriter(path, shape, wavelength, quiet) as writer:
        for step in parameters:
            writer.write(noisy_profiles(step, random, wavelength))
        writer.record = {"simulated": True, "seed": seed}
    return path, parameters
