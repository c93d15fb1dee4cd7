#!/usr/bin/env bash
#
# All tests: without MPI in as many processes as there are cores, then those marked `mpi` with 2, 3
# and 5 ranks. The closing lines of the four pytest runs are repeated at the end.
#
#   tools/test.sh                        all
#   tools/test.sh -k gaps                arguments go to pytest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=.venv/bin/python
# A test that hangs under MPI shows where all ranks are, then everything ends.
HANGS_AFTER=300
ENDS_AFTER=1200
mkdir -p .setup
failed=0
closing=()

run() { # run NAME COMMAND...
    local name=$1 log=.setup/pytest-$1.log
    shift
    printf '\n--- tests: %s\n' "$name"
    "$@" 2>&1 </dev/null | tee "$log" || failed=1
    closing+=("$(printf '%-8s' "$name") $(grep -aE '^=+ .* in [0-9.]+s.* =+$' "$log" | tail -n 1 || true)")
}

# Tests of one file share what they prepare, so that a file stays with one process.
run no-mpi "$PYTHON" -m pytest -n "$(nproc)" --dist loadfile "$@"
# --color=no: mpirun gives rank 0 a terminal even where there is none.
for ranks in 2 3 5; do
    run "$ranks-ranks" timeout "$ENDS_AFTER" tools/mpirun.sh -n "$ranks" "$PYTHON" -m mpi4py -m tools.mpi_pytest \
        -x --with-mpi -m mpi --color=no -p no:cacheprovider -o "faulthandler_timeout=$HANGS_AFTER" "$@"
done

printf '\n--- tests: all\n'
printf '%s\n' "${closing[@]}"
exit "$failed"
