"""World coordinates of Level 2 arrays, made from those of the Level 1 dataset.

They are `gwcs` objects, as in DKIST's own files: the transform of Level 1, between models that
supply the pixel axes which Level 2 lacks and drop the world axes which belong to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

import gwcs
import numpy as np
from astropy import units as u
from astropy.modeling import Model
from astropy.modeling.models import Const1D, Identity, Linear1D, Mapping, Tabular1D
from gwcs import coordinate_frames as frames

from cvzmpi.level2.product.files.wcs_cards import depth_axis, wavelength_axis
from cvzmpi.level2.product.product_source import SlitPixels

_LON, _LAT, _TIME, _WAVELENGTH, _STOKES = (
    "custom:pos.helioprojective.lon",
    "custom:pos.helioprojective.lat",
    "time",
    "em.wl",
    "phys.polarization.stokes",
)
_MAP_AXES = ("slit_x", "frame_y")  # DKIST's names of the pixel axes: the slit, and the scan
_SLIT, _RASTER = 0, 2  # among the pixel axes of Level 1: slit, dispersion, raster, [map,] Stokes


@dataclass(frozen=True)
class Level1Coordinates:
    """The relation of a map's pixels to its Level 1 dataset."""

    wcs: gwcs.WCS  # world coordinates of the whole dataset
    map_number: int  # the number of the map, from 0, in a dataset with several
    slit: SlitPixels


def map_wcs(level1: Level1Coordinates, shape: tuple[int, int]) -> gwcs.WCS:
    """Longitude, latitude and time of the pixels (slit, scan position).

    Parameters
    ----------
    shape : tuple of int
        Scan positions, and pixels along the slit.
    """
    return _wcs(_map_transform(level1), _MAP_AXES, _spatial_frames(level1.wcs, first=0), shape)


def depths_wcs(level1: Level1Coordinates, shape: tuple[int, int], log_tau: np.ndarray) -> gwcs.WCS:
    """Depth, longitude, latitude and time of the pixels (depth, slit, scan position).

    Parameters
    ----------
    shape : tuple of int
        Scan positions, and pixels along the slit.
    log_tau : float64, shape (n_depths,)
        The logarithm of the optical depth at 500 nm, equally spaced.
    """
    axis = depth_axis(log_tau)
    depth = Linear1D(
        axis.step * u.one / u.pix, axis.step * (1 - axis.reference_pixel) * u.one, name="Depth"
    )
    frame = frames.CoordinateFrame(
        naxes=1,
        axes_type=["phys.absorption.opticalDepth"],
        axes_order=(0,),
        unit=[u.one],
        axes_names=("optical depth",),
        name="optical_depth",
        axis_physical_types=("phys.absorption.opticalDepth",),
    )
    return _wcs(
        depth & _map_transform(level1),
        ("optical_depth", *_MAP_AXES),
        [frame, *_spatial_frames(level1.wcs, first=1)],
        (*shape, len(log_tau)),
    )


def spectra_wcs(
    level1: Level1Coordinates, shape: tuple[int, int], wavelength: np.ndarray
) -> gwcs.WCS:
    """Stokes, wavelength, longitude, latitude, time of (Stokes, wavelength, slit, scan position).

    Parameters
    ----------
    shape : tuple of int
        Scan positions, and pixels along the slit.
    wavelength : float64, shape (n_wavelengths,)
        In nm, equally spaced.
    """
    stokes = Tabular1D(
        np.arange(4) * u.pix,
        np.arange(1, 5) * u.one,
        method="nearest",
        bounds_error=False,
        fill_value=np.nan,
    )
    axis = wavelength_axis(wavelength)
    spectrum = Linear1D(axis.step * u.nm / u.pix, axis.value * u.nm)
    spectral_frames = [
        frames.StokesFrame(axes_order=(0,), name="polarization state"),
        frames.SpectralFrame(
            axes_order=(1,), axes_names=("wavelength",), unit=u.nm, name="wavelength"
        ),
    ]
    return _wcs(
        stokes & spectrum & _map_transform(level1),
        ("stokes", "wavelength", *_MAP_AXES),
        [*spectral_frames, *_spatial_frames(level1.wcs, first=2)],
        (*shape, len(wavelength), 4),
    )


