"""`python -m tools.bench.detection.cost FITS...`: processor time of light curves, and their files.

In one process, in turns, on one core: the stages as they are, and the same code with the parts of
the search by significance not run, which leaves a file of format version 1. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

from cvzmpi.mpi.launch import pin_to_one_core

pin_to_one_core()

import numpy as np  # noqa: E402
from mpi4py import MPI  # noqa: E402

from cvzmpi.cvz.configuration import Config, load  # noqa: E402
from cvzmpi.cvz.detection.flare_table import FoundFlares, flare_table  # noqa: E402
from cvzmpi.cvz.detection.search import FOUND_BY_STELLA  # noqa: E402
from cvzmpi.cvz.detection.significance.measures import MEASURES  # noqa: E402
from cvzmpi.cvz.light_curves.fits_input import read_light_curve  # noqa: E402
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource  # noqa: E402
from cvzmpi.cvz.light_curves.observation import Observation  # noqa: E402
from cvzmpi.cvz.light_curves.stage import Stage  # noqa: E402
from cvzmpi.cvz.quiet_star.gaussian_process import fit_gaussian_process  # noqa: E402
from cvzmpi.cvz.sector_file.data import SectorData  # noqa: E402
from cvzmpi.cvz.work import model_stage, stages  # noqa: E402
from cvzmpi.cvz.work.campaign import CvzCampaign  # noqa: E402
from cvzmpi.cvz.work.search_setup import SearchSetup  # noqa: E402
from cvzmpi.mpi.stopping import StopRequest  # noqa: E402
from cvzmpi.mpi.team import Team  # noqa: E402
from cvzmpi.scheduler.campaign import Control, Unit  # noqa: E402
from tools.bench.detection.campaigns import checksum_of_search  # noqa: E402
from tools.bench.measuring.cores import run, stay_on_one  # noqa: E402
from tools.harness.old_sector_file import write_version_1  # noqa: E402


@dataclass(frozen=True)
class Cost:
    """Processor seconds of one light curve, each the least of some turns, and bytes of its file."""

    name: str
    n_injections: int
    everything: float
    stella: float
    n_bytes: int

    @property
    def ratio(self) -> float:
        """How many times the cost of a search by stella alone."""
        return self.everything / self.stella


def kept_costs(path: Path, files: list[Path], n_inject: int, turns: int) -> list[Cost]:
    """Measure in a process of its own, or read what was measured of the same search."""
    of = [checksum_of_search(), n_inject, turns, *(file.name for file in files)]
    if path.exists() and (kept := json.loads(path.read_text()))["of"] == of:
        return [Cost(**values) for values in kept["costs"]]
    command = [sys.executable, "-m", __spec__.name, *map(str, files)]
    command += ["--inject", str(n_inject), "--turns", str(turns)]
    measured = json.loads(run(command).splitlines()[-1])
    path.write_text(json.dumps({"of": of, "costs": measured}))
    return [Cost(**values) for values in measured]


def model_stage_of_stella(
    setup: SearchSetup, observation: Observation, data: SectorData, path: Path, team: Team
) -> SectorData:
    """The stage `model` without the second search: process, table of flares, injections."""
    del team  # of one
    clock = time.perf_counter()
    curve, median, rows = observation.light_curve, observation.median_flux, observation.rows
    detection = model_stage._by_stella(setup, observation, data.probability[rows])
    fit = fit_gaussian_process(
        curve.time,
        curve.flux / median,
        curve.flux_err / median,
        observation.spread(~detection.mask, bool, False),
        setup.config.model,
    )
    data.gp_mu, data.gp_sigma = fit.mean * median, fit.sd * median
    data.gp_facts = model_stage.fit_facts(fit)
    n = len(detection.flares)
    found = FoundFlares(
        detection.flares,
        np.full(n, FOUND_BY_STELLA, np.int8),
        {name: np.zeros(n) for name in MEASURES},
    )
    probability = detection.probability
    data.flares = flare_table(observation, found, probability, fit.mean[rows], fit.sd[rows])
    model_stage._add_injections(setup, observation, data)
    data.seconds[Stage.MODEL] = time.perf_counter() - clock
    write_version_1(path, data, setup.provenance)
    return data


def _measured(file: Path, config: Config, turns: int, directory: Path) -> Cost:
    source = LightCurveSource(read_light_curve(file).id, file)
    name = source.id.name
    seconds: dict[str, list[float]] = {"everything": [], "stella": []}
    for _ in range(turns):
        for what, stage in (
            ("stella", model_stage_of_stella),
            ("everything", model_stage.model_stage),
        ):
            output = directory / f"{what}-{name}-{len(seconds[what])}"
            output.mkdir()
            path = source.id.path(output)
            work = _work(config.model_copy(update={"output": _output(config, output)}), source)
            with patch.object(stages, "model_stage", stage):
                begin = time.process_time()
                work()
                seconds[what].append(time.process_time() - begin)
    return Cost(
        name,
        config.inject.n_inject * config.inject.n_repeat,
        min(seconds["everything"]),
        min(seconds["stella"]),
        path.stat().st_size,
    )


def _output(config: Config, directory: Path) -> object:
    return config.output.model_copy(update={"directory": directory})


def _work(config: Config, source: LightCurveSource) -> Callable[[], object]:
    """The work on a light curve, all that comes before it done."""
    campaign = CvzCampaign.begin(config)
    campaign.prepare()
    control = Control(StopRequest(), lambda _: None)
    unit = Unit(source.id.name, 1.0, content=source)
    return partial(campaign.work, unit, Team(MPI.COMM_SELF), control)


def main() -> None:
    """Measure the files that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--inject", type=int, required=True)
    parser.add_argument("--turns", type=int, required=True)
    options = parser.parse_args()
    stay_on_one()
    config = load(None, [f"inject.n_inject={options.inject}", "checkpoint.fsync=false"])
    with tempfile.TemporaryDirectory(prefix="cvzmpi-cost-") as directory:
        found = [_measured(f, config, options.turns, Path(directory)) for f in options.files]
    print(json.dumps([asdict(cost) for cost in found]))


if __name__ == "__main__":
    main()
