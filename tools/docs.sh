#!/usr/bin/env bash
#
# Builds the documentation site in docs/_build/html, the tutorials executed; warnings are
# errors. What it needs is installed where it is missing; the build itself is offline.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=.venv/bin/python

installed() { $PYTHON -c 'import furo, myst_nb, numpydoc, sphinx_copybutton, sphinx_design' 2>/dev/null; }

if ! installed; then
    echo "docs: installing the extra docs"
    # The constraint keeps pip from ever replacing the parallel h5py.
    $PYTHON -m pip install --quiet --prefer-binary --constraint .setup/constraints.txt -e '.[docs]' \
        >.setup/docs.log 2>&1 || { tail -n 20 .setup/docs.log >&2; exit 1; }
fi
tools/fetch_light_curve.sh

# -E: nothing of an earlier build is taken; -n: references that lead nowhere are warnings.
$PYTHON -m sphinx --builder html -E -n -W --keep-going --quiet docs docs/_build/html
$PYTHON -m pytest -q -m docs_site tests/docs_site
echo "docs: docs/_build/html/index.html"
