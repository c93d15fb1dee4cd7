"""The spectral profile of an instrument, and what else blurs a spectrum before it is recorded.

The light that is recorded at a wavelength w is the sum over offsets x of T(x) I(w + x), where T is
the transmission with sum 1. All four Stokes parameters, and their derivatives by the atmosphere's
parameters, are blurred in the same way.

The sum is one over evenly spaced wavelengths. For smooth profiles it converges faster than any
power of the spacing: for a Gaussian of standard deviation s at spacing h, the error is of the order
of exp(-2 (pi s / h)^2) (Trefethen & Weideman 2014, SIAM Review 56, 385). Where the observed
wavelengths are too far apart for that, the spectrum is computed at further ones between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.spectroscopy.zeeman import SPEED_OF_LIGHT

PM_PER_NM = 1e3
FWHM_OF_GAUSSIAN = 2 * np.sqrt(2 * np.log(2))
"""Full width at half maximum of a Gaussian, in standard deviations."""

_REACH = 4.0  # standard deviations; beyond are 6e-5 of a Gaussian
_SAMPLES_IN_FWHM = 2.5  # at least; 2 would do for a Gaussian, but not for what it blurs
_LARGEST_STEP = 1.7  # pm; what is blurred has Doppler widths of 2 pm and more
_UNEVEN = 0.01  # the most by which steps of the wavelengths may differ


class UnevenWavelengthsError(ValueError):
    """Wavelengths are not evenly spaced."""


@dataclass(frozen=True, eq=False)
class Transmission:
    """A tabulated spectral profile."""

    # float64, shape (n,); increasing, in pm: the wavelength of the light less the nominal one
    offset: np.ndarray
    transmission: np.ndarray  # float64, shape (n,); not negative, in any unit

    @property
    def fwhm(self) -> float:
        """The width in pm of all that has at least half of the largest transmission."""
        fine = np.linspace(self.offset[0], self.offset[-1], 2001)
        inside = self._at(fine) >= self.transmission.max() / 2
        return float(np.count_nonzero(inside) * (fine[1] - fine[0]))

    def blurred(self, offset: np.ndarray, sigma: float) -> np.ndarray:
        """The transmission at some offsets (pm), after a Gaussian that blurs as well.

        Parameters
        ----------
        sigma : float
            Standard deviation of the Gaussian, in pm; 0 if there is none.
        """
        if sigma == 0:
            return self._at(offset)
        fine = np.linspace(-_REACH * sigma, _REACH * sigma, 129)
        gaussian = np.exp(-0.5 * (fine / sigma) ** 2)
        gaussian /= gaussian.sum()
        return (self._at(offset[:, np.newaxis] - fine) * gaussian).sum(axis=1)

    def _at(self, offset: np.ndarray) -> np.ndarray:
        return np.interp(offset, self.offset, self.transmission, left=0, right=0)


@dataclass(frozen=True, eq=False)
class SpectralProfile:
    """Weights of neighbouring wavelengths."""

    # float64, shape (n_taps,); sum 1; of the computed wavelengths around an observed one, from
    # `-n_before` on
    taps: np.ndarray
    n_before: int
    oversampling: int  # computed wavelengths for each observed one

    @classmethod
    def of(
        cls,
        wavelength: np.ndarray,
        fwhm: float = 0.0,
        macroturbulence: float = 0.0,
        table: Transmission | None = None,
    ) -> SpectralProfile | None:
        """The profile for spectra at some wavelengths; None if nothing blurs them.

        Parameters
        ----------
        wavelength : float64, shape (n_wavelengths,)
            In nm; evenly spaced.
        fwhm : float
            Full width at half maximum of the instrument's profile, if that is a Gaussian; in pm.
        macroturbulence : float
            In km/s; the distribution of velocities v is exp(-(v / macroturbulence)^2) (Gray 2005,
            *The Observation and Analysis of Stellar Photospheres*, chapter 17, one Gaussian). It
            is added to the instrument's Gaussian in quadrature.
        table : Transmission, optional
            The instrument's profile, instead of a Gaussian.

        Raises
        ------
        UnevenWavelengthsError
        """
        in_pm = PM_PER_NM * wavelength.mean() / SPEED_OF_LIGHT
        sigma = float(np.hypot(fwhm / FWHM_OF_GAUSSIAN, macroturbulence * in_pm / np.sqrt(2)))
        if table is None and sigma == 0:
            return None
        step = _step(wavelength)
        width = sigma * FWHM_OF_GAUSSIAN
        if table is not None:
            # A table may have corners, with which the sum converges more slowly.
            width = float(np.hypot(width, table.fwhm / 2))
        oversampling = int(np.ceil(step / min(width / _SAMPLES_IN_FWHM, _LARGEST_STEP)))
        step /= oversampling
        first, last = -_REACH * sigma, _REACH * sigma
        if table is not None:
            first, last = first + table.offset[0], last + table.offset[-1]
        # At least as far as the nominal wavelength, for a profile that is all on one side of it.
        n_before, n_after = max(int(-first // step), 0), max(int(last // step), 0)
        offset = step * np.arange(-n_before, n_after + 1)
        taps = (
            np.exp(-0.5 * (offset / sigma) ** 2) if table is None else table.blurred(offset, sigma)
        )
        return cls(taps / taps.sum(), n_before, oversampling)

    def extended(self, wavelength: np.ndarray) -> np.ndarray:
        """The wavelengths at which the spectrum is computed: also between and beyond the observed.

        Returns
        -------
        float64, shape (n_computed,)
        """
        n, n_after = len(wavelength), len(self.taps) - 1 - self.n_before
        n_computed = self.n_before + (n - 1) * self.oversampling + 1 + n_after
        place = np.arange(-self.n_before, n_computed - self.n_before) / self.oversampling
        # Linear also beyond both ends.
        left = np.clip(np.floor(place).astype(int), 0, n - 2)
        extended: np.ndarray = wavelength[left] + (place - left) * np.diff(wavelength)[left]
        return extended

    def blur(self, spectra: np.ndarray) -> np.ndarray:
        """Blur spectra: from shape (..., n_computed) to shape (..., n_wavelengths)."""
        n = (spectra.shape[-1] - len(self.taps)) // self.oversampling + 1
        blurred = np.zeros((*spectra.shape[:-1], n))
        for k, tap in enumerate(self.taps):
            last = k + (n - 1) * self.oversampling + 1
            blurred += tap * spectra[..., k : last : self.oversampling]
        return blurred


def _step(wavelength: np.ndarray) -> float:
    """The step of evenly spaced wavelengths, in pm."""
    steps = np.diff(wavelength) * PM_PER_NM
    if len(steps) == 0:
        raise UnevenWavelengthsError("one wavelength, where a spectral profile needs several")
    step = float(steps.mean())
    if not (steps > 0).all() or np.abs(steps / step - 1).max() > _UNEVEN:
        raise UnevenWavelengthsError(
            f"steps of {steps.min():.4g} to {steps.max():.4g} pm between its wavelengths, where a "
            "spectral profile needs equal ones"
        )
    return step
