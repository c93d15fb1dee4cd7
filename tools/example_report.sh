#!/usr/bin/env bash
#
# The report of 20 invented stars in three sectors each, worked on by the real
# pipeline with fewer injections than a campaign has: some minutes on two cores.
#
#   tools/example_report.sh              into demo/example
#   tools/example_report.sh DIRECTORY    somewhere else
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

directory=${1:-demo/example}
.venv/bin/cvzmpi simulate "$directory/input" --stars 20 --sectors 3 --seed 12 >/dev/null
tools/mpirun.sh -n 3 .venv/bin/python -m cvzmpi run --input "$directory/input" --output "$directory/output" \
    --set seed=12 --set inject.n_inject=300 --set inject.n_repeat=5
tools/mpirun.sh -n 2 .venv/bin/python -m cvzmpi report "$directory/output" --output "$directory/report"
