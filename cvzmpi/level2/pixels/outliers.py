"""What is wrong with observed profiles: spikes, gaps, saturation, fringes."""

from __future__ import annotations

from enum import IntFlag

import numpy as np

from cvzmpi.level2.pixels.noise import MAD_TO_SIGMA


class Quality(IntFlag):
    """What is to be known about an inverted pixel, as bits."""

    SPIKES = 1  # samples that stand out from their neighbours were left out
    GAPS = 2  # samples without a number, or without light, were left out
    SATURATED = 4  # Stokes I is cut off at a ceiling, or at a floor: see `clipping`
    FRINGES = 8  # what the fit leaves in the continuum is periodic
    NO_LIGHT = 16  # profiles are constant, or have too many gaps: not inverted
    POOR_FIT = 32  # the fit leaves much more than the noise of the pixel


MOST_LEFT_OUT = 0.1
"""A pixel with a larger fraction of gaps is not inverted; more spikes than these are none."""

_SPIKE = 7.0  # in standard deviations
_COARSEST = 5e-3  # nm between wavelengths; the core of a line is narrower than two coarser ones
_FEWEST_IN_CONTINUUM = 20
_FRINGE_POWER = 20.0  # noise exceeds it in one of 500 million frequencies
_SHORTEST_FRINGE = 4e-3  # nm; of three samples where they are 1.3 pm apart
_PERIODIC_PART = 0.6


def gaps(observed: np.ndarray) -> np.ndarray:
    """Mask of the samples without a number, and of all four where there is no light."""
    dark = ~(observed[:, :1] > 0)
    return ~np.isfinite(observed) | dark


