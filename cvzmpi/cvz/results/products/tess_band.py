"""The bands of TESS and Kepler: what a star radiates there, for equivalent durations as energies.

The star is taken for a blackbody, its luminosity in the band is
L = 4 pi R^2 integral(pi B(wavelength, Teff) response). For cool dwarfs, whose spectra have deep
bands, that is good to some ten per cent.

A flare is taken for a patch of the star's disc that radiates as a blackbody of 9000 K (Shibayama et
al. 2013, ApJS 209, 5; with the response of TESS, Guenther et al. 2020, AJ 159, 60). At the relative
brightness a of the flare, the area of the patch is

    A = a pi R^2 integral(B(wavelength, Teff) response) / integral(B(wavelength, 9000 K) response)

and its luminosity over all wavelengths A sigma (9000 K)^4. Over the flare, a becomes the equivalent
duration ED, so that

    E = ED (L / 4) sigma (9000 K)^4 / integral(pi B(wavelength, 9000 K) response)

The factor 1/4 is that between the disc that is seen, pi R^2, and the surface of the star, 4 pi R^2:
a patch of the disc is seen from above.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import constants

FLARE_TEMPERATURE = 9000.0
"""Of the blackbody that a flare is taken for, in K."""

# The responses, in percent of an ideal photon counter, read off at a few wavelengths and linear in
# between: for blackbodies from 2500 to 9000 K within 1 % of the integral over the function itself.
# The TESS Instrument Response Function v2.0 (R. Vanderspek, TESS POC, 2020-07-30).
_TESS = {
    574: 0,
    582: 54,
    592: 64,
    600: 68,
    640: 71,
    680: 74,
    710: 78,
    760: 77,
    775: 75,
    805: 78,
    830: 76,
    890: 76,
    910: 72,
    940: 65,
    960: 56,
    980: 41,
    1000: 30,
    1020: 18,
    1040: 10,
    1062: 1,
}

# The Kepler Instrument Response Function, high resolution (Van Cleve and Caldwell 2016, Kepler
# Instrument Handbook, KSCI-19033-002).
_KEPLER = {
    418: 0,
    424: 4,
    428: 12,
    432: 24,
    438: 40,
    443: 44,
    455: 48,
    470: 53,
    490: 60,
    504: 64,
    510: 63,
    520: 66,
    545: 69,
    565: 70,
    590: 72,
    605: 72,
    614: 69,
    625: 70,
    637: 67,
    660: 66,
    680: 64,
    700: 62,
    720: 58,
    740: 56,
    760: 52,
    775: 49,
    800: 47,
    820: 42,
    840: 35,
    860: 32,
    873: 29,
    879: 25,
    885: 18,
    890: 11,
    896: 4,
    905: 1,
    915: 0,
}


def _weighted(response: Mapping[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths in m, and the response there relative to its highest value."""
    nanometres = np.arange(float(min(response)), max(response) + 1)
    weights = np.interp(nanometres, list(response), list(response.values()))
    return nanometres * constants.nano, weights / max(response.values())


_BANDS = {"TIC": _weighted(_TESS), "KIC": _weighted(_KEPLER), "EPIC": _weighted(_KEPLER)}
"""Wavelengths and weights, by the catalogue of a mission's stars."""

# Errors that are typical of the TESS Input Catalog, version 8 (Stassun et al. 2019, AJ 158, 138),
# since the FITS headers have none. Below 4000 K it takes radii from the Cool Dwarf Catalog's
# relation with M_K, which scatters by 2.9 % (Mann et al. 2015, ApJ 804, 64, Table 1), and its
# temperatures have errors of 157 K. Above, temperatures are from a relation with the Gaia colour
# that scatters by 122 K, and radii follow from temperature, parallax and bolometric correction.
_COOL = 4000.0  # K
_COOL_ERRORS, _OTHER_ERRORS = (0.03, 157.0), (0.05, 122.0)  # of the radius, relative; in K


_SOLAR_RADIUS = 6.957e8  # m; nominal, IAU 2015 resolution B3


def band_luminosity(radius: float, temperature: float, catalogue: str = "TIC") -> float:
    """Luminosity of a quiescent star in the band of TESS, or of Kepler.

    Parameters
    ----------
    radius : float
        Solar radii.
    temperature : float
        Effective temperature in K.
    catalogue : str
        TIC for TESS, KIC or EPIC for Kepler.

    Returns
    -------
    float
        erg/s. The response is relative to its highest value, as in the literature.
    """
    area = 4 * math.pi * (radius * _SOLAR_RADIUS) ** 2
    return area * _band_exitance(temperature, catalogue) / constants.erg


def _band_exitance(temperature: float, catalogue: str) -> float:
    """What a blackbody radiates into the band from each unit of its surface, in W/m^2."""
    wavelengths, weights = _BANDS[catalogue]
    phase = constants.h * constants.c / (wavelengths * constants.k * temperature)
    exitance = 2 * math.pi * constants.h * constants.c**2 / wavelengths**5 / np.expm1(phase)
    return float(np.trapezoid(exitance * weights, wavelengths))


@cache
def _bolometric_over_band(catalogue: str) -> float:
    """All that a flare radiates, over what it radiates in the band."""
    exitance = constants.Stefan_Boltzmann * FLARE_TEMPERATURE**4
    return exitance / _band_exitance(FLARE_TEMPERATURE, catalogue)


@dataclass(frozen=True)
class FlareEnergyScale:
    """The bolometric energy of the flares of a star for each second of equivalent duration."""

    power: float  # erg/s; NaN where radius or temperature of the star are not known
    relative_error: float  # of the power, from the errors of radius and temperature

    @classmethod
    def of_star(
        cls, radius: float | None, temperature: float | None, catalogue: str = "TIC"
    ) -> FlareEnergyScale:
        """The scale for a radius in solar radii and an effective temperature in K.

        None, or what is not above 0, is not known. The `catalogue` says which mission's band it is.
        """
        if not (radius is not None and temperature is not None and radius > 0 and temperature > 0):
            return cls(math.nan, math.nan)
        return _scale(radius, temperature, catalogue)

    def energy(
        self, duration: np.ndarray, duration_error: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Bolometric energies of flares and their standard errors.

        Parameters
        ----------
        duration, duration_error : float64, shape (n_flares,)
            Equivalent durations in s.

        Returns
        -------
        energy, energy_error : float64, shape (n_flares,)
            erg. The error of the star is in that of each of its flares, one and the same.
        """
        error = np.hypot(duration_error, self.relative_error * duration)
        return self.power * np.asarray(duration), self.power * error


@cache
def _scale(radius: float, temperature: float, catalogue: str) -> FlareEnergyScale:
    radius_error, kelvin = _COOL_ERRORS if temperature < _COOL else _OTHER_ERRORS
    kelvin = min(kelvin, temperature / 2)
    band = [
        band_luminosity(radius, kelvins, catalogue)
        for kelvins in (temperature - kelvin, temperature, temperature + kelvin)
    ]
    return FlareEnergyScale(
        power=band[1] / 4 * _bolometric_over_band(catalogue),
        relative_error=math.hypot(2 * radius_error, (band[2] - band[0]) / 2 / band[1]),
    )
