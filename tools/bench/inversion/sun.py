"""Prepared maps of a simulated Sun that is less than ideal, as the preparation would write them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvzmpi.level2.maps.map_names import PREPARED_SUFFIX
from cvzmpi.level2.maps.prepared_map import PreparedMap, PreparedMapWriter
from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington

FINE = np.linspace(630.0, 630.35, 2000)
"""In nm; as many wavelengths as a spectrograph's camera has."""

TELLURICS = ((630.20005, 0.45), (630.27627, 0.3))  # wavelength in nm, depth
_TELLURIC_WIDTH = 1.8  # pm; of the Gaussian
_AT_A_TIME = 256  # pixels, so that finely sampled profiles need little memory
_FINEST = 0.35  # pm; profiles are convolved on a grid that is at least as fine
_MARGIN = 20.0  # pm; beyond the map's wavelengths, for the convolution
_N_QUIET = 200  # atmospheres without a field, whose mean is the quiet Sun's profile
_PER_POSITION = 256  # pixels along the slit


@dataclass(frozen=True)
class Sun:
    """A simulated observation; by default the ideal one."""

    noise: float = NOISE  # relative to the continuum of the quiet Sun
    spectral_profile: float = 0.0  # pm; full width at half maximum of a Gaussian
    line_shift: float = 0.0  # pm; of the Sun's lines from the wavelengths of the laboratory
    telluric_shift: float | None = None  # pm; of the telluric lines; None: there are none
    filling_factor: float = 1.0  # the rest of a pixel is quiet Sun

    def write(
        self,
        path: Path,
        parameters: np.ndarray,
        random: np.random.Generator,
        wavelength: np.ndarray = WAVELENGTH,
    ) -> Path:
        """Write a prepared map of these atmospheres; `path` gets the suffix of such maps.

        Parameters
        ----------
        parameters : float64, shape (n, n_parameters)
        """
        quiet = self._profiles(_quiet_atmospheres(random), wavelength)[:, 0].mean(axis=0)
        quiet /= quiet.max()
        stokes = self.filling_factor * self._profiles(parameters, wavelength)
        stokes[:, 0] += (1 - self.filling_factor) * quiet
        air = self._transmission(wavelength)
        stokes = stokes * air + random.normal(0, self.noise, stokes.shape)
        without_air = self.telluric_shift is None
        return write_map(path, stokes, wavelength, quiet * air, self.noise, without_air)

    def _profiles(self, parameters: np.ndarray, wavelength: np.ndarray) -> np.ndarray:
        """Profiles as the instrument sees them, without the air and without noise."""
        at_rest = wavelength - self.line_shift * 1e-3
        if not self.spectral_profile:
            return MilneEddington(at_rest).stokes(parameters)
        parts = np.array_split(parameters, max(1, len(parameters) // _AT_A_TIME))
        return np.concatenate([self._convolved(part, at_rest) for part in parts])

    def _convolved(self, parameters: np.ndarray, wavelength: np.ndarray) -> np.ndarray:
        """Profiles on a finer grid, convolved, and then sampled."""
        step = float(np.median(np.diff(wavelength))) * 1e3
        finer = int(np.ceil(step / _FINEST))
        margin = int(np.ceil(_MARGIN / step)) * finer
        n = (len(wavelength) - 1) * finer + 1 + 2 * margin
        grid = wavelength[0] + (np.arange(n) - margin) * step / finer * 1e-3
        width = self.spectral_profile / np.sqrt(8 * np.log(2)) / (step / finer)
        reach = int(np.ceil(5 * width))
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
        fine = MilneEddington(grid).stokes(parameters)
        sampled = np.zeros((*fine.shape[:2], len(wavelength)))
        for offset, weight in zip(range(-reach, reach + 1), kernel / kernel.sum(), strict=True):
            first = margin + offset
            last = first + (len(wavelength) - 1) * finer + 1
            sampled += weight * fine[:, :, first:last:finer]
        return sampled

    def _transmission(self, wavelength: np.ndarray) -> np.ndarray:
        """Of the air; shape (n_wavelengths,)."""
        if self.telluric_shift is None:
            return np.ones(len(wavelength))
        absorbed = np.zeros(len(wavelength))
        for place, depth in TELLURICS:
            distance = (wavelength - place) * 1e3 - self.telluric_shift
            absorbed += depth * np.exp(-0.5 * (distance / _TELLURIC_WIDTH) ** 2)
        return 1 - absorbed


def write_map(
    path: Path,
    stokes: np.ndarray,
    wavelength: np.ndarray,
    quiet: np.ndarray,
    noise: float,
    simulated: bool = False,
) -> Path:
    """Write a prepared map of these profiles, filled up with copies to whole scan positions.

    Parameters
    ----------
    stokes : float64, shape (n, 4, n_wavelengths)
        In units of the quiet Sun's continuum.
    quiet : float64, shape (n_wavelengths,)
        The quiet Sun's mean intensity.
    noise : float
        Of Q, U and V in the continuum: the preparation measures it, and records it.
    simulated : bool
        The record says so: the profiles have no telluric lines that could be found.
    """
    n_slit = min(len(stokes), _PER_POSITION)
    n_steps = -(-len(stokes) // n_slit)
    filled = np.resize(stokes, (n_steps, n_slit, *stokes.shape[1:]))
    path = path.with_name(path.name + PREPARED_SUFFIX)
    with PreparedMapWriter(path, filled.shape[:2], wavelength, quiet) as writer:
        for step in filled:
            writer.write(step)
        writer.record = {"simulated": simulated, "noise": [noise] * 3}
    return path


def with_field(n: int, field: float, random: np.random.Generator) -> np.ndarray:
    """Random atmospheres with this field strength, in G."""
    parameters = atmospheres(n, random)
    parameters[:, me.FIELD] = field
    return parameters


def _quiet_atmospheres(random: np.random.Generator) -> np.ndarray:
    parameters = with_field(_N_QUIET, 0.0, random)
    parameters[:, me.VELOCITY] = random.normal(0, 1, _N_QUIET)
    return parameters


def profiles_of(path: Path, n: int) -> np.ndarray:
    """The first `n` pixels of a prepared map; float64, shape (n, 4, n_wavelengths)."""
    with PreparedMap.read(path).profiles() as stokes:
        return stokes[()].reshape(-1, *stokes.shape[2:])[:n].astype(float)
