"""What the compiled model works on: a model as arrays, and arrays for its results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import N_PARAMETERS, MilneEddington
from cvzmpi.level2.spectroscopy.zeeman import SPEED_OF_LIGHT, relative_strengths, zeeman_pattern

BLOCK = 64
"""Wavelengths that are computed at a time."""

N_OPACITY_PARAMETERS = me.LINE_STRENGTH + 1
"""The first so many parameters change the opacities; but for the azimuth, which turns Q and U."""


class ModelTables(NamedTuple):
    """What the compiled functions need of a model, as arrays."""

    # float64, shape (n_computed,); in nm; where the spectrum is computed, before it is blurred
    wavelength: np.ndarray
    n_wavelengths: int  # that are observed
    # `line_wavelength` in nm, `line_strength` relative to the strongest, `splitting` in pm/G,
    # `pm_per_km_s`: float64, shape (n_lines,)
    line_wavelength: np.ndarray
    line_strength: np.ndarray
    splitting: np.ndarray
    pm_per_km_s: np.ndarray
    # float64, shape (n_components, 4): line, polarisation + 1, shift, strength
    components: np.ndarray
    # float64, shape (n_wavelengths,), empty if there is none; or (n_pixels, n_wavelengths), which
    # the fit takes row by row
    stray_light: np.ndarray
    # float64, shape (n_taps,): the spectral profile, see `SpectralProfile`; empty if there is none
    taps: np.ndarray
    oversampling: int  # computed wavelengths for each observed one

    @classmethod
    def of(cls, model: MilneEddington) -> ModelTables:
        """The tables of a model."""
        lines = model.lines
        components = [
            (number, component.polarisation + 1, component.shift, component.strength)
            for number, line in enumerate(lines)
            for component in zeeman_pattern(line)
        ]
        none, profile = np.empty(0), model.spectral_profile
        return cls(
            wavelength=model.computed_wavelength,
            n_wavelengths=len(model.wavelength),
            line_wavelength=_column(line.wavelength for line in lines),
            line_strength=_column(relative_strengths(lines)),
            splitting=_column(line.splitting() for line in lines),
            pm_per_km_s=_column(line.wavelength * 1e3 / SPEED_OF_LIGHT for line in lines),
            components=np.array(components, float),
            stray_light=none if model.stray_light is None else np.asarray(model.stray_light, float),
            taps=none if profile is None else profile.taps,
            oversampling=1 if profile is None else profile.oversampling,
        )

    def of_pixels(self, rows: np.ndarray) -> ModelTables:
        """The tables of some pixels, where each has stray light of its own; else the same."""
        if self.stray_light.ndim == 1:
            return self
        return self._replace(stray_light=self.stray_light[rows])

    def batches(self, n: int) -> Iterator[tuple[slice, ModelTables]]:
        """The parts of `n` pixels that have the same stray light, with their tables."""
        if self.stray_light.ndim == 1:
            yield slice(None), self
            return
        for row, stray_light in enumerate(np.ascontiguousarray(self.stray_light)):
            yield slice(row, row + 1), self._replace(stray_light=stray_light)


class Workspace(NamedTuple):
    """Arrays for the results of one pixel, and for one block of wavelengths."""

    stokes: np.ndarray  # float64, shape (4, n_wavelengths)
    derivatives: np.ndarray  # float64, shape (n_parameters, 4, n_wavelengths)
    # float64, shapes (4, n_computed) and (n_parameters, 4, n_computed): the same before they are
    # blurred; where nothing blurs them, they are the same arrays
    sharp_stokes: np.ndarray
    sharp_derivatives: np.ndarray
    distance: np.ndarray  # float64, shape (BLOCK,)
    # float64, shape (5, 6, BLOCK): the sums of the Zeeman components, and their derivatives by
    # field, velocity, Doppler width and damping; absorption, then dispersion, by polarisation
    profiles: np.ndarray
    slopes: np.ndarray  # float64, shape (2, 6, BLOCK)
    opacities: np.ndarray  # float64, shape (5, BLOCK)
    # float64, shape (n_opacity_parameters, 5, BLOCK): derivatives of the opacities
    opacity_derivatives: np.ndarray

    @classmethod
    def of(cls, tables: ModelTables) -> Workspace:
        """Empty arrays for a model."""
        stokes = np.zeros((4, tables.n_wavelengths))
        derivatives = np.zeros((N_PARAMETERS, 4, tables.n_wavelengths))
        sharp = stokes, derivatives
        if len(tables.taps):
            n_computed = len(tables.wavelength)
            sharp = np.zeros((4, n_computed)), np.zeros((N_PARAMETERS, 4, n_computed))
        return cls(
            stokes,
            derivatives,
            *sharp,
            np.zeros(BLOCK),
            np.zeros((5, 6, BLOCK)),
            np.zeros((2, 6, BLOCK)),
            np.zeros((5, BLOCK)),
            np.zeros((N_OPACITY_PARAMETERS, 5, BLOCK)),
        )


def _column(values: Iterable[float]) -> np.ndarray:
    return np.array(list(values), float)
