"""The light curves that are measured: real ones where they are, else invented ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.simulation.simulate import simulate_campaign, simulate_light_curve
from tools.harness.job_process import ROOT

SHARED_DATA = ROOT.parent / "shared" / "data"


def light_curve_files(scratch: Path, n: int) -> tuple[list[Path], str]:
    """At most `n` FITS files of whole light curves, and what they are; invented in `scratch`."""
    real = sorted((SHARED_DATA / "tess").glob("*_lc.fits"))
    if real:
        return real[:n], "real 2-minute SPOC light curves"
    files = simulate_campaign(scratch / "invented", min(n, 5), seed=3)
    return files, "invented light curves (`cvzmpi simulate`; no real ones here)"


def steady_curve(n_cadences: int = 20_000) -> LightCurve:
    """A light curve with just so many usable cadences, and one gap of a day in its middle.

    Invented sectors, their usable cadences put in a row: stella needs a gap to work at all, and
    the comparison needs the same cadences in both.
    """
    flux = np.empty(0, np.float32)
    error = np.empty(0, np.float32)
    sector = 1
    while len(flux) < n_cadences:
        part, _ = simulate_light_curve(9_000_000_001, sector, seed=3, active=True)
        good = part.usable(16575)
        flux, error = np.append(flux, part.flux[good]), np.append(error, part.flux_err[good])
        sector += 1
    time = 1325.0 + EXPOSURE * np.arange(n_cadences)
    time[n_cadences // 2 :] += 1.0
    return LightCurve(
        tic=9_000_000_001,
        sector=1,
        time=time,
        flux=flux[:n_cadences],
        flux_err=error[:n_cadences],
        quality=np.zeros(n_cadences, np.int32),
        exposure=EXPOSURE,
    )


def observe(light_curve: LightCurve) -> Observation:
    """The light curve as the stages see it, with the default configuration."""
    return Observation.prepare(light_curve, Config(), StellaDetector.window)
