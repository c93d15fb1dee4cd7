"""Pictures and values of maps for a page: called in a process of its own, which may be bounded."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Normalize, to_rgba, to_rgba_array
from matplotlib.image import imsave

from cvzmpi.level2.pictures.categories import FAILED, categories_of
from cvzmpi.level2.pictures.map_picture import draw_maps
from cvzmpi.level2.pictures.open_map import open_map
from cvzmpi.level2.pictures.opened_map import STOKES, OpenedMap
from cvzmpi.level2.pictures.pixel_picture import value_in_words
from cvzmpi.level2.pictures.quantities import DRAWN, Quantity, short
from cvzmpi.level2.pixels.inverted_pixels import UNUSABLE
from cvzmpi.pictures.style import drawn

_MOST_PIXELS = 1600  # of an image, along each side; of larger maps some pixels are left out
_THUMBNAIL = 180  # pixels of the longer side
_MOST_STRETCHED = 8.0  # the longer side of an image over the shorter one


def page_pictures(path: Path, prepared: Path | None) -> dict[str, Any]:
    """Everything that a page shows of a map but the profiles of its pixels.

    Returns
    -------
    dict
        `facts` as `OpenedMap.as_json` has them, with the `quantities` that are drawn and the shape
        of the images (`view`); `images`, PNG files by quantity, a pixel for each of the map;
        `thumbnails`; `scales`, of their colours, but of those with a `legend`.

    Raises
    ------
    MapFileError
    """
    opened = open_map(path, prepared)
    quantities = [opened.quantities[name] for name in DRAWN if name in opened.quantities]
    view = _view(opened)
    images, thumbnails, scales = {}, {}, {}
    for quantity in quantities:
        colours = _colours(opened, quantity)
        images[quantity.name] = _png(_thinned(colours, _MOST_PIXELS, _MOST_PIXELS))
        longest = _THUMBNAIL / max(view)
        size = [max(round(side * longest), 1) for side in view]
        thumbnails[quantity.name] = _png(_resampled(colours, *size))
        if not quantity.is_categorical:
            ramp = mpl.colormaps[quantity.look.colours](np.linspace(0, 1, 256))
            scales[quantity.name] = _png(ramp[np.newaxis])
    facts = {**opened.as_json(), "view": view, "quantities": list(map(_described, quantities))}
    return {"facts": facts, "images": images, "thumbnails": thumbnails, "scales": scales}


def whole_picture(path: Path, prepared: Path | None) -> bytes:
    """The picture of `cvzmpi level2 plot` as a PNG file.

    Raises
    ------
    MapFileError
    """
    opened = open_map(path, prepared)
    quantities = [opened.quantities[name] for name in DRAWN if name in opened.quantities]
    figure = drawn(lambda: draw_maps(opened, quantities, with_status=True))
    png: bytes = figure._repr_png_()
    return png


def pixel_values(path: Path, prepared: Path | None, x: int, y: int) -> dict[str, Any]:
    """The Stokes profiles of a pixel with their fit, and its parameters, for JSON.

    Raises
    ------
    MapFileError
        If there is no such pixel, or the profiles cannot be read.
    """
    opened = open_map(path, prepared)
    profiles = opened.profiles(x, y)
    left_out = None if profiles.left_out is None else profiles.left_out.tolist()
    return {
        "x": x,
        "y": y,
        "status": opened.status_in_words(x, y),
        "wavelength": profiles.wavelength.tolist(),
        "observed": _by_stokes(profiles.observed),
        "fitted": None if profiles.fitted is None else _by_stokes(profiles.fitted),
        "left_out": left_out,
        "values": [
            {
                "name": value.name,
                "title": value.title,
                "value": value.value,
                "uncertainty": _finite(value.uncertainty),
                "unit": value.unit,
                "words": value_in_words(value),
            }
            for value in opened.values(x, y)
        ],
    }


def _described(quantity: Quantity) -> dict[str, Any]:
    said = {
        "name": quantity.name,
        "title": quantity.title,
        "limits": quantity.limits_in_words(),
    }
    if quantity.is_categorical:
        _, categories = categories_of(quantity.values)
        return {**said, "legend": [one._asdict() for one in categories]}
    lowest, highest = quantity.limits()
    return {**said, "lowest": short(lowest), "highest": short(highest)}


def _view(opened: OpenedMap) -> tuple[float, float]:
    """Width and height of the images on the sky, to some unit; no side is hair-thin."""
    width, height = map(float, opened.shape)
    if opened.scale is not None:
        width, height = width * opened.scale.scan_arcsec, height * opened.scale.slit_arcsec
    longest = max(width, height)
    shortest = longest / _MOST_STRETCHED
    return 1000 * max(width, shortest) / longest, 1000 * max(height, shortest) / longest


def _colours(opened: OpenedMap, quantity: Quantity) -> np.ndarray:
    """The colour of each pixel, transparent without a value: uint8, shape (n_slit, n_steps, 4)."""
    values = quantity.values
    if quantity.is_categorical:
        values, categories = categories_of(values)
        palette = to_rgba_array([one.colour for one in categories] or [FAILED])
        colours = np.rint(255 * palette).astype(np.uint8)[np.nan_to_num(values).astype(int)]
    else:
        norm = Normalize(*quantity.limits(), clip=True)
        colours = mpl.colormaps[quantity.look.colours](norm(np.nan_to_num(values)), bytes=True)
    colours[~np.isfinite(values)] = 0
    if opened.status is not None:
        failed = tuple(round(255 * part) for part in to_rgba(FAILED))
        colours[opened.status.values == UNUSABLE] = failed
    return np.asarray(colours)[:, ::-1].transpose(1, 0, 2)  # the first pixel is at the lower left


def _thinned(colours: np.ndarray, most_wide: int, most_high: int) -> np.ndarray:
    high, wide = colours.shape[:2]
    return _resampled(colours, min(wide, most_wide), min(high, most_high))


def _resampled(colours: np.ndarray, wide: int, high: int) -> np.ndarray:
    """The nearest pixels."""
    rows = (np.arange(high) + 0.5) * colours.shape[0] / high
    columns = (np.arange(wide) + 0.5) * colours.shape[1] / wide
    return colours[rows.astype(int)][:, columns.astype(int)]


def _png(colours: np.ndarray) -> bytes:
    content = BytesIO()
    metadata: dict[str, Any] = {"Software": None}
    imsave(content, colours, format="png", metadata=metadata)
    return content.getvalue()


def _by_stokes(profiles: np.ndarray) -> dict[str, list[float | None]]:
    rows = np.asarray(profiles, float)
    return {name: [_finite(value) for value in row] for name, row in zip(STOKES, rows, strict=True)}


def _finite(value: float | None) -> float | None:
    """None, as JSON knows neither NaN nor infinity."""
    return float(value) if value is not None and np.isfinite(value) else None
