"""Level 1 datasets of ViSP: the headers of `dkist-data-simulator`, with a Sun in them."""

import warnings
from pathlib import Path

import numpy as np

from cvzmpi.level2.maps.simulated_map import atmospheres
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington

N_WAVELENGTHS = 300
STEP = 0.0013
"""nm"""

CONTINUUM = 40000.0
"""Counts."""

SHIFT = 0.011
"""nm by which the wavelengths in the headers are too large."""

CROSSTALK = (0.012, -0.007, 0.004)


def simulate_level1(directory, n_steps=3, n_slit=10, n_maps=1, noise=1e-3, seed=1):
    """Write a dataset, and give the parameters of its atmospheres: shape (n_steps, n_slit, 10)."""
    from astropy import units as u
    from dkist_data_simulator.spec214.visp import SimpleVISPDataset
    from dkist_inventory.asdf_generator import dataset_from_fits

    class Sun(SimpleVISPDataset):
        """A ViSP dataset with the dispersion of the real instrument, and spectra."""

        name = "visp-sun"

        def __init__(self):
            super().__init__(
                n_maps,
                n_steps,
                4,
                10,
                linewave=(630.2 + SHIFT) * u.nm,
                detector_shape=(N_WAVELENGTHS, n_slit),
            )
            self.spectral_scale = STEP * u.nm / u.pix

        @property
        def data(self):
            stokes, step = self.file_index[0], self.file_index[-1]
            return spectra[step, :, stokes].T[np.newaxis]

    parameters, spectra = _sun(n_steps, n_slit, noise, seed)
    directory = Path(directory)
    directory.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Sun().generate_files(directory, "VISP_{ds.index:05d}.fits")
        dataset_from_fits(directory, "VISP_L1_20240417T202526_AAAAA_metadata.asdf")
    return parameters


def _sun(n_steps, n_slit, noise, seed):
    """Half of it is quiet: without a field, and at rest as a whole."""
    random = np.random.default_rng(seed)
    parameters = atmospheres(n_steps * n_slit, random, weakest=500)
    quiet = np.arange(len(parameters)) % 2 == 0
    parameters[quiet, me.FIELD] = 5
    parameters[quiet, me.VELOCITY] -= parameters[quiet, me.VELOCITY].mean()
    parameters[quiet, me.VELOCITY] *= 0.1
    parameters[quiet, me.SOURCE_CONSTANT] = 0.3
    parameters[quiet, me.SOURCE_GRADIENT] = 0.7
    parameters[~quiet, me.SOURCE_CONSTANT : me.FILLING_FACTOR] *= 0.7
    # Pixel i is at CRVAL + (i - CRPIX) * CDELT, as dkist-inventory understands the header.
    wavelength = 630.2 + STEP * (np.arange(N_WAVELENGTHS) - N_WAVELENGTHS / 2)
    stokes = MilneEddington(wavelength).stokes(parameters)
    stokes += random.normal(0, noise, stokes.shape)
    stokes[:, 1:] += np.array(CROSSTALK)[:, np.newaxis] * stokes[:, :1]
    spectra = (CONTINUUM * stokes).reshape(n_steps, n_slit, 4, -1)
    return parameters.reshape(n_steps, n_slit, -1), spectra


def compress_level1(directory):
    """Write the frames of a simulated dataset anew as the data centre stores them: compressed."""
    from astropy.io import fits
    from dkist_inventory.asdf_generator import dataset_from_fits

    (asdf,) = directory.glob("*.asdf")
    asdf.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted(directory.glob("*.fits")):
            data, header = fits.getdata(path, header=True)
            image = fits.CompImageHDU(np.float32(data), header, tile_shape=data.shape)
            fits.HDUList([fits.PrimaryHDU(), image]).writeto(path, overwrite=True, checksum=True)
        dataset_from_fits(directory, asdf.name, hdu=1)
