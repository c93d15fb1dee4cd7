"""The command line of the benchmark: `.venv/bin/python -m tools.bench`, or `make bench`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import mpi4py

from cvzmpi.mpi.launch import pin_to_one_core

# Before NumPy is imported, in this process and in those that compare decisions. As in the tests,
# the BLAS kernels are those that cvzmpi chooses, whatever the environment happens to ask for.
os.environ.pop("OPENBLAS_CORETYPE", None)
pin_to_one_core()
# This process reads files with an h5py that knows MPI, but must not be an MPI process: it starts
# mpirun.
mpi4py.rc(initialize=False, finalize=False)

from tools.bench.session import Plan, beside_earlier, measure_everything  # noqa: E402
from tools.harness.job_process import ROOT  # noqa: E402


def main() -> None:
    """Measure, print the table, write it to the docs."""
    parser = argparse.ArgumentParser(prog="tools/bench.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: small, no reference")
    parser.add_argument("--no-reference", action="store_true", help="leave the reference out")
    parser.add_argument("--repeats", type=int, default=5, help="of each measurement (5)")
    parser.add_argument("--decisions", type=int, default=20_000, help="to be compared (20000)")
    parser.add_argument("--output", type=Path, help="where to write (docs; quick: .setup/bench)")
    parser.add_argument(
        "--earlier",
        action="store_true",
        help="print only the lines beside an earlier version, by processor time (six minutes)",
    )
    parser.add_argument(
        "--flares", type=int, default=2000, help="with --earlier: of each light curve (2000)"
    )
    parser.add_argument("--curves", type=int, default=10, help="with --earlier: light curves (10)")
    options = parser.parse_args()
    if options.earlier:
        print(beside_earlier(options.curves, options.flares))
        return

    plan = Plan.quick() if options.quick else Plan(options.repeats, options.decisions)
    if options.no_reference:
        plan.reference = False
    output = options.output or (ROOT / ".setup" / "bench" if options.quick else ROOT / "docs")
    measure_everything(plan, output)


if __name__ == "__main__":
    main()
