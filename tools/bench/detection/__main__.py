"""`make bench-detection`: what the searches find, in real and in simulated light curves.

Writes docs/detection.md and its pictures. The light curves are searched in `--directory`, where a
later run finds them done, as long as the search is the same. Some fifteen minutes of two cores.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import mpi4py

from cvzmpi.mpi.launch import pin_to_one_core

pin_to_one_core()  # before NumPy is imported, in this process and in those that it starts
mpi4py.rc(initialize=False, finalize=False)  # this process starts jobs, and is no rank

from tools.bench.detection.campaigns import (  # noqa: E402
    SIMULATIONS,
    Campaign,
    real_campaigns,
    search_all,
)
from tools.bench.detection.cost import kept_costs  # noqa: E402
from tools.bench.detection.false_alarms import SEARCHES  # noqa: E402
from tools.bench.detection.known_flares import read_catalogue  # noqa: E402
from tools.bench.detection.low_limits import search_low  # noqa: E402
from tools.bench.detection.measured import Measured, RealLightCurves, Simulated  # noqa: E402
from tools.bench.detection.rates import estimate  # noqa: E402
from tools.bench.detection.report import panels, pictures  # noqa: E402
from tools.bench.detection.report.page import page  # noqa: E402
from tools.bench.detection.searched_light_curve import SearchedLightCurve  # noqa: E402
from tools.bench.detection.second_look import second_looks  # noqa: E402
from tools.bench.detection.truth import FoundOfTruth  # noqa: E402
from tools.bench.measuring.curves import SHARED_DATA  # noqa: E402
from tools.harness.job_process import ROOT  # noqa: E402

_CATALOGUE = SHARED_DATA / "flares_guenther2020.csv"
_N_LOW = 80  # simulated stars of each kind that are searched with a low limit
_WORK = ROOT / ".setup" / "bench-detection"


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="make bench-detection", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few light curves and injections")
    parser.add_argument("--directory", type=Path, help="of what is searched (.setup/...)")
    parser.add_argument("--output", type=Path, help="of the page (docs; quick: the directory)")
    options = parser.parse_args()
    quick = options.quick
    directory = options.directory or (_WORK / "quick" if quick else _WORK / "whole")
    output = options.output or (directory if quick else ROOT / "docs")
    if not _CATALOGUE.exists():
        parser.exit(1, f"{_CATALOGUE}: the catalogue of flares is missing\n")
    measured = measure(directory, quick)
    images = output / "images"
    images.mkdir(parents=True, exist_ok=True)
    real, simulated = measured.real, measured.simulated
    pictures.draw_recall(real, images / "detection_recall.png")
    pictures.draw_completeness(real, images / "detection_completeness.png")
    pictures.draw_false_alarms(real, images / "detection_false_alarms.png")
    pictures.draw_truth(simulated, images / "detection_truth.png")
    pictures.draw_low_limit(measured.low_limit, images / "detection_reliability.png")
    panels.draw_panels(panels.missed(real, simulated), images / "detection_missed.png")
    panels.draw_panels(panels.false(real, simulated), images / "detection_false.png")
    (output / "detection.md").write_text(page(measured), encoding="utf-8")
    _say(f"{output / 'detection.md'} is written")


def measure(directory: Path, quick: bool) -> Measured:
    """Search what is not searched yet, and collect what was found."""
    n_real, n_stars, n_inject, n_repeat = (3, 3, 100, 2) if quick else (99, 24, 400, 3)
    simulations = [simulation.campaign(directory, n_stars) for simulation in SIMULATIONS]
    reals = real_campaigns(directory, n_real)
    _say(f"searching; {directory} has the logs")
    search_all([*simulations, *reals], n_inject, n_repeat)
    _say("second looks at real light curves")
    real = _real(reals)
    _say("simulated flares")
    simulated = Simulated(
        simulations,
        [[FoundOfTruth.of(c, search) for c in simulations] for search in SEARCHES],
        [estimate(simulations, search) for search in SEARCHES],
    )
    _say("simulated stars, with a low limit")
    low_limit = search_low(directory / "low_limits", 3 if quick else _N_LOW)
    _say("cost")
    files = sorted(path for campaign in reals for path in campaign.input.glob("*_lc.fits"))[:2]
    cost = kept_costs(directory / "cost.json", files, *((100, 1) if quick else (2000, 3)))
    return Measured(real, simulated, low_limit, cost, n_inject, n_repeat)


def _real(campaigns: list[Campaign]) -> RealLightCurves:
    paths = sorted(
        (path for campaign in campaigns for path in campaign.files),
        key=lambda path: tuple(map(int, path.stem.split("_"))),
    )
    catalogue = read_catalogue(_CATALOGUE)
    curves = [SearchedLightCurve.read(path, catalogue) for path in paths]
    return RealLightCurves(curves, second_looks(paths))


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)


if __name__ == "__main__":
    main()
