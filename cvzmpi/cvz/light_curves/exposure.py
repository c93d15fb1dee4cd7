"""The exposure of a light curve, the time from one cadence to the next: 120 s, in days.

All times in the package are days. Seconds and minutes stand in files and in what people read. The
light curves of another exposure have another name in the archive, too: see `product.NAME`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvzmpi.errors import LightCurveError

SECONDS_PER_DAY = 86400.0
MINUTES_PER_DAY = 1440

EXPOSURE_SECONDS = 120.0
"""Exposure of the light curves that stella was trained on; others are refused."""

EXPOSURE = EXPOSURE_SECONDS / SECONDS_PER_DAY


def check_cadence(name: Path | str, time: np.ndarray) -> None:
    """Check that most cadences follow each other after the exposure.

    Parameters
    ----------
    name : Path or str
        What the error names.
    time : ndarray, shape (n,)
        In days; NaN where there is none.

    Raises
    ------
    LightCurveError
        Also if there are no two cadences with a time.
    """
    steps = np.diff(time[np.isfinite(time)])
    seconds = float(np.median(steps)) * SECONDS_PER_DAY if len(steps) else np.nan
    if not abs(seconds - EXPOSURE_SECONDS) <= 1:
        raise LightCurveError(
            f"{name}: cadence is {seconds:.0f} s, expected {EXPOSURE_SECONDS:.0f} s"
        )
