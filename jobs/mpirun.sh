#!/usr/bin/env bash
#
# mpirun for one's own machine, CI and containers: the one beside the program that is
# started, where pip brought an MPI, or else the one on PATH; with what Open MPI needs
# to start as root, with more ranks than cores, and beside other jobs. Inside of a
# batch job nothing of this is set: there the queue decides.
#
#   tools/mpirun.sh -n 3 .venv/bin/python -m cvzmpi
set -euo pipefail

mpirun=mpirun
for word in "$@"; do
    if [[ $word == */* && -x $word && -x ${word%/*}/mpirun ]]; then
        mpirun=${word%/*}/mpirun
        break
    fi
done
command -v "$mpirun" >/dev/null || {
    echo "mpirun: not found; load an MPI ('module load openmpi'), or pip install 'cvzmpi[mpi]'" >&2
    exit 127
}

# One core a rank.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

ranks() { # the N of -n N, -np N, --np N
    while [ $# -gt 0 ]; do
        case $1 in -n | -np | --n | --np) echo "${2:-1}" && return ;; esac
        shift
    done
    echo 1
}

in_a_batch_job() { [ -n "${SLURM_JOB_ID:-}${PBS_JOBID:-}${LSB_JOBID:-}" ]; }

if ! in_a_batch_job && [[ $("$mpirun" --version 2>/dev/null) == *"Open MPI"* ]]; then
    if [ "$(id -u)" -eq 0 ]; then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    # Each setting twice: Open MPI 4 reads OMPI_MCA_*, 5 reads PRTE_MCA_*.
    if [ "$(ranks "$@")" -gt "$(nproc)" ]; then
        export OMPI_MCA_rmaps_base_oversubscribe=1
        export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
    fi
    # Open MPI binds rank 0 to core 0, and so does the next mpirun beside it.
    export OMPI_MCA_hwloc_base_binding_policy=none
    export PRTE_MCA_hwloc_default_binding_policy=none
    # All ranks are on this machine: shared memory does, and TCP complains of
    # networks that it cannot use.
    export OMPI_MCA_btl=${OMPI_MCA_btl:-^tcp}
    # Containers forbid to read another process's memory.
    export OMPI_MCA_btl_vader_single_copy_mechanism=none
fi

exec "$mpirun" "$@"
