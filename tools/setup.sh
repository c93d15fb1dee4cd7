#!/usr/bin/env bash
#
# Sets cvzmpi up in a virtual environment `.venv` at the project's root:
#
#   1. an MPI and a parallel HDF5 with headers: found, or installed with apt-get
#   2. .venv, with mpi4py and an h5py built against exactly that HDF5
#   3. cvzmpi itself (editable) and its development tools
#
# It can be run again at any time: what is there and right is kept, and when
# nothing has changed it only checks and is done in about a second.
#
#   tools/setup.sh                       the first python3 on PATH
#   PYTHON=/path/to/python3.12 tools/setup.sh
#
# Full logs are in .setup/*.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

H5PY_REQUIREMENT="h5py==3.16.0"
MPI4PY_REQUIREMENT="mpi4py>=4.1"
BUILD_REQUIREMENTS=("numpy>=2.0" "$MPI4PY_REQUIREMENT" "Cython>=3,<4" "setuptools>=77.0.1" pkgconfig packaging)
MPI_PACKAGES=(openmpi-bin libopenmpi-dev libhdf5-openmpi-dev gcc libc6-dev pkg-config)

PYTHON=${PYTHON:-python3}
VENV=.venv
STATE=.setup
STAMP=$STATE/stamp

# Whatever people have in their environment, pip works in .venv, quietly, and
# asks nothing.
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0

# --- saying what happens ------------------------------------------------------

say() { printf '%s\n' "$*"; }

die() {
    printf 'set-up: %s\n' "$*" >&2
    exit 1
}

seconds_since() { # seconds_since START: with one digit; START from `now`
    awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'
}

now() { date +%s.%N; }

# step LOG "what it does" COMMAND...: one line on the screen, all output in
# .setup/LOG.log, and the end of that when the command fails.
step() {
    local log=$STATE/$1.log what=$2 start status
    shift 2
    start=$(now)
    printf '  %-46s' "$what"
    # Not `if "$@"`: bash would ignore `set -e` inside of functions then.
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    if [ "$status" -ne 0 ]; then
        printf ' failed after %s s\n' "$(seconds_since "$start")"
        tail -n 20 "$log" | sed 's/^/    | /' >&2
        die "'$what' failed; all of its output is in $log"
    fi
    printf ' %6s s\n' "$(seconds_since "$start")"
}

# --- system packages ----------------------------------------------------------

# May we install packages? Asked once, before anything is tried: people without
# sudo rights get the line on what to load, not a failing apt-get.
can_install() {
    if [ -z "${CAN_INSTALL:-}" ]; then
        CAN_INSTALL=no
        if command -v apt-get >/dev/null; then
            if [ "$(id -u)" -eq 0 ]; then
                CAN_INSTALL=yes
            elif command -v sudo >/dev/null; then
                if sudo -n true 2>/dev/null; then
                    CAN_INSTALL=yes
                elif [ -t 0 ] && [ -t 1 ]; then
                    say "set-up: system packages are missing; sudo may ask for your password to install them"
                    if sudo -v; then CAN_INSTALL=yes; fi
                fi
            fi
        fi
    fi
    [ "$CAN_INSTALL" = yes ]
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_install() {
    local options=(-y --no-install-recommends -o DPkg::Lock::Timeout=300)
    # A fresh image has no package lists; old lists name files that are gone.
    compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null || as_root apt-get update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" && return
    as_root apt-get update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@"
}

# --- the Python interpreter ---------------------------------------------------

find_python() {
    if ! command -v "$PYTHON" >/dev/null; then
        if [ "$PYTHON" != python3 ] || ! can_install; then
            die "no '$PYTHON' on PATH: load Python >= 3.10 (module load python) or name one with PYTHON=/path/to/python3"
        fi
        step apt-python "installing Python" apt_install python3 python3-venv python3-dev
    fi
    local version
    version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])') ||
        die "$(command -v "$PYTHON") does not run: name another Python >= 3.10 with PYTHON=/path/to/python3"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        die "$(command -v "$PYTHON") is Python $version, 3.10 or newer is needed: load one, or name one with PYTHON=/path/to/python3"
    python_is_whole && return
    # Debian and Ubuntu keep ensurepip and the headers in packages of their own.
    if can_install && [[ $("$PYTHON" -c 'import sys; print(sys.base_prefix)') == /usr ]]; then
        step apt-python "installing venv and headers of Python $version" \
            apt_install "python$version-venv" "python$version-dev"
    fi
    python_is_whole ||
        die "$(command -v "$PYTHON") lacks the venv module or its C headers: install python$version-venv and python$version-dev, or name another one with PYTHON=/path/to/python3"
}

python_is_whole() {
    "$PYTHON" - 2>/dev/null <<'PY'
import os, sysconfig
import ensurepip, venv
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
PY
}

# --- MPI and parallel HDF5 ----------------------------------------------------

