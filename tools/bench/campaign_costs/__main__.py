"""`make bench-costs`: what limits a campaign; writes docs/benchmark_costs.md.

Measures what other benchmarks do not (the start of a rank, the files of light curves, a ledger with
many jobs), takes the rest from their pages, and does the arithmetic for 40, 400 and 4,000 cores.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import mpi4py

mpi4py.rc(initialize=False, finalize=False)  # this process starts ranks, and is none

from cvzmpi.cvz.archive_configuration import ArchiveConfig  # noqa: E402
from cvzmpi.mpi.launch import pin_to_one_core  # noqa: E402
from cvzmpi.runtime.job_config import CheckpointConfig  # noqa: E402
from tools.bench.campaign_costs import file_work, ledger_rate, page, published  # noqa: E402
from tools.bench.campaign_costs import rank_start as start  # noqa: E402
from tools.bench.campaign_costs.limits import Costs  # noqa: E402
from tools.bench.measuring.curves import light_curve_files  # noqa: E402
from tools.harness.job_process import ROOT  # noqa: E402

_SEVERAL = 3


def costs(figures: published.Published, rank: start.RankStart, files: file_work.FileWork) -> Costs:
    """What is measured, and what is assumed of a cluster: `page.md` says which is which."""
    archive = ArchiveConfig()
    return Costs(
        core_seconds=figures.core_seconds,
        synchronisations=files.synchronisations,
        synchronisation_seconds=0.02,
        file_requests=files.requests,
        file_bytes=files.n_bytes,
        start_seconds=rank.cpu_seconds,
        start_requests=len(rank.calls.times),
        ranks_per_node=file_work.N_RANKS,
        names_per_second=10_000,
        bytes_per_second=5e9,
        run_seconds=4 * 3600,
        lost_seconds=CheckpointConfig().interval / 2,
        archive_requests_per_second=archive.requests_per_second,
        archive_connections=archive.connections,
        archive_file_seconds=0.4,
        ledger_units_per_second=figures.ledger_units_per_second,
        index_seconds=figures.index_seconds,
        report_seconds=figures.report_seconds,
    )


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.campaign_costs")
    parser.add_argument("--python", default=sys.executable, help="whose start is measured")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each ledger (12)")
    parser.add_argument("--directory", type=Path, help="where to work (a temporary one)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmark_costs.md")
    options = parser.parse_args()
    pin_to_one_core()
    figures = published.read(ROOT / "docs")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="cvzmpi-costs-") as name:
        scratch = Path(name)
        _say("the start of a rank")
        rank = start.measure(scratch, options.python)
        _say("files of light curves")
        fits, _ = light_curve_files(scratch, _SEVERAL)
        files = file_work.measure(fits, scratch / "files", figures.core_seconds)
        _say("ledger")
        rates = ledger_rate.measure(scratch, options.seconds)
    now = costs(figures, rank, files)
    half = replace(
        now,
        core_seconds=now.core_seconds / 2,
        synchronisations=file_work.synchronisations(now.core_seconds / 2),
    )
    text = page.text(now, half, rank, files, rates, load=load, load_end=os.getloadavg()[0])
    options.output.write_text(text, encoding="utf-8")
    _say(f"all of it is in {options.output.name}")


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)


if __name__ == "__main__":
    main()
