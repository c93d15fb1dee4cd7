"""The answers of the search by significance for injected flares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.significance.templates import FWHMS, REACH, matched_filter, template
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS
from cvzmpi.cvz.quiet_star.celerite_prediction import predict


class InjectedSignificance:
    """Tells of injected flares whether the search finds them.

    It is made from what the sector file holds, so that a resumed job gives the same bits.

    Parameters
    ----------
    gp_parameters : mapping of float
        Of the Gaussian process: see `GaussianProcessFit.parameters`.
    kernel : str
        The name of its kernel.
    flares : mapping of ndarray
        The table of flares.
    left_out : bool, shape (n,)
        Usable cadences that the process was not fitted to.
    scales : float64, shape (n_templates,)
        Noise of the star in each template over that of the process.
    """

    def __init__(
        self,
        observation: Observation,
        gp_parameters: Mapping[str, float],
        kernel: str,
        flares: Mapping[str, np.ndarray],
        left_out: np.ndarray,
        scales: np.ndarray,
        config: Config,
    ) -> None:
        names = KERNELS[kernel].parameters
        variance = observation.flux_err**2 + gp_parameters["jitter"] ** 2
        time = observation.time
        mean, _ = predict(
            KERNELS[kernel],
            np.log([gp_parameters[name] for name in names]),
            gp_parameters["mean"],
            time - 0.5 * (time[0] + time[-1]),
            observation.flux,
            variance,
            ~left_out,
        )
        amplitude, error = matched_filter(observation.flux - mean, variance)
        edge = config.inject.peak_tolerance
        pad = ((0, 0), (edge, edge))
        self._snr = np.pad(amplitude / error / scales[:, None], pad, constant_values=-np.inf)
        self._error = np.pad(error * scales[:, None], pad, mode="edge")
        self._time, self._exposure = time, observation.light_curve.exposure
        self._tolerance, self._min_snr = edge, config.significance.min_snr
        self._shapes = np.stack([template(number) for number in range(len(FWHMS))])

    def recovered(
        self, amplitude: np.ndarray, fwhm: np.ndarray, cadence: np.ndarray, time: np.ndarray
    ) -> np.ndarray:
        """Search for flares, each of them alone; all arrays have shape (batch,).

        Parameters
        ----------
        amplitude, fwhm : float64
            Relative to the median flux; in days.
        cadence : int
            Usable cadences of the peaks.
        time : float64
            Times of the peaks, BTJD.

        Returns
        -------
        bool
        """
        near = np.arange(-self._tolerance, self._tolerance + 1)
        around = np.arange(-REACH - self._tolerance, REACH + self._tolerance + 1)
        since = (self._time[cadence] - time)[:, None] + around * self._exposure
        flux = amplitude[:, None] * mean_flare_shape(since, fwhm[:, None], self._exposure)
        windows = np.lib.stride_tricks.sliding_window_view(flux, 2 * REACH + 1, axis=1)
        found = np.zeros(len(cadence), bool)
        places = cadence[:, None] + near + self._tolerance  # in the padded arrays
        for snr, error, shape in zip(self._snr, self._error, self._shapes, strict=True):
            gain = np.sum(windows * shape, axis=2) / np.sum(shape**2)
            found |= np.any(snr[places] + gain / error[places] >= self._min_snr, axis=1)
        return found
