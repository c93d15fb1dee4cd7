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

from cvzmpi.cvz.light_curves.light_curve import PRODUCT, LightCurve, with_note

FLUX_ORIGIN, SAP = "flux_origin", "sap_flux"
"""Name in the header of what the flux is, where it is the sum over the aperture, and its value."""

OWN_LIGHT = "own_light"
"""Name in the header of the star's share, where the light of the others was taken off."""

_PDCSAP = ("spoc", "tess-spoc", "kepler")
"""The makers whose flux is corrected for other stars already."""


def flux_origin(*headers: Mapping[str, Any]) -> dict[str, str | int | float]:
    """What headers, or the facts of a light curve of lightkurve, say of the flux, if it is SAP."""
    said = [str(header.get("FLUX_ORIGIN", "")).lower() for header in headers]
    return {FLUX_ORIGIN: SAP} if SAP in said else {}


def without_other_stars(light_curve: LightCurve, quality_bitmask: int) -> LightCurve:
    """The light curve of the star alone; as it is where that makes no sense, or is not known.

    Parameters
    ----------
    quality_bitmask : int
        As of `LightCurve.usable`: the median is that of the usable cadences.
    """
    header = light_curve.header
    share = header.get("CROWDSAP")
    usable = light_curve.usable(quality_bitmask)
    if OWN_LIGHT in header or not _is_sap(header) or not usable.any():
        return light_curve
    if not isinstance(share, int | float) or not 0 < share <= 1:
        return with_note(light_curve, f"dilution not corrected: {dilution_in_words(header)}")
    median = float(np.median(light_curve.flux[usable].astype(np.float64)))
    flux = light_curve.flux.astype(np.float64) - (1 - share) * median
    corrected = replace(light_curve, flux=flux.astype(np.float32), header=dict(header))
    corrected.header[OWN_LIGHT] = float(share)
    return corrected


def dilution_in_words(header: Mapping[str, Any]) -> str:
    """Whether the light of other stars is in the flux of a light curve."""
    share = header.get("CROWDSAP")
    if OWN_LIGHT in header:
        return f"corrected: {header[OWN_LIGHT]:.1%} of the light was the star's (CROWDSAP)"
    if not _is_sap(header):
        if header.get(PRODUCT, "spoc") in _PDCSAP:
            return "none: PDCSAP flux is corrected for the light of other stars"
        return "unknown: nothing says whether the flux has the light of other stars in it"
    if isinstance(share, int | float) and 0 < share <= 1:
        return (
            f"flares are seen at {share:.1%} of their size (CROWDSAP, SAP flux); "
            'light_curve.dilution = "corrected" takes the other light off'
        )
    return "unknown: the flux is that in the aperture (SAP), and no CROWDSAP is known"


def _is_sap(header: Mapping[str, Any]) -> bool:
    return header.get(FLUX_ORIGIN) == SAP or header.get(PRODUCT) == "qlp"