def level1_coordinates(level1: Level1Coordinates) -> dict[str, Any]:
    """The coordinates of Level 1 as DKIST's own products have them, in `meta["l1gwcs"]`.

    Returns
    -------
    dict
        `transform`: from pixels of the Level 1 map (slit, scan position) to longitude, latitude
        and time. `helioFrame`: the frame of longitude and latitude.
    """
    of_level1 = Level1Coordinates(level1.wcs, level1.map_number, SlitPixels(0, 1))
    celestial, _ = _spatial_frames(level1.wcs, first=0)
    return {"transform": _map_transform(of_level1), "helioFrame": celestial.reference_frame}


def _wcs(
    transform: Model,
    pixel_names: Sequence[str],
    world_frames: Sequence[Any],
    array_shape: tuple[int, ...],
) -> gwcs.WCS:
    n = len(pixel_names)
    pixels = frames.CoordinateFrame(
        naxes=n,
        axes_type=["PIXEL"] * n,
        axes_order=tuple(range(n)),
        unit=[u.pix] * n,
        axes_names=tuple(pixel_names),
        name="pixel",
    )
    wcs = gwcs.WCS(transform, input_frame=pixels, output_frame=frames.CompositeFrame(world_frames))
    wcs.array_shape = array_shape
    wcs.pixel_shape = array_shape[::-1]
    return wcs


def _map_transform(level1: Level1Coordinates) -> Model:
    """From (slit, scan position) to (longitude, latitude, time); and back, for a single map."""
    transform = level1.wcs.forward_transform
    world = list(level1.wcs.world_axis_physical_types)
    first, n_bin = level1.slit.first, level1.slit.n_binned
    unbin = Linear1D(n_bin * u.pix / u.pix, (first + (n_bin - 1) / 2) * u.pix)
    given = [unbin, Const1D(0 * u.pix), Identity(1)]
    if level1.wcs.pixel_n_dim == 5:
        given.append(Const1D(level1.map_number * u.pix))
    given.append(Const1D(0 * u.pix))
    sources = [0, 0, *[1] * (len(given) - 2)]
    kept = tuple(world.index(name) for name in (_LON, _LAT, _TIME))
    forward = Mapping(sources) | reduce(and_, given) | transform
    forward = forward | Mapping(kept, n_inputs=len(world))

    if level1.wcs.pixel_n_dim == 5:
        return forward  # its inverse has a model of dkist's, Unravel, that ASDF cannot hold
    somewhere = level1.wcs(*[0.0] * level1.wcs.pixel_n_dim)
    place_of = {_LON: 0, _LAT: 1, _TIME: 2, _WAVELENGTH: 0, _STOKES: 0}
    returned: list[Model] = []
    for name, value, unit in zip(world, somewhere, level1.wcs.output_frame.unit, strict=True):
        known = name in (_LON, _LAT, _TIME)
        returned.append(Identity(1) if known else Const1D(u.Quantity(value, unit)))
    backward = Mapping([place_of[name] for name in world]) | reduce(and_, returned)
    backward = backward | transform.inverse
    backward = backward | Mapping((_SLIT, _RASTER), n_inputs=len(given))
    forward.inverse = backward | (unbin.inverse & Identity(1))
    return forward


def _spatial_frames(wcs: gwcs.WCS, first: int) -> list[Any]:
    """The frames of longitude, latitude and time, for the world axes from `first` on."""
    of_level1 = wcs.output_frame.frames
    (sky,) = [frame for frame in of_level1 if isinstance(frame, frames.CelestialFrame)]
    (time,) = [frame for frame in of_level1 if isinstance(frame, frames.TemporalFrame)]
    return [
        frames.CelestialFrame(
            axes_order=(first, first + 1),
            name=sky.name,
            reference_frame=sky.reference_frame,
            axes_names=sky.axes_names,
            unit=sky.unit,
            axis_physical_types=(_LON, _LAT),
        ),
        frames.TemporalFrame(
            axes_order=(first + 2,),
            name=time.name,
            axes_names=("time",),
            unit=time.unit,
            reference_frame=time.reference_frame,
        ),
    ]
