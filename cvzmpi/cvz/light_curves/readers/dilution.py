"""Dilution: the light of other stars in the aperture makes flares look smaller than they are.

A share `CROWDSAP` of the light in the aperture is the star's. Where the flux F is the sum over the
aperture (SAP), a flare of relative amplitude a is seen as `CROWDSAP` times a, and so is its
equivalent duration. What the other stars give is taken off as the archive's pipelines do for PDCSAP
flux (Stumpe et al. 2012, PASP 124, 985; Kepler Archive Manual, KDMC-10008-006):

    F - (1 - CROWDSAP) median(F)

They also divide by `FLFRCSAP`, the share of the star's light that is in the aperture. That changes
no amplitude relative to the star's own light, since its flares lose as much as the star; so it is
not made here. The errors stay: relative to the star's own light they are larger, for injected
flares as for those that are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curves.light_curve import FLUX_UNIT, PRODUCT, LightCurve, with_note

FLUX_ORIGIN, SAP, PDCSAP, UNKNOWN = "flux_origin", "sap_flux", "pdcsap_flux", "unknown"
"""Name in the header of what the flux is, where the file is not the archive's own, and its values:
the sum over the aperture, that corrected for other stars, and what nothing says."""

OWN_LIGHT = "own_light"
"""Name in the header of the star's share, where the light of the others was taken off."""

_PDCSAP = ("spoc", "tess-spoc", "kepler")
"""The makers whose flux is corrected for other stars already."""


_OF_LIGHTKURVE = FLUX_ORIGIN.upper()
"""What lightkurve calls it; other objects in memory may have our name."""


def said_of_flux(column: str, *headers: Mapping[str, Any]) -> dict[str, str | int | float]:
    """What headers, or the facts of a light curve in memory, say of other stars in its flux.

    It is `FLUX_ORIGIN`, and `OWN_LIGHT` where their light was taken off.

    Parameters
    ----------
    column : str
        Name of the column of the flux.
    """
    origins = [header.get(_OF_LIGHTKURVE, header.get(FLUX_ORIGIN)) for header in headers]
    said = [str(origin).lower() for origin in (column, *origins)]
    found: dict[str, str | int | float] = {FLUX_ORIGIN: UNKNOWN}
    for origin in (PDCSAP, SAP):  # where they differ, SAP
        if origin in said:
            found[FLUX_ORIGIN] = origin
    for header in headers:
        if (own := _share(header, OWN_LIGHT)) is not None:
            found[OWN_LIGHT] = own
    return found


def exported(header: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a header, with what the flux is by the name that lightkurve gives it.

    It is there also where the product alone says it, and not where nothing does.
    """
    facts = {name: value for name, value in header.items() if name != FLUX_ORIGIN}
    origin = _origin(header)
    return facts if origin == UNKNOWN else facts | {_OF_LIGHTKURVE: origin}


def without_other_stars(light_curve: LightCurve, quality_bitmask: int) -> LightCurve:
    """The light curve of the star alone; as it is where that makes no sense, or is not known.

    Parameters
    ----------
    quality_bitmask : int
        As of `LightCurve.usable`: the median is that of the usable cadences.
    """
    header = light_curve.header
    share = _share(header, "CROWDSAP")
    usable = light_curve.usable(quality_bitmask)
    if OWN_LIGHT in header or not _is_sap(header) or not usable.any():
        return light_curve
    if share is None:
        return with_note(light_curve, f"dilution not corrected: {dilution_in_words(header)}")
    median = float(np.median(light_curve.flux[usable].astype(np.float64)))
    flux = light_curve.flux.astype(np.float64) - (1 - share) * median
    corrected = replace(light_curve, flux=flux.astype(np.float32), header=dict(header))
    corrected.header[OWN_LIGHT] = share
    return corrected


def dilution_in_words(header: Mapping[str, Any]) -> str:
    """Whether the light of other stars is in the flux of a light curve."""
    share = _share(header, "CROWDSAP")
    if OWN_LIGHT in header:
        return f"corrected: {header[OWN_LIGHT]:.1%} of the light was the star's (CROWDSAP)"
    if not _is_sap(header):
        if _origin(header) == PDCSAP:
            return "none: PDCSAP flux is corrected for the light of other stars"
        return "unknown: nothing says whether the flux has the light of other stars in it"
    if share is not None:
        return (
            f"flares are seen at {share:.1%} of their size (CROWDSAP, SAP flux); "
            'light_curve.dilution = "corrected" takes the other light off'
        )
    return "unknown: the flux is that in the aperture (SAP), and no CROWDSAP is known"


def _is_sap(header: Mapping[str, Any]) -> bool:
    return _origin(header) == SAP or header.get(PRODUCT) == "qlp"


def _origin(header: Mapping[str, Any]) -> str:
    """What the flux is, by the light curve itself or its product."""
    if FLUX_ORIGIN in header:
        return str(header[FLUX_ORIGIN])
    product = header.get(PRODUCT)
    if product == "qlp":
        return SAP
    # Without a product it is SPOC's, or in earlier files somebody's own; that may have a unit.
    is_spoc = product is None and FLUX_UNIT not in header
    return PDCSAP if is_spoc or product in _PDCSAP else UNKNOWN


def _share(header: Mapping[str, Any], name: str) -> float | None:
    """A share of light; None where the header has none that can be."""
    share = header.get(name)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        return None
    return float(share)
