"""Real pixels of the quiet Sun, of Hinode/SP: 112 wavelengths from 630.088 to 630.326 nm.

Two public files are small enough. github.com/dvukadinovic/globin,
tests/hinode4d.20130912.sample.fits: 25 pixels in counts (array `scan, slit, Stokes, wavelength`),
and their wavelengths in Å. github.com/vivivum/MilosIDL, data/SP4D20070227_002010.0C.fits: a slit of
1,024 pixels of Level 1 (array `Stokes, slit, wavelength`; intensities without a sign).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from tools.bench.inversion.sun import TELLURICS, write_map
from tools.bench.inversion.targets import verdict
from tools.harness.markdown import markdown_table

FILES = {
    "hinode4d.20130912.sample.fits": "github.com/dvukadinovic/globin, tests/, 107 kB",
    "SP4D20070227_002010.0C.fits": "github.com/vivivum/MilosIDL, data/, 933 kB",
}
HOW_TO = "`make bench-inversion INVERSION='--hinode FILE'`"
TARGET_RATE = 600.0  # pixels a second of one core
# Of Level 1, whose header has another one from before the calibration: Lites et al. (2013), Solar
# Physics 283, 579. The lines correct it.
_DISPERSION, _MIDDLE = 2.149e-3, 630.2  # nm
_HALF_WIDTH = 0.006  # nm; of what pyMilne leaves out about a telluric line
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


def section(directory: Path, files: Sequence[Path], pymilne: PyMilne | None) -> str:
    """What the page says about the pixels of each file."""
    if not files:
        known = "\n".join(f"- `{name}` ({place})" for name, place in FILES.items())
        return f"Not measured: {HOW_TO} with any of these files:\n\n{known}"
    return "\n\n".join(_of_file(directory, file, pymilne) for file in files)


def _of_file(directory: Path, file: Path, pymilne: PyMilne | None) -> str:
    profiles, quiet = read(file)
    n = len(profiles.stokes)
    copies = np.tile(profiles.stokes, (max(1, _N_TIMED // n), 1, 1))
    path = write_map(directory / "hinode", copies, profiles.wavelength, quiet, profiles.noise)
    rows = []
    for name, settings in _VARIANTS.items():
        rows.append([name, *_row(invert(path, InversionSettings(**settings), n))])
    text = f"`{file.name}` ({FILES.get(file.name, 'another file')}): {n:,} pixels, noise "
    text += f"{profiles.noise:.2g} of the continuum as measured there.\n\n"
    text += markdown_table(_COLUMNS, rows)
    if pymilne is not None:
        same_noise = invert(path, InversionSettings(noise=profiles.noise), n)
        text += "\n\n" + pymilne.table(directory, profiles, same_noise)
    return text


def read(path: Path) -> tuple[Profiles, np.ndarray]:
    """The profiles as the preparation would leave them, and the quiet Sun's.

    The mean of all pixels is taken for the quiet Sun's profile. It gives the wavelengths, and the
    continuum that all profiles are divided by.
    """
    with fits.open(path) as file:
        counts, wavelength = _of_globin(file) if "WAVELENGTH" in file else _of_level1(file)
    mean = counts[:, 0].mean(axis=0)
    wavelength = calibrate(wavelength, mean, FE_I_630).apply(wavelength)
    outside = spectral_window.of_continuum(wavelength, FE_I_630)
    continuum = mean[outside].mean()
    stokes = counts / continuum
    noise = float(np.median(stokes[:, 1:, outside].std(axis=2)))
    used = np.all([np.abs(wavelength - place) > _HALF_WIDTH for place, _ in TELLURICS], axis=0)
    return Profiles(wavelength, stokes, used, noise), mean / continuum


def _of_globin(file: fits.HDUList) -> tuple[np.ndarray, np.ndarray]:
    """Counts, shape (n, 4, n_wavelengths), and wavelengths in nm."""
    counts = np.asarray(file[0].data, float)
    return counts.reshape(-1, *counts.shape[2:]), np.asarray(file["WAVELENGTH"].data, float) / 10


def _of_level1(file: fits.HDUList) -> tuple[np.ndarray, np.ndarray]:
    """The same, of a slit of Level 1."""
    counts = np.asarray(file[0].data, float).swapaxes(0, 1)
    counts[:, 0] += np.where(counts[:, 0] < 0, 2**16, 0)
    n = counts.shape[2]
    return counts, _MIDDLE + _DISPERSION * (np.arange(n) - (n - 1) / 2)


def _row(found: Found) -> list[str]:
    strength = found.parameters[:, me.FIELD]
    above = strength > SIGMA * found.uncertainties[:, me.FIELD]
    detected = is_detected(found)
    undetected = np.count_nonzero(above & ~detected)
    return [
        f"{found.rate:,.0f} /s",
        f"{np.nanmedian(strength):.0f} G",
        f"{np.count_nonzero(above)}",
        f"{undetected}",
        f"{np.count_nonzero(detected)}",
        f"{np.nanmedian(found.chi_squared):.2f}",
        verdict(found.rate >= TARGET_RATE),
        verdict(undetected == 0),
    ]
