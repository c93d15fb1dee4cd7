"""What the compiled model works on: a model as arrays, and arrays for its results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import N_PARAMETERS, MilneEddington
from cvzmpi.level2.spectroscopy.zeeman import SPEED_OF_LIGHT, zeeman_pattern

BLOCK = 64
"""Wavelengths that are computed at a time."""

N_OPACITY_PARAMETERS = me.LINE_STRENGTH + 1
"""The first so many parameters change the opacities; but for the azimuth, which turns Q and U."""


class ModelTables(NamedTuple):
    """What the compiled functions need of a model, as arrays."""

    wavelength: np.ndarray  # float64, shape (n_wavelengths,); in nm
    # `line_wavelength` in nm, `line_strength` relative to the strongest, `splitting` in pm/G,
    # `pm_per_km_s`: float64, shape (n_lines,)
    line_wavelength: np.ndarray
    line_strength: np.ndarray
    splitting: np.ndarray
    pm_per_km_s: np.ndarray
    # float64, shape (n_components, 4): line, polarisation + 1, shift, strength
    components: np.ndarray
    stray_light: np.ndarray  # float64, shape (n_wavelengths,); empty if there is none

    @classmethod
    def of(cls, model: MilneEddington) -> ModelTables:
        """The tables of a model."""
        lines = model.lines
        strongest = max(line.log_strength for line in lines)
        components = [
            (number, component.polarisation + 1, component.shift, component.strength)
            for number, line in enumerate(lines)
            for component in zeeman_pattern(line)
        ]
        none = np.empty(0)
        return cls(
            wavelength=model.wavelength,
            line_wavelength=_column(line.wavelength for line in lines),
            line_strength=_column(10 ** (line.log_strength - strongest) for line in lines),
            splitting=_column(line.splitting() for line in lines),
            pm_per_km_s=_column(line.wavelength * 1e3 / SPEED_OF_LIGHT for line in lines),
            components=np.array(components, float),
            stray_light=none if model.stray_light is None else np.asarray(model.stray_light, float),
        )


class Workspace(NamedTuple):
    """Arrays for the results of one pixel, and for one block of wavelengths."""

    stokes: np.ndarray  # float64, shape (4, n_wavelengths)
    derivatives: np.ndarray  # float64, shape (n_parameters, 4, n_wavelengths)
    distance: np.ndarray  # float64, shape (BLOCK,)
    # float64, shape (5, 6, BLOCK): the sums of the Zeeman components, and their derivatives by
    # field, velocity, Doppler width and damping; absorption, then dispersion, by polarisation
    profiles: np.ndarray
    slopes: np.ndarray  # float64, shape (2, 6, BLOCK)
    opacities: np.ndarray  # float64, shape (5, BLOCK)
    # float64, shape (n_opacity_parameters, 5, BLOCK): derivatives of the opacities
    opacity_derivatives: np.ndarray

    @classmethod
    def of(cls, n_wavelengths: int) -> Workspace:
        """Empty arrays for a model with so many wavelengths."""
        return cls(
            np.zeros((4, n_wavelengths)),
            np.zeros((N_PARAMETERS, 4, n_wavelengths)),
            np.zeros(BLOCK),
            np.zeros((5, 6, BLOCK)),
            np.zeros((2, 6, BLOCK)),
            np.zeros((5, BLOCK)),
            np.zeros((N_OPACITY_PARAMETERS, 5, BLOCK)),
        )


def _column(values: Iterable[float]) -> np.ndarray:
    return np.array(list(values), float)
