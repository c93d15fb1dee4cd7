"""The invented stars of the simulation: their properties, variability and flare rates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

# Linear coefficient of cool dwarfs in the TESS band (Claret 2017, A&A 600, A30).
_LIMB_DARKENING = 0.6
_SPOT_RADIUS = 0.15  # radians of longitude


@dataclass(frozen=True)
class FlareLaw:
    """The rates and sizes of the flares of a star.

    Equivalent durations follow the power law dN/dED ~ ED^-index between two limits in seconds,
    FWHMs a log-normal distribution.
    """

    active_per_day: float = 0.55
    quiet_per_day: float = 0.03
    index: float = 1.8
    min_duration: float = 2.0
    max_duration: float = 3000.0
    fwhm_median: float = 0.003
    fwhm_sigma: float = 0.35

    def durations(self, uniform: np.ndarray) -> np.ndarray:
        """Equivalent durations in seconds for random numbers between 0 and 1."""
        if self.index == 1:
            return self.min_duration * (self.max_duration / self.min_duration) ** uniform
        power = 1 - self.index
        low, high = self.min_duration**power, self.max_duration**power
        return (low + uniform * (high - low)) ** (1 / power)


@dataclass(frozen=True)
class InventedStar:
    """An invented star: what does not change from sector to sector."""

    tic: int
    active: bool
    magnitude: float
    temperature: float
    radius: float
    right_ascension: float
    declination: float
    rotation_period: float
    rotation_amplitude: float
    granulation_amplitude: float
    granulation_days: float
    spot_longitudes: tuple[float, ...]
    spot_tilts: tuple[float, ...]

    @property
    def flux(self) -> float:
        """Quiescent flux in e-/s, as the SPOC pipeline measures it for this magnitude."""
        return 1.55e8 * 10 ** (-0.4 * self.magnitude)


def draw_star(tic: int, seed: int) -> InventedStar:
    """Invent the star with this TIC number: a cool dwarf in the southern CVZ, quiet or active."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(tic,)))
    active = bool(rng.random() < 0.7)
    temperature = rng.uniform(2900, 5800)
    low, high = (0.003, 0.015) if active else (0.001, 0.003)
    n_spots = int(rng.integers(2, 5))
    return InventedStar(
        tic=tic,
        active=active,
        magnitude=round(rng.uniform(8.0, 12.5), 4),
        temperature=round(temperature),
        radius=round(0.2 + 0.8 * (temperature - 2900) / 2900, 3),
        right_ascension=round(rng.uniform(75.0, 105.0), 6),
        declination=round(rng.uniform(-71.5, -61.5), 6),
        rotation_period=log_uniform(rng, 0.5, 12.0),
        rotation_amplitude=log_uniform(rng, low, high),
        granulation_amplitude=log_uniform(rng, 3e-5, 3e-4),
        granulation_days=log_uniform(rng, 0.02, 0.2),
        spot_longitudes=tuple(rng.uniform(0, 2 * np.pi, n_spots)),
        spot_tilts=tuple(rng.uniform(-0.5, 0.7, n_spots)),
    )


def rotation(star: InventedStar, time: np.ndarray) -> np.ndarray:
    """Relative flux change by spots that rotate at slightly different periods, grow and shrink.

    It depends on the absolute time only, so it goes on from one sector to the next.
    """
    dimming = np.zeros(len(time))
    for k, (longitude, tilt) in enumerate(zip(star.spot_longitudes, star.spot_tilts, strict=True)):
        phase = 2 * np.pi * time / (star.rotation_period * (1 + 0.02 * k)) + longitude
        size = 1 + 0.4 * np.sin(2 * np.pi * time / (23.0 + 11.0 * k) + 7 * longitude)
        turn = math.sqrt(1 - tilt**2)
        cosine = (tilt + turn * np.cos(phase)) / (tilt + turn)
        dimming += size * _spot_dimming(cosine, _SPOT_RADIUS * turn / (tilt + turn)) / (k + 1)
    return -star.rotation_amplitude * dimming


def _spot_dimming(cosine: np.ndarray, radius: float) -> np.ndarray:
    """Light that a spot blocks, relative to that at the middle of the disc.

    It blocks its projected area times the limb-darkened brightness there. A spot without extent
    would bend the light curve sharply at the limb, always upwards: a corner that no star has, that
    no smooth process follows, and that looks like a flare.

    Parameters
    ----------
    cosine : float64
        Of the angle between the middle of the spot and the line of sight; at most 1.
    radius : float
        By how much the cosine differs within the spot when it is at the limb.
    """
    # the mean of max(cosine, 0) over the spot, nearly
    area = (cosine + np.sqrt(cosine**2 + radius**2)) / 2
    return np.asarray(area * (1 - _LIMB_DARKENING * (1 - area)))


def granulation(
    rng: np.random.Generator, star: InventedStar, n: int, exposure: float
) -> np.ndarray:
    """Noise with an exponential autocorrelation, as a first-order autoregression."""
    memory = math.exp(-exposure / star.granulation_days)
    steps = rng.standard_normal(n)
    steps[1:] *= math.sqrt(1 - memory**2)
    return star.granulation_amplitude * lfilter([1.0], [1.0, -memory], steps)


def header(star: InventedStar) -> dict[str, str | int | float]:
    """The facts of a FITS header about the star, by keyword."""
    return {
        "OBJECT": f"TIC {star.tic}",
        "CAMERA": 4,
        "CCD": 1,
        "RA_OBJ": star.right_ascension,
        "DEC_OBJ": star.declination,
        "TESSMAG": star.magnitude,
        "TEFF": star.temperature,
        "LOGG": 4.6,
        "MH": 0.0,
        "RADIUS": star.radius,
        "PROCVER": "cvzmpi-simulation-2",
    }


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw from a distribution whose logarithm is uniform."""
    return low * (high / low) ** rng.random()
