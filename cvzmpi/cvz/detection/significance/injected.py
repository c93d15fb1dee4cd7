"""The answers of the search for injected flares, each of them alone.

The whitened light curve is linear in the flux: an injected flare g adds K^-1 g to it, which is
there within some hundred cadences. So an injection costs a solve over a short part of the light
curve, which it shares with its neighbours (`responses`), and the look at it (`vetting`) is the same
as at a flare of the star, only that it ends with the first rule that refuses it.

An answer does not depend on the ranks, which share tickets of flares, always the same. Nor does
K^-1 of a flare depend on the others of its ticket, to the last bit; the products of BLAS in the
look are made for some hundred neighbours of a ticket at once.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cvzmpi.cvz.detection.significance.look import Looker
from cvzmpi.cvz.detection.significance.quiet_noise import QuietNoise
from cvzmpi.cvz.detection.significance.vetting import cadences_since_gap
from cvzmpi.cvz.detection.significance.whitened.responses import Flares, add_responses
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.statistic import StatisticMap, noise_scales
from cvzmpi.cvz.detection.significance.whitened.templates import bank
from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening
from cvzmpi.cvz.injection.flare_shape import FIRST_PHASE, mean_flare_shape, support
from cvzmpi.cvz.light_curves.exposure import in_cadences
from cvzmpi.cvz.light_curves.observation import Observation

FADING = 200
"""Cadences (of 120 s) beyond a flare in which K^-1 of it fades to below a thousandth of its largest
value."""

_FEWEST_FADING = 100

_PORTION = 400  # injections at a time, neighbours in the light curve: 2 MB of whitened fluxes


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
        n_repeat, peaks, times = cadence.shape[1], cadence.ravel(), time.ravel()
        found = np.zeros(len(peaks), bool)
        order = np.argsort(peaks, kind="stable")
        for start in range(0, len(order), _PORTION):
            chosen = order[start : start + _PORTION]
            of_flare = chosen // n_repeat
            found[chosen] = self._found(
                amplitude[of_flare], fwhm[of_flare], peaks[chosen], times[chosen]
            )
        return found.reshape(cadence.shape)

    def _found(
        self, amplitude: np.ndarray, fwhm: np.ndarray, cadence: np.ndarray, time: np.ndarray
    ) -> np.ndarray:
        """Tell which of some injections are found; all of shape (n,)."""
        flares = self._flares(amplitude, fwhm, cadence, time)
        centre = self._whitening.samples.place[cadence]
        alpha = sliding_window_view(self._alpha, 2 * self._looker.margin + 1)[centre]
        add_responses(self._whitening, flares, alpha, centre)
        look = self._looker.look(alpha, centre, self._min_snr)
        found: np.ndarray = look.snr >= self._min_snr
        found &= look.refused(self._whitening.samples.exposure) == 0
        return found & ~self._whitening.left_out[cadence]

    def _flares(
        self, amplitude: np.ndarray, fwhm: np.ndarray, cadence: np.ndarray, time: np.ndarray
    ) -> Flares:
        """Each injected flare, to as many cadences before and after as it reaches."""
        samples, n = self._whitening.samples, len(self._whitening.samples)
        exposure = samples.exposure
        reach = np.maximum(*support(amplitude, fwhm, exposure, self._floor))
        after = np.ceil(reach / exposure + 0.5).astype(np.int64)
        dark = np.ceil(-FIRST_PHASE * fwhm / exposure + 0.5).astype(np.int64) + 1
        start = np.maximum(0, cadence - np.minimum(after, dark))
        end = np.minimum(n, cadence + after + 1)
        begin = np.concatenate([[0], np.cumsum(end - start)])
        owner = np.repeat(np.arange(len(cadence)), end - start)
        number = np.arange(begin[-1]) + (start - begin[:-1])[owner]
        since_peak = samples.time[number] - time[owner]
        flux = amplitude[owner] * mean_flare_shape(since_peak, fwhm[owner], exposure)
        nearest = np.searchsorted(samples.place, samples.place[cadence] - self._looker.margin)
        first = np.maximum(np.maximum(0, cadence - after) - self._fading, nearest)
        return Flares(flux, begin, start, first, np.minimum(n, cadence + after + 1 + self._fading))
