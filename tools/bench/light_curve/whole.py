"""Whole light curves by `cvzmpi run`, one rank on one core: all stages, all checkpoints."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import h5py

from cvzmpi.cvz.light_curves.stage import Stage
from tools.bench.measuring.cores import run
from tools.bench.measuring.timing import Samples, timed


@dataclass
class LightCurveTimes:
    """What its file says of one light curve."""

    name: str
    n_usable: int
    n_injections: int
    stages: dict[str, float]

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(self.stages.values())


@dataclass
class WholeTimes:
    """All light curves of one job.

    `job_seconds` is the time of the whole process, from its start, for each light curve.
    """

    light_curves: list[LightCurveTimes]
    job_seconds: float
    peak_bytes: float

    @property
    def total(self) -> Samples:
        """Seconds of each light curve."""
        return Samples.of(one.total for one in self.light_curves)


def measure(files: list[Path], scratch: Path, n_inject: int) -> WholeTimes:
    """Work on the light curves in one process that stays on one core."""
    for name in ("input", "output", "ranks"):
        shutil.rmtree(scratch / name, ignore_errors=True)
        (scratch / name).mkdir(parents=True)
    for file in files:
        shutil.copy(file, scratch / "input")
    # the probe is `cvzmpi run`, and reads the peak memory at its end
    command = [sys.executable, "-m", "tools.bench.ranks.clocked_job", str(scratch / "ranks"), "run"]
    command += ["--input", str(scratch / "input"), "--output", str(scratch / "output")]
    seconds, _ = timed(lambda: run([*command, "--set", f"inject.n_inject={n_inject}"]))
    rank = json.loads((scratch / "ranks" / "rank0.json").read_text())
    outputs = sorted((scratch / "output").rglob("*.h5"))
    if len(outputs) != len(files):
        raise RuntimeError(f"{len(files)} light curves went in, {len(outputs)} came out")
    return WholeTimes([_read(file) for file in outputs], seconds / len(files), rank["bytes"])


def _read(path: Path) -> LightCurveTimes:
    with h5py.File(path, "r") as file:
        if file["recoveries"].attrs["n_inject_remaining"] != 0:
            raise RuntimeError(f"{path.name} is not done")
        return LightCurveTimes(
            name=f"TIC {file.attrs['tic']} sector {file.attrs['sector']}",
            n_usable=int((file["lc/flare_probability"][()] >= 0).sum()),
            n_injections=file["recoveries/recovered"].size,
            stages={stage: float(file.attrs[f"seconds_{stage}"]) for stage in Stage},
        )
