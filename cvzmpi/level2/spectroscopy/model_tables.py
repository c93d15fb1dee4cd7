"""What the compiled model works on: a model as arrays, and arrays for its results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from cvzmpi.level2.spectroscopy.lanes import N_LANES
from cvzmpi.level2.spectroscopy.milne_eddington import N_PARAMETERS, MilneEddington
from cvzmpi.level2.spectroscopy.zeeman import SPEED_OF_LIGHT, relative_strengths, zeeman_pattern

WEIGHTED = 64
"""Wavelengths whose weighted derivatives are multiplied at a time; they fit that cache, too."""

LANES = 16
"""Sums that are added to at once."""

# Of the wavelengths that a rough fit needs, see `thinned`, in pm.
_ROUGH_STEP, _NEAR_LINES = 4.5, 45.0
_ROUGH_SUM_STEP, _ROUGH_SUM = 2.7, 0.01  # of a spectral profile, in pm, and the error of the sum
_FEWEST, _MOST = 24, 0.6  # of the observed ones; else all are fitted at once


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
    # float64, shape (n_components, 2): shift, strength; by line, and in it by polarisation
    components: np.ndarray
    # int64, shape (3 * n_lines + 1,): where the components of each line and polarisation begin
    first_component: np.ndarray
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
        groups = [
            [(c.shift, c.strength) for c in zeeman_pattern(line) if c.polarisation == polarisation]
            for line in lines
            for polarisation in (-1, 0, 1)
        ]
        none, profile = np.empty(0), model.spectral_profile
        return cls(
            wavelength=model.computed_wavelength,
            n_wavelengths=len(model.wavelength),
            line_wavelength=_column(line.wavelength for line in lines),
            line_strength=_column(relative_strengths(lines)),
            splitting=_column(line.splitting() for line in lines),
            pm_per_km_s=_column(line.wavelength * 1e3 / SPEED_OF_LIGHT for line in lines),
            components=np.array([component for group in groups for component in group], float),
            first_component=np.cumsum([0, *map(len, groups)]),
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


def thinned(tables: ModelTables) -> tuple[ModelTables, np.ndarray]:
    """The same model at fewer wavelengths, and which of the observed ones those are.

    A fit far from its end does not need all of them. Far from the lines there are still fewer, but
    for blurred spectra, which need evenly spaced ones. None are picked of a spectrum that has few.

    Returns
    -------
    tables : ModelTables
    picked : int64, shape (n_picked,)
    """
    observed = np.arange(tables.n_wavelengths)
    taps, computed = tables.taps, tables.wavelength
    step = np.median(np.abs(np.diff(computed))) * 1e3 if len(computed) > 1 else np.inf
    stride = max(1, int(_ROUGH_STEP / (step * tables.oversampling)))
    between = 1
    if len(taps):
        thin = _rough_sum(taps, tables.oversampling, step)
        between = thin // tables.oversampling
        stride = -(-stride // between) * between
        skipped = int(np.argmax(taps)) % thin
        taps = taps[skipped::thin] / taps[skipped::thin].sum()
        computed = np.ascontiguousarray(computed[skipped::thin])
    picked = observed[::stride].copy()
    if not len(taps):
        distance = np.abs(computed[:, np.newaxis] - tables.line_wavelength).min(axis=1) * 1e3
        picked = observed[(observed % stride == 0) & (distance < _NEAR_LINES)]
        picked = np.union1d(picked, observed[:: 4 * stride])
        computed = computed[picked]
    if len(picked) < _FEWEST or len(picked) > _MOST * tables.n_wavelengths:
        picked = observed[:0]
    stray_light = tables.stray_light
    rough = tables._replace(
        wavelength=computed,
        n_wavelengths=len(picked),
        stray_light=stray_light[..., picked] if stray_light.size else stray_light,
        taps=taps,
        oversampling=stride // between if len(taps) else 1,
    )
    return rough, picked


def _rough_sum(taps: np.ndarray, oversampling: int, step: float) -> int:
    """Every how many of the computed wavelengths a blurred spectrum may roughly be summed at.

    A multiple of `oversampling`: the largest for which the sum of the taps hardly depends on where
    it begins, so that neither does that of a spectrum which changes over longer distances.
    """
    thin = oversampling
    for longer in range(2 * oversampling, int(_ROUGH_SUM_STEP / step) + 1, oversampling):
        sums = np.array([taps[first::longer].sum() for first in range(longer)]) * longer
        if np.abs(sums - 1).max() < _ROUGH_SUM:
            thin = longer
    return thin


class Workspace(NamedTuple):
    """Arrays for the results of one pixel, and for one block of wavelengths."""

    stokes: np.ndarray  # float64, shape (4, n_wavelengths)
    derivatives: np.ndarray  # float64, shape (n_parameters, 4, n_wavelengths)
    # float64, shapes (4, n_computed) and (n_parameters, 4, n_computed): the same before they are
    # blurred; where nothing blurs them, they are the same arrays
    sharp_stokes: np.ndarray
    sharp_derivatives: np.ndarray
    lanes: np.ndarray  # float64, shape (N_LANES,); see `lanes`
    # float64, shape (n_parameters + 1, 4 * WEIGHTED); weighted derivatives, and residuals
    weighted: np.ndarray
    # float64, shape (n_parameters + 1, n_parameters + 1, LANES); sums of their products
    products: np.ndarray

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
            np.zeros(N_LANES),
            np.zeros((N_PARAMETERS + 1, 4 * WEIGHTED)),
            np.zeros((N_PARAMETERS + 1, N_PARAMETERS + 1, LANES)),
        )


def _column(values: Iterable[float]) -> np.ndarray:
    return np.array(list(values), float)
