"""Runs `clocked_job` on some light curves, alone or with a team, and reads what it leaves."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import h5py

from tools.bench.measuring.cores import run, run_ranks
from tools.bench.measuring.timing import timed


@dataclass
class ClockedRun:
    """A job that ended.

    `seconds` is what all of it took, `inject_seconds` stage `inject` of its light curves; `ranks`
    is what each says, and `outputs` are the sector files, which the next job deletes.
    """

    seconds: float
    inject_seconds: float
    ranks: list[dict[str, float]]
    outputs: list[Path]

    def share(self, name: str) -> float:
        """The part of the work on the light curve that went there, where it is largest."""
        return max(rank.get(name, 0.0) / rank["work"] for rank in self.ranks[1:])


def run_clocked(files: list[Path], scratch: Path, n_inject: int, team: int = 0) -> ClockedRun:
    """Work on light curves: in one process on this core, or with a team beside the scheduler.

    Raises
    ------
    RuntimeError
        If a light curve is not done afterwards.
    """
    directories = [scratch / name for name in ("input", "output", "ranks")]
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
    inputs, output, ranks = directories
    for file in files:
        shutil.copy(file, inputs)
    arguments = [str(ranks), "run", "--input", str(inputs), "--output", str(output)]
    arguments += ["--set", f"inject.n_inject={n_inject}"]
    if team:
        arguments += ["--set", f"ranks_per_team={team}"]
        seconds, _ = timed(lambda: run_ranks(team + 1, "clocked_job", *arguments))
    else:
        command = [sys.executable, "-m", "tools.bench.ranks.clocked_job", *arguments]
        seconds, _ = timed(lambda: run(command))
    outputs = sorted(output.rglob("*.h5"))
    if len(outputs) != len(files):
        raise RuntimeError(f"{len(files)} light curves went in, {len(outputs)} came out")
    inject_seconds = 0.0
    for path in outputs:
        with h5py.File(path, "r") as stored:
            if stored["recoveries"].attrs["n_inject_remaining"] != 0:
                raise RuntimeError(f"{path.name} is not done")
            inject_seconds += float(stored.attrs["seconds_inject"])
    said = [json.loads((ranks / f"rank{n}.json").read_text()) for n in range(team + 1)]
    return ClockedRun(seconds, inject_seconds, said, outputs)
