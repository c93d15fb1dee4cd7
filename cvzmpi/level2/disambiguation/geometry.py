"""The place of a map's pixels on the Sun, and the frame of the Sun's surface there.

Two frames, both right-handed:

- of the observer: solar west (+HPLN), solar north (+HPLT), and towards the observer. The azimuth of
  Level 2 grows from west to north, and the inclination from towards the observer to away from it
  (`product.azimuth_frame`), so a field has the components `B sin(i) cos(a)`, `B sin(i) sin(a)`,
  `B cos(i)`.
- local: two axes along the Sun's surface in the middle of the map, and outwards. A map is taken to
  lie in that plane (Gary & Hagyard 1990, Sol. Phys. 126, 21): over the 2 arcmin of ViSP the surface
  turns by 8 degrees at disc centre.

The pixels are a lattice in that plane. It may be oblique, of unequal steps and of either sense:
slit and scan go wherever they do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np

from cvzmpi.errors import Level1Error
from cvzmpi.level2.disambiguation.not_resolved import NotResolvedError
from cvzmpi.level2.maps.map_scale import observer_distance_of, place_of, spatial_axes

SOLAR_RADIUS = 695_700_000.0
"""In m; IAU 2015 Resolution B3."""

LEAST_MU = 0.1
"""Nearer to the limb, a map says too little of its plane: cosine of the heliocentric angle."""

_RADIANS_PER_ARCSEC = pi / 648_000
_LEAST_PIXELS = 3  # along the scan and along the slit
_MOST_UNEVEN = 0.5  # of a step: how far scan positions may be from equally spaced
_LEAST_SINE = 0.1  # of the angle between slit and scan


@dataclass(frozen=True)
class MapGeometry:
    """The lattice of a map's pixels, as the observer sees it.

    Every pair is towards solar west and solar north, in arcsec.
    """

    scan: tuple[float, float]  # from a scan position to the next
    slit: tuple[float, float]  # from a pixel along the slit to the next
    centre: tuple[float, float]  # of the map, from the centre of the disc
    observer_distance: float  # of the observer from the centre of the Sun, in m

    @property
    def axes(self) -> np.ndarray:
        """The axes of the local frame in the frame of the observer: float64, shape (3, 3).

        Rows are the axes. `axes @ b` turns a vector from the frame of the observer to the local
        one. The second axis is solar north as far as it is along the surface.

        The lines of sight of the map are taken to be parallel to that through disc centre, from
        which they are 0.3 degrees away at most.
        """
        outwards = self._outwards()
        north = np.array([0.0, 1.0, 0.0])
        second = north - north @ outwards * outwards
        second /= np.linalg.norm(second)
        return np.array([np.cross(second, outwards), second, outwards])

    @property
    def lattice(self) -> np.ndarray:
        """Steps of scan and slit along the surface: float64, shape (2, 2); columns are the steps.

        In the unit in which the map has one pixel in a unit area.
        """
        as_seen = np.array([self.scan, self.slit]).T
        on_surface: np.ndarray = np.linalg.solve(self.axes[:2, :2].T, as_seen)
        return on_surface / np.sqrt(abs(np.linalg.det(on_surface)))

    def _outwards(self) -> np.ndarray:
        """The direction from the Sun's centre to the middle of the map.

        Raises
        ------
        NotResolvedError
            If the map is off the disc, or too near to the limb.
        """
        longitude, latitude = np.radians(np.array(self.centre) / 3600)
        away = np.array(
            [
                np.cos(latitude) * np.sin(longitude),
                np.sin(latitude),
                -np.cos(latitude) * np.cos(longitude),
            ]
        )
        distance = self.observer_distance / SOLAR_RADIUS
        middle = -distance * away[2]
        beyond = 1 - (distance**2 - middle**2)  # negative off the disc
        nearest = middle - np.sqrt(max(beyond, 0.0))
        outwards = np.array([0.0, 0.0, distance]) + nearest * away
        if beyond <= 0 or outwards[2] < LEAST_MU:
            raise NotResolvedError(
                f"the middle of the map, ({self.centre[0]:.0f}, {self.centre[1]:.0f}) arcsec, "
                "is too near to the limb or off the disc"
            )
        return outwards


def geometry_of(headers: Sequence[Mapping[str, Any]], slit_bin: int = 1) -> MapGeometry:
    """The lattice of a map.

    Parameters
    ----------
    headers : sequence of mapping
        The FITS header of each scan position.
    slit_bin : int
        Pixels of the headers in a pixel of the map, along the slit.

    Raises
    ------
    NotResolvedError
        If the headers do not say where the pixels are, if that is no lattice, or a map too small.
    """
    n_steps = len(headers)
    try:
        slit, raster = spatial_axes(headers[0])
        n_slit = int(headers[0][f"NAXIS{slit}"])
        if min(n_steps, n_slit // slit_bin) < _LEAST_PIXELS:
            raise NotResolvedError(
                f"{n_steps} scan positions of {n_slit // slit_bin} pixels: expected "
                f"{_LEAST_PIXELS} of either"
            )
        ends = np.array(
            [[place_of(header, slit, raster, pixel) for pixel in (1, n_slit)] for header in headers]
        )
        distance = observer_distance_of(headers[0])
    except (KeyError, TypeError, ValueError, Level1Error) as error:
        raise NotResolvedError("the headers do not say where its pixels are") from error
    if not np.isfinite(ends).all() or not distance > SOLAR_RADIUS:
        raise NotResolvedError("the headers do not say where its pixels are")
    along_slit = (ends[:, 1] - ends[:, 0]).mean(axis=0) / (n_slit - 1) * slit_bin
    along_scan = _scan_step(ends.mean(axis=1))
    centre = ends.mean(axis=(0, 1))
    _check_lattice(along_scan, along_slit)
    found = MapGeometry(
        scan=(float(along_scan[0]), float(along_scan[1])),
        slit=(float(along_slit[0]), float(along_slit[1])),
        centre=(float(centre[0]), float(centre[1])),
        observer_distance=distance,
    )
    _ = found.axes  # refuses what is off the disc
    return found


def _scan_step(middles: np.ndarray) -> np.ndarray:
    """The mean step of a scan, by least squares.

    Parameters
    ----------
    middles : float64, shape (n_steps, 2)
        The middle of the slit at each scan position.
    """
    places = np.arange(len(middles)) - (len(middles) - 1) / 2
    step: np.ndarray = places @ middles / (places @ places)
    left = middles - middles.mean(axis=0) - np.outer(places, step)
    if np.abs(left).max() > _MOST_UNEVEN * np.linalg.norm(step):
        raise NotResolvedError("its scan positions are not equally spaced")
    return step


def _check_lattice(scan: np.ndarray, slit: np.ndarray) -> None:
    area = abs(scan[0] * slit[1] - scan[1] * slit[0])
    if not area > _LEAST_SINE * np.linalg.norm(scan) * np.linalg.norm(slit):
        raise NotResolvedError("its scan does not go across the slit")
