#!/usr/bin/env bash
#
# Says what `srun --mpi=...` has to be here: what this Slurm offers and the MPI
# library of mpi4py understands. With a wrong one every rank is a world of its own.
#
#   choose_mpi.sh [PYTHON]               prints pmix, pmi2, ...
set -euo pipefail

PYTHON=${1:-python3}

die() {
    printf 'cvzmpi: %s\n' "$*" >&2
    exit 2
}

library() { # the name of the MPI library; starts no MPI
    "$PYTHON" - <<'PY'
import mpi4py

mpi4py.rc.initialize = False
from mpi4py import MPI

print(" ".join(MPI.Get_library_version().rstrip("\0").split()))
PY
}

# Slurm 22 lists names one a line, older ones `srun: pmix`; and, apart, `specific pmix
# plugin versions available: pmix_v4,pmix_v3`.
offered() {
    srun --mpi=list 2>&1 | sed 's/^srun: //; s/.*available://' | tr -s ', \t' '\n' | grep -xE '[a-z0-9_]+' | sort -u
}

command -v srun >/dev/null || die "no srun on PATH: this is for a Slurm cluster"
library=$(library) || die "mpi4py does not work in $PYTHON: pip install 'cvzmpi[mpi]', or run 'make setup'"
offered=$(offered) || die "srun --mpi=list does not answer"

# In the order of preference. `pmix` is the newest version that Slurm has.
case $library in
*"Open MPI"*) understood=(pmix pmix_v5 pmix_v4 pmix_v3 pmix_v2) ;;
*CRAY* | *Cray*) understood=(cray_shasta pmi2) ;;
*) understood=(pmi2 pmix) ;; # MPICH, Intel MPI, MVAPICH
esac
for name in "${understood[@]}"; do
    if grep -qx "$name" <<<"$offered"; then
        echo "$name"
        exit
    fi
done
die "srun --mpi=list offers $(tr '\n' ' ' <<<"$offered"), but ${library:0:40} needs one of ${understood[*]}: name another with SRUN_MPI=..."
