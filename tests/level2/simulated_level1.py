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


def simulate_level1(
    directory,
    n_steps=3,
    n_slit=10,
    n_maps=1,
    noise=1e-3,
    seed=1,
    centre=630.2,
    arm=None,
    turned=0,
    spectra=None,
    dispersion=STEP,
):
    """Write a dataset, and give the parameters of its atmospheres: shape (n_steps, n_slit, 10).

    Parameters
    ----------
    centre : float
        Wavelength in the middle of the spectra, in nm; there are the lines of Fe I at 630.2 nm.
    arm : int, optional
        The arm of the spectrograph: VSPARMID.
    turned : float
        Angle between the slit and the north of the Sun, in degrees.
    spectra : float, shape (n_steps, n_slit, 4, n_wavelengths), optional
        In place of those of the iron lines; `centre` is the wavelength of the sample in the middle.
    dispersion : float
        Of these, in nm.
    """
    from astropy import units as u
    from dkist_data_simulator.dataset import Omit, key_function
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
                linewave=(centre + SHIFT) * u.nm,
                detector_shape=(spectra.shape[-1], n_slit),
            )
            self.spectral_scale = dispersion * u.nm / u.pix
            if arm is not None:
                self.add_constant_key("VSPARMID", arm)

        @property
        def fits_wcs(self):
            wcs = super().fits_wcs
            angle = np.radians(turned)
            matrix = np.identity(3)
            ratio = wcs.wcs.cdelt[2] / wcs.wcs.cdelt[0]
            matrix[0, 0] = matrix[2, 2] = np.cos(angle)
            matrix[0, 2] = -np.sin(angle) * ratio
            matrix[2, 0] = np.sin(angle) / ratio
            wcs.wcs.pc = matrix
            return wcs

        @key_function("WCSAXESA", "WCSNAMEA", "LONPOLEA", "CRPIX<n>A", "CRVAL<n>A", "CDELT<n>A")
        def equatorial_numbers(self, key):
            constant = {"WCSAXESA": 3, "WCSNAMEA": "Equatorial equinox J2000", "LONPOLEA": 180.0}
            return constant.get(key) or equatorial(self.fits_wcs).to_header()[key[:-1]]

        @key_function("CUNIT<n>A", "CTYPE<n>A", "PC<i>_<j>A")
        def equatorial_axes(self, key):
            wcs = equatorial(self.fits_wcs)
            if key.startswith("PC"):
                return float(wcs.wcs.pc[int(key[2]) - 1, int(key[4]) - 1])
            return wcs.to_header()[key[:-1]]

        @key_function("PV<i>_0A", "PV<i>_1A", "PV<i>_2A")
        def no_grating(self, key):
            return Omit()

        @property
        def data(self):
            stokes, step = self.file_index[0], self.file_index[-1]
            return spectra[step, :, stokes].T[np.newaxis]

    parameters = None
    if spectra is None:
        parameters, spectra = _sun(n_steps, n_slit, noise, seed)
    directory = Path(directory)
    directory.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Sun().generate_files(directory, "VISP_{ds.index:05d}.fits")
        dataset_from_fits(directory, "VISP_L1_20240417T202526_AAAAA_metadata.asdf")
    return parameters


def equatorial(wcs):
    """A second WCS of right ascension and declination, turned by another angle."""
    second = wcs.deepcopy()
    second.wcs.set()  # now all angles are in degrees
    second.wcs.ctype = "DEC--TAN", "AWAV", "RA---TAN"
    second.wcs.crval = [38.36, second.wcs.crval[1], 15.15]
    second.wcs.pc = np.array([[0.8, 0, -0.6], [0, 1, 0], [0.6, 0, 0.8]]) @ wcs.wcs.pc
    return second


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
