"""The files of a DeSIRe inversion with made-up values, and simulated Level 1 data that they fit.

They are written from what DKIST's own reader takes: arrays of float32, whose axes are in the order
of `astropy` (quantity, depth, scan, slit) and (Stokes, wavelength, scan, slit).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from cvzmpi.level2.maps.level1 import read_level1
from tests.level2.simulated_level1 import simulate_level1

CANONICAL, OTHER = 1, 3
"""The arms of the spectrograph, of Fe I and of Ca II."""

N_STEPS, N_SLIT_LEVEL1, N_BINNED = 4, 20, 3
N_SLIT = N_SLIT_LEVEL1 // N_BINNED
N_DEPTHS = 7

OFFSETS = {23: -659.2 + 12.77 * np.arange(24), 9: -192 + 14.1 * np.arange(10)}
OFFSETS[4] = -150 + 18.92 * np.arange(16)
"""In milliangstroms, for line ids of DeSIRe."""

_TYPICAL = [0, 5000, 10, 1e5, 500, 1e5, 90, 90, 100, 1e4, 1e-7]
"""Of the quantities, in DeSIRe's units."""


@dataclass
class Arrays:
    """What the three files hold; to be changed before they are written."""

    atmosphere: np.ndarray
    fit: np.ndarray
    observed: np.ndarray
    offsets: np.ndarray
    ids: np.ndarray
    keywords: dict

    def write(self, directory):
        """Write the three files."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        fits.PrimaryHDU(self.atmosphere).writeto(directory / "inv_res_mod.fits", overwrite=True)
        for name, values in (("inv_res_pre.fits", self.fit), ("per_ori.fits", self.observed)):
            primary = fits.PrimaryHDU(values)
            if values is self.fit:
                primary.header.update(self.keywords)
            extensions = [fits.ImageHDU(self.offsets), fits.ImageHDU(self.ids)]
            fits.HDUList([primary, *extensions]).writeto(directory / name, overwrite=True)
        return directory


def arrays(n_steps=N_STEPS, n_slit=N_SLIT, line_ids=(23, 4), seed=1):
    """Made-up values; angles are from -180 to 180 degrees."""
    random = np.random.default_rng(seed)
    shape = (N_DEPTHS, n_steps, n_slit)
    atmosphere = np.array([mean * random.uniform(0.5, 1.5, shape) for mean in _TYPICAL], "f4")
    atmosphere[0] = (1.2 - 0.4 * np.arange(N_DEPTHS))[:, np.newaxis, np.newaxis]
    atmosphere[5] *= random.choice([-1, 1], shape)
    atmosphere[6:8] = random.uniform(-180, 180, (2, *shape))
    offsets = np.concatenate([OFFSETS[n] for n in line_ids]).astype("f4")
    profiles = random.normal(1, 0.1, (2, 4, len(offsets), n_steps, n_slit)).astype("f4")
    ids = np.concatenate([np.full(len(OFFSETS[n]), n, "f4") for n in line_ids])
    keywords = {"DESR-BIN": N_BINNED, "DESR-FID": CANONICAL}
    return Arrays(atmosphere, profiles[0], profiles[1], offsets, ids, keywords)


def simulate_arms(directory):
    """Level 1 datasets of two arms, in directories named for them: their directories, by arm."""
    found = {}
    for arm, centre in ((CANONICAL, 630.2), (OTHER, 854.2)):
        made = directory / f"arm{arm}"
        simulate_level1(made, N_STEPS, N_SLIT_LEVEL1, centre=centre, arm=arm, turned=20)
        found[arm] = made.rename(made.with_name(read_level1(made).inventory["datasetId"]))
    return found
