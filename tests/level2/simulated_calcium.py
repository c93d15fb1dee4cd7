"""Ca II 854.2 nm: profiles of known fields and velocities, and Level 1 data of the arm of ViSP."""

import numpy as np

from cvzmpi.level2.maps.arms import CALCIUM
from cvzmpi.level2.maps.map_names import PREPARED_SUFFIX
from cvzmpi.level2.maps.prepared_map import PreparedMapWriter
from cvzmpi.level2.spectroscopy.zeeman import CA_II_854, SPEED_OF_LIGHT
from tests.level2.simulated_level1 import CONTINUUM, CROSSTALK, simulate_level1

DISPERSION = 1.882e-3
"""nm; of ViSP's arm, which observes a thousand of them: here are fewer."""

N_WAVELENGTHS = 700
WAVELENGTH = CA_II_854.wavelength + DISPERSION * (np.arange(N_WAVELENGTHS) - N_WAVELENGTHS / 2)


def intensity(wavelength, velocity):
    """An absorption line with a core and wings, at rest in the wings; shape (n, n_wavelengths)."""
    place = CA_II_854.wavelength
    core = wavelength - place * (1 + np.atleast_1d(velocity)[:, np.newaxis] / SPEED_OF_LIGHT)
    wings = wavelength - place
    return 1 - 0.45 * np.exp(-((core / 0.018) ** 2)) - 0.35 / (1 + (wings / 0.12) ** 2)


def profiles(wavelength, field, velocity, noise=0.0, random=None):
    """Stokes I, Q, U, V of longitudinal fields in G: the line splits, to all orders.

    The two circular polarisations are the line, shifted to either side.
    """
    field, velocity = np.atleast_1d(field), np.atleast_1d(velocity)
    shift = (CA_II_854.splitting() * CA_II_854.effective_lande * 1e-3 * field)[:, np.newaxis]
    red, blue = (intensity(wavelength + s, velocity) for s in (-shift, shift))
    stokes = np.zeros((len(field), 4, np.shape(wavelength)[-1]))
    stokes[:, 0], stokes[:, 3] = (red + blue) / 2, (red - blue) / 2
    if noise:
        stokes += random.normal(0, noise, stokes.shape)
    return stokes


def simulate_calcium(directory, n_steps=3, n_slit=10, noise=1e-3, seed=2, arm=3, **more):
    """Write a dataset; fields in G and velocities in km/s, each of shape (n_steps, n_slit).

    Half of the pixels are quiet, and at rest as a whole.
    """
    random = np.random.default_rng(seed)
    field = random.uniform(-900, 900, (n_steps, n_slit))
    velocity = random.uniform(-2, 2, (n_steps, n_slit))
    quiet = np.arange(n_slit) % 2 == 0
    field[:, quiet] = 0
    velocity[:, quiet] -= velocity[:, quiet].mean()
    velocity[:, quiet] *= 0.1
    stokes = profiles(WAVELENGTH, field.ravel(), velocity.ravel(), noise, random)
    stokes[:, :, :] *= np.where(quiet, 1, 0.9)[np.arange(stokes.shape[0]) % n_slit, None, None]
    stokes[:, 1:] += np.array(CROSSTALK)[:, np.newaxis] * stokes[:, :1]
    spectra = (CONTINUUM * stokes).reshape(n_steps, n_slit, 4, -1)
    simulate_level1(
        directory,
        n_steps,
        n_slit,
        centre=CA_II_854.wavelength,
        arm=arm,
        spectra=spectra,
        dispersion=DISPERSION,
        **more,
    )
    return field, velocity


def simulate_prepared_calcium(directory, name, shape, seed=3):
    """Write a prepared map of random fields and velocities; its path."""
    random = np.random.default_rng(seed)
    kept = WAVELENGTH[np.abs(WAVELENGTH - CA_II_854.wavelength) < 0.26]
    path = directory / f"{name}{PREPARED_SUFFIX}"
    with PreparedMapWriter(path, shape, kept, intensity(kept, 0.0)[0]) as writer:
        for _ in range(shape[0]):
            field, velocity = random.uniform(-900, 900, shape[1]), random.uniform(-3, 3, shape[1])
            writer.write(profiles(kept, field, velocity, 1e-3, random))
        writer.record = {"arm": CALCIUM, "simulated": True}
    return path