# Compiles and links a program that needs MPI and an HDF5 with MPI: the one
# question that matters, whoever installed them and wherever.
hdf5_is_parallel() { # hdf5_is_parallel COMPILER_FLAGS...
    local dir status=0
    dir=$(mktemp -d)
    cat >"$dir/probe.c" <<'C'
#include <mpi.h>
#include <hdf5.h>
#ifndef H5_HAVE_PARALLEL
#error "this HDF5 was built without MPI"
#endif
int main(void) { return (int)H5Pset_fapl_mpio(0, MPI_COMM_WORLD, MPI_INFO_NULL); }
C
    mpicc -o "$dir/probe" "$dir/probe.c" "$@" -lhdf5 >>$STATE/hdf5.log 2>&1 || status=1
    rm -rf "$dir"
    return $status
}

# openmpi, or mpich for everything that descends from MPICH. Asked of mpi.h: the
# names of the commands say little where two MPIs are installed.
mpi_flavour() {
    # Not `grep -q`: it leaves early, mpicc dies of that, and pipefail tells.
    if mpicc -dM -E -include mpi.h -x c /dev/null 2>/dev/null | grep '^#define OPEN_MPI ' >/dev/null; then
        echo openmpi
    else
        echo mpich
    fi
}

# Sets HDF5_SETTINGS to what h5py's build wants to know. The order: what people
# ask for (HDF5_DIR, as environment modules set it), then an active conda
# environment, then h5pcc on PATH, then pkg-config.
find_hdf5() {
    local prefix name
    command -v mpicc >/dev/null || return 1
    : >$STATE/hdf5.log
    for prefix in "${HDF5_DIR:-}" "${HDF5_ROOT:-}" "${HDF5_HOME:-}" "${CONDA_PREFIX:-}" "$(h5pcc_prefix)"; do
        if [ -n "$prefix" ] && [ -e "$prefix/include/hdf5.h" ] &&
            hdf5_is_parallel "-I$prefix/include" "-L$prefix/lib" "-L$prefix/lib64"; then
            HDF5_SETTINGS=("HDF5_DIR=$prefix")
            return 0
        fi
    done
    command -v pkg-config >/dev/null || return 1
    for name in hdf5-openmpi hdf5-mpich hdf5; do
        # Debian has one HDF5 for each MPI beside the other; they must not mix.
        case $name in hdf5-*) [ "${name#hdf5-}" = "$(mpi_flavour)" ] || continue ;; esac
        # shellcheck disable=SC2046 # the flags are words
        if pkg-config --exists "$name" && hdf5_is_parallel $(pkg-config --cflags --libs "$name"); then
            HDF5_SETTINGS=("HDF5_PKGCONFIG_NAME=$name")
            return 0
        fi
    done
    return 1
}

h5pcc_prefix() {
    command -v h5pcc >/dev/null || return 0
    h5pcc -showconfig 2>/dev/null | sed -n 's/^ *Installation point: *//p'
}

find_mpi_and_hdf5() {
    if ! find_hdf5 && can_install; then
        step apt-mpi "installing MPI and parallel HDF5" apt_install "${MPI_PACKAGES[@]}"
        find_hdf5 || true
    fi
    if [ -z "${HDF5_SETTINGS+set}" ]; then
        local missing="parallel HDF5 with headers for this mpicc"
        command -v mpicc >/dev/null || missing="MPI compiler (mpicc)"
        die "no $missing found, and no right to install one: 'module load openmpi hdf5-parallel' (names differ: try 'module spider hdf5'), or in conda 'conda install -c conda-forge openmpi \"hdf5=*=mpi_openmpi*\" c-compiler pkg-config', then run this again"
    fi
}

# --- the virtual environment --------------------------------------------------

# A virtual environment knows its place and its interpreter: made anew when
# either has changed.
venv_is_right() {
    [ -x $VENV/bin/python ] && [ -x $VENV/bin/pip ] || return 1
    local here wanted
    wanted="$PWD/$VENV $("$PYTHON" -c 'import sys; print(sys.base_prefix, sys.version)')"
    here=$($VENV/bin/python -c 'import sys; print(sys.prefix, sys.base_prefix, sys.version)' 2>/dev/null)
    [ "$here" = "$wanted" ] && grep -qF "$PWD/$VENV" $VENV/bin/pip
}

pip_install() {
    $VENV/bin/python -m pip install --prefer-binary "$@"
}

# The wheel of mpi4py takes the first MPI library that it finds. Where that is
# none, or another one than that of mpicc, it is built here, with little
# optimisation: a full one takes gigabytes of memory and many minutes.
install_mpi4py() {
    pip_install "${BUILD_REQUIREMENTS[@]}"
    mpi4py_is_right && return
    MPICC=mpicc CFLAGS="-O0 -g0" pip_install --no-cache-dir --no-build-isolation --no-deps --force-reinstall \
        --no-binary mpi4py "$MPI4PY_REQUIREMENT"
    mpi4py_is_right
}

# Nothing here and below starts MPI: on login nodes MPI_Init may be forbidden.
mpi4py_is_right() {
    $VENV/bin/python - "$(mpi_flavour)" <<'PY'
import sys

import mpi4py

mpi4py.rc(initialize=False, finalize=False)
from mpi4py import MPI

library = MPI.Get_library_version()
print(library)
sys.exit(("Open MPI" in library) != (sys.argv[1] == "openmpi"))
PY
}

