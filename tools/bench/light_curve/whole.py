"""Whole light curves by `cvzmpi run`, one rank on one core: all stages, all checkpoints."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import h5py

from cvzmpi.cvz.light_curves.stage import Stage
from tools.bench.light_curve.decisions import differing
from tools.bench.measuring.timing import Samples, duration
from tools.bench.ranks.clocked_run import run_clocked
from tools.bench.report.table import Row, times
from tools.harness.markdown import markdown_table

_PUBLISHED = 2 * 3600 * 10 / 20_000  # core-seconds for each injection: 2 h, 10 cores, 20,000


@dataclass
class LightCurveTimes:
    """The figures of one light curve, from its file."""

    name: str
    n_usable: int
    n_injections: int
    stages: dict[str, float]

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(self.stages.values())

    @classmethod
    def read(cls, path: Path) -> LightCurveTimes:
        """Read a sector file that is done."""
        with h5py.File(path, "r") as file:
            return cls(
                name=f"TIC {file.attrs['tic']} sector {file.attrs['sector']}",
                n_usable=int((file["lc/flare_probability"][()] >= 0).sum()),
                n_injections=file["recoveries/recovered"].size,
                stages={stage: float(file.attrs[f"seconds_{stage}"]) for stage in Stage},
            )


class WholeTimes:
    """All light curves of one job, in one process that stays on one core.

    `job_seconds` is the time of the whole process, from its start, for each light curve.
    """

    def __init__(self, files: list[Path], scratch: Path, n_inject: int) -> None:
        job = run_clocked(files, scratch, n_inject)
        self.light_curves = [LightCurveTimes.read(path) for path in job.outputs]
        self.job_seconds = job.seconds / len(files)
        self.peak_bytes = job.ranks[0]["bytes"]
        self.n_injections = max(one.n_injections for one in self.light_curves)

    def row(self, flops_per_cadence: float, flops_per_injection: float) -> Row:
        """The line of the table, with the operations of detection and injections."""
        total = Samples.of(one.total for one in self.light_curves)
        n = self.n_injections
        cadences = sum(one.n_usable for one in self.light_curves) / len(self.light_curves)
        return Row(
            f"a whole light curve, {n:,} injections, all stages and checkpoints",
            "2 h x 10 cores (published)",
            f"{total.text()}; with everything around {duration(self.job_seconds)}",
            times(_PUBLISHED * n / self.job_seconds),
            target="<= 20 s of one core",
            met=max(total.median, self.job_seconds) <= 20,
            flops=flops_per_cadence * cadences + flops_per_injection * n,
            seconds=total.median,
        )

    def table(self, decisions: dict[str, Counter[str]]) -> str:
        """The seconds by stage, and the decisions that differ by light curve."""
        rows = [
            (
                one.name,
                f"{one.n_usable:,}",
                *(f"{one.stages[stage]:.2f}" for stage in Stage),
                f"{one.total:.2f}",
                f"{differing(decisions[one.name])} of {decisions[one.name]['n']:,}",
            )
            for one in self.light_curves
        ]
        return markdown_table(
            ("light curve", "evaluated", *Stage, "sum", "decisions that differ"), rows
        )
