#!/usr/bin/env bash
#
# The tests on a real Slurm: a cluster of two virtual nodes on this machine, brought
# up for them and taken down afterwards. Needs root; installs Slurm where it is
# missing (Debian, Ubuntu). Where that cannot be, they are skipped and say why.
#
#   tools/test_slurm.sh                  all
#   tools/test_slurm.sh -k grace         arguments go to pytest
#   CVZMPI_SLURM=required tools/...      to be unable is an error
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

CVZMPI_SLURM=${CVZMPI_SLURM:-1} exec .venv/bin/python -m pytest tests/slurm --durations=0 --durations-min=1 "$@"
