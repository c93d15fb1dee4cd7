"""The TESS band: what a star radiates in it, so that equivalent durations become energies.

A flare of equivalent duration ED has the energy ED times the quiescent luminosity in the band. The
star is taken for a blackbody, L = 4 pi R^2 integral(pi B(wavelength, Teff) response), as is usual
for flares (Shibayama et al. 2013, ApJS 209, 5; with the response of TESS, Guenther et al. 2020, AJ
159, 60). For cool dwarfs, whose spectra have deep bands, that is good to some
ten per cent. The energy is that within the band, not the bolometric one: no temperature of the
flare is assumed.
"""

from __future__ import annotations

import numpy as np
from astropy import constants
from astropy import units as u
from astropy.modeling.physical_models import BlackBody

# The response, in percent of an ideal photon counter, read off at a few wavelengths from the TESS
# Instrument Response Function v2.0 (R. Vanderspek, TESS POC, 2020-07-30) and linear in between: for
# blackbodies from 2500 to 8000 K within 1 % of the integral over the function itself.
_RESPONSE = {
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

_wavelengths = np.arange(574.0, 1063.0)


def band_luminosity(radius: float, temperature: float) -> u.Quantity:
    """Luminosity of a quiescent star in the TESS band.

    Parameters
    ----------
    radius : float
        Solar radii.
    temperature : float
        Effective temperature in K.

    Returns
    -------
    Quantity
        erg/s. The response is relative to its highest value, as in the literature.
    """
    response = np.interp(_wavelengths, list(_RESPONSE), list(_RESPONSE.values()))
    blackbody = BlackBody(temperature * u.K, scale=1 * u.erg / (u.s * u.cm**2 * u.AA * u.sr))
    intensity = blackbody(_wavelengths * u.nm) * np.pi * u.sr
    flux = np.trapezoid(intensity * response / response.max(), _wavelengths * u.nm)
    area = 4 * np.pi * (radius * constants.R_sun) ** 2
    return (area * flux).to(u.erg / u.s)
