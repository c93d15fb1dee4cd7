"""Stray light from the pixels around: each pixel has a profile of its own.

What a telescope scatters into a pixel comes from its surroundings rather than from the whole map:
Orozco Suarez et al. (2007, ApJ 670, L61) took the mean intensity of the pixels within one
arcsecond, in place of that of the quiet Sun; Asensio Ramos & Manso Sainz (2011, ApJ 731, 125)
compare the two. Here the mean is weighted by the distance, and the pixel itself does not enter: its
own light is what is fitted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from cvzmpi.errors import MapFileError
from cvzmpi.level2.maps.model_of_map import model_of_map
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.pixels import outliers
from cvzmpi.level2.pixels.bridging import bridged
from cvzmpi.level2.settings import with_defaults
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.spectral_window import left_out_of

_FARTHEST = 100
"""Pixels that the radius may reach: what a rank reads at a time is limited by it."""


@dataclass(frozen=True)
class LocalStrayLight:
    """The mean intensity of the pixels around each pixel of a map.

    A pixel at a distance of d radii has the weight exp(-2 d^2), and those beyond the radius have
    none. A pixel that is dark, constant or full of gaps does not enter; single gaps are bridged.
    Spikes are not: those of pixels around are left out with those of the pixel, by what its fit
    leaves. Where no pixel around has light, the mean intensity of the quiet Sun stands in.
    """

    prepared: PreparedMap
    used: np.ndarray  # bool, shape (n_wavelengths,); what is fitted: gaps elsewhere do not count
    weights: dict[tuple[int, int], float]  # by scan positions and pixels along the slit from here

    @classmethod
    def of(cls, prepared: PreparedMap, settings_json: str) -> LocalStrayLight | None:
        """The stray light of a map by the settings of its inversion; None if it is not local.

        Raises
        ------
        MapFileError
            If the map has no scale and the radius is in arcsec, or no pixel is within the radius,
            or too many are.
        """
        settings = json.loads(with_defaults(settings_json))
        if settings["stray_light"] != "local":
            return None
        radius, unit = settings["stray_light_radius"], settings["stray_light_radius_unit"]
        pixel = _size_of_pixel(prepared, unit)
        reach = [_reach(radius, *given) for given in zip(pixel, prepared.shape, strict=True)]
        if max(reach) > _FARTHEST:
            raise MapFileError(
                f"{prepared.path}: stray_light_radius {radius} {unit} is {max(reach)} pixels, "
                f"expected at most {_FARTHEST}"
            )
        weights = {}
        for step in range(-reach[0], reach[0] + 1):
            for along in range(-reach[1], reach[1] + 1):
                distance = math.hypot(step * pixel[0], along * pixel[1]) / radius
                if (step, along) != (0, 0) and distance <= 1:
                    weights[step, along] = math.exp(-2 * distance**2)
        if not weights:
            raise MapFileError(
                f"{prepared.path}: no pixel is within stray_light_radius {radius} {unit} of another"
            )
        tellurics = prepared.tellurics if settings["exclude_tellurics"] else ()
        used = ~left_out_of(prepared.wavelength, tellurics, settings["masked"])
        return cls(prepared, used, weights)

    def around(self, place: tuple[int, slice]) -> np.ndarray:
        """The stray light of some pixels; float64, shape (n, n_wavelengths).

        Parameters
        ----------
        place : tuple
            The scan position, and the pixels along the slit.

        Raises
        ------
        MapFileError
        """
        with self.prepared.profiles() as stokes:
            return self._mean(stokes, place)

    def _mean(self, stokes: h5py.Dataset, place: tuple[int, slice]) -> np.ndarray:
        """The mean intensities; float64, shape (n, n_wavelengths).

        They are summed in the order of the weights, whatever the place is cut from: the bits of a
        pixel's stray light are the same for every cut.
        """
        step, along = place
        n, n_slit = along.stop - along.start, self.prepared.shape[1]
        total = np.zeros((n, stokes.shape[-1]))
        weight = np.zeros((n, 1))
        for position, offsets in self._positions():
            if not 0 <= step + position < self.prepared.shape[0]:
                continue
            before = min(along.start, max(offsets))
            first, end = along.start - before, min(along.stop + max(offsets), n_slit)
            observed = stokes[step + position, first:end, 0]
            light, lit = _intensities(observed, self.prepared.wavelength, self.used)
            for offset in offsets:
                low, high = max(along.start + offset, 0), min(along.stop + offset, n_slit)
                if low >= high:
                    continue
                here = slice(low - offset - along.start, high - offset - along.start)
                there = slice(low - first, high - first)
                its_weight = self.weights[position, offset] * lit[there, np.newaxis]
                total[here] += its_weight * light[there]
                weight[here] += its_weight
        none = weight[:, 0] == 0
        total[none], weight[none] = self.prepared.quiet_profile, 1
        return total / weight

    def _positions(self) -> Iterator[tuple[int, list[int]]]:
        """The scan positions around, with the pixels along the slit; symmetric about 0."""
        for position in sorted({step for step, _ in self.weights}):
            yield position, [along for step, along in self.weights if step == position]


@dataclass(frozen=True)
class ModelOfPixels:
    """The model of a map's profiles, with the stray light of each pixel."""

    model: MilneEddington
    local: LocalStrayLight | None  # None if all pixels have the same stray light, or none

    @classmethod
    def of(
        cls, prepared: PreparedMap, settings_json: str, spectral_profile: str | None
    ) -> ModelOfPixels:
        """The model of a map: see `model_of_map`.

        Raises
        ------
        MapFileError
        """
        return cls(
            model_of_map(prepared, settings_json, spectral_profile),
            LocalStrayLight.of(prepared, settings_json),
        )

    def at(self, place: tuple[int, slice]) -> MilneEddington:
        """The model of the pixels at a place.

        Raises
        ------
        MapFileError
        """
        if self.local is None:
            return self.model
        return self.model.with_stray_light(self.local.around(place))


def _size_of_pixel(prepared: PreparedMap, unit: str) -> tuple[float, float]:
    """Along the scan and along the slit, in the unit of the radius."""
    if unit == "pixel":
        return 1.0, 1.0
    if prepared.scale is None:
        raise MapFileError(
            f"{prepared.path}: has no scale on the Sun, expected stray_light_radius_unit = "
            '"pixel" for it'
        )
    return prepared.scale.scan_arcsec, prepared.scale.slit_arcsec


def _reach(radius: float, size: float, n_pixels: int) -> int:
    """Pixels in a radius; none where pixels are at one place, as those of a single position."""
    return min(int(radius / size), n_pixels - 1) if size > 0 else 0


def _intensities(
    light: np.ndarray, wavelength: np.ndarray, used: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Intensities without gaps, and which pixels have light.

    Parameters
    ----------
    light : float32, shape (n, n_wavelengths)

    Returns
    -------
    light : float64, shape (n, n_wavelengths)
        0 where there is no light.
    lit : bool, shape (n,)
    """
    as_stokes = np.asarray(light, float)[:, np.newaxis]
    missing = outliers.gaps(as_stokes)
    lit = ~outliers.without_light(as_stokes, missing, used)
    whole = bridged(as_stokes, wavelength, missing)[:, 0]
    return np.where(lit[:, np.newaxis], whole, 0), lit
