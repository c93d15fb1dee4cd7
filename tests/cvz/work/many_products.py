"""A directory with light curves of many products: files of some 30 hours, with flares in them."""

import numpy as np
from astropy.io import fits

from tests.cvz.light_curves.readers import made_files

DAYS = 1.3
PRODUCTS = ("spoc-20", "spoc-120", "tess-spoc", "qlp", "lightkurve", "kepler", "k2")
BEST = [
    "10002792_2_kepler-59",
    "211117077_4_k2-1765",
    "261136679_27_spoc-20",
    "277554109_11_qlp-1800",
    "5_3_lightkurve-600",
]
"""The units of the directory with all of `PRODUCTS`."""

N_INJECT = 6
CONFIGURATION = """
input.directory = "{inputs}"
input.products = {products}
output.directory = "{place}/output"
light_curve.min_usable_cadences = 250
inject.n_inject = 6
inject.n_repeat = 1
"""
"""Of a campaign over the directory, with what keeps it short."""


def write_all(directory):
    """One star and sector as three products, one as two, three as one; each of two days."""
    made_files.spoc(directory / "fast.fits", 20, rows(20))
    made_files.spoc(directory / "usual.fits", 120, rows(120))
    made_files.spoc(directory / "ffi.fits", 600, rows(600))
    made_files.qlp(directory / "qlp.fits", 11, 1800, rows(1800))
    for name, exposure in (("llc", made_files.LONG), ("slc", made_files.SHORT)):
        made_files.kepler(directory / f"{name}.fits", exposure, rows(exposure * 86400))
    made_files.kepler(directory / "k2.fits", quality=rows(1765), mission="K2")
    made_files.lightkurve(directory / "written.fits", 600, rows(600))
    for path in sorted(directory.glob("*.fits")):
        _add_flares(path)


def rows(seconds):
    """Quality of cadences for all of the time, all good."""
    return np.zeros(int(DAYS * 86400 / seconds), np.int32)


def _add_flares(path):
    """Two flares, of an hour and of three."""
    with fits.open(path, mode="update") as hdus:
        table = hdus[1].data
        time = table["TIME"] - table["TIME"][0]
        flare = sum(
            amplitude * np.where(time > peak, np.exp((peak - time) / decay), 0)
            for peak, amplitude, decay in ((0.3, 0.05, 0.04), (0.7, 0.03, 0.1))
        )
        for name in ("PDCSAP_FLUX", "SAP_FLUX", "FLUX"):
            if name in table.names:
                table[name] *= 1 + flare
