"""Teams: how much faster two ranks inject than one, what checkpoints cost, memory, worker start."""

from __future__ import annotations

import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h5py

from tools.bench.measuring.cores import run, run_ranks
from tools.bench.measuring.timing import Samples
from tools.harness.job_process import MPIRUN


@dataclass
class TeamTimes:
    """Medians and ranges over the repetitions.

    `alone` and `together` are seconds of stage `inject` with a team of one and of two; `beside`
    with a team of one while another job does the same: what two cores can give at most.
    `checkpoint_share` and `wait_share` are parts of the time on the light curve, of the rank of
    the pair that spent most; memory is in bytes.
    """

    alone: Samples
    together: Samples
    beside: Samples
    checkpoint_share: Samples
    wait_share: Samples
    worker_bytes: Samples
    scheduler_bytes: Samples

    @property
    def speedup(self) -> Samples:
        """Of each repetition."""
        pairs = zip(self.alone.values, self.together.values, strict=True)
        return Samples.of(one / two for one, two in pairs)

    @property
    def most(self) -> Samples:
        """The speed-up of two jobs that have nothing to do with each other."""
        pairs = zip(self.alone.values, self.beside.values, strict=True)
        return Samples.of(2 * one / both for one, both in pairs)


@dataclass
class TeamRun:
    """One light curve by one team, started with mpirun."""

    inject_seconds: float
    ranks: list[dict[str, float]]

    @property
    def workers(self) -> list[dict[str, float]]:
        """All but rank 0."""
        return self.ranks[1:]

    def share(self, name: str) -> float:
        """The part of the work on the light curve that went there, where it is largest."""
        return max(rank.get(name, 0.0) / rank["work"] for rank in self.workers)


def run_team(file: Path, scratch: Path, team: int, n_inject: int) -> TeamRun:
    """Work on one light curve with a team of `team` ranks beside the scheduler."""
    for name in ("input", "output", "ranks"):
        shutil.rmtree(scratch / name, ignore_errors=True)
        (scratch / name).mkdir(parents=True)
    shutil.copy(file, scratch / "input")
    arguments = ["run", "--input", f"{scratch / 'input'}", "--output", f"{scratch / 'output'}"]
    arguments += ["--set", f"ranks_per_team={team}", "--set", f"inject.n_inject={n_inject}"]
    run_ranks(team + 1, "clocked_job", str(scratch / "ranks"), *arguments)
    (output,) = (scratch / "output").rglob("*.h5")
    with h5py.File(output, "r") as stored:
        assert stored["recoveries"].attrs["n_inject_remaining"] == 0
        seconds = float(stored.attrs["seconds_inject"])
    ranks = [
        json.loads((scratch / "ranks" / f"rank{rank}.json").read_text()) for rank in range(team + 1)
    ]
    return TeamRun(seconds, ranks)


def measure(file: Path, scratch: Path, repeats: int, n_inject: int) -> TeamTimes:
    """One rank, two, and two jobs of one in turn, on the same light curve."""
    alone, together, beside = [], [], []
    for _ in range(repeats):
        alone.append(run_team(file, scratch, 1, n_inject))
        together.append(run_team(file, scratch, 2, n_inject))
        beside.append(_side_by_side(file, scratch, n_inject))
    everything = alone + together
    return TeamTimes(
        alone=Samples.of(one.inject_seconds for one in alone),
        together=Samples.of(two.inject_seconds for two in together),
        beside=Samples.of(beside),
        checkpoint_share=Samples.of(two.share("checkpoint") for two in together),
        wait_share=Samples.of(two.share("wait") for two in together),
        worker_bytes=Samples.of(rank["bytes"] for one in everything for rank in one.workers),
        scheduler_bytes=Samples.of(one.ranks[0]["bytes"] for one in everything),
    )


def _side_by_side(file: Path, scratch: Path, n_inject: int) -> float:
    """Seconds of stage `inject`, the mean of two jobs with a team of one at the same time."""
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run_team, file, scratch / name, 1, n_inject) for name in "ab"]
        return sum(job.result().inject_seconds for job in jobs) / 2


def worker_start() -> tuple[float, float]:
    """Seconds of a fresh process until it can work, and until nothing is left to import."""
    command = [str(MPIRUN), "-n", "1", sys.executable, "-m", "tools.bench.ranks.worker_start"]
    moments = json.loads(run(command))
    return float(moments["ready"]), float(moments["complete"])
