"""A light curve in whatever form it is given, as the stages take it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.light_curves.light_curve import LightCurve

GivenLightCurve = str | os.PathLike[str]


def as_light_curve(given: GivenLightCurve, tic: int | None, sector: int | None) -> LightCurve:
    """Read a light curve, or bring it to the form that the stages take."""
    light_curve = read_light_curve(Path(given).expanduser())
    return replace(
        light_curve,
        tic=light_curve.tic if tic is None else tic,
        sector=light_curve.sector if sector is None else sector,
    )
