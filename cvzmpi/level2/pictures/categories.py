"""The bits of `Quality` as categories of a picture: of several bits, a pixel shows the gravest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cvzmpi.level2.pixels.outliers import Quality
from cvzmpi.level2.pixels.quality_in_words import NOTHING_NOTED, name_of

FAILED = "#404040"
"""The colour of pixels without usable profiles."""
GOOD = "#9fc5e3"
"""The colour of pixels with nothing to say against."""

_COLOURS = {
    Quality.NO_LIGHT: FAILED,
    Quality.SATURATED: "#D55E00",
    Quality.POOR_FIT: "#CC79A7",
    Quality.FRINGES: "#0072B2",
    Quality.GAPS: "#009E73",
    Quality.SPIKES: "#E69F00",
}
"""The gravest first."""
_MORE_COLOURS = ("#F0E442", "#000000", "#8c564b", "#56B4E9")


class Category(NamedTuple):
    """What pixels of one colour have in common."""

    name: str
    colour: str
    n_pixels: int  # also those that show a graver category


def categories_of(quality: np.ndarray) -> tuple[np.ndarray, list[Category]]:
    """The category that each pixel shows, and all categories that there are.

    Parameters
    ----------
    quality : float, shape (n_steps, n_slit)
        Bits of `Quality`; NaN where there is none.

    Returns
    -------
    shown : float, shape (n_steps, n_slit)
        The place of a category in the list; NaN where there is none.
    categories : list of Category
        The gravest last; the first are the pixels with nothing noted. Only those with pixels.
    """
    known = np.isfinite(quality)
    bits = np.where(known, quality, 0).astype(np.int64)
    places = {0: known & (bits == 0)}
    places |= {bit.value: (bits & bit.value) > 0 for bit in reversed(_gravest_first())}
    shown = np.full(quality.shape, np.nan)
    found: list[Category] = []
    for value, at in places.items():
        if n_pixels := int(at.sum()):
            shown[at] = len(found)
            found.append(Category(_name(value), _colour(value), n_pixels))
    return shown, found


def _gravest_first() -> list[Quality]:
    return [*_COLOURS, *(bit for bit in Quality if bit not in _COLOURS)]


def _name(value: int) -> str:
    return name_of(Quality(value)) if value else NOTHING_NOTED


def _colour(value: int) -> str:
    if not value:
        return GOOD
    more = [bit for bit in Quality if bit not in _COLOURS]
    by_value = {bit.value: colour for bit, colour in _COLOURS.items()}
    by_value |= {bit.value: _MORE_COLOURS[n % len(_MORE_COLOURS)] for n, bit in enumerate(more)}
    return by_value[value]
