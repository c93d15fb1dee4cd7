"""The world coordinates of an extension in its FITS header: two descriptions of the same pixels.

The first is helioprojective; the second, with `A` at the end of its keywords, has right ascension
and declination. Both are those of the Level 1 frame, for the pixels of Level 2, with an axis before
them for the depths, or two for the Stokes parameters and the wavelength. The axes are in the order
of DKIST's own Level 2 files (`NSO.Image.Headers.WCS`, `NSO.Image.Fits.Quantity` and `.Profile` of
https://github.com/DKISTDC/level2): the slit is the last but one, the scan the last.

Three things differ from those files, which have them wrong: WCSAXES is the number of axes also
where it is four; the reference pixel of binned pixels is right to the half pixel; and where pixels
are binned, the matrix says so too, not only CDELTi.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvzmpi.errors import Level1Error, MapFileError
from cvzmpi.level2.maps.map_scale import spatial_axes
from cvzmpi.level2.product.files.header_values import value_of
from cvzmpi.level2.product.product_source import SlitPixels

_NAMES = {"": "Helioprojective Cartesian", "A": "Equatorial equinox J2000"}
_EVEN = 0.1  # of a step: how far depths and wavelengths may be from equally spaced

Card = tuple[str, Any, str]


@dataclass(frozen=True)
class LinearAxis:
    """An axis whose coordinate is linear in the pixel."""

    kind: str  # CTYPE
    unit: str  # CUNIT
    reference_pixel: float  # CRPIX, counted from 1
    value: float  # CRVAL, there
    step: float  # CDELT


STOKES = LinearAxis("STOKES", "", 1.0, 1.0, 1.0)


def depth_axis(log_tau: np.ndarray) -> LinearAxis:
    """The axis of the depths, with the reference where the optical depth at 500 nm is 1.

    Raises
    ------
    MapFileError
        If the depths are not equally spaced.
    """
    step = _step(log_tau, "depths", alone=-0.1)
    return LinearAxis("LOGTAU", "", round(1 - float(log_tau[0]) / step, 9), 0.0, step)


def wavelength_axis(wavelength: np.ndarray) -> LinearAxis:
    """The axis of the wavelength in air.

    Raises
    ------
    MapFileError
        If the wavelengths are not equally spaced.
    """
    step = _step(wavelength, "wavelengths", alone=1.0)
    return LinearAxis("AWAV", "nm", 1.0, float(wavelength[0]), step)


def wcs_cards(
    level1: Mapping[str, Any], slit: SlitPixels, first_axes: Sequence[LinearAxis]
) -> list[Card]:
    """The keywords, their values and comments.

    The second description is left out where Level 1 has none in right ascension and declination.

    Parameters
    ----------
    level1 : mapping
        The header of the Level 1 frame, with its NAXISn.
    first_axes : sequence of LinearAxis
        The axes before those of the slit and the scan.

    Raises
    ------
    Level1Error
        If the header has no two spatial axes, or lacks one of their keywords.
    """
    old_slit, old_scan = spatial_axes(level1)
    cards: list[Card] = []
    for alternate in ("", "A"):
        kinds = {str(value_of(level1, f"CTYPE{n}{alternate}"))[:4] for n in (old_slit, old_scan)}
        if alternate and kinds != {"RA--", "DEC-"}:
            continue
        cards += _description(level1, alternate, slit, (old_slit, old_scan), first_axes)
    return cards


def is_valid(level1: Mapping[str, Any]) -> bool:
    """WCSVALID: false if Level 1 says so, or where its pointing failed.

    DKIST's own files call the coordinates invalid if an element of the matrix is 0. Here the matrix
    has to be singular, as it is where all are 0: a slit may well be along a meridian.
    """
    axes = spatial_axes(level1)
    matrix = [[value_of(level1, f"PC{i}_{j}") or 0.0 for j in axes] for i in axes]
    says = value_of(level1, "WCSVALID")
    return (says is None or bool(says)) and bool(np.linalg.det(matrix) != 0)


def _description(
    level1: Mapping[str, Any],
    alternate: str,
    slit: SlitPixels,
    old_axes: tuple[int, int],
    first_axes: Sequence[LinearAxis],
) -> list[Card]:
    n_first = len(first_axes)
    old_of = {n_first + 1: old_axes[0], n_first + 2: old_axes[1]}  # Level 1's axis of each new one
    n_binned = {n_first + 1: slit.n_binned, n_first + 2: 1}
    cards: list[Card] = [(f"WCSAXES{alternate}", n_first + 2, "number of axes")]
    if not alternate:
        cards.append(("WCSVALID", is_valid(level1), "world coordinates are correct"))
    cards.append((f"WCSNAME{alternate}", _NAMES[alternate], ""))
    for n, axis in enumerate(first_axes, start=1):
        cards += _axis(n, alternate, axis)
    for n, old in old_of.items():
        first = slit.first if n == n_first + 1 else 0
        reference, value, step = (
            _number(level1, f"{key}{old}{alternate}") for key in ("CRPIX", "CRVAL", "CDELT")
        )
        axis = LinearAxis(
            str(value_of(level1, f"CTYPE{old}{alternate}")),
            str(value_of(level1, f"CUNIT{old}{alternate}") or "deg"),
            (reference - first - 0.5) / n_binned[n] + 0.5,
            value,
            step * n_binned[n],
        )
        cards += _axis(n, alternate, axis)
    for i in range(1, n_first + 3):
        for j in range(1, n_first + 3):
            element = float(i == j)
            if i in old_of and j in old_of:
                known = value_of(level1, f"PC{old_of[i]}_{old_of[j]}{alternate}")
                element = element if known is None else float(known)
                element *= n_binned[j] / n_binned[i]  # CDELTi has the bins of its own axis
            cards.append((f"PC{i}_{j}{alternate}", element, ""))
    pole = value_of(level1, f"LONPOLE{alternate}")
    if pole is not None:
        cards.append((f"LONPOLE{alternate}", float(pole), "[deg]"))
    return cards


def _number(level1: Mapping[str, Any], key: str) -> float:
    value = value_of(level1, key)
    if not isinstance(value, int | float):
        raise Level1Error(f"{key} = {value!r} in a header of Level 1: expected a number")
    return float(value)


def _axis(n: int, alternate: str, axis: LinearAxis) -> list[Card]:
    return [
        (f"CTYPE{n}{alternate}", axis.kind, ""),
        (f"CUNIT{n}{alternate}", axis.unit, ""),
        (f"CRPIX{n}{alternate}", axis.reference_pixel, "[pix]"),
        (f"CRVAL{n}{alternate}", axis.value, ""),
        (f"CDELT{n}{alternate}", axis.step, ""),
    ]


def _step(values: np.ndarray, what: str, alone: float) -> float:
    """The distance of values that are equally spaced; `alone` if there is one value."""
    if len(values) < 2:
        return alone
    step = float(values[-1] - values[0]) / (len(values) - 1)
    even = values[0] + step * np.arange(len(values))
    if not (step != 0 and np.all(np.abs(values - even) <= _EVEN * abs(step))):
        raise MapFileError(f"{what} from {values[0]:g} to {values[-1]:g}: expected equally spaced")
    return step
