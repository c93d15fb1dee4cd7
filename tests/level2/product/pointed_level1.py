"""Level 1 datasets of ViSP with the pointing of a real one: slanted, drifting, and on the sky.

The spectra mean nothing; `simulated_level1` makes those that can be inverted.
"""

import warnings
from pathlib import Path

import numpy as np

SKY = {
    "WCSNAMEA": "Equatorial equinox J2000",
    "CTYPE1A": "DEC--TAN",
    "CTYPE2A": "AWAV",
    "CTYPE3A": "RA---TAN",
    "CUNIT1A": "deg",
    "CUNIT2A": "nm",
    "CUNIT3A": "deg",
    "CRVAL1A": -8.93437541160866,
    "CRVAL2A": 630.2,
    "CDELT1A": 6.62718784542916e-06,
    "CDELT2A": 0.0013,
    "CDELT3A": 1.48352499370858e-05,
    "CRPIX2A": 4.0,
    "LONPOLEA": 180.0,
}
"""The second description of a real frame, as far as it is the same in all frames."""

TURNED = {(1, 1): 0.885, (1, 3): 0.987, (3, 1): 0.197, (3, 3): -0.886}
"""Its matrix; the helioprojective one is turned by two degrees, and goes on turning."""


def make_pointed_level1(directory, n_steps=5, n_slit=24, n_maps=1):
    """Write a dataset."""
    from astropy import units as u
    from dkist_data_simulator.dataset import key_function
    from dkist_data_simulator.spec214.visp import TimeDependentVISPDataset
    from dkist_inventory.asdf_generator import dataset_from_fits

    class Pointed(TimeDependentVISPDataset):
        """A ViSP dataset with few wavelengths."""

        name = "visp-pointed"

        def __init__(self):
            super().__init__(
                n_maps,
                n_steps,
                4,
                1.5,
                linewave=630.2 * u.nm,
                detector_shape=(6, n_slit),
                pointing_shift_rate=0.02 * u.arcsec / u.s,
                rotation_shift_rate=0.01 * u.deg / u.s,
            )
            self.add_constant_key("WCSVALID", True)
            for key, value in SKY.items():
                self.add_constant_key(key, value)
            for key in ("LATPOLEA", "PV<i>_0A", "PV<i>_1A", "PV<i>_2A"):
                self.add_remove_key(key)

        @key_function("CRPIX1A", "CRPIX3A", "CRVAL3A")
        def drift(self, key):
            step = self.file_index[-1]
            values = {"CRPIX1A": 12.2, "CRPIX3A": 3.4 - step, "CRVAL3A": 201.328 + 1e-6 * step}
            return values[key]

        @key_function("PC<i>_<j>A")
        def turned(self, key):
            row, column = int(key[2]), int(key[4])
            return TURNED.get((row, column), float(row == column))

        @property
        def data(self):
            return np.ones(self.array_shape)

    directory = Path(directory)
    directory.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Pointed().generate_files(directory, "VISP_{ds.index:05d}.fits")
        dataset_from_fits(directory, "VISP_L1_20240417T202526_AAAAA_metadata.asdf")
    return directory
