#!/usr/bin/env bash
#
# Works on a campaign on this machine. Start it again after any stop: only what is
# missing is done.
#
#   ./run_here.sh                one rank more than cores (rank 0 only schedules), or
#                                one process where there is no MPI
#   ./run_here.sh 3 [ARGUMENTS]  three ranks; what follows goes to `cvzmpi run`
#   ./run_here.sh 1              one process
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# The Python that has cvzmpi.
PYTHON=${PYTHON:-python3}

ranks=${1:-}
[ $# -eq 0 ] || shift
case $ranks in *[!0-9]*)
    echo "run_here.sh: $ranks: expected a number of ranks" >&2
    exit 2
    ;;
esac

PATH=$(dirname "$PYTHON"):$PATH # pip's MPI has its mpirun there
has_mpi() { command -v mpirun >/dev/null && "$PYTHON" -c 'from mpi4py import MPI' 2>/dev/null; }
if [ -z "$ranks" ]; then
    ranks=1
    ! has_mpi || ranks=$(($(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc) + 1)) # OpenMP settings are no cores
fi

[ "$ranks" -gt 1 ] || exec "$PYTHON" -m cvzmpi run "$@"
mpirun=$("$PYTHON" -c 'from cvzmpi.job_scripts import job_script; print(job_script("mpirun.sh"))')
exec bash "$mpirun" -n "$ranks" "$PYTHON" -m cvzmpi run "$@"
