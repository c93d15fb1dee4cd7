"""`make bench-index`: how fast a campaign is indexed, on one rank and two, the first time and then.

Makes 20,000 small sector files (and some of full size, which cost more to read), measures, and
writes docs/benchmark_index.md, with what 200,000 would take.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import mpi4py

mpi4py.rc(initialize=False, finalize=False)  # this process starts mpirun, and is no rank

from tools.bench.index.sector_files import (  # noqa: E402
    change_some,
    make_templates,
    write_campaign,
)
from tools.bench.measuring.cores import run  # noqa: E402
from tools.harness.job_process import MPIRUN, ROOT  # noqa: E402
from tools.harness.markdown import markdown_rows  # noqa: E402

_PAGE = Path(__file__).with_name("page.md")
_ALL = 200_000
_SETTLE = 6  # seconds; files that changed within the last five are read again


@dataclass(frozen=True)
class Measured:
    """One update of the index: its line of the table, and seconds and files of the slowest rank."""

    row: list[str]
    wall: float
    per_rank: float


def update(what: str, output: Path, n_ranks: int = 1, times: int | None = None) -> Measured:
    """Update the index in processes of its own; with `times`, only merge, each row so often."""
    command = [sys.executable, "-m", "tools.bench.index.probe", str(output)]
    command += [] if times is None else [str(times)]
    if n_ranks > 1:
        command = [str(MPIRUN), "-n", str(n_ranks), *command]
    found = json.loads(run(command).splitlines()[-1])
    report, ranks, read = found["report"], found["ranks"], found["report"]["n_read"]
    wall, cpu = max(rank["wall"] for rank in ranks), sum(rank["cpu"] for rank in ranks)
    per_rank = read / wall / len(ranks)
    row = [
        what,
        f"{len(ranks)}",
        f"{read:,} of {report['n_light_curves']:,}",
        f"{wall:.1f} s",
        f"{cpu:.1f} s",
        *(f"{rate:,.0f}" if read >= 500 else "" for rate in (per_rank, read / cpu)),
        f"{max(rank['megabytes'] for rank in ranks):.0f} MB",
    ]
    print(*row, sep=" | ", flush=True)
    return Measured(row, wall, per_rank)


def measure(directory: Path, n_files: int, n_whole: int) -> list[Measured]:
    """Everything that the table has, in its order."""
    small, whole = directory / "small", directory / "whole"
    templates = make_templates(directory / "small-templates", n_cadences=1000, n_inject=40)
    write_campaign(small, n_files, templates)
    write_campaign(whole, n_whole, make_templates(directory / "templates", 19_600, 2000))
    time.sleep(_SETTLE)
    measured = [update("first time", small), update("again, nothing changed", small)]
    n_changed = change_some(small, 200)
    measured.append(update(f"again, {n_changed} files changed", small))
    shutil.rmtree(small / "index")
    sizes = [path.stat().st_size for path in whole.glob("*/*.h5")]
    size = f"{sum(sizes) / len(sizes) / 1e6:.1f} MB"
    return [
        *measured,
        update("first time", small, 2),
        update(f"first time, full size ({size} a file)", whole),
        update("only the merge, each row ten times", small, times=10),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.index", description=__doc__)
    parser.add_argument("--files", type=int, default=20_000, help="small sector files (20000)")
    parser.add_argument("--whole", type=int, default=500, help="of full size (500)")
    parser.add_argument("--directory", type=Path, help="where to make them (a temporary one)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmark_index.md")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="cvzmpi-index-") as directory:
        measured = measure(Path(directory), options.files, options.whole)
    options.output.write_text(_document(measured, options.files, load))
    print(options.output)


def _document(measured: list[Measured], n_files: int, load: float) -> str:
    first, again, *_ = measured
    return _PAGE.read_text().format(
        n_files=n_files,
        rows=markdown_rows(one.row for one in measured),
        all=_ALL,
        minutes=_ALL / first.per_rank / 60,
        again=again.wall * _ALL / n_files,
        cores=os.cpu_count(),
        load=load,
        load_end=os.getloadavg()[0],
        date=time.strftime("%Y-%m-%d"),
    )


if __name__ == "__main__":
    main()
