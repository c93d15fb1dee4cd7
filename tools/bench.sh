#!/usr/bin/env bash
#
# Measures cvzmpi beside stella, Keras, celerite2 and mpi4py.futures, and writes
# docs/benchmark.md and its figures. The first time, it makes a second virtual
# environment, .venv-reference, for stella and TensorFlow (a few minutes).
#
#   tools/bench.sh                       all of it, about 25 minutes on two cores
#   tools/bench.sh --quick               a smoke run without the reference
#   tools/bench.sh --earlier             only beside an earlier version: six minutes
#   tools/bench.sh --help                all options
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=.venv/bin/python
REFERENCE=.venv-reference
STAMP=.setup/reference-stamp
LOG=.setup/reference.log
# stella asks for versions of 2020 that no longer install; these are what it imports.
IMPORTED=("tensorflow-cpu>=2.16" "lightkurve>=2.5" scikit-learn tqdm astropy scipy more-itertools matplotlib celerite2)

die() {
    printf 'bench: %s\n' "$*" >&2
    exit 1
}

fingerprint() {
    cksum <tools/bench.sh
    echo "$PWD"
    $PYTHON -c 'import sys; print(sys.base_prefix, sys.version)'
}

pip_install() { $REFERENCE/bin/python -m pip install --quiet --prefer-binary "$@"; }

install_reference() {
    $PYTHON -m venv --clear $REFERENCE
    pip_install "${IMPORTED[@]}"
    # Keras 2 of the same TensorFlow; its dependency would be a second, larger TensorFlow.
    local minor
    minor=$($REFERENCE/bin/python -c 'from importlib.metadata import version; print(".".join(version("tensorflow-cpu").split(".")[:2]))')
    pip_install --no-deps "tf-keras==$minor.*"
    pip_install --no-deps stella==0.1.0
    TF_USE_LEGACY_KERAS=1 $REFERENCE/bin/python -c 'import stella'
}

set_up_reference() {
    if [ "$(fingerprint)" != "$(cat $STAMP 2>/dev/null)" ]; then
        rm -f $STAMP
        echo "bench: making $REFERENCE for stella and TensorFlow (some minutes)"
        # Not `if`: bash would ignore `set -e` inside of the function then.
        set +e
        (
            set -e
            export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
            unset PYTHONPATH PYTHONHOME
            install_reference
        ) >$LOG 2>&1 </dev/null
        local status=$?
        set -e
        [ $status -eq 0 ] || die "the reference cannot be installed ($(grep -v '^ *$' $LOG | tail -n 1)); all of it: $LOG; without it: tools/bench.sh --no-reference"
        fingerprint >$STAMP
    fi
    $PYTHON -m tools.bench.reference.models .setup/stella-models
}

[ -x $PYTHON ] || die "no .venv here: run 'make setup' first, or 'make bench', which does it"
needs_reference=yes
for argument in "$@"; do
    case $argument in --quick | --no-reference | --earlier | -h | --help) needs_reference=no ;; esac
done
[ $needs_reference = no ] || set_up_reference
exec $PYTHON -m tools.bench "$@"
