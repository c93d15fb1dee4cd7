"""The answers of the search for injected flares, each of them alone.

The whitened light curve is linear in the flux: an injected flare g adds K^-1 g to it, which is
there within some hundred cadences. So an injection costs a solve over a short part of the light
curve, and the look at it (`vetting`) is the same as at a flare of the star.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cvzmpi.cvz.detection.significance.look import Looker
from cvzmpi.cvz.detection.significance.quiet_noise import QuietNoise
from cvzmpi.cvz.detection.significance.vetting import cadences_since_gap
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.statistic import StatisticMap, noise_scales
from cvzmpi.cvz.detection.significance.whitened.templates import bank
from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape, support
from cvzmpi.cvz.light_curves.exposure import in_cadences
from cvzmpi.cvz.light_curves.observation import Observation

FADING = 200
"""Cadences (of 120 s) beyond a flare in which K^-1 of it fades to below a thousandth of its largest
value."""

_FEWEST_FADING = 100


class InjectedSignificance:
    """Looks for injected flares in a light curve.

    It is made from what the sector file holds, so that a resumed job gives the same bits.

    Parameters
    ----------
    kernel, parameters : str and mapping
        The fitted Gaussian process.
    event_model : float32, shape (n,)
        Templates of the star's flares and of other events, in e-/s.
    left_out : bool, shape (n,)
        Usable cadences that the process was not fitted to.
    noise_raised : float64, shape (n_templates,)
        How much more than its scale the noise of the star is.
    floor : float
        Relative flux below which an injected flare is not followed.
    """

    def __init__(
        self,
        observation: Observation,
        kernel: str,
        parameters: Mapping[str, float],
        event_model: np.ndarray,
        left_out: np.ndarray,
        noise_raised: np.ndarray,
        min_snr: float,
        floor: float,
    ) -> None:
        samples = Samples.of(observation)
        templates = bank(samples.exposure)
        residual = observation.flux - parameters["mean"]
        nothing = np.zeros(len(samples), bool)
        quiet = QuietNoise.of(Whitening(samples, residual, kernel, parameters, nothing), templates)
        residual = residual - event_model / observation.median_flux
        self._whitening = Whitening(samples, residual, kernel, parameters, left_out)
        statistic = StatisticMap.of(self._whitening, templates, quiet.information)
        scales = noise_scales(statistic.at_samples(self._whitening), templates, samples.exposure)
        scales *= noise_raised[:, None]
        since_gap = cadences_since_gap(samples.place, samples.exposure)
        self._looker = Looker.of(self._whitening, quiet, scales, since_gap)
        self._min_snr, self._floor = min_snr, floor
        self._fading = in_cadences(FADING, samples.exposure, _FEWEST_FADING)
        self._alpha = np.pad(samples.on_grid(self._whitening.alpha), self._looker.margin)

    def recovered(
        self, amplitude: np.ndarray, fwhm: np.ndarray, cadence: np.ndarray, time: np.ndarray
    ) -> np.ndarray:
        """Tell which of the injected flares are found.

        Parameters
        ----------
        amplitude, fwhm : float64, shape (n_flares,)
            Relative to the median flux; days.
        cadence, time : int and float64, shape (n_flares, n_repeat)
            Usable cadences of the peaks, and times of the peaks in BTJD.

        Returns
        -------
        bool, shape (n_flares, n_repeat)
        """
        margin = self._looker.margin
        centre = self._whitening.samples.place[cadence.ravel()]
        alpha = self._alpha[centre[:, None] + np.arange(2 * margin + 1)]
        rows = alpha.reshape(*cadence.shape, -1)
        for flare in range(len(amplitude)):
            values = self._flux(amplitude[flare], fwhm[flare], cadence[flare], time[flare])
            for repeat, (at, flux) in enumerate(zip(cadence[flare], values, strict=True)):
                self._add(rows[flare, repeat], int(at), flux)
        look = self._looker.look(alpha, centre, self._min_snr)
        found = (look.snr >= self._min_snr) & (look.refused(self._whitening.samples.exposure) == 0)
        found &= ~self._whitening.left_out[cadence.ravel()]
        result: np.ndarray = found.reshape(cadence.shape)
        return result

    def _flux(
        self, amplitude: float, fwhm: float, cadence: np.ndarray, time: np.ndarray
    ) -> np.ndarray:
        """Flux of one flare at the cadences around each of its places.

        Returns
        -------
        float64, shape (n_repeat, before + 1 + after)
            As many before as after the peak; 0 beyond the ends of the light curve.
        """
        samples = self._whitening.samples
        reach = support(amplitude, fwhm, samples.exposure, self._floor)
        length = int(np.ceil(max(reach) / samples.exposure + 0.5))
        numbers = cadence[:, None] + np.arange(-length, length + 1)
        inside = (numbers >= 0) & (numbers < len(samples))
        since_peak = samples.time[np.clip(numbers, 0, len(samples) - 1)] - time[:, None]
        flux = amplitude * mean_flare_shape(since_peak, fwhm, samples.exposure)
        return np.where(inside, flux, 0.0)

    def _add(self, alpha: np.ndarray, cadence: int, flux: np.ndarray) -> None:
        """Add K^-1 of a flare to the whitened flux around its peak."""
        whitening, n = self._whitening, len(self._whitening.samples)
        length = len(flux) // 2
        start, stop = max(0, cadence - length), min(n, cadence + length + 1 + self._fading)
        values = np.zeros((stop - start, 1))
        flare = flux[max(0, length - cadence) : length + n - cadence]
        values[: len(flare), 0] = flare
        lower = whitening.lower(values, slice(start, stop))
        first = max(0, start - self._fading)
        lower = np.concatenate([np.zeros((start - first, 1)), lower])
        solved = whitening.upper(lower, slice(first, stop))[:, 0]
        offset = whitening.samples.place[first:stop] - whitening.samples.place[cadence]
        offset += len(alpha) // 2
        near = slice(*np.searchsorted(offset, [0, len(alpha)]))
        alpha[offset[near]] += solved[near]
