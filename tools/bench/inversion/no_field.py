"""How many pixels without a field have one by the inversion."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from tools.bench.inversion.inverted import Found, invert
from tools.bench.inversion.sun import Sun, with_field
from tools.bench.inversion.targets import verdict

SIGMA = 3.0
TARGET_DETECTED = 0.003


def facts(directory: Path, n: int) -> dict[str, str]:
    """What the page says about `n` pixels without a field."""
    random = np.random.default_rng(13)
    path = Sun().write(directory / "no_field", with_field(n, 0.0, random), random)
    found = invert(path, InversionSettings(), n)
    return {"n_no_field": f"{n:,}", "rate_no_field": f"{found.rate:,.0f} /s", **_shares(found)}


def _shares(found: Found) -> dict[str, str]:
    strength = found.parameters[:, me.FIELD]
    above = np.mean(strength > SIGMA * found.uncertainties[:, me.FIELD])
    share = float(np.mean(is_detected(found)))
    return {
        "median_no_field": f"{np.nanmedian(strength):.1f} G",
        "above_no_field": f"{above:.2%}",
        "detected": f"{share:.2%}",
        "detected_met": verdict(share <= TARGET_DETECTED),
    }


def is_detected(found: Found) -> np.ndarray:
    """Mask of the pixels whose field is detected at 3 sigma."""
    return found.significance > SIGMA
