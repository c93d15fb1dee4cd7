"""Real pixels of the quiet Sun: 25 of Hinode/SP, from the repository of globin.

They are in github.com/dvukadinovic/globin, tests/hinode4d.20130912.sample.fits: Stokes profiles of
112 wavelengths from 630.088 to 630.326 nm in counts (array `scan, slit, Stokes, wavelength`), then
the wavelengths in Å, and the continuum.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from cvzmpi.level2.maps.wavelength_calibration import calibrate
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy import spectral_window
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630
from tools.bench.inversion.inverted import Found, invert
from tools.bench.inversion.no_field import SIGMA, is_detected
from tools.bench.inversion.pymilne import Profiles, PyMilne
from tools.bench.inversion.sun import write_map
from tools.bench.inversion.targets import MISSING, verdict
from tools.harness.markdown import markdown_table

FILE = "tests/hinode4d.20130912.sample.fits"
TARGET_RATE = 600.0  # pixels a second of one core
_ABSENT = (
    f"Not measured: `make bench-inversion INVERSION='--hinode FILE'` with the file `{FILE}` of "
)
_ABSENT += "github.com/dvukadinovic/globin, 107 kB."
_N_TIMED = 250  # a map of copies: as in a real one, tickets are full
_SPECTRAL_PROFILE = 2.5  # pm; full width at half maximum of Hinode/SP's (Lites et al. 2013)
_VARIANTS: Mapping[str, dict[str, Any]] = {
    "the settings' defaults": {},
    "with the spectral profile of 2.5 pm": {"spectral_profile_fwhm": _SPECTRAL_PROFILE},
    "with a fitted filling factor": {"fit_filling_factor": True},
}
_COLUMNS = (
    *("", "pixels a second of one core", "median field", "above 3 sigma", "of them not detected"),
    *("detected", "median chi squared", f"{TARGET_RATE:,.0f} /s", "none undetected"),
)


def section(directory: Path, file: Path | None, pymilne: PyMilne | None) -> str:
    """What the page says about the pixels."""
    if file is None:
        return _ABSENT
    profiles, quiet = read(file)
    n = len(profiles.stokes)
    copies = np.tile(profiles.stokes, (_N_TIMED // n, 1, 1))
    path = write_map(directory / "hinode", copies, profiles.wavelength, quiet, profiles.noise)
    rows, first = [], None
    for name, settings in _VARIANTS.items():
        if not set(settings) <= set(InversionSettings.model_fields):
            rows.append([name, *[MISSING] * (len(_COLUMNS) - 1)])
            continue
        found = invert(path, InversionSettings(**settings), n)
        first = found if first is None else first
        rows.append([name, *_row(found)])
    text = f"{n} pixels, noise {profiles.noise:.2g} of the continuum as measured there.\n\n"
    text += markdown_table(_COLUMNS, rows)
    if pymilne is not None and first is not None:
        text += "\n\n" + pymilne.table(directory, profiles, first)
    return text


def read(path: Path) -> tuple[Profiles, np.ndarray]:
    """The profiles as the preparation would leave them, and the quiet Sun's.

    The mean of all pixels is taken for the quiet Sun's profile. It gives the wavelengths, and the
    continuum that all profiles are divided by.
    """
    with fits.open(path) as file:
        counts = np.asarray(file[0].data, float)
        wavelength = np.asarray(file["WAVELENGTH"].data, float) / 10
    counts = counts.reshape(-1, *counts.shape[2:])
    mean = counts[:, 0].mean(axis=0)
    wavelength = calibrate(wavelength, mean, FE_I_630).apply(wavelength)
    outside = spectral_window.of_continuum(wavelength, FE_I_630)
    continuum = mean[outside].mean()
    stokes = counts / continuum
    noise = float(np.median(stokes[:, 1:, outside].std(axis=2)))
    used = ~spectral_window.of_tellurics(wavelength)
    return Profiles(wavelength, stokes, used, noise), mean / continuum


def _row(found: Found) -> list[str]:
    strength = found.parameters[:, me.FIELD]
    above = strength > SIGMA * found.uncertainties[:, me.FIELD]
    detected = is_detected(found)
    undetected = None if detected is None else int(np.count_nonzero(above & ~detected))
    return [
        f"{found.rate:,.0f} /s",
        f"{np.nanmedian(strength):.0f} G",
        f"{np.count_nonzero(above)}",
        MISSING if undetected is None else f"{undetected}",
        MISSING if detected is None else f"{np.count_nonzero(detected)}",
        f"{np.nanmedian(found.chi_squared):.2f}",
        verdict(found.rate >= TARGET_RATE),
        MISSING if undetected is None else verdict(undetected == 0),
    ]
