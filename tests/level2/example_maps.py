"""Maps of invented atmospheres, whose parameters are known."""

import numpy as np

from cvzmpi.level2 import milne_eddington as me
from cvzmpi.level2.milne_eddington import MilneEddington
from cvzmpi.level2.prepared_map import SUFFIX, PreparedMapWriter

NOISE = 1e-3
WAVELENGTH = 630.075 + 0.0013 * np.arange(192)
"""As many as ViSP has around the two lines, in nm."""


def atmospheres(n, random, weakest=50.0):
    """Parameters as the photosphere has them, from granulation to umbrae."""
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


def noisy_profiles(parameters, random, wavelength=WAVELENGTH, noise=NOISE):
    """What a spectropolarimeter sees of atmospheres; shape (n, 4, n_wavelengths)."""
    stokes = MilneEddington(wavelength).stokes(parameters)
    return stokes + random.normal(0, noise, stokes.shape)


def write_prepared(directory, name, shape, seed=1, wavelength=WAVELENGTH):
    """Write a prepared map of atmospheres that have nothing to do with one another.

    Returns its path, and the parameters with the shape (*shape, n_parameters).
    """
    random = np.random.default_rng(seed)
    parameters = atmospheres(shape[0] * shape[1], random)
    profiles = noisy_profiles(parameters, random, wavelength)
    quiet = profiles[:, 0].mean(axis=0)
    path = directory / f"{name}{SUFFIX}"
    with PreparedMapWriter(path, shape, wavelength, quiet) as writer:
        for step in profiles.reshape(*shape, 4, -1):
            writer.write(step)
        writer.record["simulated"] = True
    return path, parameters.reshape(*shape, -1)
