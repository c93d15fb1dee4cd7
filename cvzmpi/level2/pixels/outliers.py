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


def filled(observed: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Profiles with straight lines where samples are left out: for estimates from them."""
    whole = observed.copy()
    for row, stokes in np.argwhere(left_out.any(axis=2)):
        bad = left_out[row, stokes]
        places = np.arange(len(bad))
        good = whole[row, stokes, ~bad] if not bad.all() else np.zeros(1)
        at = places[~bad] if not bad.all() else np.zeros(1)
        whole[row, stokes, bad] = np.interp(places[bad], at, good)
    return whole


def spikes(profiles: np.ndarray, slack: float, wavelength: np.ndarray) -> np.ndarray:
    """Mask of the samples that stand out from the two neighbours on either side.

    A sample may differ from their median by seven standard deviations, and by `slack` times the
    range of three of them: lines and their misfits are smooth at this sampling. Two in a row are
    found, more are not. Wavelengths that are more than 5 pm apart have no spikes that could be told
    from lines.

    Parameters
    ----------
    profiles : float64, shape (n, 4, n_wavelengths)
        Observed, or what a fit has left.
    """
    found = np.zeros(profiles.shape, bool)
    if len(wavelength) < 5 or np.median(np.diff(wavelength)) > _COARSEST:
        return found
    padded = np.pad(profiles, ((0, 0), (0, 0), (2, 2)), mode="reflect")
    n = len(wavelength)
    around = np.sort([padded[:, :, shift : shift + n] for shift in (0, 1, 3, 4)], axis=0)
    extent = np.minimum(around[2] - around[0], around[3] - around[1])
    deviation = np.abs(profiles - (around[1] + around[2]) / 2)
    steps = np.abs(np.diff(profiles, axis=2))
    sigma = MAD_TO_SIGMA * np.median(steps, axis=2, keepdims=True) / np.sqrt(2)
    found[...] = deviation > _SPIKE * sigma + slack * extent
    return found


def fringed(residual: np.ndarray, noise: np.ndarray, continuum: np.ndarray) -> np.ndarray:
    """Mask of the pixels where what the fit leaves in the continuum is periodic.

    The power of a frequency is that of Scargle (1982, ApJ 263, 835): noise alone has an
    exponential distribution of mean 1. An amplitude of a has a power of n a^2 / 4 noise^2.

    Parameters
    ----------
    residual : float64, shape (n, 4, n_wavelengths)
        Weighted; 0 where samples are left out.
    noise : float64, shape (n,)
        Of the weighted residuals.
    continuum : bool, shape (n_wavelengths,)
    """
    at = np.flatnonzero(continuum)
    found = np.zeros(len(residual), bool)
    if len(at) < _FEWEST_IN_CONTINUUM:
        return found
    level, _ = np.linalg.qr(np.stack([np.ones(len(at)), at - at.mean()], axis=1))
    # From two periods in the spectrum, slower ones being offsets, to three samples a period.
    cycles = np.arange(2, len(continuum) // 3) / len(continuum)
    phase = 2 * np.pi * np.outer(at, cycles)
    waves = np.hstack([np.cos(phase), np.sin(phase)])
    of_continuum = np.ascontiguousarray(residual[:, :, at])
    more = (of_continuum**2).mean(axis=2) > 1.25 * noise[:, np.newaxis] ** 2
    for row in np.flatnonzero(more.any(axis=1)):
        # One by one: products of matrices depend on their sizes.
        left, sigma = of_continuum[row], noise[row]
        left = left - (left @ level) @ level.T
        amplitudes = left @ waves
        power = amplitudes[:, : len(cycles)] ** 2 + amplitudes[:, len(cycles) :] ** 2
        found[row] = power.max() > _FRINGE_POWER * len(at) * sigma**2
    return found