h5py_is_parallel() {
    $VENV/bin/python - <<'PY'
import sys

import mpi4py

mpi4py.rc(initialize=False, finalize=False)
import h5py
from mpi4py import MPI

sys.exit(0 if h5py.get_config().mpi and MPI.Get_library_version() else 1)
PY
}

install_h5py() {
    # Built for speed of the build: h5py is glue, HDF5 itself is built already.
    printf '[build_ext]\nparallel=%d\n' "$(nproc)" >$STATE/build.cfg
    # --no-build-isolation: else the build compiles an mpi4py of its own.
    # --no-cache-dir: else pip may hand back a serial h5py it built earlier.
    env -u HDF5_DIR -u HDF5_PKGCONFIG_NAME "${HDF5_SETTINGS[@]}" \
        HDF5_MPI=ON CC=mpicc CFLAGS="-O1 -g0" DIST_EXTRA_CONFIG="$PWD/$STATE/build.cfg" \
        $VENV/bin/python -m pip install --no-cache-dir --no-build-isolation --no-deps --force-reinstall \
        --no-binary h5py "$H5PY_REQUIREMENT"
    h5py_is_parallel
    h5py_is_for >$STATE/h5py-is-for
}

# Which MPI and HDF5 h5py is built for: with other modules loaded, it is built anew.
h5py_is_for() { echo "$(command -v mpicc) $(mpi_flavour) ${HDF5_SETTINGS[*]}"; }

h5py_is_right() {
    [ "$(h5py_is_for)" = "$(cat $STATE/h5py-is-for 2>/dev/null)" ] && h5py_is_parallel 2>/dev/null
}

install_cvzmpi() {
    # The constraint keeps pip from ever replacing the parallel h5py.
    echo "$H5PY_REQUIREMENT" >$STATE/constraints.txt
    pip_install -c $STATE/constraints.txt -e '.[dev]'
    h5py_is_parallel
}

# The proof: two ranks write one file together. Not fatal, because login nodes
# often forbid to start MPI at all.
check_two_ranks() {
    command -v mpirun >/dev/null || return 0
    local program=$STATE/two_ranks.py
    cat >$program <<'PY'
import os
import sys
import tempfile

import h5py
from mpi4py import MPI

comm = MPI.COMM_WORLD
assert comm.size == 2, f"mpirun started 2 processes, mpi4py sees {comm.size}: two different MPIs"
path = comm.bcast(os.path.join(tempfile.gettempdir(), f"cvzmpi-{os.getpid()}.h5"))
with h5py.File(path, "w", driver="mpio", comm=comm) as file:
    file.create_dataset("rank", (2,), dtype="i4")[comm.rank] = comm.rank
comm.Barrier()
if comm.rank == 0:
    with h5py.File(path) as file:
        written = file["rank"][:].tolist()
    os.remove(path)
    sys.exit(written != [0, 1])
PY
    if timeout 60 tools/mpirun.sh -n 2 $VENV/bin/python -m mpi4py $program >$STATE/two_ranks.log 2>&1 </dev/null; then
        say "  two MPI ranks wrote one HDF5 file together: good"
    else
        say "  two MPI ranks could not write one HDF5 file here (on a login node: try in a job); see $STATE/two_ranks.log"
    fi
}

# --- all of it ----------------------------------------------------------------

fingerprint() {
    cat pyproject.toml tools/setup.sh | cksum
    echo "$PWD $(command -v mpicc) $(mpi_flavour)"
    "$PYTHON" -c 'import sys; print(sys.base_prefix, sys.version)'
}

main() {
    local start
    start=$(now)
    mkdir -p $STATE

    # Two at once would write into one .venv. The lock goes with the process.
    if command -v flock >/dev/null; then
        exec 9>$STATE/lock
        flock -n 9 || { say "set-up: waiting for another one that is running" && flock 9; }
    fi
    if [ -n "${PYTHONPATH:-}" ]; then
        say "set-up: PYTHONPATH is set and would come before .venv; it is left out here, unset it for cvzmpi too"
    fi
    unset PYTHONPATH PYTHONHOME

    if [ -e $STAMP ] && command -v "$PYTHON" >/dev/null && command -v mpicc >/dev/null &&
        [ "$(fingerprint)" = "$(cat $STAMP)" ] && venv_is_right && h5py_is_parallel 2>/dev/null; then
        say "set-up: complete, nothing to do ($(seconds_since "$start") s)"
        return
    fi
    rm -f $STAMP

    say "set-up of cvzmpi in $PWD/$VENV"
    find_python
    find_mpi_and_hdf5
    venv_is_right || step venv "virtual environment" "$PYTHON" -m venv --clear $VENV
    step mpi4py "numpy, mpi4py and what builds h5py" install_mpi4py
    if ! h5py_is_right; then
        step h5py "h5py, built against that HDF5 (a minute)" install_h5py
    fi
    step cvzmpi "cvzmpi and its tools" install_cvzmpi
    check_two_ranks
    fingerprint >$STAMP
    say "set-up: complete in $(seconds_since "$start") s"
}

main "$@"
