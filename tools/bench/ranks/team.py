"""Teams: what more ranks gain over one, what checkpoints cost, memory, worker start."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.bench.measuring.cores import AVAILABLE, run
from tools.bench.measuring.timing import Samples, number
from tools.bench.ranks.clocked_run import run_clocked
from tools.bench.report.table import Row, times
from tools.harness.job_process import MPIRUN

_MB = 1e6


class TeamTimes:
    """One rank, two, and two jobs of one in turn, on the same light curve.

    `alone` and `together` are seconds of stage `inject` with a team of one and of two; `beside`
    with a team of one while another job does the same: what two cores can give at most.
    """

    def __init__(self, file: Path, scratch: Path, repeats: int, n_inject: int) -> None:
        alone, together, beside = [], [], []
        for _ in range(repeats):
            alone.append(run_clocked([file], scratch, n_inject, team=1))
            together.append(run_clocked([file], scratch, n_inject, team=2))
            beside.append(_side_by_side(file, scratch, n_inject, 2))
        self._pairs, self._everything = together, alone + together
        self.alone = Samples.of(one.inject_seconds for one in alone)
        self.together = Samples.of(two.inject_seconds for two in together)
        self.beside = Samples.of(beside)

    def rows(self) -> list[Row]:
        """Checkpoints, and the speed-up of a team of two."""
        # Parts of the time on the light curve, of the rank of the pair that spent most.
        writing, waiting = (
            Samples.of(100 * two.share(name) for two in self._pairs)
            for name in ("checkpoint", "wait")
        )
        cost = writing.median + waiting.median
        columns = (self.alone.values, self.together.values, self.beside.values)
        turns = list(zip(*columns, strict=True))
        speedup = Samples.of(one / two for one, two, _ in turns)
        most = Samples.of(2 * one / both for one, _, both in turns)  # jobs that share nothing
        return [
            Row(
                "checkpoint cost, one file in a team of two",
                "",
                f"{number(cost)} % (file {writing.text('%')}, waiting for each other "
                f"{waiting.text('%')})",
                target="<= 2 % of the run time",
                met=cost <= 2,
            ),
            Row(
                "team of two against one, injections",
                f"{self.alone.text()} alone",
                f"{self.together.text()} together",
                speedup.text("x"),
                f"{most.text('x')}, two jobs at once",
                f"{speedup.median / most.median:.0%}",
                target=">= 1.85 x",
                met=speedup.median >= 1.85,
            ),
        ]

    def memory_rows(self, reference: float, whole: float) -> list[Row]:
        """Memory of ranks, beside that of the reference and of a job on whole light curves."""
        ranks = [one.ranks for one in self._everything]
        worker = max(rank["bytes"] for _, *workers in ranks for rank in workers) / _MB
        scheduler = max(first["bytes"] for first, *_ in ranks) / _MB
        is_known = reference == reference
        return [
            Row(
                "peak memory of a worker rank",
                f"stella {reference / _MB:.0f} MB" if is_known else "",
                f"{worker:.0f} MB; alone, one light curve after the other, {whole / _MB:.0f} MB",
                times(reference / _MB / worker),
                target="<= 350 MB",
                met=max(worker, whole / _MB) <= 350,
            ),
            Row("- of rank 0", "", f"{scheduler:.0f} MB", target="<= 350 MB", met=scheduler <= 350),
        ]


class LargerTeam:
    """A team of more ranks, and as many jobs of one rank that share nothing but the machine.

    Both do so in turn. Where there are fewer cores than ranks, they share the cores in both.
    """

    def __init__(self, size: int, file: Path, scratch: Path, repeats: int, n_inject: int) -> None:
        self.size = size
        together, beside = [], []
        for _ in range(repeats):
            together.append(run_clocked([file], scratch, n_inject, team=size).inject_seconds)
            beside.append(_side_by_side(file, scratch, n_inject, size))
        self.together, self.beside = Samples.of(together), Samples.of(beside)

    def row(self) -> Row:
        """How much of what the machine gives to that many jobs the team makes use of."""
        pairs = zip(self.beside.values, self.together.values, strict=True)
        share = Samples.of(100 * jobs / (self.size * team) for jobs, team in pairs)
        return Row(
            f"team of {self.size} against {self.size} jobs at once on {len(AVAILABLE)} cores, "
            "injections",
            f"{self.beside.text()} for {self.size} light curves",
            f"{self.together.text()} for one",
            f"{share.text('%')} of what they do",
            target=">= 90 %",
            met=share.median >= 90,
        )


def _side_by_side(file: Path, scratch: Path, n_inject: int, n_jobs: int) -> float:
    """Seconds of stage `inject`, the mean of jobs with a team of one at the same time."""
    with ThreadPoolExecutor(n_jobs) as pool:
        jobs = [
            pool.submit(run_clocked, [file], scratch / f"job{number}", n_inject, 1)
            for number in range(n_jobs)
        ]
        return sum(job.result().inject_seconds for job in jobs) / n_jobs


def worker_start() -> tuple[float, float]:
    """Seconds of a fresh process until it can work, and until nothing is left to import."""
    command = [str(MPIRUN), "-n", "1", sys.executable, "-m", "tools.bench.ranks.worker_start"]
    moments = json.loads(run(command))
    return float(moments["ready"]), float(moments["complete"])
