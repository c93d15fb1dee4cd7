"""`make bench-report`: how fast the report of a campaign is made, its size, and how it opens.

Makes up the index of a campaign of the size of the target list, and works on a simulated one of 20
stars; makes the report of both on two ranks, opens their pages in a headless Chromium, and writes
docs/benchmark_report.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import mpi4py

mpi4py.rc(initialize=False, finalize=False)  # this process starts mpirun, and is no rank

from tools.bench.campaign_report.browser import seconds_until_usable  # noqa: E402
from tools.bench.campaign_report.made_up_index import write_index  # noqa: E402
from tools.bench.campaign_report.targets import N_STARS  # noqa: E402
from tools.bench.measuring.cores import run  # noqa: E402
from tools.harness.job_process import MPIRUN, ROOT  # noqa: E402
from tools.harness.markdown import markdown_rows  # noqa: E402

_PAGE = Path(__file__).with_name("page.md")
_SIMULATED_STARS, _SIMULATED_SECTORS = 20, 3


@dataclass(frozen=True)
class Measured:
    """A report as it was made and opened."""

    what: str
    n_ranks: int
    wall: float
    cpu: float
    megabytes: float  # memory of the largest rank
    size: float  # MB of the whole report
    parts: dict[str, float]  # MB of the index pages and of the directories of the report
    campaign_page: float  # s until it can be used
    star_page: float

    @property
    def row(self) -> list[str]:
        """Its line of the table."""
        return [
            self.what,
            f"{self.n_ranks}",
            _duration(self.wall),
            _duration(self.cpu),
            f"{self.megabytes:.0f} MB",
            f"{self.size:,.0f} MB",
            f"{self.campaign_page:.2f} s",
            f"{self.star_page:.2f} s",
        ]


def measure(what: str, results: Path, report: Path, n_ranks: int = 2) -> Measured:
    """Make a report in processes of its own, and open its pages."""
    command = [str(MPIRUN), "-n", str(n_ranks), sys.executable]
    command += ["-m", "tools.bench.campaign_report.probe", str(results), str(report)]
    ranks = json.loads(run(command, everywhere=True).splitlines()[-1])
    star = max(report.glob("stars/*/*/data.js"), key=lambda path: path.stat().st_size)
    parts = {entry.name: _megabytes(entry) for entry in sorted(report.iterdir()) if entry.is_dir()}
    measured = Measured(
        what,
        n_ranks,
        max(rank["wall"] for rank in ranks),
        sum(rank["cpu"] for rank in ranks),
        max(rank["megabytes"] for rank in ranks),
        _megabytes(report),
        parts,
        seconds_until_usable(report / "index.html"),
        seconds_until_usable(star.with_name("index.html")),
    )
    print(*measured.row, sep=" | ", flush=True)
    return measured


def simulate(directory: Path) -> Path:
    """Work on invented stars in some sectors each, with few injections; where the results are."""
    results = directory / "output"
    python = [sys.executable, "-m", "cvzmpi"]
    sizes = ["--stars", str(_SIMULATED_STARS), "--sectors", str(_SIMULATED_SECTORS)]
    run([*python, "simulate", str(directory / "input"), *sizes])
    settings = ["--set", "inject.n_inject=300", "--set", "inject.n_repeat=5"]
    job = ["run", "--input", str(directory / "input"), "--output", str(results), *settings]
    run([str(MPIRUN), "-n", "2", *python, *job], everywhere=True)
    return results


def _megabytes(path: Path) -> float:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.campaign_report", description=__doc__
    )
    parser.add_argument("--stars", type=int, default=N_STARS, help=f"made up ({N_STARS})")
    parser.add_argument("--results", type=Path, help="of a simulated campaign that is there")
    parser.add_argument("--directory", type=Path, help="where to make them (a temporary one)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmark_report.md")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="cvzmpi-report-") as name:
        directory = Path(name)
        results = options.results or simulate(directory)
        simulated = measure(
            f"{_SIMULATED_STARS} simulated stars, light curves drawn", results, directory / "small"
        )
        n_curves = write_index(directory / "made-up", options.stars)
        index = _megabytes(directory / "made-up")
        made_up = measure(
            f"{options.stars:,} stars, {n_curves:,} light curves, of the index alone",
            directory / "made-up",
            directory / "large",
        )
    text = _PAGE.read_text().format(
        rows=markdown_rows(one.row for one in (simulated, made_up)),
        small_size=simulated.size,
        small_page=simulated.campaign_page,
        index=index,
        parts=", ".join(f"{name} {size:,.0f} MB" for name, size in made_up.parts.items()),
        per_curve=1000 * made_up.cpu / n_curves,
        cores=os.cpu_count(),
        load=load,
        load_end=os.getloadavg()[0],
        date=time.strftime("%Y-%m-%d"),
    )
    options.output.write_text(text)
    print(options.output)


if __name__ == "__main__":
    main()