def without_light(observed: np.ndarray, missing: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Mask of the pixels that cannot be inverted: constant ones, and those with many gaps.

    Parameters
    ----------
    missing : bool, shape (n, 4, n_wavelengths)
    used : bool, shape (n_wavelengths,)
        The wavelengths that are fitted.
    """
    many = missing[:, :, used].mean(axis=(1, 2)) > MOST_LEFT_OUT
    light = np.where(missing[:, 0], -np.inf, observed[:, 0]).max(axis=1)
    darkest = np.where(missing[:, 0], np.inf, observed[:, 0]).min(axis=1)
    return many | ~(light > darkest)


def spikes(
    profiles: np.ndarray, slack: float, wavelength: np.ndarray, more: np.ndarray | float = 0.0
) -> np.ndarray:
    """Mask of the samples that stand out from the two neighbours on either side.

    A sample may differ from their median by seven standard deviations, and by `slack` times the
    range of three of them: lines and their misfits are smooth at this sampling. Two in a row are
    found, more are not. Wavelengths that are more than 5 pm apart have no spikes that could be told
    from lines.

    Parameters
    ----------
    profiles : float64, shape (n, 4, n_wavelengths)
        Observed, or what a fit has left.
    more : float64, shape (n, 4, n_wavelengths), optional
        How much more a sample may differ: see `sharpness_of_misfit`.
    """
    found = np.zeros(profiles.shape, bool)
    if len(wavelength) < 5 or np.median(np.diff(wavelength)) > _COARSEST:
        return found
    around = _around(profiles)
    extent = np.minimum(around[2] - around[0], around[3] - around[1])
    deviation = np.abs(profiles - (around[1] + around[2]) / 2)
    steps = np.abs(np.diff(profiles, axis=2))
    sigma = MAD_TO_SIGMA * np.median(steps, axis=2, keepdims=True) / np.sqrt(2)
    found[...] = deviation > _SPIKE * sigma + slack * extent + more
    return found


def sharpness_of_misfit(
    fitted: np.ndarray, residual: np.ndarray, lines: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """How much the residuals of a poor fit may differ from their neighbours without a spike.

    Where a model does not fit, its own peaks are left: as much as they stand out from their
    neighbours. Fits that leave noise may leave no more than that.

    Parameters
    ----------
    fitted, residual : float64, shape (n, 4, n_wavelengths)
        Weighted.
    lines : bool, shape (n_wavelengths,)
        Where lines may be.
    noise : float64, shape (n,)
        Of the weighted residuals.

    Returns
    -------
    float64, shape (n, 4, n_wavelengths)
    """
    # Medians, which spikes do not raise; of a fit that leaves noise they are 0.8 to 1.2.
    left = MAD_TO_SIGMA * np.median(np.abs(residual[:, :, lines]), axis=2).max(axis=1) / noise
    part = np.clip(2 * left - 2.6, 0, 1)
    around = _around(fitted)
    sharpness = np.abs(fitted - (around[1] + around[2]) / 2)
    # A peak may be missed by as far as neighbours reach.
    largest: np.ndarray = np.maximum(sharpness, _around(sharpness)[3])
    return part[:, np.newaxis, np.newaxis] * largest


def _around(profiles: np.ndarray) -> np.ndarray:
    """The two neighbours on either side of each sample, sorted; shape (4, *profiles.shape)."""
    padded = np.pad(profiles, ((0, 0), (0, 0), (2, 2)), mode="reflect")
    n = profiles.shape[2]
    around: np.ndarray = np.sort([padded[:, :, s : s + n] for s in (0, 1, 3, 4)], axis=0)
    return around


def fringed(
    residual: np.ndarray,
    noise: np.ndarray,
    continuum: np.ndarray,
    lines: np.ndarray,
    wavelength: np.ndarray,
) -> np.ndarray:
    """Mask of the pixels where what the fit leaves in the continuum is periodic.

    The power of a frequency is that of Scargle (1982, ApJ 263, 835): noise alone has an
    exponential distribution of mean 1. An amplitude of a has a power of n a^2 / 4 noise^2. Wings
    and blends that a model does not fit are waves, too: so a frequency must be most of what is left
    beyond noise, and a quarter of the variance in the lines counts as noise where that is more.

    Parameters
    ----------
    residual : float64, shape (n, 4, n_wavelengths)
        Weighted; 0 where samples are left out.
    noise : float64, shape (n,)
        Of the weighted residuals.
    continuum, lines : bool, shape (n_wavelengths,)
        Where there are no lines, and where there may be.
    wavelength : float64, shape (n_wavelengths,)
        In nm.
    """
    at = np.flatnonzero(continuum)
    found = np.zeros(len(residual), bool)
    of_continuum = np.ascontiguousarray(residual[:, :, at])
    more = (of_continuum**2).mean(axis=2) > 1.25 * noise[:, np.newaxis] ** 2
    rows = np.flatnonzero(more.any(axis=1))
    if len(at) < _FEWEST_IN_CONTINUUM or len(rows) == 0:
        return found
    level, _ = np.linalg.qr(np.stack([np.ones(len(at)), at - at.mean()], axis=1))
    # From two periods in the spectrum, slower ones being offsets, to three samples a period.
    most = min(len(wavelength) / 3, (wavelength[-1] - wavelength[0]) / _SHORTEST_FRINGE)
    cycles = np.arange(4, int(2 * most)) / (2 * len(wavelength))
    phase = 2 * np.pi * np.outer(at, cycles)
    waves = np.hstack([np.cos(phase), np.sin(phase)])
    for row in rows:
        # One by one: products of matrices depend on their sizes.
        left, variance = of_continuum[row, more[row]], noise[row] ** 2
        in_lines = MAD_TO_SIGMA * np.median(np.abs(residual[row, more[row]][:, lines]), axis=1)
        left = left - (left @ level) @ level.T
        amplitudes = left @ waves
        power = amplitudes[:, : len(cycles)] ** 2 + amplitudes[:, len(cycles) :] ** 2
        largest = power.max(axis=1)
        beyond_noise = (left**2).sum(axis=1) - len(at) * variance
        periodic = 2 * largest > _PERIODIC_PART * len(at) * beyond_noise
        strong = largest > _FRINGE_POWER * len(at) * np.maximum(variance, in_lines**2 / 4)
        found[row] = (periodic & strong).any()
    return found
